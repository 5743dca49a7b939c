package durable

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestStartTwice(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	w := newFile(t)
	rt := open(t, w, nil, func(*Run) error { calls.Add(1); return nil })
	for range 3 {
		start(t, rt, "x")
	}
	start(t, rt, "y")
	await(t, 5*time.Second, "both ended", func() bool {
		return w.count(t, `SELECT count(*) FROM %workflow_status WHERE status = 'SUCCESS'`) == 2
	})
	start(t, rt, "x")
	if n := calls.Load(); n != 2 {
		t.Errorf("two ids were called %d times", n)
	}
	for _, err := range []error{rt.Cancel(t.Context(), "z"), rt.Send(t.Context(), "z", "go", nil)} {
		if !errors.Is(err, ErrUnknownRun) {
			t.Errorf("unknown id gives %v", err)
		}
	}
	if err := rt.Cancel(t.Context(), "x"); err != nil {
		t.Errorf("cancelling an ended run gives %v", err)
	}
}

func TestFirstStartTogether(t *testing.T) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, w *world) {
		const n = 4
		rts, errs := make(chan *Runtime, n), make(chan error, n)
		for range n {
			go func() {
				rt, err := Open(t.Context(), w.options(func(*Run) error { return nil }))
				rts <- rt
				errs <- err
			}()
		}
		slots := make(map[string]bool)
		for range n {
			if rt, err := receive(t, rts), receive(t, errs); err != nil {
				t.Error(err)
			} else {
				slots[rt.Executor()] = true
				defer stop(t, rt)
			}
		}
		if len(slots) != n {
			t.Errorf("slots %v, want %d", slots, n)
		}
	})
}

// Waiting runs are rows, nothing else; and Close leaves nothing behind.
func TestGoroutines(t *testing.T) {
	for _, backend := range []string{"sqlite", "postgres"} { // not in parallel: it counts
		t.Run(backend, func(t *testing.T) {
			url := filepath.Join(t.TempDir(), "flowgate.db")
			if backend == "postgres" {
				url = newPostgres(t)
			}
			w := newWorld(t, url)
			if err := w.effect("x", "warm up"); err != nil {
				t.Fatal(err)
			}
			before := settled(t, 0)
			rt := open(t, w, nil, func(r *Run) error {
				_, err := r.Receive("go", time.Time{})
				return err
			})
			open := settled(t, 0)
			const runs = 200
			for i := range runs {
				start(t, rt, fmt.Sprint("run-", i))
			}
			await(t, 10*time.Second, "all wait", func() bool {
				return w.count(t, `SELECT count(*) FROM %workflow_status WHERE status = 'CANCELLED'`) == runs
			})
			if n := settled(t, open+5); n > open+5 {
				t.Errorf("%d goroutines with %d runs waiting, %d before", n, runs, open)
			}
			for i := range runs {
				if err := rt.Send(t.Context(), fmt.Sprint("run-", i), "go", nil); err != nil {
					t.Fatal(err)
				}
			}
			await(t, 20*time.Second, "all ended", func() bool {
				return w.count(t, `SELECT count(*) FROM %workflow_status WHERE status = 'SUCCESS'`) == runs
			})
			stop(t, rt)
			if n := settled(t, before); n > before {
				buf := make([]byte, 1<<20)
				t.Errorf("%d goroutines after Close, %d before Open\n%s", n, before, buf[:runtime.Stack(buf, true)])
			}
			if err := w.effect("x", "still open"); err != nil {
				t.Errorf("Close closed the caller's handle: %v", err)
			}
		})
	}
}

// settled waits for the number of goroutines to fall to want, or to stay.
func settled(t *testing.T, want int) int {
	t.Helper()
	last, same := -1, 0
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end) && same < 20; time.Sleep(25 * time.Millisecond) {
		n := runtime.NumGoroutine()
		if n <= want {
			return n
		}
		if n == last {
			same++
		} else {
			last, same = n, 0
		}
	}
	return last
}

