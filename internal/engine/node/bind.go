package node

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"flowgate/internal/workflow"
)

// Bind returns the node's parameters for item i of input 0 as a T, the
// parameter struct of the node type. Expressions are resolved, absent
// parameters get their defaults, values are converted loosely ("5" to 5).
// Parameters that the show tag hides keep their zero value and are not
// resolved. Where no expression is met the result is made once per Call and
// shared: callers must not change what it points to.
func Bind[T any](ctx context.Context, c *Call, i int) (T, error) {
	var out T
	t := reflect.TypeFor[T]()
	if bound, ok := c.static[t]; ok {
		return bound.(T), nil
	}
	b := binder{ctx: ctx, call: c, item: i}
	if err := b.structure(planOf(t), c.Node.Parameters, reflect.ValueOf(&out).Elem(), place{}); err != nil {
		return out, err
	}
	if !b.dynamic {
		if c.static == nil {
			c.static = map[reflect.Type]any{}
		}
		c.static[t] = out
	}
	return out, nil
}

type binder struct {
	ctx     context.Context
	call    *Call
	item    int
	dynamic bool // an expression was met
}

// place is where in the parameters the binder is.
type place struct {
	path    string
	literal bool // inside the result of an expression
	scope   *scope
}

func (p place) field(name string) place {
	if p.path != "" {
		name = p.path + "." + name
	}
	p.path = name
	return p
}

func (p place) index(i int) place {
	p.path = fmt.Sprintf("%s[%d]", p.path, i)
	return p
}

func (b *binder) structure(p *plan, src *workflow.Object, dst reflect.Value, at place) error {
	outer := at.scope
	s := &scope{version: b.call.Node.TypeVersion, text: func(name string) (string, bool) {
		if i, ok := p.byName[name]; ok {
			return plainText(scalarOf(dst.FieldByIndex(p.fields[i].index))), true
		}
		return textOf(src.Value(name)), true
	}}
	if outer != nil {
		s.root = outer.top()
	}
	at.scope = s
	for i := range p.fields {
		f := &p.fields[i]
		if show, _ := shown(f.show, s); !show {
			continue
		}
		raw, ok := src.Get(f.name)
		sub := at.field(f.name)
		if !ok || (raw == nil && f.hasDef) {
			if !f.hasDef && !f.nested() {
				continue
			}
			raw, sub.literal = f.def, true // nil for a struct, whose fields have defaults of their own
		}
		if err := b.field(f, raw, dst.FieldByIndex(f.index), sub); err != nil {
			return err
		}
	}
	return nil
}

func (b *binder) field(f *field, raw any, dst reflect.Value, at place) error {
	if f.verbatim {
		at.literal = true
	}
	if err := b.value(raw, dst, at); err != nil {
		return err
	}
	if len(f.enum) > 0 && dst.Kind() == reflect.String {
		if s := dst.String(); s != "" && !contains(f.enum, s) {
			return badEnum(at.path, s, f.enum)
		}
	}
	return nil
}

func (b *binder) value(raw any, dst reflect.Value, at place) error {
	t := dst.Type()
	if t == valueType {
		dst.Set(reflect.ValueOf(Value{raw: raw, call: b.call, path: at.path, literal: at.literal}))
		return nil
	}
	if !at.literal && isExpression(raw) {
		out, err := b.resolve(raw, at)
		if err != nil {
			return err
		}
		raw, at.literal = out, true
	}
	if implementsRaw(t) {
		return b.rawReader(raw, dst, at)
	}
	switch t.Kind() {
	case reflect.Struct:
		return b.object(raw, dst, at)
	case reflect.Slice:
		if t.Elem().Kind() != reflect.Interface {
			return b.slice(raw, dst, at)
		}
	case reflect.Map:
		return b.mapping(raw, dst, at)
	case reflect.Pointer:
		if t != objectType {
			if raw == nil {
				return nil
			}
			dst.Set(reflect.New(t.Elem()))
			return b.value(raw, dst.Elem(), at)
		}
	}
	return b.leaf(raw, dst, at)
}

// leaf fills scalars and plain JSON, in which expressions may hide deeper.
func (b *binder) leaf(raw any, dst reflect.Value, at place) error {
	if !at.literal && hasExpression(raw) {
		out, err := b.resolve(raw, at)
		if err != nil {
			return err
		}
		raw = out
	}
	return coerce(raw, dst, at.path)
}

func (b *binder) resolve(raw any, at place) (any, error) {
	b.dynamic = true
	out, err := b.call.Eval.Resolve(b.ctx, raw, b.item, nil)
	if err != nil {
		return nil, atParameter(err, at.path)
	}
	return plain(out), nil
}

// atParameter says in err which parameter could not be resolved.
func atParameter(err error, path string) error {
	var f *Failure
	if errors.As(err, &f) {
		if f.Description == "" {
			c := *f
			c.Description = fmt.Sprintf("The expression is in parameter %q.", path)
			return &c
		}
		return err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &Failure{Message: err.Error(), Description: fmt.Sprintf("The expression is in parameter %q.", path), Err: err}
}
