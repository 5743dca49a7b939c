package node

import "flowgate/internal/workflow"

// Evaluators return three kinds of value that are not JSON kinds: one that says
// "undefined", objects that only have a JSON form, and symbols, which have none.
// They are recognised by their methods, so that this package need not know the
// evaluator.
type (
	undefinedValue interface{ IsUndefined() bool }
	opaqueValue    interface{ JSONValue() any }
	symbolValue    interface{ SymbolText() string }
)

// isUndefined reports whether an evaluator's result is no value at all.
func isUndefined(v any) bool {
	u, ok := v.(undefinedValue)
	return ok && u.IsUndefined()
}

// plain returns v as JSON kinds only, at any depth: undefined becomes nil.
// Values that are plain already are returned as they are.
func plain(v any) any {
	switch v := v.(type) {
	case nil, bool, float64, string:
		return v
	case []any:
		if isPlain(v) {
			return v
		}
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = plain(e)
		}
		return out
	case *workflow.Object:
		if isPlain(v) {
			return v
		}
		out := v.Copy()
		for i := range out.Len() {
			k, e := out.At(i)
			out.Set(k, plain(e))
		}
		return out
	case opaqueValue:
		return plain(v.JSONValue())
	case symbolValue:
		return nil
	}
	if isUndefined(v) {
		return nil
	}
	return v
}

func isPlain(v any) bool {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			if !isPlain(e) {
				return false
			}
		}
		return true
	case *workflow.Object:
		for i := range v.Len() {
			if _, e := v.At(i); !isPlain(e) {
				return false
			}
		}
		return true
	case nil, bool, float64, string:
		return true
	}
	return false
}
