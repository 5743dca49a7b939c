package expr

import (
	"context"

	"github.com/dop251/goja"

	"flowgate/internal/workflow"
)

// paramView shows a node's parameters; expressions in them are evaluated
// when they are read.
type paramView struct {
	v   *vm
	obj *workflow.Object
}

// params is $('name').params, and $parameter for the node that runs.
func (v *vm) params(name string) goja.Value {
	n := v.scope().Node
	if n == nil || n.Name != name {
		if d := v.scope().Data; d != nil && d.Document() != nil {
			n = d.Document().NodeByName(name)
		}
	}
	if n == nil {
		v.throw(failure(KindReference, "there is no node named \""+name+"\" in the workflow"))
	}
	if n.Parameters == nil {
		return v.rt.NewObject()
	}
	return v.view(n.Parameters)
}

func (v *vm) view(o *workflow.Object) goja.Value {
	return v.rt.NewDynamicObject(&paramView{v, o})
}

// Get returns a parameter's value.
func (p *paramView) Get(key string) goja.Value {
	raw, ok := p.obj.Get(key)
	if !ok {
		return nil
	}
	return p.v.shown(raw)
}

// shown is a parameter as expressions see it: objects and lists are views, so
// that an expression may read what stands beside it.
func (v *vm) shown(raw any) goja.Value {
	switch raw := raw.(type) {
	case *workflow.Object:
		return v.view(raw)
	case []any:
		return v.rt.NewDynamicArray(&listView{v, raw})
	}
	val, err := v.s.Resolve(context.Background(), raw, v.s.frame.item, v.s.frame.sc)
	if err != nil {
		v.throw(asError(err, KindCode))
	}
	return v.toJS(val)
}

// Set refuses.
func (p *paramView) Set(string, goja.Value) bool { return false }

// Has reports whether there is such a parameter.
func (p *paramView) Has(key string) bool {
	_, ok := p.obj.Get(key)
	return ok
}

// Delete refuses.
func (p *paramView) Delete(string) bool { return false }

// Keys lists the parameters.
func (p *paramView) Keys() []string { return p.obj.Keys() }

// listView shows a list among a node's parameters, like paramView.
type listView struct {
	v    *vm
	list []any
}

// Len is the number of elements.
func (l *listView) Len() int { return len(l.list) }

// Get returns an element's value.
func (l *listView) Get(i int) goja.Value {
	if i < 0 || i >= len(l.list) {
		return nil
	}
	return l.v.shown(l.list[i])
}

// Set refuses.
func (l *listView) Set(int, goja.Value) bool { return false }

// SetLen refuses.
func (l *listView) SetLen(int) bool { return false }
