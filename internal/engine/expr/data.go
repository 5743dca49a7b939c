package expr

import (
	"maps"

	"github.com/dop251/goja"

	"flowgate/internal/workflow"
)

// at is the item that index i of a realm's object means: -1 is the current one.
func (v *vm) at(i int) int {
	if i < 0 {
		return v.s.frame.item
	}
	return i
}

// must raises e, which fails the expression.
func (v *vm) must(e *Error) {
	if e != nil {
		v.throw(e)
	}
}

// args are the arguments of a call from the realm.
type args []goja.Value

func (a args) at(i int) goja.Value {
	if i < len(a) {
		return a[i]
	}
	return goja.Undefined()
}

func (a args) text(i int) string { return a.at(i).String() }
func (a args) int(i int) int     { return int(a.at(i).ToInteger()) }
func (a args) bool(i int) bool   { return a.at(i).ToBoolean() }

// functions makes an object of functions that the realm may call.
func (v *vm) functions(list map[string]func(a args) goja.Value) *goja.Object {
	o := v.rt.NewObject()
	for name, f := range list {
		_ = o.Set(name, func(call goja.FunctionCall) goja.Value { return f(call.Arguments) })
	}
	return o
}

// lazyFunctions is an object of the realm's own whose functions are made when
// they are first asked for. Users of the realm never get to see it.
type lazyFunctions struct {
	v         *vm
	functions map[string]func(a args) goja.Value
	methods   map[string]func(goja.FunctionCall) goja.Value // that want to know this
	values    map[string]goja.Value
}

func (v *vm) lazy(list map[string]func(a args) goja.Value) *lazyFunctions {
	return &lazyFunctions{v: v, functions: list, methods: map[string]func(goja.FunctionCall) goja.Value{}, values: map[string]goja.Value{}}
}

// object is what the realm sees of l.
func (l *lazyFunctions) object() *goja.Object { return l.v.rt.NewDynamicObject(l) }

func (l *lazyFunctions) add(list map[string]func(a args) goja.Value) { maps.Copy(l.functions, list) }

// Get returns the value of that name, nil when there is none.
func (l *lazyFunctions) Get(name string) goja.Value {
	if val, ok := l.values[name]; ok {
		return val
	}
	method := l.methods[name]
	if f := l.functions[name]; f != nil {
		method = func(call goja.FunctionCall) goja.Value { return f(call.Arguments) }
	}
	if method == nil {
		return nil
	}
	val := l.v.rt.ToValue(method)
	l.values[name] = val
	return val
}

// Set keeps a value for the sources that come after.
func (l *lazyFunctions) Set(name string, val goja.Value) bool { l.values[name] = val; return true }

// Has reports whether there is a value of that name.
func (l *lazyFunctions) Has(name string) bool { return l.Get(name) != nil }

// Delete refuses.
func (l *lazyFunctions) Delete(string) bool { return false }

// Keys lists none.
func (l *lazyFunctions) Keys() []string { return nil }

