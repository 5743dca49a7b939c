package expr

import (
	"math"
	"strings"

	"github.com/dop251/goja"

	"flowgate/internal/workflow"
)

// stringify is JSON.stringify with bounds, after ECMA-262 25.5.2.
func (v *vm) stringify(a args) goja.Value {
	w := jsonWriter{v: v, indent: v.indentOf(a.at(2)), on: map[*goja.Object]bool{}}
	if r, ok := a.at(1).(*goja.Object); ok {
		if f, callable := goja.AssertFunction(r); callable {
			w.replacer = f
		} else if r.ClassName() == "Array" {
			w.only = []string{}
			for _, k := range r.Keys() {
				w.only = append(w.only, r.Get(k).String())
			}
		}
	}
	var holder *goja.Object
	if w.replacer != nil {
		holder = v.rt.NewObject()
		_ = holder.Set("", a.at(0))
	}
	if !w.property(holder, "", a.at(0), "") {
		return goja.Undefined()
	}
	return v.rt.ToValue(string(w.b))
}

func (v *vm) indentOf(space goja.Value) string {
	if obj, ok := space.(*goja.Object); ok && (obj.ClassName() == "Number" || obj.ClassName() == "String") {
		space = v.unbox(obj)
	}
	switch x := space.Export().(type) {
	case int64:
		return strings.Repeat(" ", int(min(max(x, 0), 10)))
	case float64:
		return strings.Repeat(" ", int(min(max(x, 0), 10)))
	case string:
		return x[:min(len(x), 10)]
	}
	return ""
}

// unbox is the primitive in a Number, String or Boolean object.
func (v *vm) unbox(obj *goja.Object) goja.Value {
	if f, ok := goja.AssertFunction(obj.Get("valueOf")); ok {
		if val, err := f(obj); err == nil {
			if _, still := val.(*goja.Object); !still {
				return val
			}
		}
	}
	return v.rt.ToValue(obj.String())
}

type jsonWriter struct {
	v        *vm
	b        []byte
	indent   string
	replacer goja.Callable
	only     []string
	on       map[*goja.Object]bool // the objects being written
}

// property writes one value; false when it has no JSON form.
func (w *jsonWriter) property(holder *goja.Object, key string, val goja.Value, pad string) bool {
	if len(w.b) > w.v.pool.opts.MaxStringBytes {
		w.v.abort(tooLong(w.v.pool.opts.MaxStringBytes))
	}
	val = w.replaced(holder, key, val)
	obj, ok := val.(*goja.Object)
	if !ok {
		return w.leaf(val)
	}
	switch obj.ClassName() {
	case "Number", "String", "Boolean":
		return w.leaf(w.v.unbox(obj))
	case "Function":
		return false
	}
	if w.on[obj] {
		panic(w.v.rt.NewTypeError("Converting circular structure to JSON"))
	}
	if len(w.on) > maxValueDepth*2 {
		w.v.abort(failure(KindMemory, "the value is nested too deep"))
	}
	w.on[obj] = true
	w.v.check()
	if obj.ClassName() == "Array" {
		w.list(obj, pad)
	} else {
		w.object(obj, pad)
	}
	delete(w.on, obj)
	return true
}

func (w *jsonWriter) replaced(holder *goja.Object, key string, val goja.Value) goja.Value {
	call := func(f goja.Callable, self goja.Value, a ...goja.Value) goja.Value {
		out, err := f(self, a...)
		if err != nil {
			panic(err)
		}
		return out
	}
	if obj, ok := val.(*goja.Object); ok {
		if f, callable := goja.AssertFunction(obj.Get("toJSON")); callable {
			val = call(f, obj, w.v.rt.ToValue(key))
		}
	}
	if w.replacer != nil {
		val = call(w.replacer, holder, w.v.rt.ToValue(key), val)
	}
	return val
}

func (w *jsonWriter) leaf(val goja.Value) bool {
	if val == nil || goja.IsUndefined(val) {
		return false
	}
	if goja.IsNull(val) {
		w.b = append(w.b, "null"...)
		return true
	}
	switch x := val.Export().(type) {
	case string:
		w.b = appendQuoted(w.b, x)
	case bool:
		w.b, _ = workflow.AppendJSON(w.b, x)
	case int64:
		w.b = workflow.AppendNumber(w.b, float64(x))
	case float64:
		if x == 0 && math.Signbit(x) {
			x = 0
		}
		w.b = workflow.AppendNumber(w.b, x)
	default:
		if _, symbol := val.(*goja.Symbol); symbol {
			return false
		}
		panic(w.v.rt.NewTypeError("Do not know how to serialize a BigInt"))
	}
	return true
}

func (w *jsonWriter) list(obj *goja.Object, pad string) {
	n := int(obj.Get("length").ToInteger())
	if n == 0 {
		w.b = append(w.b, "[]"...)
		return
	}
	inner := pad + w.indent
	w.b = append(w.b, '[')
	for i := range n {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.line(inner)
		key := numberText(float64(i))
		if !w.property(obj, key, obj.Get(key), inner) {
			w.b = append(w.b, "null"...)
		}
	}
	w.line(pad)
	w.b = append(w.b, ']')
}

func (w *jsonWriter) object(obj *goja.Object, pad string) {
	inner := pad + w.indent
	w.b = append(w.b, '{')
	keys := w.only
	if keys == nil {
		keys = obj.Keys()
	}
	empty := true
	for _, k := range keys {
		mark := len(w.b)
		if !empty {
			w.b = append(w.b, ',')
		}
		w.line(inner)
		w.b = append(appendQuoted(w.b, k), ':')
		if w.indent != "" {
			w.b = append(w.b, ' ')
		}
		if val := obj.Get(k); val == nil || !w.property(obj, k, val, inner) {
			w.b = w.b[:mark]
			continue
		}
		empty = false
	}
	if !empty {
		w.line(pad)
	}
	w.b = append(w.b, '}')
}

func (w *jsonWriter) line(pad string) {
	if w.indent != "" {
		w.b = append(append(w.b, '\n'), pad...)
	}
}

// appendQuoted writes s as JSON.stringify does.
func appendQuoted(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		case '\b':
			b = append(b, '\\', 'b')
		case '\f':
			b = append(b, '\\', 'f')
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	return append(append(b, s[from:]...), '"')
}
