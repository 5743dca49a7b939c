package expr

import (
	"encoding/base64"
	"maps"
	"slices"

	"github.com/dop251/goja"

	"flowgate/internal/workflow"
)

const (
	maxValueDepth = 512
	maxValues     = 4 << 20 // elements of one result
)

// toJS converts a JSON value. Objects and lists become ordinary ones of the
// realm, so that everything JavaScript does with them works.
func (v *vm) toJS(val any) goja.Value {
	switch x := val.(type) {
	case nil:
		return goja.Null()
	case UndefinedValue:
		return goja.Undefined()
	case Opaque:
		return v.toJS(x.JSON)
	case string, bool, float64, int:
		return v.rt.ToValue(x)
	case []any:
		list := make([]any, len(x))
		for i, e := range x {
			list[i] = v.toJS(e)
		}
		return v.rt.NewArray(list...)
	case *workflow.Object:
		if x == nil {
			return goja.Null()
		}
		return v.object(x)
	case goja.Value:
		return x
	}
	plain, err := workflow.FromGo(val)
	if err != nil {
		return goja.Undefined()
	}
	return v.toJS(plain)
}

func (v *vm) object(x *workflow.Object) *goja.Object {
	o := v.rt.NewObject()
	for i := range x.Len() {
		k, e := x.At(i)
		v.define(o, k, v.toJS(e))
	}
	return o
}

// define sets an own property. Names that prototypes carry are defined, since
// a frozen prototype refuses their assignment; __proto__ is left out.
func (v *vm) define(o *goja.Object, k string, val goja.Value) {
	switch {
	case k == "__proto__":
	case k == "constructor" || inherited[k]:
		_ = o.DefineDataProperty(k, val, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
	default:
		_ = o.Set(k, val)
	}
}

// cached converts a value that is shared by many expressions once.
func (v *vm) cached(key any, make func() goja.Value) goja.Value {
	if val, ok := v.values[key]; ok {
		return val
	}
	val := make()
	if v.values == nil || len(v.values) >= maxCached {
		v.values = map[any]goja.Value{}
	}
	v.values[key] = val
	return val
}

// json converts an item's JSON.
func (v *vm) json(o *workflow.Object) goja.Value {
	if o == nil {
		return goja.Undefined()
	}
	return v.cached(o, func() goja.Value { return v.object(o) })
}

// item converts a whole item.
func (v *vm) item(it *workflow.Item) goja.Value {
	if it == nil {
		return goja.Undefined()
	}
	return v.cached(it, func() goja.Value {
		o := v.rt.NewObject()
		_ = o.Set("json", v.json(it.JSON))
		if len(it.Binary) > 0 {
			_ = o.Set("binary", v.binary(it))
		}
		if it.Paired != nil {
			_ = o.Set("pairedItem", v.toJS(pairing(it.Paired)))
		}
		if it.Error != nil {
			_ = o.Set("error", v.toJS(it.Error.Message))
		}
		return o
	})
}

// pairing is an item's pairing in its JSON form.
func pairing(p *workflow.Pairing) any {
	list := make([]any, len(p.Refs))
	for i, ref := range p.Refs {
		o := workflow.NewObject("item", float64(ref.Item))
		if ref.Input != 0 {
			o.Set("input", float64(ref.Input))
		}
		if src := ref.SourceOverwrite; src != nil {
			o.Set("sourceOverwrite", workflow.NewObject("previousNode", src.PreviousNode,
				"previousNodeOutput", float64(src.PreviousNodeOutput), "previousNodeRun", float64(src.PreviousNodeRun)))
		}
		list[i] = o
	}
	if len(list) == 1 && !p.Array {
		return list[0]
	}
	return list
}

// binary converts an item's files, in the order of their names.
func (v *vm) binary(it *workflow.Item) goja.Value {
	out := v.rt.NewObject()
	for _, name := range slices.Sorted(maps.Keys(it.Binary)) {
		b := it.Binary[name]
		plain, err := workflow.FromGo(b)
		if err != nil {
			continue
		}
		val := v.toJS(plain)
		if o, ok := val.(*goja.Object); ok && b != nil && b.Data == "" && b.ID != "" {
			val = v.apart(b.ID, o)
		}
		v.define(out, name, val)
	}
	return out
}

// apart is a file whose content is read when it is first looked at, as if it
// were there.
func (v *vm) apart(id string, file *goja.Object) goja.Value {
	if v.s == nil || v.s.frame.sc == nil || v.s.frame.sc.Files == nil {
		return file
	}
	o := v.rt.NewObject()
	read := v.rt.ToValue(func(goja.FunctionCall) goja.Value {
		if v.s == nil || v.s.frame.sc == nil || v.s.frame.sc.Files == nil {
			return goja.Undefined()
		}
		data, err := v.s.frame.sc.Files.Content(id)
		if err != nil {
			v.throw(&Error{Kind: KindCode, Message: "the file cannot be read: " + err.Error(), Pos: -1})
		}
		text := v.rt.ToValue(base64.StdEncoding.EncodeToString(data))
		_ = o.DefineDataProperty("data", text, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
		return text
	})
	write := v.rt.ToValue(func(c goja.FunctionCall) goja.Value {
		_ = o.DefineDataProperty("data", c.Argument(0), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
		return goja.Undefined()
	})
	_ = o.DefineAccessorProperty("data", read, write, goja.FLAG_TRUE, goja.FLAG_TRUE)
	for _, key := range file.Keys() {
		_ = o.Set(key, file.Get(key))
	}
	return o
}