// host is what js/hooks.js may call.
func (v *vm) host() *lazyFunctions {
	return v.lazy(map[string]func(a args) goja.Value{
		"item":   func(a args) goja.Value { return v.item(v.s.current(v.at(a.int(0)))) },
		"json":   func(a args) goja.Value { return v.currentJSON(a.int(0)) },
		"binary": func(a args) goja.Value { return v.currentBinary(a.int(0)) },
		"nodes":  func(a args) goja.Value { return v.rt.NewDynamicObject(&legacyNodes{v, a.int(0)}) },
		"paired": func(a args) goja.Value {
			it, err := v.s.paired(a.text(0), v.at(a.int(1)))
			v.must(err)
			return v.item(it)
		},
		"edge": func(a args) goja.Value {
			it, err := v.s.edge(a.text(0), a.int(1), a.int(2), a.bool(3))
			v.must(err)
			return v.item(it)
		},
		"all": func(a args) goja.Value {
			items, err := v.s.items(a.text(0), a.int(1), a.int(2))
			v.must(err)
			return v.items(items)
		},
		"inputEdge": func(a args) goja.Value {
			items := v.scope().Items()
			switch {
			case len(items) == 0:
				return goja.Undefined()
			case a.bool(0):
				return v.item(&items[len(items)-1])
			}
			return v.item(&items[0])
		},
		"inputAll": func(args) goja.Value { return v.items(v.scope().Items()) },
		"legacy":   func(a args) goja.Value { return v.legacyItem(a.text(0), a.int(1), a.text(2)) },
		"executed": func(a args) goja.Value {
			_, err := v.s.runs(a.text(0))
			return v.rt.ToValue(err == nil)
		},
		"lastRun": func(a args) goja.Value {
			runs, err := v.s.runs(a.text(0))
			v.must(err)
			return v.rt.ToValue(len(runs) - 1)
		},
		"params":   func(a args) goja.Value { return v.params(a.text(0)) },
		"context":  func(a args) goja.Value { return v.context(a.text(0)) },
		"previous": func(a args) goja.Value { return v.previous(a.text(0)) },
	})
}

func (v *vm) items(items []workflow.Item) goja.Value {
	list := make([]any, len(items))
	for i := range items {
		list[i] = v.item(&items[i])
	}
	return v.rt.NewArray(list...)
}

func (v *vm) currentJSON(i int) goja.Value {
	if it := v.s.current(v.at(i)); it != nil {
		return v.json(it.JSON)
	}
	return goja.Undefined()
}

func (v *vm) currentBinary(i int) goja.Value {
	if it := v.s.current(v.at(i)); it != nil && it.Binary != nil {
		return v.binary(it)
	}
	return v.rt.NewObject()
}

func (v *vm) legacyItem(name string, i int, what string) goja.Value {
	it, err := v.s.legacyItem(name, v.at(i))
	v.must(err)
	if what == "binary" {
		return v.binary(it)
	}
	return v.json(it.JSON)
}

// context is a node's state, which loops keep.
func (v *vm) context(name string) goja.Value {
	if _, err := v.s.runs(name); err != nil && err.Kind != KindUnexecuted {
		v.throw(err)
	}
	if state := v.scope().Data.NodeState(name); state != nil {
		return v.object(state)
	}
	return v.rt.NewObject()
}

func (v *vm) previous(what string) goja.Value {
	sc := v.scope()
	src := source(sc.Sources, sc.InputIndex)
	if src == nil {
		return v.rt.NewObject()
	}
	if what == "params" {
		return v.params(src.PreviousNode)
	}
	return v.context(src.PreviousNode)
}

// legacyNodes is $node: every name is a node.
type legacyNodes struct {
	v *vm
	i int
}

// Get returns the node of that name.
func (l *legacyNodes) Get(name string) goja.Value {
	if d := l.v.scope().Data; d == nil || (len(d.Runs(name)) == 0 && (d.Document() == nil || d.Document().NodeByName(name) == nil)) {
		if inherited[name] || name == "toJSON" || name == "constructor" || name == "then" {
			return nil
		}
		_, err := l.v.s.runs(name)
		l.v.must(err)
	}
	out, err := l.v.lib.legacy(goja.Undefined(), l.v.rt.ToValue(name), l.v.rt.ToValue(l.i))
	if err != nil {
		panic(err)
	}
	return out
}

// Set refuses.
func (l *legacyNodes) Set(string, goja.Value) bool { return false }

// Has reports whether the workflow has a node of that name.
func (l *legacyNodes) Has(name string) bool {
	d := l.v.scope().Data
	return d != nil && d.Document() != nil && d.Document().NodeByName(name) != nil
}

// Delete refuses.
func (l *legacyNodes) Delete(string) bool { return false }

// Keys lists none: $node is for looking up.
func (l *legacyNodes) Keys() []string { return nil }
