package node

import (
	"math"
	"strconv"
	"strings"

	"flowgate/internal/workflow"
)

// deepEqual reports whether two JSON values are the same; the order of keys
// does not matter.
func deepEqual(a, b any) bool {
	switch a := a.(type) {
	case *workflow.Object:
		b, ok := b.(*workflow.Object)
		if !ok || a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			k, v := a.At(i)
			w, there := b.Get(k)
			if !there || !deepEqual(v, w) {
				return false
			}
		}
		return true
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !deepEqual(a[i], b[i]) {
				return false
			}
		}
		return true
	}
	switch b.(type) {
	case *workflow.Object, []any:
		return false
	}
	return a == b
}

// jsNumber converts as JavaScript's Number does: null is 0, what is no number
// is NaN.
func jsNumber(v any) float64 {
	switch v := v.(type) {
	case nil:
		return 0
	case float64:
		return v
	case bool:
		if v {
			return 1
		}
		return 0
	case string:
		s := strings.TrimSpace(v)
		if s == "" {
			return 0
		}
		if strings.ContainsAny(s, "_pP") {
			return math.NaN()
		}
		if len(s) > 2 && s[0] == '0' && strings.ContainsAny(s[1:2], "xXbBoO") {
			n, err := strconv.ParseUint(s, 0, 64)
			if err != nil {
				return math.NaN()
			}
			return float64(n)
		}
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || (math.IsInf(f, 0) && !strings.HasSuffix(s, "Infinity")) || strings.EqualFold(s, "nan") {
			return math.NaN()
		}
		return f
	}
	return math.NaN()
}

// truthy converts as JavaScript's Boolean does.
func truthy(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case float64:
		return v != 0 && !math.IsNaN(v)
	case string:
		return v != ""
	}
	return !isUndefined(v)
}

// jsText converts as JavaScript's String does.
func jsText(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			if e != nil {
				parts[i] = jsText(e)
			}
		}
		return strings.Join(parts, ",")
	case *workflow.Object:
		return "[object Object]"
	}
	return textOf(v)
}

// order compares two JSON values for sorting: numbers by size, texts without
// regard to case, anything else as JavaScript's < would; 0 when neither is
// less.
func order(a, b any) int {
	as, aText := a.(string)
	bs, bText := b.(string)
	if aText && bText {
		return strings.Compare(strings.ToLower(as), strings.ToLower(bs))
	}
	if isContainer(a) || isContainer(b) {
		return strings.Compare(strings.ToLower(jsText(a)), strings.ToLower(jsText(b)))
	}
	x, y := jsNumber(a), jsNumber(b)
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

func isContainer(v any) bool {
	switch v.(type) {
	case []any, *workflow.Object:
		return true
	}
	return false
}

// isEmptyValue reports whether v is null, "", [] or {}.
func isEmptyValue(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case *workflow.Object:
		return v.Len() == 0
	}
	return isUndefined(v)
}
