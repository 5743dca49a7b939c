package expr

import (
	"strconv"
	"strings"

	"github.com/dop251/goja"

	"flowgate/internal/workflow"
)

// globals defines the names of the format. Their values follow the session
// that uses the VM, so that a VM is set up once.
func (v *vm) globals() {
	here := v.rt.ToValue(-1)
	call := func(f goja.Callable, a ...goja.Value) goja.Value {
		out, err := f(goja.Undefined(), a...)
		if err != nil {
			panic(err)
		}
		return out
	}
	v.getter("$json", func() goja.Value { return v.currentJSON(-1) })
	v.getter("$data", func() goja.Value { return v.currentJSON(-1) })
	v.getter("$binary", func() goja.Value { return v.currentBinary(-1) })
	v.getter("$input", func() goja.Value { return call(v.lib.input, here) })
	v.getter("$node", func() goja.Value { return v.rt.NewDynamicObject(&legacyNodes{v, -1}) })
	v.getter("$parameter", func() goja.Value { return v.params(v.node().Name) })
	v.getter("$now", func() goja.Value { return call(v.lib.now) })
	v.getter("$today", func() goja.Value { return call(v.lib.today) })
	v.getter("$runIndex", func() goja.Value { return v.rt.ToValue(v.scope().Run) })
	v.getter("$itemIndex", func() goja.Value { return v.rt.ToValue(v.s.frame.item) })
	v.getter("$position", func() goja.Value { return v.rt.ToValue(v.s.frame.item) })
	v.getter("$nodeVersion", func() goja.Value { return v.rt.ToValue(v.node().TypeVersion) })
	v.getter("$nodeId", func() goja.Value { return v.rt.ToValue(v.node().ID) })
	v.getter("$webhookId", func() goja.Value { return v.optional(v.node().WebhookID) })
	v.getter("$prevNode", v.prevNode)
	v.getter("$env", v.env)
	v.getter("$vars", func() goja.Value { return v.plainMap(v.pool.opts.Vars) })
	v.getter("$secrets", func() goja.Value { return v.rt.NewObject() })
	v.executionGlobals()
	v.function("$", func(a args) goja.Value {
		name := a.text(0)
		if _, err := v.s.runs(name); err != nil && err.Kind == KindReference {
			v.throw(err)
		}
		return call(v.lib.nodeRef, a.at(0), here)
	})
	v.function("$items", v.itemsOf)
	v.function("$item", func(a args) goja.Value { return call(v.lib.itemView, a.at(0)) })
	v.function("$jmespath", v.jmespath)
	v.function("$jmesPath", v.jmespath)
	v.function("$getWorkflowStaticData", v.staticData)
	v.function("$evaluateExpression", v.evaluateExpression)
	v.function("$fromAI", v.fromAI)
	v.function("$fromai", v.fromAI)
}

// helperNames are the functions of the format in js/helpers.js.
var helperNames = strings.Fields("$if $ifEmpty $min $max $average $not numberList zip")

// helpers are these, and what rewritten expressions call.
func (v *vm) helpers(o *goja.Object) {
	fs := o.Get("functions").(*goja.Object)
	for _, name := range fs.Keys() {
		v.hide(name, fs.Get(name))
	}
	if v.need.words != nil {
		return
	}
	v.hide(helperExtend, o.Get("extend"))
	v.hide(helperOptional, o.Get("extendOptional"))
	v.hide(helperAdd, o.Get("add"))
	v.hide(helperList, o.Get("list"))
	v.hide(helperWide, o.Get("wide"))
	v.function(helperKey, v.key)
	v.function(helperStore, v.store)
	v.function(helperText, v.templateText)
	v.function(helperExtra, func(a args) goja.Value {
		if val, ok := v.scope().Extra[a.text(0)]; ok {
			return v.toJS(val)
		}
		return goja.Undefined()
	})
}

func (v *vm) optional(s string) goja.Value {
	if s == "" {
		return goja.Undefined()
	}
	return v.rt.ToValue(s)
}

func (v *vm) prevNode() goja.Value {
	sc := v.scope()
	o := v.rt.NewObject()
	if src := source(sc.Sources, sc.InputIndex); src != nil {
		_ = o.Set("name", src.PreviousNode)
		_ = o.Set("outputIndex", src.PreviousNodeOutput)
		_ = o.Set("runIndex", src.PreviousNodeRun)
	}
	return o
}

func (v *vm) env() goja.Value {
	if !v.pool.opts.AllowEnv {
		v.throw(failure(KindSecurity, "access to environment variables ($env) is switched off"))
	}
	o := v.rt.NewObject()
	for k, val := range v.pool.opts.Env {
		v.define(o, k, v.rt.ToValue(val))
	}
	return o
}

func (v *vm) plainMap(m map[string]any) goja.Value {
	o := v.rt.NewObject()
	for k, val := range m {
		v.define(o, k, v.toJS(val))
	}
	return o
}

// itemsOf is $items(node, output, run); without a node it is the input.
func (v *vm) itemsOf(a args) goja.Value {
	if len(a) == 0 || goja.IsUndefined(a[0]) {
		return v.items(v.scope().Items())
	}
	output, run := 0, -1
	if len(a) > 1 && !goja.IsUndefined(a[1]) {
		output = a.int(1)
	}
	if len(a) > 2 && !goja.IsUndefined(a[2]) {
		run = a.int(2)
	}
	items, err := v.s.items(a.text(0), output, run)
	v.must(err)
	return v.items(items)
}

// fromAI is the value a model chose for a tool's parameter, else the default.
func (v *vm) fromAI(a args) goja.Value {
	if chosen, ok := v.scope().Extra["$fromAI"].(*workflow.Object); ok {
		if val, has := chosen.Get(a.text(0)); has {
			return v.toJS(val)
		}
	}
	return a.at(3)
}

// key guards a computed property name.
func (v *vm) key(a args) goja.Value {
	k := a.at(0)
	if _, isObject := k.(*goja.Object); isObject {
		k = v.rt.ToValue(k.String()) // once: what it says may change
	}
	if s, ok := k.Export().(string); ok && forbidden[s] {
		v.throw(failure(KindSecurity, "access to "+strconv.Quote(s)+" is not allowed in expressions"))
	}
	return k
}

// store guards the name of a property that is assigned: a.at(0) is what gets
// it, undefined where that is unknown.
func (v *vm) store(a args) goja.Value {
	k := v.key(a[1:])
	obj, isObject := a.at(0).(*goja.Object)
	if isObject && obj.ClassName() != "Array" {
		return k
	}
	text := k.String()
	if n, err := strconv.ParseUint(text, 10, 32); text == "length" || err == nil && n > maxArray {
		v.abort(failure(KindMemory, "the list would be too long"))
	}
	return k
}

func (v *vm) evaluateExpression(a args) goja.Value {
	item := v.s.frame.item
	if len(a) > 1 && !goja.IsUndefined(a[1]) {
		item = a.int(1)
	}
	val, err := v.s.evaluateNested(a.text(0), item)
	if err != nil {
		v.throw(asError(err, KindCode))
	}
	return v.toJS(val)
}
