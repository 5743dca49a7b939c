package expr

import (
	"strings"

	"github.com/dop251/goja"
	"golang.org/x/text/unicode/norm"
)

const (
	maxArray = 1 << 20 // the length of lists that native functions are let at
	maxWhole = 1 << 16 // characters that become something each
)

// natives are the functions of Go that the realm's own sources use.
func (v *vm) natives() *lazyFunctions {
	o := v.lazy(map[string]func(a args) goja.Value{
		"limit": func(a args) goja.Value {
			v.abort(failure(KindMemory, a.text(0)))
			return nil
		},
		"fail": func(a args) goja.Value {
			v.throw(failure(KindExtension, a.text(0)))
			return nil
		},
		"refusal": func(a args) goja.Value {
			e := failure(KindSecurity, a.text(0))
			obj := v.rt.NewTypeError(e.Message)
			v.thrown, v.failure = obj, e
			return obj
		},
		"join":      func(a args) goja.Value { return v.rt.ToValue(v.join(a.at(0), a.text(1))) },
		"stringify": v.stringify,
		"checkJSON": v.checkJSON,
		"normalize": v.normalize,
		"uses":      v.usesAny,
	})
	o.methods["regexSource"] = v.regexSource
	o.methods["guard"] = v.guard
	o.methods["joinMethod"] = func(call goja.FunctionCall) goja.Value {
		sep := ","
		if s := call.Argument(0); !goja.IsUndefined(s) {
			sep = s.String()
		}
		return v.rt.ToValue(v.join(call.This, sep))
	}
	o.values["maxArray"] = v.rt.ToValue(maxArray)
	o.values["wholeText"] = v.rt.ToValue(wholeText)
	o.values["maxText"] = v.rt.ToValue(v.pool.opts.MaxStringBytes)
	o.values["maxWhole"] = v.rt.ToValue(maxWhole)
	o.values["code"] = v.rt.ToValue(v.need.code)
	o.values["guards"] = v.rt.ToValue(v.need.anyOf(guardNames...))
	o.values["generators"] = v.rt.ToValue(v.need.generators)
	if v.need.words != nil {
		o.values["listMethods"] = v.rt.ToValue(v.need.listMethods())
	}
	v.cryptoNatives(o)
	v.zoneNatives(o)
	v.localeNatives(o)
	return o
}

// usesAny reports whether any of the names is used in the code the realm is for.
func (v *vm) usesAny(a args) goja.Value {
	for _, name := range a {
		if v.need.uses(name.String()) {
			return v.rt.ToValue(true)
		}
	}
	return v.rt.ToValue(false)
}

// guard returns a method of lists that looks at the length of what it is
// called on first: itself for arrays, by the realm's function for the rest.
func (v *vm) guard(call goja.FunctionCall) goja.Value {
	native, _ := goja.AssertFunction(call.Argument(0))
	bounded, _ := goja.AssertFunction(call.Argument(1))
	return v.rt.ToValue(func(call goja.FunctionCall) goja.Value {
		list, ok := call.This.(*goja.Object)
		if !ok || list.ClassName() != "Array" || list.Get("length").ToInteger() > maxArray {
			if _, err := bounded(goja.Undefined(), call.This); err != nil {
				panic(err)
			}
		}
		out, err := native(call.This, call.Arguments...)
		if err != nil {
			panic(err)
		}
		return out
	})
}

// joiner writes lists as text: nested lists may share parts, so that the text
// is far longer than the data.
type joiner struct {
	v     *vm
	b     strings.Builder
	depth int
}

func (v *vm) join(list goja.Value, sep string) string {
	j := joiner{v: v}
	j.list(list, sep)
	return j.b.String()
}

func (j *joiner) list(list goja.Value, sep string) {
	obj, ok := list.(*goja.Object)
	if !ok {
		j.b.WriteString(list.String())
		return
	}
	if j.depth++; j.depth > maxValueDepth {
		j.v.abort(failure(KindMemory, "lists are nested too deep"))
	}
	n := int(obj.Get("length").ToInteger())
	var elems []goja.Value
	if obj.ClassName() == "Array" {
		_ = j.v.rt.ExportTo(obj, &elems)
	}
	for i := range n {
		if i > 0 {
			j.b.WriteString(sep)
		}
		if elems != nil {
			j.element(elems[i])
		} else {
			j.element(obj.Get(numberText(float64(i))))
		}
	}
	j.depth--
}

func (j *joiner) element(e goja.Value) {
	if j.b.Len() > j.v.pool.opts.MaxStringBytes {
		j.v.abort(tooLong(j.v.pool.opts.MaxStringBytes))
	}
	if e == nil || goja.IsUndefined(e) || goja.IsNull(e) {
		return
	}
	if obj, ok := e.(*goja.Object); ok && obj.ClassName() == "Array" {
		j.v.check()
		j.list(obj, ",")
		return
	}
	j.b.WriteString(e.String())
}

// templateText joins the parts of a template literal.
func (v *vm) templateText(a args) goja.Value {
	var b strings.Builder
	for _, part := range a {
		b.WriteString(part.String())
		if b.Len() > v.pool.opts.MaxStringBytes {
			v.abort(tooLong(v.pool.opts.MaxStringBytes))
		}
	}
	return v.rt.ToValue(b.String())
}

const (
	maxJSONObjects = 300_000 // objects and lists of one JSON text
	maxJSONValues  = 1 << 20
)

// checkJSON refuses JSON whose reading would take too much of the stack, the
// memory or the time: it cannot be stopped.
func (v *vm) checkJSON(a args) goja.Value {
	switch depth, objects, values := sizeOfJSON(a.text(0)); {
	case depth > 1000:
		v.abort(failure(KindMemory, "the JSON is nested too deep"))
	case objects > maxJSONObjects || values > maxJSONValues:
		v.abort(failure(KindMemory, "the JSON holds too many values"))
	}
	return goja.Undefined()
}

// normalize is String.prototype.normalize of long texts, which may grow by
// much.
func (v *vm) normalize(a args) goja.Value {
	form, ok := map[string]norm.Form{"NFC": norm.NFC, "NFD": norm.NFD, "NFKC": norm.NFKC, "NFKD": norm.NFKD}[a.text(1)]
	if !ok {
		panic(v.rt.NewTypeError("The normalization form should be one of NFC, NFD, NFKC, NFKD"))
	}
	var it norm.Iter
	it.InitString(form, a.text(0))
	var b strings.Builder
	for n := 0; !it.Done(); n++ {
		b.Write(it.Next())
		if b.Len() > v.pool.opts.MaxStringBytes*2 {
			v.abort(tooLong(v.pool.opts.MaxStringBytes))
		}
		if n%1024 == 0 {
			v.check()
		}
	}
	return v.rt.ToValue(b.String())
}

// sizeOfJSON is how deep the brackets of a JSON text go, how many there are,
// and about how many values it has.
func sizeOfJSON(s string) (deepest, objects, values int) {
	depth, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted:
			if c == '\\' {
				i++
			} else if c == '"' {
				quoted = false
			}
		case c == '"':
			quoted = true
		case c == '[' || c == '{':
			depth++
			objects++
			deepest = max(deepest, depth)
		case c == ',' || c == ':':
			values++
		case c == ']' || c == '}':
			depth--
		}
	}
	return deepest, objects, values
}
