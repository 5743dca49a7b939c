package recorded

import (
	"maps"
	"slices"
	"testing"

	"flowgate/internal/workflow"
)

// TestEvents takes events once, in their order.
func TestEvents(t *testing.T) {
	t.Parallel()
	fresh, last := Events([]workflow.Event{{Seq: 2}, {Seq: 3}, {Seq: 3}, {Seq: 5}}, 2)
	if !slices.Equal(fresh, []bool{false, true, false, true}) || last != 5 {
		t.Errorf("%v, %d", fresh, last)
	}
}

// TestRuns takes runs once, but for those beyond a gap.
func TestRuns(t *testing.T) {
	t.Parallel()
	stored := map[string]int{"A": 1}
	fresh, nodes := Runs([]workflow.NodeRun{{Node: "A"}, {Node: "A", Run: 1}, {Node: "B"}, {Node: "A", Run: 3}}, stored)
	if !slices.Equal(fresh, []bool{false, true, true, true}) || !slices.Equal(nodes, []string{"A", "B", "A"}) {
		t.Errorf("%v, %v", fresh, nodes)
	}
	if !maps.Equal(stored, map[string]int{"A": 2, "B": 1}) {
		t.Errorf("stored: %v", stored)
	}
}
