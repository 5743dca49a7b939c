package node

import (
	"strconv"
	"strings"

	"flowgate/internal/workflow"
)

// entry is an item of a merge with where it came from.
type entry struct {
	workflow.Item
	at workflow.Pair
}

func entries(items []workflow.Item, input int) []entry {
	out := make([]entry, len(items))
	for i, item := range items {
		out[i] = entry{Item: item, at: workflow.Pair{Item: i, Input: input}}
	}
	return out
}

// alone is an entry on its own in the output.
func (e entry) alone(c clash) workflow.Item {
	out := e.Item
	if c.ResolveClash == "addSuffix" {
		out.JSON = suffixed(e.JSON, e.at.Input)
	}
	out.Paired = pairTo(e.at)
	return out
}

// join merges entries into one item. Later ones win, or the input that the
// clash rule prefers.
func (c clash) join(list ...entry) workflow.Item {
	refs := make([]workflow.Pair, len(list))
	for i, e := range list {
		refs[i] = e.at
	}
	out := workflow.Item{JSON: &workflow.Object{}, Paired: pairTo(refs...)}
	if c.ResolveClash == "addSuffix" {
		for _, e := range list {
			merge(out.JSON, suffixed(e.JSON, e.at.Input))
			out.Binary = mergeBinary(out.Binary, e.Binary)
		}
		return out
	}
	for _, e := range c.ordered(list) {
		c.mergeInto(out.JSON, e.JSON)
		out.Binary = mergeBinary(out.Binary, e.Binary)
	}
	return out
}

// ordered puts the preferred input's entry last.
func (c clash) ordered(list []entry) []entry {
	preferred, ok := c.preferred()
	if !ok {
		return list
	}
	out := make([]entry, 0, len(list))
	var last []entry
	for _, e := range list {
		if e.at.Input == preferred {
			last = append(last, e)
		} else {
			out = append(out, e)
		}
	}
	return append(out, last...)
}

// preferred is the input named by a rule such as preferInput2.
func (c clash) preferred() (int, bool) {
	n, err := strconv.Atoi(strings.TrimPrefix(c.ResolveClash, "preferInput"))
	return n - 1, err == nil && n > 0
}

func suffixed(o *workflow.Object, input int) *workflow.Object {
	out := &workflow.Object{}
	for i := range o.Len() {
		k, v := o.At(i)
		out.Set(k+"_"+strconv.Itoa(input+1), v)
	}
	return out
}

func (c clash) mergeInto(dst, src *workflow.Object) {
	for i := range src.Len() {
		k, v := src.At(i)
		old, there := dst.Get(k)
		if there && c.OverrideEmpty && isEmptyValue(v) {
			continue
		}
		if there && c.MergeMode != "shallowMerge" {
			v = c.deepMerge(old, v)
		}
		dst.Set(k, v)
	}
}

// deepMerge merges b over a: objects by key, lists by place. Neither changes.
// With overrideEmpty what is empty in b gives way to what a has, at any depth.
func (c clash) deepMerge(a, b any) any {
	switch b := b.(type) {
	case *workflow.Object:
		a, ok := a.(*workflow.Object)
		if !ok {
			return b
		}
		out := a.Copy()
		for i := range b.Len() {
			k, v := b.At(i)
			old, there := out.Get(k)
			if there && c.OverrideEmpty && isEmptyValue(v) {
				continue
			}
			if there {
				v = c.deepMerge(old, v)
			}
			out.Set(k, v)
		}
		return out
	case []any:
		a, ok := a.([]any)
		if !ok {
			return b
		}
		out := append([]any(nil), a...)
		for i, v := range b {
			if i < len(out) {
				out[i] = c.deepMerge(out[i], v)
			} else {
				out = append(out, v)
			}
		}
		return out
	}
	return b
}

func mergeBinary(a, b map[string]*workflow.Binary) map[string]*workflow.Binary {
	if len(b) == 0 {
		return a
	}
	out := make(map[string]*workflow.Binary, len(a)+len(b))
	for k, v := range a {
		out[k] = v
	}
	for k, v := range b {
		out[k] = v
	}
	return out
}
