package grpcclient_test

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"flowgate/grpcclient"
	"flowgate/internal/agent"
	"flowgate/internal/workflow"
	agentv1 "flowgate/proto/agent/v1"
	"flowgate/proto/agentconv"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// failing returns an answer that fails n times with err, and its call count.
func failing(n int64, err error) (func() error, *atomic.Int64) {
	var calls atomic.Int64
	return func() error {
		if calls.Add(1) <= n {
			return err
		}
		return nil
	}, &calls
}

func TestRetry(t *testing.T) {
	t.Parallel()
	away := status.Error(codes.Unavailable, "away")
	keyed := func(c *grpcclient.Client) error {
		_, _, err := c.Execute(context.Background(), workflow.ExecuteRequest{OwnerID: "ann", IdempotencyKey: "k"})
		return err
	}
	types := func(c *grpcclient.Client) error { _, err := c.NodeTypes(context.Background()); return err }
	for name, tt := range map[string]struct {
		err   error
		call  func(*grpcclient.Client) error
		code  workflow.Code
		calls int64
	}{
		"idempotent, away":       {away, types, "", 3},
		"idempotent, overloaded": {status.Error(codes.ResourceExhausted, "busy"), types, "", 3},
		"idempotent, too large":  {agentconv.ToStatus(workflow.Errorf(workflow.CodeTooLarge, "much")), types, workflow.CodeTooLarge, 1},
		"idempotent, broken":     {status.Error(codes.Internal, "broken"), types, workflow.CodeInternal, 1},
		"execute with key":       {away, keyed, "", 3},
		"execute without key": {away, func(c *grpcclient.Client) error {
			_, _, err := c.Execute(context.Background(), workflow.ExecuteRequest{OwnerID: "ann"})
			return err
		}, workflow.CodeUnavailable, 1},
		"retry": {away, func(c *grpcclient.Client) error {
			_, err := c.Retry(context.Background(), "ann", "e")
			return err
		}, workflow.CodeUnavailable, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				answer, calls := failing(2, tt.err)
				s := &scripted{nodeTypes: answer, execute: answer, retry: answer}
				lis := foreign(t, func(gs *grpc.Server) { agentv1.RegisterWorkflowEngineServer(gs, s) })
				c := dial(t, grpcclient.Options{Dialer: lis.Dial})
				wantCode(t, tt.call(c), tt.code)
				if calls.Load() != tt.calls {
					t.Errorf("%d calls, want %d", calls.Load(), tt.calls)
				}
			})
		})
	}
}

func TestBreaker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var err atomic.Pointer[error]
		set := func(e error) { err.Store(&e) }
		var calls atomic.Int64
		s := &scripted{retry: func() error { calls.Add(1); return *err.Load() }} // a call without retries
		lis := foreign(t, func(gs *grpc.Server) { agentv1.RegisterWorkflowEngineServer(gs, s) })
		c := dial(t, grpcclient.Options{Dialer: lis.Dial})
		call := func(code workflow.Code, state string) {
			t.Helper()
			_, err := c.Retry(t.Context(), "ann", "e")
			wantCode(t, err, code)
			if c.BreakerState() != state {
				t.Fatalf("breaker is %s, want %s", c.BreakerState(), state)
			}
		}
		away := status.Error(codes.Unavailable, "away")
		answered := agentconv.ToStatus(workflow.Errorf(workflow.CodeUnavailable, "store is down"))

		for range 10 { // an agent that answers is no failure
			set(answered)
			call(workflow.CodeUnavailable, "closed")
			set(status.Error(codes.Internal, "broken"))
			call(workflow.CodeInternal, "closed")
		}
		set(away)
		for range 4 {
			call(workflow.CodeUnavailable, "closed")
		}
		call(workflow.CodeUnavailable, "open")
		before := calls.Load()
		time.Sleep(59 * time.Second)
		_, refused := c.Retry(t.Context(), "ann", "e")
		if workflow.ReasonOf(refused) != "circuit_open" || calls.Load() != before {
			t.Fatalf("an open breaker let a call through: %v", refused)
		}
		time.Sleep(2 * time.Second)
		call(workflow.CodeUnavailable, "open") // the trial failed
		time.Sleep(61 * time.Second)
		set(nil)
		call("", "half-open")
		call("", "half-open")
		call("", "closed")
	})
}

// TestNobodyListens: a call waits for the agent as long as it may, then says
// why, and counts as a failure even when the caller's deadline was the shorter.
func TestNobodyListens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hang := func(ctx context.Context, _ string) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() }
		c := dial(t, grpcclient.Options{Dialer: hang})
		for range 5 {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			wantCode(t, c.Cancel(ctx, "ann", "e"), workflow.CodeUnavailable)
			cancel()
		}
		if c.BreakerState() != "open" {
			t.Error("breaker is", c.BreakerState())
		}
		start := time.Now()
		wantCode(t, c.Health(t.Context()), workflow.CodeUnavailable)
		if waited := time.Since(start); waited > 5*time.Second {
			t.Errorf("Health waited %v", waited)
		}
	})
}

// TestLateAgent: the first call waits for an agent that starts after it.
func TestLateAgent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		lis := agent.NewInProcess()
		c := dial(t, grpcclient.Options{Dialer: func(ctx context.Context, s string) (net.Conn, error) {
			if time.Since(start) < 3*time.Second {
				return nil, net.ErrClosed
			}
			return lis.Dial(ctx, s)
		}})
		serve(t, agent.Options{Engine: &engine{cancel: func(context.Context, string, string) error { return nil }}}, lis)
		if err := c.Cancel(t.Context(), "ann", "e"); err != nil {
			t.Error(err)
		}
	})
}

// TestRetryBudget: while everything fails, retries stop after a while and each
// call is sent once; what works again earns them back. The budget is one for
// all calls.
func TestRetryBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var away atomic.Bool
		var sent atomic.Int64
		answer := func() error {
			sent.Add(1)
			if away.Load() {
				return status.Error(codes.ResourceExhausted, "busy")
			}
			return nil
		}
		lis := foreign(t, func(gs *grpc.Server) {
			agentv1.RegisterWorkflowEngineServer(gs, &scripted{nodeTypes: answer, execute: answer})
		})
		c := dial(t, grpcclient.Options{Dialer: lis.Dial})
		round := func(n int) int64 {
			before := sent.Load()
			for i := range n {
				if i%2 == 0 {
					_, _ = c.NodeTypes(t.Context())
				} else {
					_, _, _ = c.Execute(t.Context(), workflow.ExecuteRequest{OwnerID: "ann", IdempotencyKey: "k"})
				}
			}
			return sent.Load() - before
		}
		away.Store(true)
		if n := round(10); n <= 12 {
			t.Errorf("10 failing calls were sent %d times: nothing was retried", n)
		}
		if n := round(20); n > 20 {
			t.Errorf("beyond the budget 20 calls were sent %d times", n)
		}
		away.Store(false)
		round(200)
		away.Store(true)
		if n := round(4); n <= 4 {
			t.Errorf("after 200 successes 4 failing calls were sent %d times", n)
		}
	})
}
