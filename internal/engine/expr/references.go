package expr

import (
	"slices"

	"flowgate/internal/workflow"
)

// ReferencedNodes returns the names of the nodes that the expressions in v, a
// parameter value of any depth, refer to by a literal name: $('x'),
// $items('x'), $node["x"] and $node.x. The names are sorted; each comes once.
func ReferencedNodes(v any) []string {
	found := map[string]bool{}
	collectNodes(v, found)
	names := make([]string, 0, len(found))
	for n := range found {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

func collectNodes(v any, found map[string]bool) {
	switch v := v.(type) {
	case string:
		if !IsExpression(v) {
			return
		}
		splitTemplate(v[1:], func(piece string, isCode bool, _ int) {
			if !isCode {
				return
			}
			if c, err := compileChunk(piece); err == nil {
				for _, n := range c.nodes {
					found[n] = true
				}
			}
		})
	case []any:
		for _, e := range v {
			collectNodes(e, found)
		}
	case *workflow.Object:
		for i := range v.Len() {
			_, e := v.At(i)
			collectNodes(e, found)
		}
	}
}