// A process that lost its lease stops its runs, and goes on under a new one.
func TestLostLease(t *testing.T) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, w *world) {
		var calls atomic.Int64
		causes := make(chan error, 1)
		fences := make(chan int64, 2)
		rt := open(t, w, func(o *Options) { o.TTL = 900 * time.Millisecond }, func(r *Run) error {
			fences <- r.Fence()
			if calls.Add(1) == 2 {
				return nil
			}
			_, err := r.Step("wait", func(ctx context.Context) ([]byte, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			})
			causes <- err
			return err
		})
		start(t, rt, "x")
		await(t, 5*time.Second, "run began", func() bool { return calls.Load() == 1 })
		if _, err := w.book.exec(t.Context(), `UPDATE %leases SET fence = fence + 1, holder = 'thief'`); err != nil {
			t.Fatal(err)
		}
		if err := receive(t, causes); !errors.Is(err, ErrStopped) {
			t.Errorf("step gives %v", err)
		}
		await(t, 10*time.Second, "run taken over from the thief, who does not renew", func() bool { return calls.Load() == 2 })
		if a, b := receive(t, fences), receive(t, fences); a == b && rt.Executor() == slotPrefix+"1" {
			t.Errorf("both calls had slot %s with fence %d", rt.Executor(), a)
		}
	})
}

// What a step returns is held once, and nowhere after Forget.
func TestStoredOnce(t *testing.T) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, w *world) {
		const result, message = "a-result-like-no-other", "a-message-like-no-other"
		rt := open(t, w, nil, func(r *Run) error {
			if _, err := r.Receive("go", time.Time{}); err != nil {
				return err
			}
			_, err := r.Step("a", func(context.Context) ([]byte, error) { return []byte(result), nil })
			return err
		})
		start(t, rt, "a-run-like-no-other")
		if err := rt.Send(t.Context(), "a-run-like-no-other", "go", []byte(message)); err != nil {
			t.Fatal(err)
		}
		if err := rt.Forget(t.Context(), "a-run-like-no-other"); err != nil { // not ended: no effect
			t.Fatal(err)
		}
		await(t, 5*time.Second, "run ended", func() bool {
			return w.count(t, `SELECT count(*) FROM %workflow_status WHERE status = 'SUCCESS'`) == 1
		})
		if n := w.find(t, result); n != 1 {
			t.Errorf("result is held %d times", n)
		}
		if err := rt.Forget(t.Context(), "a-run-like-no-other"); err != nil {
			t.Fatal(err)
		}
		if n := w.find(t, "like-no-other"); n != 0 {
			t.Errorf("%d values left after Forget", n)
		}
	})
}

func TestForgottenByItself(t *testing.T) {
	t.Parallel()
	w := newFile(t)
	rt := open(t, w, func(o *Options) { o.ForgetAfter = 100 * time.Millisecond }, func(r *Run) error {
		if r.ID() == "y-like-no-other" {
			_, err := r.Receive("go", time.Time{})
			return err
		}
		return nil
	})
	start(t, rt, "x-like-no-other")
	start(t, rt, "y-like-no-other")
	await(t, 5*time.Second, "run waits", func() bool { return w.waiting(t, "y-like-no-other") })
	if err := rt.Cancel(t.Context(), "y-like-no-other"); err != nil {
		t.Fatal(err)
	}
	await(t, 5*time.Second, "all forgotten", func() bool { return w.find(t, "like-no-other") == 0 })
}

// find counts the values in all tables that contain text.
func (w *world) find(t *testing.T, text string) (n int) {
	t.Helper()
	columns := `SELECT m.name || ' ' || c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'`
	if w.book.pg != nil {
		columns = `SELECT quote_ident(table_schema) || '.' || table_name || ' ' || column_name FROM information_schema.columns
			WHERE table_schema NOT IN ('pg_catalog', 'information_schema')`
	}
	all, err := w.book.strings(t.Context(), columns)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range all {
		table, name, _ := strings.Cut(tc, " ")
		column := `"` + name + `"`
		asText := "CAST(" + column + " AS TEXT)"
		if name == "payload" && w.book.pg != nil {
			asText = `encode("payload", 'escape')`
		}
		n += w.count(t, `SELECT count(*) FROM `+table+` WHERE replace(`+asText+`, $1, '') <> `+asText, text)
	}
	return n
}

