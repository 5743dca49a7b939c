package expr

import (
	"context"
	"strings"

	"github.com/dop251/goja"

	"flowgate/internal/workflow"
)

// maxCached bounds the values a session keeps converted for its VM.
const maxCached = 4096

// Session evaluates for one execution. It belongs to one goroutine. It takes
// a VM when the first expression needs one; Release gives the VM back while
// the execution waits, Close for good.
type Session struct {
	pool  *Pool
	owner string
	vm    *vm
	run   run
	depth int // of evaluations within evaluations
	frame frame
}

// frame is what names such as $json mean at the moment.
type frame struct {
	sc   *Scope
	item int
}

// Session returns a new session of nobody in particular: its VM is shared with
// other such sessions.
func (p *Pool) Session() *Session { return p.SessionFor("") }

// SessionFor returns a new session whose VM serves no other owner, neither
// before nor after.
func (p *Pool) SessionFor(owner string) *Session { return &Session{pool: p, owner: owner} }

// Close gives back what the session holds. It may be called more than once,
// and the session used again.
func (s *Session) Close() { s.Release() }

// Release gives the VM back to the pool; the next expression that needs one
// takes one again.
func (s *Session) Release() {
	if s.vm == nil {
		return
	}
	v := s.vm
	s.vm, v.s = nil, nil
	s.pool.watch.remove(&s.run)
	s.pool.release(v)
}

// use makes sure the session has a VM, one with the date library if luxon.
func (s *Session) use(luxon bool) error {
	if s.vm != nil && (s.vm.luxon || !luxon) {
		return nil
	}
	s.Release()
	v, err := s.pool.acquire(s.owner, luxon)
	if err != nil {
		return err
	}
	s.vm, v.s = v, s
	s.pool.watch.add(&s.run)
	return nil
}

// Resolve returns raw with every expression in it evaluated for the given
// item: strings that begin with "=", at any depth of lists and objects. What
// holds no expression is shared, not copied; raw is never changed. An
// expression without a value gives Undefined; an object that is no plain JSON
// gives an Opaque; numbers may be NaN or infinite. Errors are *Error.
func (s *Session) Resolve(ctx context.Context, raw any, item int, sc *Scope) (any, error) {
	switch v := raw.(type) {
	case string:
		if !strings.HasPrefix(v, "=") {
			return v, nil
		}
		return s.evaluate(ctx, v, frame{sc, item})
	case []any:
		var first error
		out := mapList(v, func(e any) any {
			if first != nil {
				return e
			}
			n, err := s.Resolve(ctx, e, item, sc)
			first = err
			return n
		})
		return out, first
	case *workflow.Object:
		var first error
		out := mapObject(v, func(e any) any {
			if first != nil {
				return e
			}
			n, err := s.Resolve(ctx, e, item, sc)
			first = err
			return n
		})
		return out, first
	}
	return raw, nil
}

// evaluate resolves one parameter that begins with "=".
func (s *Session) evaluate(ctx context.Context, raw string, f frame) (any, error) {
	t, err := s.pool.template(raw)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s.depth >= maxEvaluations {
		return nil, failure(KindMemory, "expressions refer to each other in a circle")
	}
	outer := s.frame
	s.frame = f
	s.depth++
	defer func() { s.frame = outer; s.depth-- }()
	if t.single {
		return s.value(ctx, t.parts[0].code)
	}
	return s.text(ctx, t)
}

// maxEvaluations bounds evaluations within evaluations ($parameter).
const maxEvaluations = 16

// value evaluates a chunk to a typed value.
func (s *Session) value(ctx context.Context, c *chunk) (any, error) {
	if v, ok, err := s.fast(c); err != nil {
		return nil, place(err, c)
	} else if ok {
		return v, nil
	}
	var out any
	err := s.script(ctx, c, func(v goja.Value) error {
		var err error
		out, err = s.vm.result(v)
		return err
	})
	if err != nil {
		return nil, place(err, c)
	}
	return out, nil
}

// text evaluates a template to text.
func (s *Session) text(ctx context.Context, t *template) (any, error) {
	var b strings.Builder
	for _, p := range t.parts {
		if p.code == nil {
			b.WriteString(p.text)
			continue
		}
		v, ok, err := s.fast(p.code)
		if ok {
			b.WriteString(textOf(v))
		} else if err == nil {
			err = s.script(ctx, p.code, func(v goja.Value) error {
				b.WriteString(s.vm.text(v))
				return nil
			})
		}
		if err != nil {
			return nil, place(err, p.code)
		}
		if b.Len() > s.pool.opts.MaxStringBytes {
			return nil, place(tooLong(s.pool.opts.MaxStringBytes), p.code)
		}
	}
	return b.String(), nil
}

// script runs a chunk in the VM and hands its value to use. Exceptions leave
// undefined; only an *Error fails.
func (s *Session) script(ctx context.Context, c *chunk, use func(goja.Value) error) error {
	if s.depth > 1 && c.luxon && s.vm != nil && !s.vm.luxon {
		return failure(KindMemory, "dates cannot be used in a parameter that another expression reads")
	}
	if err := s.use(c.luxon); err != nil {
		return err
	}
	err := s.vm.guarded(ctx, s.pool.opts.ExprTimeout, s.depth == 1, func() error {
		v, err := s.vm.rt.RunProgram(c.program)
		if err != nil {
			v = goja.Undefined()
			if err = s.vm.failed(err); err != nil {
				return err
			}
		}
		return use(v)
	})
	if c.mutates && s.vm != nil {
		s.vm.forget()
	}
	if s.vm != nil && s.vm.spoiled && s.depth == 1 {
		s.Release()
	}
	return err
}

// place notes the chunk in an error that does not know it.
func place(err error, c *chunk) error {
	if err == nil {
		return nil
	}
	e := asError(err, KindCode)
	if e.Expression == "" {
		e.Expression = strings.TrimSpace(c.source)
	}
	return e
}
