package durable

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"
)

func begin(t *testing.T, rt *Runtime, id string) {
	t.Helper()
	if err := rt.Begin(id); err != nil {
		t.Fatal(err)
	}
}

func (w *world) journaled(t *testing.T) int {
	t.Helper()
	return w.count(t, `SELECT count(*) FROM %workflow_status`)
}

func never(o *Options) { o.JournalAfter = time.Hour }

func TestBegunRunLeavesNothing(t *testing.T) {
	t.Parallel()
	w := newFile(t)
	done := make(chan string, 1)
	rt := open(t, w, never, func(r *Run) error { done <- r.ID() + r.EngineVersion(); return nil })
	begin(t, rt, "x")
	if got := receive(t, done); got != "xtest-1" {
		t.Error(got)
	}
	if err := rt.Close(t.Context()); err != nil || w.journaled(t) != 0 {
		t.Errorf("%v, %d runs journaled", err, w.journaled(t))
	}
	if err := rt.Begin("y"); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

func TestBegunRunEntersTheJournal(t *testing.T) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, w *world) {
		release := make(chan struct{})
		var until, calls atomic.Int64
		rt := open(t, w, func(o *Options) { o.JournalAfter = 50 * time.Millisecond }, func(r *Run) error {
			calls.Add(1)
			step := func(context.Context) ([]byte, error) { return nil, w.effect(r.ID(), "a") }
			switch r.ID() {
			case "step":
				_, err := r.Step("a", step)
				return err
			case "go":
				_, err := r.Go("a", step)()
				return err
			case "sleep":
				return r.Sleep(time.UnixMilli(until.Load()))
			}
			<-release
			return nil
		})
		until.Store(time.Now().Add(time.Second).UnixMilli())
		for _, id := range []string{"step", "go", "sleep", "long"} {
			begin(t, rt, id)
		}
		await(t, 10*time.Second, "all are in the journal", func() bool { return w.journaled(t) == 4 })
		close(release)
		await(t, 10*time.Second, "all ended", func() bool {
			return w.count(t, `SELECT count(*) FROM %workflow_status WHERE status = 'SUCCESS'`) == 4
		})
		if n := calls.Load(); n != 5 || w.effects(t, "step", "a") != 1 || w.effects(t, "go", "a") != 1 {
			t.Errorf("%d calls; expected one of each, and of the sleeper two", n)
		}
	})
}

func TestBegunRunIsCancelled(t *testing.T) {
	t.Parallel()
	for _, after := range []time.Duration{time.Millisecond, time.Hour} {
		w := newFile(t)
		ended, begun := make(chan error, 2), make(chan bool, 2)
		rt := open(t, w, func(o *Options) { o.JournalAfter = after }, func(r *Run) error {
			begun <- true
			<-r.Context().Done()
			ended <- context.Cause(r.Context())
			return context.Cause(r.Context())
		})
		begin(t, rt, "x")
		receive(t, begun)
		if after < time.Second {
			await(t, 5*time.Second, "it is entered", func() bool { return w.journaled(t) == 1 })
		}
		if err := rt.Cancel(t.Context(), "x"); err != nil {
			t.Error(err)
		}
		if err := receive(t, ended); !errors.Is(err, ErrCancelled) {
			t.Error(err)
		}
		time.Sleep(300 * time.Millisecond) // several scans
		if len(begun) > 0 {
			t.Error("a cancelled run was called again")
		}
	}
}

func TestBegunRunIsCalledAgain(t *testing.T) {
	t.Parallel()
	w := newFile(t)
	var calls atomic.Int64
	rt := open(t, w, never, func(*Run) error {
		if calls.Add(1) == 1 {
			return fmt.Errorf("%w: in a test", ErrInterrupted)
		}
		return nil
	})
	begin(t, rt, "x")
	await(t, 10*time.Second, "it ended", func() bool {
		return w.count(t, `SELECT count(*) FROM %workflow_status WHERE status = 'SUCCESS'`) == 1
	})
	if n := calls.Load(); n != 2 {
		t.Errorf("%d calls", n)
	}
}

// TestBegunRunIsStopped: the caller finds it on its own record.
func TestBegunRunIsStopped(t *testing.T) {
	t.Parallel()
	w := newFile(t)
	begun := make(chan bool, 1)
	rt := open(t, w, never, func(r *Run) error {
		begun <- true
		<-r.Context().Done()
		return context.Cause(r.Context())
	})
	begin(t, rt, "x")
	receive(t, begun)
	stop(t, rt)
	if n := w.journaled(t); n != 0 {
		t.Errorf("%d runs are in the journal", n)
	}
}
