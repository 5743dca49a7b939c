package durable

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"
)

type startedHere struct{}

// execute is the library's workflow: one call of the Func.
func (s *session) execute(lib dbos.Context, version string) (outcome, error) {
	unfinished := outcome{skip: errUnfinished} // the library cannot encode it, and leaves the run as it is
	id, err := dbos.GetWorkflowID(lib)
	if err != nil {
		return unfinished, nil
	}
	if lib.Value(startedHere{}) != nil {
		if r := s.begun(id); r != nil {
			return s.follow(r, lib)
		}
	}
	r := &Run{id: id, version: version, s: s, lib: lib, began: time.Now()}
	r.ctx, r.cancel = context.WithCancelCause(s.ctx)
	defer r.cancel(nil)
	if !s.enter(r) {
		return unfinished, nil
	}
	defer s.leave(r)
	if lib.Value(startedHere{}) == nil {
		// It was resumed, perhaps just as it was cancelled.
		if marked, err := s.rt.book.cancelled(r.ctx, []string{id}); err != nil {
			s.letGo(id)
			return unfinished, nil
		} else if len(marked) > 0 {
			_ = dbos.CancelWorkflow(s.lib, id)
			return unfinished, nil
		}
	}
	err = r.call(s.rt.opts.Func)
	r.steps.Wait()
	return s.settled(r, err)
}

// settled says how a run's call ended, which returned err.
func (s *session) settled(r *Run, err error) (outcome, error) {
	unfinished := outcome{skip: errUnfinished}
	switch cause := context.Cause(r.ctx); {
	case errors.Is(cause, ErrSuspended):
		s.suspend(r)
		return unfinished, nil
	case cause != nil && (err != nil || errors.Is(cause, ErrCancelled)):
		return unfinished, nil
	case again(err):
		s.letGo(r.id)
		return unfinished, nil
	case err != nil:
		s.rt.log.Error("run ended with an error", "run_id", r.id, "error", err)
	}
	return outcome{}, nil
}

// call calls fn and turns a panic into an error.
func (r *Run) call(fn Func) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("run panicked: %v\n%s", p, debug.Stack())
		}
	}()
	return fn(r)
}

// suspend writes the wait down and lets go of the run. To the library it is
// then cancelled, which is what its ResumeWorkflow resumes. In this order a
// crash in between leaves a run that is taken over and waits again.
func (s *session) suspend(r *Run) {
	ok, err := s.rt.book.suspend(s.ctx, r.id, r.topic, r.wake)
	if err != nil {
		s.rt.log.Warn("run could not be suspended, it will be called again", "run_id", r.id, "error", err)
		s.letGo(r.id)
		return
	}
	if !ok {
		return // cancelled meanwhile
	}
	if err := dbos.CancelWorkflow(s.lib, r.id); err != nil {
		s.rt.log.Warn("run could not be suspended, it will be called again", "run_id", r.id, "error", err)
		s.letGo(r.id)
	}
}

// letGo has the scan resume a run of ours that has ended without being finished.
func (s *session) letGo(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loose[id] = true
}

func (s *session) isLoose(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.loose[id]
}

func (s *session) enter(r *Run) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending || s.ctx.Err() != nil {
		return false
	}
	s.active[r.id] = r
	delete(s.loose, r.id)
	return true
}

func (s *session) leave(r *Run) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.active[r.id] == r {
		delete(s.active, r.id)
	}
	if s.ending && len(s.active) == 0 {
		s.finish()
	}
}

// finish closes idle once; s.mu is held.
func (s *session) finish() {
	select {
	case <-s.idle:
	default:
		close(s.idle)
	}
}

// cancel stops the run if it is in progress here.
func (s *session) cancel(id string) {
	s.mu.Lock()
	r := s.active[id]
	s.mu.Unlock()
	if r != nil {
		r.cancel(ErrCancelled)
	}
}

// activeSince returns the ids of runs in progress that began before t and that
// the library knows.
func (s *session) activeSince(t time.Time) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []string
	for id, r := range s.active {
		if r.began.Before(t) && !r.unjournaled() {
			ids = append(ids, id)
		}
	}
	return ids
}
