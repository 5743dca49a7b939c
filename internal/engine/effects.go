package engine

import (
	"context"
	"errors"
	"time"

	"flowgate/internal/workflow"
)

// ErrSuspended is what Effects return from a wait to make the execution leave
// memory, and the cause a context is cancelled with to the same end (a process
// that stops). The execution is run again later with the same recorded effects.
var ErrSuspended = errors.New("the execution is suspended")

// Effects record what an execution got from outside, by name. An execution
// asks for them one at a time and, when it is computed again, with the same
// names in the same order.
//
// Every error means that the machinery failed (or ErrSuspended, or that ctx
// ended): failures of nodes are recorded inside the data.
type Effects interface {
	// Step returns the data recorded under name; where there is none it runs
	// fn and records what it returns. An error of fn is returned and not
	// recorded.
	Step(ctx context.Context, name string, fn func(ctx context.Context) ([]byte, error)) ([]byte, error)
	// WaitUntil returns when t has come.
	WaitUntil(ctx context.Context, name string, t time.Time) error
	// Receive returns the message sent to name, or nil when the deadline
	// (zero: none) passed. What it returned is recorded.
	Receive(ctx context.Context, name string, w workflow.Waiting, deadline time.Time) ([]byte, error)
}

// Direct are effects without a record: steps simply run, waits sleep, and
// messages never come. For runs that live and die with their caller.
type Direct struct{}

var _ Effects = Direct{}

// Step runs fn.
func (Direct) Step(ctx context.Context, _ string, fn func(ctx context.Context) ([]byte, error)) ([]byte, error) {
	return fn(ctx)
}

// WaitUntil sleeps until t.
func (Direct) WaitUntil(ctx context.Context, _ string, t time.Time) error {
	d := time.Until(t)
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Receive sleeps until the deadline; without one it fails, since nobody can
// send anything.
func (d Direct) Receive(ctx context.Context, name string, w workflow.Waiting, deadline time.Time) ([]byte, error) {
	if deadline.IsZero() {
		return nil, workflow.Errorf(workflow.CodeUnsupported, "Node %q waits for an answer from outside, which needs a server: this run has none.", w.Node)
	}
	return nil, d.WaitUntil(ctx, name, deadline)
}
