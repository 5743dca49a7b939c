package expr

import (
	"math"
	"strconv"
	"strings"

	"github.com/dop251/goja"

	"flowgate/internal/workflow"
)

// text is what a chunk adds to a text: nothing for null, undefined and NaN.
func (v *vm) text(val goja.Value) string {
	if val == nil || goja.IsUndefined(val) || goja.IsNull(val) {
		return ""
	}
	obj, ok := val.(*goja.Object)
	if !ok {
		if f, isFloat := val.Export().(float64); isFloat && math.IsNaN(f) {
			return ""
		}
		return val.String()
	}
	if kind, _ := v.kind(obj); kind == "function" {
		v.throw(failure(KindSyntax, "the expression gives a function: add () to call it"))
	}
	return obj.String()
}

// textOf is the same for a JSON value.
func textOf(val any) string {
	switch x := val.(type) {
	case string:
		return x
	case bool:
		return strconv.FormatBool(x)
	case float64:
		if math.IsNaN(x) {
			return ""
		}
		return numberText(x)
	case []any:
		parts := make([]string, len(x))
		for i, e := range x {
			parts[i] = textOf(e)
		}
		return strings.Join(parts, ",")
	case *workflow.Object:
		return "[object Object]"
	}
	return ""
}

func numberText(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return string(workflow.AppendNumber(nil, f))
}

func tooLong(limit int) *Error {
	return failure(KindMemory, "the text is longer than "+strconv.Itoa(limit>>20)+" MiB")
}
