package durable

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"
)

// Run is one call of a Func. Its methods are for the goroutine that called the
// Func; what is started by Go may run beside it.
type Run struct {
	id      string
	version string
	s       *session
	lib     dbos.Context
	ctx     context.Context
	cancel  context.CancelCauseFunc
	began   time.Time
	steps   sync.WaitGroup
	entry   *entry // nil when the library called it

	topic string // of the wait that suspended the run
	wake  int64
}

// ID is the id that Start was given.
func (r *Run) ID() string { return r.id }

// EngineVersion is Options.EngineVersion of the process that started the run.
func (r *Run) EngineVersion() string { return r.version }

// Executor names the slot that this call runs in; see Runtime.Executor.
func (r *Run) Executor() string { return r.s.lease.Name }

// Fence grows with each change of the slot's holder: together with Executor it
// tells this holder's writes from those of an earlier one.
func (r *Run) Fence() int64 { return r.s.lease.Fence }

// Context is done when this call must unwind: the run is cancelled or
// suspended, the process closes, or its lease is lost. context.Cause says which.
func (r *Run) Context() context.Context { return r.ctx }

// Step calls fn once and records what it returns; every later call of the Func
// gets that back without calling fn. An error of fn is recorded too, as
// *StepError. Not recorded is a failure while Context is done: the step then
// runs again when the run is resumed, and Step returns the cause. name is
// checked on replay; ErrDiverged if another step was recorded here. fn gets
// Context and must not call methods of Run.
func (r *Run) Step(name string, fn func(ctx context.Context) ([]byte, error)) ([]byte, error) {
	out, err := r.record(name, r.body(fn))
	return out.result(err)
}

// Go is Step in a goroutine of its own: the step has its place in the order
// when Go returns, and the returned function waits for it. Steps in flight when
// the Func returns are waited for.
func (r *Run) Go(name string, fn func(ctx context.Context) ([]byte, error)) (wait func() ([]byte, error)) {
	if err := r.stopped(); err != nil {
		return func() ([]byte, error) { return nil, err }
	}
	if err := r.journal(); err != nil {
		return func() ([]byte, error) { return nil, err }
	}
	done, err := dbos.Go(r.lib, r.body(fn), dbos.WithStepName(name))
	if err != nil {
		err = r.settle(err)
		return func() ([]byte, error) { return nil, err }
	}
	var out outcome
	ready := make(chan struct{})
	r.steps.Go(func() {
		defer close(ready)
		so := <-done
		out, err = so.Result, so.Err
		if err != nil {
			err = r.settle(err)
		}
	})
	return func() ([]byte, error) {
		<-ready
		return out.result(err)
	}
}

// record runs one step through the library.
func (r *Run) record(name string, body dbos.Step[outcome]) (outcome, error) {
	if err := r.stopped(); err != nil {
		return outcome{}, err
	}
	if err := r.journal(); err != nil {
		return outcome{}, err
	}
	out, err := dbos.RunAsStep(r.lib, body, dbos.WithStepName(name))
	if err != nil {
		return outcome{}, r.settle(err)
	}
	return out, nil
}

// body makes a library step of fn.
func (r *Run) body(fn func(ctx context.Context) ([]byte, error)) dbos.Step[outcome] {
	return func(context.Context) (out outcome, _ error) {
		defer func() {
			if p := recover(); p != nil {
				r.s.rt.log.Error("step panicked", "run_id", r.id, "panic", p, "stack", string(debug.Stack()))
				out = outcome{Err: &StepError{Code: "panic", Message: fmt.Sprint("panic: ", p)}}
			}
		}()
		data, err := fn(r.ctx)
		if err == nil {
			return outcome{Data: data}, nil
		}
		if cause := context.Cause(r.ctx); cause != nil {
			return outcome{skip: cause}, nil
		}
		return outcome{Err: asStepError(err)}, nil
	}
}

// stopped is non-nil when no further step may begin.
func (r *Run) stopped() error {
	if r.ctx.Err() != nil {
		return context.Cause(r.ctx)
	}
	if !r.s.holds() {
		r.s.lose("lease not renewed in time")
		return context.Cause(r.ctx)
	}
	return nil
}

// settle says in this package's terms why the library or the book failed.
func (r *Run) settle(err error) error {
	switch code := libCode(err); code {
	case dbos.ErrorCodeUnexpectedStep, dbos.ErrorCodeStepNondeterminism:
		return fmt.Errorf("%w: %w", ErrDiverged, err)
	case dbos.ErrorCodeWorkflowCancelled, dbos.ErrorCodeNonExistentWorkflow:
		r.cancel(ErrCancelled) // by another process, before the watch saw it; no-op when stopped already
	case dbos.ErrorCodeConflictingID:
		r.cancel(ErrStopped) // another process owns the run
	}
	if cause := context.Cause(r.ctx); cause != nil {
		return cause
	}
	return fmt.Errorf("%w: %w", ErrInterrupted, err)
}

// libCode digs out the innermost code of a library error; 0 for none.
func libCode(err error) (code dbos.ErrorCode) {
	for e := (*dbos.Error)(nil); errors.As(err, &e); err = e.Unwrap() {
		code = e.Code
	}
	return code
}

func (o outcome) result(err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	if o.Err != nil {
		return nil, o.Err
	}
	return o.Data, nil
}
