package node

import (
	"math"
	"reflect"
	"strconv"
	"strings"

	"flowgate/internal/workflow"
)

// coerce stores v in dst, converting loosely between the JSON kinds.
func coerce(v any, dst reflect.Value, path string) error {
	switch dst.Kind() {
	case reflect.String:
		dst.SetString(textOf(v))
	case reflect.Bool:
		b, ok := boolOf(v)
		if !ok {
			return badType(path, v, "true or false")
		}
		dst.SetBool(b)
	case reflect.Int, reflect.Int64:
		f, ok := numberOf(v)
		if !ok || math.IsInf(f, 0) || math.Abs(f) > math.MaxInt64/2 {
			return badType(path, v, "a whole number")
		}
		dst.SetInt(int64(f))
	case reflect.Float64:
		f, ok := numberOf(v)
		if !ok {
			return badType(path, v, "a number")
		}
		dst.SetFloat(f)
	case reflect.Interface:
		if v != nil {
			dst.Set(reflect.ValueOf(v))
		}
	case reflect.Slice: // []any
		list, ok := parsed(v).([]any)
		if v != nil && v != "" && !ok {
			return badType(path, v, "a list")
		}
		dst.Set(reflect.ValueOf(list))
	default: // *workflow.Object
		o, ok := parsed(v).(*workflow.Object)
		if v != nil && v != "" && !ok {
			return badType(path, v, "an object")
		}
		dst.Set(reflect.ValueOf(o))
	}
	return nil
}

// parsed reads text that holds JSON; other values come back as they are.
func parsed(v any) any {
	if s, ok := v.(string); ok {
		if out, err := workflow.DecodeJSON([]byte(s)); err == nil {
			return out
		}
	}
	return v
}

// textOf writes v as text: JSON for objects and lists, "" for null.
func textOf(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return numberText(v)
	case symbolValue:
		return v.SymbolText()
	}
	if isUndefined(v) {
		return ""
	}
	return jsonText(v)
}

// jsonText writes v as JSON.
func jsonText(v any) string {
	data, err := workflow.AppendJSON(nil, v)
	if err != nil {
		return ""
	}
	return string(data)
}

// numberText writes f as JavaScript's String does.
func numberText(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return string(workflow.AppendNumber(nil, f))
}

// numberOf reads a number; null and empty text are 0.
func numberOf(v any) (float64, bool) {
	switch v := v.(type) {
	case nil:
		return 0, true
	case float64:
		return v, !math.IsNaN(v)
	case int:
		return float64(v), true
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	case string:
		s := strings.TrimSpace(v)
		if s == "" {
			return 0, true
		}
		f, err := strconv.ParseFloat(s, 64)
		return f, err == nil && !math.IsNaN(f)
	}
	return 0, false
}

// boolOf reads a boolean; null and empty text are false.
func boolOf(v any) (val, ok bool) {
	switch v := v.(type) {
	case nil:
		return false, true
	case bool:
		return v, true
	case float64:
		return v != 0, true
	case string:
		switch strings.ToLower(strings.TrimSpace(v)) {
		case "true", "1", "yes", "on":
			return true, true
		case "", "false", "0", "no", "off":
			return false, true
		}
	}
	return false, false
}

// scalarOf is a bound field as a JSON scalar, nil for other kinds.
func scalarOf(v reflect.Value) any {
	switch v.Kind() {
	case reflect.String:
		return v.String()
	case reflect.Bool:
		return v.Bool()
	case reflect.Int, reflect.Int64:
		return float64(v.Int())
	case reflect.Float64:
		return v.Float()
	case reflect.Interface:
		if !v.IsNil() {
			return v.Interface()
		}
	}
	return nil
}

func badType(path string, got any, want string) *Failure {
	return Fail("Parameter %q must be %s, but it is %s.", path, want, describe(got))
}

func badEnum(path, got string, enum []string) *Failure {
	return Fail("Parameter %q is %q, but it must be one of: %s.", path, clip(got, 60), strings.Join(enum, ", "))
}

// describe names a value for an error sentence: its kind and, for short
// scalars, what it is.
func describe(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return "the text " + strconv.Quote(clip(v, 60))
	case bool, float64:
		return "the " + workflow.KindOf(v) + " " + textOf(v)
	case []any:
		return "a list"
	case *workflow.Object:
		return "an object"
	}
	return "a value of another kind"
}

func clip(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n]) + "…"
}
