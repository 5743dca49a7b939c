package durable

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"
)

// Begin begins a run in this process that its caller has on record: should the
// process die, the caller finds it there and calls Start. So it need not be in
// the journal at once. It enters it with its first effect, or after
// Options.JournalAfter; a run that ends before costs no write here. From then
// on it is as if it had been started with Start. id must be new.
func (rt *Runtime) Begin(id string) error {
	s, err := rt.current()
	if err != nil {
		return err
	}
	r := &Run{id: id, version: rt.opts.EngineVersion, s: s, began: time.Now(),
		entry: &entry{adopt: make(chan dbos.Context, 1), done: make(chan struct{})}}
	r.ctx, r.cancel = context.WithCancelCause(s.ctx)
	if !s.enter(r) {
		r.cancel(nil)
		return ErrUnavailable
	}
	go s.begin(r) // leave tells that it ended, and the session waits for that
	return nil
}

// entry is how a run that was begun comes into the journal.
type entry struct {
	mu      sync.Mutex        // held while it is entered
	entered bool              // the library knows the run
	over    bool              // the Func has returned: too late to enter
	adopt   chan dbos.Context // the library's context for the run
	done    chan struct{}     // closed when the Func has returned err
	err     error
}

// begin is the life of a run that was begun.
func (s *session) begin(r *Run) {
	late := time.AfterFunc(s.rt.opts.JournalAfter, func() { _ = r.journal() }) // it is tried again
	err := r.call(s.rt.opts.Func)
	r.steps.Wait()
	late.Stop()
	for again(err) && s.ctx.Err() == nil && r.journal() != nil { // the library has to call it again
		sleep(s.ctx, s.rt.opts.WatchEvery)
	}
	e := r.entry
	e.mu.Lock()
	e.over = true
	entered := e.entered
	e.mu.Unlock()
	e.err = err
	close(e.done)
	if entered {
		return // follow goes on
	}
	if err != nil && context.Cause(r.ctx) == nil {
		s.rt.log.Error("run ended with an error", "run_id", r.id, "error", err)
	}
	s.leave(r)
	r.cancel(nil)
}

// Enter puts a run that was begun into the journal now.
func (r *Run) Enter() error { return r.journal() }

// journal makes the library know a run that was begun.
func (r *Run) journal() error {
	e := r.entry
	if e == nil {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.entered || e.over {
		return nil
	}
	if _, err := dbos.RunWorkflow(r.s.direct, r.s.execute, r.version, dbos.WithWorkflowID(r.id)); err != nil {
		return fmt.Errorf("%w: start run: %w", ErrInterrupted, err)
	}
	select {
	case r.lib = <-e.adopt:
		e.entered = true
		return nil
	case <-r.s.ctx.Done():
		return context.Cause(r.s.ctx)
	}
}

// unjournaled reports whether the library does not know the run yet.
func (r *Run) unjournaled() bool {
	e := r.entry
	if e == nil {
		return false
	}
	if !e.mu.TryLock() {
		return true // it is being entered
	}
	defer e.mu.Unlock()
	return !e.entered
}

// again reports whether a run that returned err is to be called again.
func again(err error) bool {
	return errors.Is(err, ErrInterrupted) || errors.Is(err, ErrStopped) || errors.Is(err, ErrSuspended)
}

// begun returns the run in progress that was begun here, nil when there is none.
func (s *session) begun(id string) *Run {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.active[id]; r != nil && r.entry != nil {
		return r
	}
	return nil
}

// follow is the library's call of a run that was begun: it waits for its end.
func (s *session) follow(r *Run, lib dbos.Context) (outcome, error) {
	select {
	case r.entry.adopt <- lib:
	default:
		return outcome{skip: errUnfinished}, nil // it follows already
	}
	<-r.entry.done
	defer r.cancel(nil)
	defer s.leave(r)
	return s.settled(r, r.entry.err)
}
