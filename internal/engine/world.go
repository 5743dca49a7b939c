package engine

import (
	"context"
	"errors"
	"net/http"
	"runtime/debug"
	"time"

	"flowgate/internal/engine/expr"
	"flowgate/internal/workflow"
)

// Causes an execution's or a node's context is cancelled with.
var (
	errExecutionTimeout = errors.New("the execution's time is up")
	errNodeTimeout      = errors.New("the node's time is up")
)

// world is what an execution shares with its sub-workflows. It belongs to one
// goroutine.
type world struct {
	engine    *Engine
	job       *Job
	effects   Effects
	recorder  Recorder
	http      *http.Client
	clock     clock
	budget    budget
	seq       int64
	responded bool
	answering bool  // the HTTP caller who ended a wait waits for a response
	broken    error // the machinery failed, or the execution leaves memory
	cancel    context.CancelCauseFunc
	watches   []*stopwatch // of the execution and of the nodes at work
	custom    *workflow.Object
	called    map[string]*workflow.Workflow // sub-workflows as they were found, by ID
	sessions  []*expr.Session
	timeout   time.Duration
	apart     *offloader // nil until a node run ended
}

func newWorld(e *Engine, job *Job) *world {
	w := &world{engine: e, job: job, effects: job.Effects, recorder: job.Recorder, http: job.HTTP}
	w.clock.now = job.Execution.Clock
	if w.clock.now.IsZero() {
		w.clock.now = time.Now().UTC()
	}
	w.budget.limits = e.limits
	w.custom = &workflow.Object{}
	w.called = map[string]*workflow.Workflow{}
	if w.effects == nil {
		w.effects = Direct{}
	}
	if w.http == nil {
		w.http = e.http
	}
	w.timeout = e.limits.ExecutionTimeout
	own := time.Duration(job.Workflow.Document.Settings.ExecutionTimeout * float64(time.Second))
	if own > 0 && own < w.timeout {
		w.timeout = own
	}
	return w
}

// interrupt ends the computation because the machinery failed; what the
// execution did so far stands as recorded.
func (w *world) interrupt(err error) error {
	if w.broken == nil {
		w.broken = err
		w.cancel(err)
	}
	return err
}

// halted reports whether nothing more may run.
func (w *world) halted(ctx context.Context) bool { return w.broken != nil || ctx.Err() != nil }

// step asks for a recorded effect: fn's data or failure, once for all times.
// fn runs under ctx; whether its time was up is part of the record.
func (w *world) step(ctx context.Context, name string, fn func(ctx context.Context) ([]byte, error)) (record, error) {
	var ended error
	raw, err := w.effects.Step(context.WithoutCancel(ctx), name, func(context.Context) ([]byte, error) {
		data, err := w.guard(ctx, name, fn)
		rec := record{at: time.Now(), kind: recordOK, data: data}
		switch cause := context.Cause(ctx); {
		case err == nil:
		case cause == nil:
			rec.kind, rec.data = recordFailed, encodeFailure(err)
		case errors.Is(cause, errNodeTimeout):
			rec.kind, rec.data = recordNodeTimeout, nil
		case errors.Is(cause, errExecutionTimeout):
			rec.kind, rec.data = recordTimeout, nil
		default:
			ended = cause
			return nil, cause
		}
		return rec.encode(), nil
	})
	switch {
	case ended != nil:
		return record{}, ended
	case err != nil:
		return record{}, w.interrupt(err)
	}
	rec, err := decodeRecord(raw)
	if err != nil {
		return record{}, w.interrupt(err)
	}
	w.clock.advance(rec.at)
	if rec.kind == recordTimeout {
		w.cancel(errExecutionTimeout)
		return record{}, errExecutionTimeout
	}
	return rec, nil
}

// guard runs fn; a panic is a failure like others, and is recorded as one.
func (w *world) guard(ctx context.Context, name string, fn func(ctx context.Context) ([]byte, error)) (data []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			w.engine.log.ErrorContext(ctx, "step panicked", "execution_id", w.job.Execution.ID, "step", name, "panic", p, "stack", string(debug.Stack()))
			err = workflow.Errorf(workflow.CodeInternal, "The step failed because of a fault in this program. It was logged.")
		}
	}()
	return fn(ctx)
}

// pause stops the time of everything at work during a wait, and gives back
// what a waiting execution need not hold.
func (w *world) pause() {
	for _, s := range w.watches {
		s.pause()
	}
	w.freeVMs()
}

func (w *world) resume() {
	for _, s := range w.watches {
		s.resume()
	}
}

// freeVMs gives the expression VMs back; the next expression takes one again.
func (w *world) freeVMs() {
	for _, s := range w.sessions {
		s.Release()
	}
}

// expire ends the time of the node at work.
func (w *world) expire() { w.watches[len(w.watches)-1].expired() }

// watch runs fn under a context that ends after d of working time.
func (w *world) watch(ctx context.Context, d time.Duration, cause error, fn func(ctx context.Context)) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s := newStopwatch(d, cancel, cause)
	defer s.stop()
	w.watches = append(w.watches, s)
	defer func() { w.watches = w.watches[:len(w.watches)-1] }()
	fn(ctx)
}
