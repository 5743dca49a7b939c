package durable

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// open opens a runtime that ends with the test, or before by calling its Close.
func open(t *testing.T, w *world, change func(*Options), fn Func) *Runtime {
	t.Helper()
	o := w.options(fn)
	o.HoldFor, o.ScanEvery, o.WatchEvery = 10*time.Millisecond, 100*time.Millisecond, 50*time.Millisecond
	if change != nil {
		change(&o)
	}
	rt, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, rt) })
	return rt
}

// stop closes rt without waiting for runs to end.
func stop(t *testing.T, rt *Runtime) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := rt.Close(ctx); err != nil {
		t.Error(err)
	}
}

func start(t *testing.T, rt *Runtime, id string) {
	t.Helper()
	if err := rt.Start(t.Context(), id); err != nil {
		t.Fatal(err)
	}
}

// receive is a receive with a deadline.
func receive[T any](t *testing.T, ch <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-ch:
	case <-time.After(10 * time.Second):
		t.Fatal("nothing came")
	}
	return v
}

func newFile(t *testing.T) *world {
	return newWorld(t, filepath.Join(t.TempDir(), "flowgate.db"))
}

func TestReplay(t *testing.T) {
	t.Parallel()
	type result struct {
		data []byte
		err  error
	}
	steps := []result{
		{data: []byte(`{"text":"grüße"}`)}, {data: []byte{0, 0xff, 'x'}}, {}, {data: []byte{}},
		{err: &StepError{Code: "not_found", Message: "gone", Data: []byte{1}}}, {err: errors.New("plain")},
	}
	eachBackend(t, func(t *testing.T, w *world) {
		var calls, ran atomic.Int64
		got := make(chan []result, 2)
		fn := func(r *Run) error {
			var seen []result
			var waits []func() ([]byte, error)
			for i, s := range steps {
				body := func(context.Context) ([]byte, error) { ran.Add(1); return s.data, s.err }
				data, err := r.Step(fmt.Sprint("step ", i), body)
				seen = append(seen, result{data, err})
				waits = append(waits, r.Go(fmt.Sprint("beside ", i), body))
			}
			for _, wait := range waits {
				data, err := wait()
				seen = append(seen, result{data, err})
			}
			if calls.Add(1); calls.Load() == 1 {
				<-r.Context().Done() // the process is about to stop
				return context.Cause(r.Context())
			}
			got <- seen
			return nil
		}
		rt := open(t, w, nil, fn)
		start(t, rt, "x")
		await(t, 5*time.Second, "first call is through", func() bool { return calls.Load() == 1 })
		stop(t, rt)
		open(t, w, nil, fn)
		seen := receive(t, got)
		if n := int(ran.Load()); n != 2*len(steps) {
			t.Errorf("%d steps ran, want %d", n, 2*len(steps))
		}
		for i, s := range seen {
			want := steps[i%len(steps)]
			if !bytes.Equal(s.data, want.data) || (s.err == nil) != (want.err == nil) {
				t.Errorf("step %d replays %q, %v", i, s.data, s.err)
			}
		}
		var se *StepError
		if !errors.As(seen[4].err, &se) || se.Code != "not_found" || se.Message != "gone" || !bytes.Equal(se.Data, []byte{1}) {
			t.Errorf("typed error replays as %+v", se)
		}
		if !errors.As(seen[5].err, &se) || se.Message != "plain" {
			t.Errorf("error replays as %v", seen[5].err)
		}
	})
}

func TestDivergenceIsAnError(t *testing.T) {
	t.Parallel()
	w := newFile(t)
	name := "before"
	errs := make(chan error, 1)
	var calls atomic.Int64
	fn := func(r *Run) error {
		_, err := r.Step(name, func(context.Context) ([]byte, error) { return nil, nil })
		if calls.Add(1) == 1 {
			<-r.Context().Done()
			return context.Cause(r.Context())
		}
		errs <- err
		return err
	}
	rt := open(t, w, nil, fn)
	start(t, rt, "x")
	await(t, 5*time.Second, "first call", func() bool { return calls.Load() == 1 })
	stop(t, rt)
	name = "after"
	open(t, w, nil, fn)
	if err := receive(t, errs); !errors.Is(err, ErrDiverged) {
		t.Errorf("replay with another name gives %v", err)
	}
}

func TestPanicsAreContained(t *testing.T) {
	t.Parallel()
	w := newFile(t)
	errs := make(chan error, 1)
	rt := open(t, w, nil, func(r *Run) error {
		_, err := r.Step("boom", func(context.Context) ([]byte, error) { panic("boom") })
		errs <- err
		panic("again")
	})
	start(t, rt, "x")
	var se *StepError
	if err := receive(t, errs); !errors.As(err, &se) || se.Code != "panic" {
		t.Errorf("panicking step gives %v", err)
	}
	await(t, 5*time.Second, "run ended", func() bool {
		return w.count(t, `SELECT count(*) FROM %workflow_status WHERE status = 'SUCCESS'`) == 1
	})
}

func TestReceiveTimesOut(t *testing.T) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, w *world) {
		errs := make(chan error, 1)
		rt := open(t, w, nil, func(r *Run) error {
			at, err := r.Step("clock", func(context.Context) ([]byte, error) { return time.Now().Add(300 * time.Millisecond).MarshalText() })
			if err != nil {
				return err
			}
			var until time.Time
			_ = until.UnmarshalText(at)
			if _, err = r.Receive("go", until); errors.Is(err, ErrSuspended) {
				return err
			}
			errs <- err
			return nil
		})
		start(t, rt, "x")
		if err := receive(t, errs); !errors.Is(err, ErrNoMessage) {
			t.Errorf("Receive gives %v", err)
		}
	})
}

func TestUnreachableJournalIsRetried(t *testing.T) {
	t.Parallel()
	w := newFile(t)
	var calls atomic.Int64
	rt := open(t, w, nil, func(*Run) error {
		if calls.Add(1) < 3 {
			return fmt.Errorf("reading the document: %w", ErrInterrupted)
		}
		return nil
	})
	start(t, rt, "x")
	await(t, 10*time.Second, "third call ended the run", func() bool {
		return w.count(t, `SELECT count(*) FROM %workflow_status WHERE status = 'SUCCESS'`) == 1
	})
	if n := calls.Load(); n != 3 {
		t.Errorf("%d calls", n)
	}
}
