package engine

import (
	"slices"
	"strings"
	"testing"

	"flowgate/internal/workflow"
)

func pairedItems(items []workflow.Item) []int {
	var out []int
	for _, item := range items {
		if item.Paired == nil {
			out = append(out, -1)
			continue
		}
		out = append(out, item.Paired.Refs[0].Item)
	}
	return out
}

func TestPairOutputs(t *testing.T) {
	for _, tt := range []struct {
		name   string
		in     []int // items per input
		out    []int // items per output
		output int
		want   []int
	}{
		{"one input item", []int{1}, []int{3}, 0, []int{0, 0, 0}},
		{"one input item, two outputs", []int{1}, []int{1, 2}, 1, []int{0, 0}},
		{"as many as came in", []int{3}, []int{3}, 0, []int{0, 1, 2}},
		{"as many, but two outputs", []int{3}, []int{3, 0}, 0, []int{-1, -1, -1}},
		{"fewer", []int{3}, []int{2}, 0, []int{-1, -1}},
		{"two inputs", []int{1, 1}, []int{1}, 0, []int{-1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var inputs, main [][]workflow.Item
			for _, n := range tt.in {
				inputs = append(inputs, numbered(n))
			}
			for _, n := range tt.out {
				main = append(main, numbered(n))
			}
			kept := main[tt.output]
			if got := pairedItems(pairOutputs(main, inputs)[tt.output]); !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			if kept[0].Paired != nil {
				t.Error("the node's own items were changed")
			}
		})
	}
}

func TestFlags(t *testing.T) {
	off := func(n *workflow.Node) { n.Disabled = true }
	run := func(typ string, edit func(n *workflow.Node)) Outcome {
		return runOf(t, document("v1",
			step{name: "T", typ: "trigger", to: [][]string{{"Three"}}},
			step{name: "Three", typ: "three", to: [][]string{{"X"}}},
			step{name: "X", typ: typ, edit: edit, to: [][]string{{"A"}, {"B"}}},
			step{name: "A", typ: "pass"}, step{name: "B", typ: "pass", y: 1}))
	}
	t.Run("disabled passes on to its first output", func(t *testing.T) {
		o := run("two", func(n *workflow.Node) { off(n); n.Parameters.Set("output", 1.0) })
		if got := pairedItems(o.RunsOf("A")[0].Main[0]); !slices.Equal(got, []int{0, 1, 2}) || len(o.RunsOf("B")) != 0 {
			t.Error(got, o.Order)
		}
	})
	t.Run("executeOnce cuts the input", func(t *testing.T) {
		if o := run("pass", func(n *workflow.Node) { n.ExecuteOnce = true }); len(o.RunsOf("A")[0].Main[0]) != 1 {
			t.Error(o.RunsOf("A"))
		}
	})
	t.Run("alwaysOutputData pairs its item with all", func(t *testing.T) {
		o := run("none", func(n *workflow.Node) { n.AlwaysOutputData = true })
		if p := o.RunsOf("X")[0].Main[0][0].Paired; len(p.Refs) != 3 || !p.Array {
			t.Errorf("%+v", p)
		}
	})
	t.Run("disabled merge keeps its first input", func(t *testing.T) {
		o := runOf(t, document("v1",
			step{name: "T", typ: "trigger", to: [][]string{{"A", "B"}}},
			step{name: "A", typ: "pass", to: [][]string{{"M"}}},
			step{name: "B", typ: "three", y: 1, to: [][]string{{"M:1"}}},
			step{name: "M", typ: "merge", edit: off, to: [][]string{{"Z"}}}, step{name: "Z", typ: "pass"}))
		if strings.Join(o.Order, " ") != "T A B M Z" || len(o.Result) != 1 {
			t.Error(o.Order, o.Result)
		}
	})
}
