package expr

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/dop251/goja"

	"flowgate/internal/workflow"
)

// exporter converts values of the realm to JSON kinds, within limits.
type exporter struct {
	v     *vm
	left  int // values that may still come
	bytes int
}

// result converts the value of an expression, see Session.Resolve.
func (v *vm) result(val goja.Value) (any, error) {
	obj, ok := val.(*goja.Object)
	if !ok {
		return v.primitive(val)
	}
	x := v.exporter()
	switch kind, form := v.kind(obj); kind {
	case "function":
		return nil, failure(KindSyntax, "the expression gives a function: add () to call it")
	case "date":
		return x.form(form)
	case "json":
		f, err := x.form(form)
		if err != nil {
			return nil, err
		}
		if _, isObject := f.(*workflow.Object); isObject {
			return f, nil
		}
		return Opaque{JSON: f}, nil
	}
	return x.value(val, 0)
}

func (v *vm) exporter() *exporter {
	return &exporter{v: v, left: maxValues, bytes: v.pool.opts.MaxStringBytes * 4}
}

// primitive converts what is no object. NaN and infinities stay.
func (v *vm) primitive(val goja.Value) (any, error) {
	switch {
	case val == nil || goja.IsUndefined(val):
		return Undefined, nil
	case goja.IsNull(val):
		return nil, nil
	}
	if sym, ok := val.(*goja.Symbol); ok {
		return Symbol{Text: "Symbol(" + sym.String() + ")"}, nil
	}
	switch x := val.Export().(type) {
	case string:
		if len(x) > v.pool.opts.MaxStringBytes {
			return nil, tooLong(v.pool.opts.MaxStringBytes)
		}
		return x, nil
	case bool:
		return x, nil
	case int64:
		return float64(x), nil
	case float64:
		return x, nil
	case *big.Int:
		return x.String(), nil
	}
	return val.String(), nil
}

// kind classifies an object and returns its JSON form where it has one.
func (v *vm) kind(obj *goja.Object) (string, goja.Value) {
	switch obj.ClassName() {
	case "Array":
		return "array", nil
	case "Function":
		return "function", nil
	case "Date":
		return "date", dateForm(v, obj)
	case "Number", "String", "Boolean", "Symbol", "BigInt":
		return "boxed", nil
	case "Promise", "Map", "Set", "RegExp", "WeakMap", "WeakSet", "ArrayBuffer":
		return "empty", nil
	}
	if v.plainProto == nil {
		v.plainProto = v.rt.NewObject().Prototype()
	}
	if obj.Prototype() == v.plainProto && obj.Get("toJSON") == nil {
		return "object", nil
	}
	toJSON, ok := goja.AssertFunction(obj.Get("toJSON"))
	if !ok {
		return "object", nil
	}
	form, err := toJSON(obj, v.rt.ToValue(""))
	if err != nil {
		panic(err)
	}
	if isDate := obj.Get("isLuxonDateTime"); isDate != nil && isDate.StrictEquals(v.rt.ToValue(true)) {
		return "date", form
	}
	return "json", form
}

// dateForm is the ISO text of a Date, null for an invalid one.
func dateForm(v *vm, obj *goja.Object) goja.Value {
	t, ok := obj.Export().(time.Time)
	if !ok {
		return goja.Null()
	}
	return v.rt.ToValue(isoTime(t))
}

// isoTime writes t as Date.prototype.toISOString does.
func isoTime(t time.Time) string {
	t = t.UTC()
	if y := t.Year(); y < 0 || y > 9999 {
		sign := "+"
		if y < 0 {
			sign, y = "-", -y
		}
		digits := strconv.Itoa(y)
		return sign + strings.Repeat("0", max(0, 6-len(digits))) + digits + t.Format("-01-02T15:04:05.000Z")
	}
	return t.Format("2006-01-02T15:04:05.000Z")
}

// form converts the JSON form of an object.
func (x *exporter) form(val goja.Value) (any, error) {
	if val == nil || goja.IsUndefined(val) {
		return nil, nil
	}
	return x.value(val, 1)
}

// value converts at a depth. Functions, symbols and undefined give Undefined, which
// lists write as null and objects leave out; below the top NaN is null.
func (x *exporter) value(val goja.Value, depth int) (any, error) {
	if x.left--; x.left < 0 || depth > maxValueDepth {
		return nil, failure(KindMemory, "the value is too large, nested too deep, or contains itself")
	}
	obj, ok := val.(*goja.Object)
	if !ok {
		return x.leaf(val, depth)
	}
	kind, form := x.v.kind(obj)
	switch kind {
	case "function":
		return Undefined, nil
	case "date", "json":
		return x.form(form)
	case "boxed":
		return x.leaf(x.v.unbox(obj), depth)
	case "empty":
		return &workflow.Object{}, nil
	case "array":
		return x.list(obj, depth)
	}
	out := &workflow.Object{}
	for _, k := range obj.Keys() {
		e, err := x.value(obj.Get(k), depth+1)
		if err != nil {
			return nil, err
		}
		if e != any(Undefined) {
			out.Set(k, e)
		}
	}
	x.v.check()
	return out, nil
}

func (x *exporter) leaf(val goja.Value, depth int) (any, error) {
	out, err := x.v.primitive(val)
	switch p := out.(type) {
	case string:
		if x.bytes -= len(p); x.bytes < 0 {
			return nil, tooLong(x.v.pool.opts.MaxStringBytes * 4)
		}
	case float64:
		if depth > 0 && (math.IsNaN(p) || math.IsInf(p, 0)) {
			return nil, err
		}
	case Symbol:
		if depth > 0 {
			return Undefined, err
		}
	}
	return out, err
}

func (x *exporter) list(obj *goja.Object, depth int) (any, error) {
	n := int(obj.Get("length").ToInteger())
	if n > maxArray {
		return nil, failure(KindMemory, "the list is too long")
	}
	var elems []goja.Value
	if err := x.v.rt.ExportTo(obj, &elems); err != nil {
		return nil, failure(KindMemory, "the list cannot be read")
	}
	out := make([]any, len(elems))
	for i, e := range elems {
		if e == nil {
			continue
		}
		val, err := x.value(e, depth+1)
		if err != nil {
			return nil, err
		}
		if val != any(Undefined) {
			out[i] = val
		}
	}
	x.v.check()
	return out, nil
}
