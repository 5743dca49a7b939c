package expr

import "flowgate/internal/workflow"

// mapList applies f to every element and copies the list only when one changes.
func mapList(list []any, f func(any) any) any {
	var out []any
	for i, e := range list {
		n := f(e)
		if out == nil && !same(e, n) {
			out = append(make([]any, 0, len(list)), list[:i]...)
		}
		if out != nil {
			out = append(out, n)
		}
	}
	if out == nil {
		return list
	}
	return out
}

// mapObject applies f to every value and copies the object only when one changes.
func mapObject(o *workflow.Object, f func(any) any) any {
	var out *workflow.Object
	for i := range o.Len() {
		k, e := o.At(i)
		n := f(e)
		if same(e, n) {
			continue
		}
		if out == nil {
			out = o.Copy()
		}
		out.Set(k, n)
	}
	if out == nil {
		return o
	}
	return out
}

// same reports whether two values are the same one, not merely equal.
func same(a, b any) bool {
	switch a := a.(type) {
	case []any:
		b, ok := b.([]any)
		return ok && len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
	case *workflow.Object:
		b, ok := b.(*workflow.Object)
		return ok && a == b
	case nil, bool, string, float64, int:
		return a == b
	}
	return false
}
