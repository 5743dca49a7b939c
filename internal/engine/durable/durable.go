// Package durable runs functions that survive the death of their process. A
// run is started once under an id; what it does in steps is recorded; after a
// crash, a takeover by another process or a long wait its function is called
// again from the top and recorded steps are replayed, not repeated.
//
// It is the narrow door to the durable library (DBOS Transact): no other
// package imports that. The library brings the journal (runs, steps, fenced
// recording) and the queue from which runs are resumed. This package adds what
// the library leaves to its commercial part or lacks: slots leased through
// store.Leases, takeover of dead processes' runs, waits that hold neither
// goroutine nor memory, and prompt cancelling across processes. The reasons
// and the measurements are in docs/adr/0001-durable-executions.md.
//
// Promises: a started run is called until its Func ends it; a step whose
// result was recorded never runs again; a step that was running when its
// process died runs again (at least once); two processes never both record for
// one run.
package durable

import (
	"errors"
	"time"
)

// Func is the body of a run. It must be deterministic but for what it does in
// steps: called again it has to ask for the same steps in the same order, with
// the same names. It is called anew after a crash, a takeover and each
// suspension, and reads what it needs (document, input, clock, seed) from where
// the caller recorded it under Run.ID.
//
// Returning nil ends the run for good. Returning an error that Is
// ErrSuspended, ErrCancelled, ErrStopped or ErrInterrupted (or any error while
// Run.Context is done) unwinds this call only; what happens next follows from
// the cause. Any other error, or a panic, ends the run as well and is logged:
// failures that matter to users belong into the caller's own records. A Func
// that fears to kill its process counts its calls in those records too.
type Func func(run *Run) error

// Why a run's call has to unwind. Run's methods return these errors, wrapped or
// bare, and context.Cause(Run.Context()) is one of them once it is done. Pass
// them up unchanged.
var (
	// ErrSuspended says that the run waits. Its function is called again when
	// the wait is over.
	ErrSuspended = errors.New("durable: run is suspended until its wait is over")
	// ErrCancelled says that Cancel was called. The function is not called again.
	ErrCancelled = errors.New("durable: run is cancelled")
	// ErrStopped says that this process gives the run up, because it closes or
	// lost its lease. Another process, or the next, calls the function again.
	ErrStopped = errors.New("durable: process gives the run up")
	// ErrInterrupted says that the journal could not be read or written. The
	// function is called again a little later.
	ErrInterrupted = errors.New("durable: journal is out of reach")
)

// Outcomes a Func may handle.
var (
	// ErrNoMessage is returned by Run.Receive when its time passed without a message.
	ErrNoMessage = errors.New("durable: no message came in time")
	// ErrDiverged is returned when a replay asks for another step than was
	// recorded at that place: the function is not deterministic, or changed.
	ErrDiverged = errors.New("durable: replay diverged from the recorded steps")
)

// Errors of Runtime's methods.
var (
	// ErrUnknownRun is returned for an id that was never started or is forgotten.
	ErrUnknownRun = errors.New("durable: unknown run")
	// ErrClosed is returned after Close began.
	ErrClosed = errors.New("durable: runtime is closed")
	// ErrUnavailable is returned while the runtime holds no slot, for instance
	// because the database is out of reach. Try again.
	ErrUnavailable = errors.New("durable: runtime holds no slot at present")
)

// StepError is a step's failure as it is recorded. A step that returns one
// keeps code and data through every replay; of any other error only the text
// is kept. The first call returns the same value as every replay.
type StepError struct {
	Code    string `json:"code,omitempty"`
	Message string `json:"message"`
	Data    []byte `json:"data,omitempty"`
}

// Error returns the message.
func (e *StepError) Error() string { return e.Message }

// asStepError turns err into what can be recorded.
func asStepError(err error) *StepError {
	var se *StepError
	if errors.As(err, &se) {
		return se
	}
	return &StepError{Message: err.Error()}
}

// millis is the time as it is stored; the zero time is "never".
func millis(t time.Time) int64 {
	const never = int64(1) << 60
	if t.IsZero() {
		return never
	}
	return t.UnixMilli()
}
