package node

import (
	"sort"

	"flowgate/internal/workflow"
)

// byPosition joins the n-th items of all inputs. The preferred input is
// merged last once more, so its pairing is listed twice; with suffixes its
// plain fields stay beside the others. Documents rely on both.
func (p *mergeParams) byPosition(inputs [][]workflow.Item) []workflow.Item {
	c := p.Options.ClashHandling.Values
	preferred := len(inputs) - 1
	if n, ok := c.preferred(); ok && n < len(inputs) {
		preferred = n
	}
	out := []workflow.Item{}
	for i := range positions(inputs, p.Options.IncludeUnpaired) {
		item := workflow.Item{JSON: &workflow.Object{}}
		var refs []workflow.Pair
		for n := range inputs {
			if i >= len(inputs[n]) {
				continue
			}
			e := inputs[n][i]
			if c.ResolveClash == "addSuffix" {
				merge(item.JSON, suffixed(e.JSON, n))
			} else {
				c.mergeInto(item.JSON, e.JSON)
			}
			item.Binary = mergeBinary(item.Binary, e.Binary)
			refs = append(refs, workflow.Pair{Item: i, Input: n})
		}
		if preferred >= 0 && i < len(inputs[preferred]) {
			last := inputs[preferred][i]
			c.mergeInto(item.JSON, last.JSON)
			item.Binary = mergeBinary(item.Binary, last.Binary)
			refs = append(refs, workflow.Pair{Item: i, Input: preferred})
		}
		item.Paired = pairTo(refs...)
		out = append(out, item)
	}
	return out
}

// positions is how many items there are: of the shortest input, or the
// longest.
func positions(inputs [][]workflow.Item, longest bool) int {
	if len(inputs) == 0 {
		return 0
	}
	n := len(inputs[0])
	for _, items := range inputs[1:] {
		if longest {
			n = max(n, len(items))
		} else {
			n = min(n, len(items))
		}
	}
	return n
}

// combineAll joins every item of the first input with every one of the second.
func (p *mergeParams) combineAll(in1, in2 []workflow.Item) []workflow.Item {
	c := p.Options.ClashHandling.Values
	out := make([]workflow.Item, 0, len(in1)*len(in2))
	for _, a := range entries(in1, 0) {
		for _, b := range entries(in2, 1) {
			out = append(out, c.join(a, b))
		}
	}
	return out
}

func sortedNames(o *workflow.Object) []string {
	names := append([]string(nil), o.Keys()...)
	sort.Strings(names)
	return names
}