// An ended run that its caller wants kept is not forgotten.
func TestKeep(t *testing.T) {
	t.Parallel()
	w := newFile(t)
	var keep atomic.Bool
	keep.Store(true)
	rt := open(t, w, func(o *Options) {
		o.ForgetAfter, o.ScanEvery = 100*time.Millisecond, 50*time.Millisecond
		o.Keep = func(_ context.Context, ids []string) ([]string, error) {
			if keep.Load() {
				return ids, nil
			}
			return nil, nil
		}
	}, func(*Run) error { return nil })
	if err := rt.Start(t.Context(), "r"); err != nil {
		t.Fatal(err)
	}
	state := func() State {
		states, err := rt.States(t.Context(), "r", "none")
		if err != nil || states["none"] != Unknown {
			t.Fatal(states, err)
		}
		return states["r"]
	}
	await(t, 5*time.Second, "the run ends", func() bool { return state() == Ended })
	time.Sleep(500 * time.Millisecond)
	if s := state(); s != Ended {
		t.Errorf("forgotten: %d", s)
	}
	keep.Store(false)
	await(t, 5*time.Second, "the run is forgotten", func() bool { return state() == Unknown })
}

// A run that is not in progress here may be one whose end is still being
// written: it is called again only when this session let go of it, or much
// later.
func TestSlowEndIsNotAstray(t *testing.T) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, w *world) {
		var calls atomic.Int64
		release := make(chan struct{})
		rt := open(t, w, func(o *Options) { o.ScanEvery = time.Hour }, func(*Run) error {
			if calls.Add(1) == 1 {
				<-release
			}
			return nil
		})
		defer close(release)
		start(t, rt, "x")
		await(t, 10*time.Second, "run began", func() bool { return calls.Load() == 1 })
		s, err := rt.current()
		if err != nil {
			t.Fatal(err)
		}
		s.mu.Lock()
		ended := s.active["x"]
		delete(s.active, "x")
		s.mu.Unlock()
		defer s.enter(ended)
		var found map[string]time.Time
		look := func() {
			t.Helper()
			if found, err = s.recoverStrays(found); err != nil {
				t.Fatal(err)
			}
		}
		for range 3 {
			look()
		}
		if n := w.count(t, `SELECT count(*) FROM %workflow_status WHERE status = 'PENDING'`); n != 1 || len(found) != 1 {
			t.Fatalf("%d runs pending, %v found: it was resumed", n, found)
		}
		s.letGo("x")
		look()
		await(t, 20*time.Second, "what was let go of is called again", func() bool { return calls.Load() == 2 })
		if len(found) != 0 || s.isLoose("x") {
			t.Errorf("it is still astray: %v", found)
		}
	})
}

// What is never in progress is called again in the end.
func TestAstrayInTheEnd(t *testing.T) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, w *world) {
		var calls atomic.Int64
		release := make(chan struct{})
		rt := open(t, w, func(o *Options) { o.ScanEvery, o.StrayAfter = 20*time.Millisecond, 200*time.Millisecond }, func(*Run) error {
			if calls.Add(1) == 1 {
				<-release
			}
			return nil
		})
		defer close(release)
		start(t, rt, "x")
		await(t, 10*time.Second, "run began", func() bool { return calls.Load() == 1 })
		s, err := rt.current()
		if err != nil {
			t.Fatal(err)
		}
		s.mu.Lock()
		lost := s.active["x"]
		delete(s.active, "x")
		s.mu.Unlock()
		defer s.enter(lost)
		await(t, 20*time.Second, "it is called again", func() bool { return calls.Load() == 2 })
	})
}
