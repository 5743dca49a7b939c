package grpcclient_test

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"flowgate/grpcclient"
	"flowgate/internal/agent"
	"flowgate/internal/workflow"
)

// eventLog is an execution whose events come one each 10 ms, up to last.
func eventLog(last int64, sent *atomic.Int64) *engine {
	return &engine{watch: func(ctx context.Context, _, id string, after int64, fn func(workflow.Event) error) error {
		for seq := after + 1; seq <= last; seq++ {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(10 * time.Millisecond):
			}
			if err := fn(workflow.Event{ExecutionID: id, Seq: seq, Type: workflow.EventLog}); err != nil {
				return err
			}
			sent.Store(seq)
		}
		return nil
	}}
}

// TestWatchResumes: agents come and go, in grace and without; every event
// arrives once and in order.
func TestWatchResumes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var current atomic.Pointer[agent.InProcess]
		var sent atomic.Int64
		const last = 200
		start := func() (stop func()) {
			lis := agent.NewInProcess()
			stop = serve(t, agent.Options{Engine: eventLog(last, &sent)}, lis)
			current.Store(lis)
			return stop
		}
		stop := start()
		var conns atomic.Int64
		var newest atomic.Pointer[net.Conn]
		c := dial(t, grpcclient.Options{Dialer: func(ctx context.Context, s string) (net.Conn, error) {
			conn, err := current.Load().Dial(ctx, s)
			if err == nil {
				conns.Add(1)
				newest.Store(&conn)
			}
			return conn, err
		}})
		reached := make(chan int64, 4)
		go func() {
			for seq := range reached {
				time.Sleep(5 * time.Millisecond) // between two events
				if seq%80 == 0 {
					stop() // a restart
					time.Sleep(time.Second)
					stop = start()
				} else {
					_ = (*newest.Load()).Close() // a torn connection
				}
			}
		}()
		var got []int64
		err := c.Watch(t.Context(), "ann", "e", 3, func(e workflow.Event) error {
			got = append(got, e.Seq)
			if e.Seq%40 == 0 && e.Seq < last {
				reached <- e.Seq
			}
			return nil
		})
		close(reached)
		if err != nil || conns.Load() != 5 {
			t.Fatalf("%v after %d connections, want 5", err, conns.Load())
		}
		for i, seq := range got {
			if seq != int64(i)+4 {
				t.Fatalf("event %d came after %d", seq, i+3)
			}
		}
		if len(got) != last-3 {
			t.Errorf("%d events, want %d", len(got), last-3)
		}
		synctest.Wait()
	})
}

func TestWatchEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var sent atomic.Int64
		c := embedded(t, eventLog(1<<40, &sent))
		boom := errors.New("boom")
		err := c.Watch(t.Context(), "ann", "e", 0, func(e workflow.Event) error {
			if e.Seq == 3 {
				return boom
			}
			return nil
		})
		if err != boom { //nolint:errorlint // it must be the very error
			t.Errorf("fn's error became %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err = c.Watch(ctx, "ann", "e", 0, func(workflow.Event) error { return nil })
		wantCode(t, err, workflow.CodeTimeout)
		synctest.Wait()
		if n := sent.Load(); n > 101 {
			t.Errorf("the engine went on to event %d", n)
		}
	})
}

func TestWatchUnreachable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := dial(t, grpcclient.Options{Dialer: func(context.Context, string) (net.Conn, error) { return nil, net.ErrClosed }})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := c.Watch(ctx, "ann", "e", 0, nil)
		wantCode(t, err, workflow.CodeTimeout)
		if c.BreakerState() != "closed" {
			t.Error("a watch opened the breaker")
		}
	})
}
