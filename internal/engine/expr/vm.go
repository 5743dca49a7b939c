package expr

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/dop251/goja"

	"flowgate/internal/workflow"
)

// vm is one JavaScript realm. A realm for expressions is frozen once it is
// set up, so that nothing an expression does can be seen by the next one; a
// realm for code is used once.
type vm struct {
	pool    *Pool
	rt      *goja.Runtime
	need    needs
	luxon   bool   // the date library is loaded
	code    bool   // a realm for user code
	spoiled bool   // interrupted: not to be used again
	owner   string // whom it serves
	s       *Session
	lib     hooks

	thrown     *goja.Object // the exception that carries failed
	failure    *Error
	values     map[any]goja.Value // what was converted, by pointer
	console    []string
	printed    int
	timers     []*timer
	lastTimer  int64
	wrote      []written
	plainProto *goja.Object  // of ordinary objects
	search     goja.Callable // of the query library, once loaded
	fixed      *rand.Rand
	shared     []any // what to freeze besides the globals
}

// hooks are functions of the realm that Go calls.
type hooks struct {
	nodeRef  goja.Callable
	input    goja.Callable
	legacy   goja.Callable
	itemView goja.Callable
	zone     goja.Callable // sets the date library's zone
	now      goja.Callable
	today    goja.Callable

	resetDates goja.Callable // forgets what the date library keeps
}

// reset forgets everything of the session the VM served.
func (v *vm) reset() {
	v.s, v.thrown, v.failure, v.console, v.timers, v.wrote = nil, nil, nil, nil, nil, nil
	v.values, v.fixed = nil, nil
	if v.lib.resetDates != nil && !v.spoiled {
		if _, err := v.lib.resetDates(goja.Undefined()); err != nil {
			v.spoiled = true
		}
	}
}

// forget drops converted data, which an expression may have changed.
func (v *vm) forget() { v.values = nil }

// guarded runs f under the session's limits. outermost is false for an
// evaluation within another, which shares its limits.
func (v *vm) guarded(ctx context.Context, limit time.Duration, outermost bool, f func() error) (err error) {
	if outermost {
		v.thrown, v.failure = nil, nil
		v.syncZone()
		v.s.run.begin(ctx, v.rt, limit)
		if v.pool.closed.Load() { // after begin: nothing runs that is not watched
			_ = v.s.run.end()
			return failure(KindTimeout, "the evaluation was stopped: the engine shuts down")
		}
	}
	defer func() {
		if x := recover(); x != nil {
			v.spoiled = true
			err = v.panicked(x)
		}
		if !outermost {
			return
		}
		if killed := v.s.run.end(); killed != nil {
			v.spoiled = true
			if err == nil || asError(err, KindCode).Kind != KindMemory {
				err = killed
			}
		}
	}()
	return f()
}

// panicked turns a panic that left the VM into an error: interrupts and
// exceptions that conversions met outside of it.
func (v *vm) panicked(x any) error {
	switch x := x.(type) {
	case *Error:
		return x
	case error:
		if e := v.failed(x); e != nil {
			return e
		}
		return nil
	case goja.Value:
		if v.failure != nil && x == goja.Value(v.thrown) {
			return v.failure
		}
		return nil
	}
	v.pool.opts.Logger.Error("expression panicked", "panic", x)
	return failure(KindCode, "the expression failed inside the interpreter")
}

// failed returns the *Error that an error of the VM stands for, nil for an
// ordinary exception.
func (v *vm) failed(err error) error {
	var own *Error
	if errors.As(err, &own) {
		return own
	}
	var stop *goja.InterruptedError
	if errors.As(err, &stop) {
		v.spoiled = true
		if e, ok := stop.Value().(*Error); ok {
			return e
		}
		return failure(KindTimeout, "the evaluation was stopped")
	}
	var deep *goja.StackOverflowError
	if errors.As(err, &deep) {
		v.spoiled = true
		return failure(KindMemory, "too much recursion")
	}
	var ex *goja.Exception
	if errors.As(err, &ex) {
		if obj, ok := ex.Value().(*goja.Object); ok && obj == v.thrown && v.failure != nil {
			return v.failure
		}
	}
	return nil
}

// throw raises e as an exception that fails the expression unless it is caught.
func (v *vm) throw(e *Error) {
	obj := v.rt.NewTypeError(e.Message)
	v.thrown, v.failure = obj, e
	panic(obj)
}

// abort ends the evaluation for good: e cannot be caught.
func (v *vm) abort(e *Error) {
	if v.s != nil {
		v.s.run.abort(e)
	}
	v.throw(e)
}

// check ends a native loop whose evaluation has been told to stop.
func (v *vm) check() {
	if v.s != nil && v.s.run.dead() {
		panic(v.rt.NewTypeError("stopped"))
	}
}

func (v *vm) scope() *Scope {
	if v.s == nil || v.s.frame.sc == nil {
		return &Scope{}
	}
	return v.s.frame.sc
}

func (v *vm) clock() time.Time {
	if d := v.scope().Data; d != nil {
		return d.Now()
	}
	return time.Now()
}

func (v *vm) location() *time.Location {
	if d := v.scope().Data; d != nil {
		if loc := d.Location(); loc != nil {
			return loc
		}
	}
	return time.UTC
}

// chance is the execution's source of chance; without one it is seeded alike
// every time.
func (v *vm) chance() *rand.Rand {
	if d := v.scope().Data; d != nil {
		if r := d.Rand(); r != nil {
			return r
		}
	}
	if v.fixed == nil {
		v.fixed = rand.New(rand.NewPCG(1, 2))
	}
	return v.fixed
}

func (v *vm) random() float64 { return v.chance().Float64() }

// syncZone tells the date library the workflow's zone.
func (v *vm) syncZone() {
	if v.luxon && v.lib.zone != nil {
		_, _ = v.lib.zone(goja.Undefined(), v.rt.ToValue(v.location().String()))
	}
}

// node is the node that runs, an empty one where there is none.
func (v *vm) node() *workflow.Node {
	if n := v.scope().Node; n != nil {
		return n
	}
	return &workflow.Node{}
}
