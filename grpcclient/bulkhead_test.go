package grpcclient_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"flowgate/grpcclient"
	"flowgate/internal/agent"
	"flowgate/internal/workflow"
	"flowgate/proto/agenttest"

	"google.golang.org/grpc"
)

type tierKey struct{}

func of(ctx context.Context, tier string) context.Context {
	return context.WithValue(ctx, tierKey{}, tier)
}

func tier(ctx context.Context) string { s, _ := ctx.Value(tierKey{}).(string); return s }

// TestBulkhead floods one tier with calls, turns and watches that hang: what
// is too much for it waits a moment and is refused, and the others, and its
// own calls of another kind, go through. Places come back.
func TestBulkhead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		hang := func(ctx context.Context) error {
			select {
			case <-release:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		e := &engine{
			cancel: func(ctx context.Context, _, id string) error {
				if id == "hangs" {
					return hang(ctx)
				}
				return nil
			},
			watch: func(ctx context.Context, _, _ string, _ int64, _ func(workflow.Event) error) error { return hang(ctx) },
		}
		lis := agent.NewInProcess()
		serve(t, agent.Options{Engine: e}, lis)
		c := dial(t, grpcclient.Options{Dialer: lis.Dial, Tier: tier, Bulkhead: grpcclient.Bulkhead{Calls: 3, Turns: 2, Watches: 1}})
		done := make(chan error, 10)
		start := func(n int, call func() error) {
			for range n {
				go func() { done <- call() }()
			}
			synctest.Wait()
		}
		mcp, app := of(t.Context(), "mcp"), of(t.Context(), "app")
		start(3, func() error { return c.Cancel(mcp, "ann", "hangs") })
		start(1, func() error { return c.Watch(mcp, "ann", "e", 0, nil) })

		began := time.Now()
		for name, err := range map[string]error{"calls": c.Cancel(mcp, "ann", "e"), "watches": c.Watch(mcp, "ann", "e", 0, nil)} {
			if wantCode(t, err, workflow.CodeUnavailable); workflow.ReasonOf(err) != "agent_busy" {
				t.Errorf("%s beyond the tier's places: %v", name, err)
			}
		}
		if waited := time.Since(began); waited != 10*time.Second {
			t.Errorf("they waited %v", waited)
		}
		gone, cancel := context.WithCancel(mcp)
		cancel()
		wantCode(t, c.Cancel(gone, "ann", "e"), workflow.CodeCancelled)
		if err := c.Cancel(app, "ann", "e"); err != nil {
			t.Errorf("the flooded tier starves another: %v", err)
		}
		if c.BreakerState() != "closed" {
			t.Error("a full bulkhead counted as a failure of the agent")
		}
		start(1, func() error { return c.Cancel(mcp, "ann", "e") }) // waits for a place
		close(release)
		for range 5 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if err := c.Cancel(mcp, "ann", "e"); err != nil {
			t.Errorf("places do not come back: %v", err)
		}
	})
}

// TestBulkheadOfTurns has conversations take no place of short calls', of the
// same tier least of all.
func TestBulkheadOfTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		lis := agent.NewInProcess()
		agenttest.Serve(t, lis, agenttest.July26, func(s grpc.ServerStream, _ agenttest.Request, _ func(string) error) error {
			<-s.Context().Done()
			return s.Context().Err()
		})
		c := dial(t, grpcclient.Options{Dialer: lis.Dial, Tier: tier, Bulkhead: grpcclient.Bulkhead{Calls: 1, Turns: 2}})
		ctx, cancel := context.WithCancel(of(t.Context(), "app"))
		done := make(chan error, 2)
		for range 2 {
			go func() { done <- c.Converse(ctx, workflow.Turn{OwnerID: "ann", Message: "hi"}, nil) }()
		}
		synctest.Wait()
		err := c.Converse(ctx, workflow.Turn{OwnerID: "ann", Message: "hi"}, nil)
		if workflow.ReasonOf(err) != "agent_busy" {
			t.Errorf("a third conversation got %v", err)
		}
		wantCode(t, c.Cancel(ctx, "ann", "e"), workflow.CodeUnsupported) // it reached the agent
		cancel()
		for range 2 {
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
	})
}
