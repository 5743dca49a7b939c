package engine

import (
	"slices"
	"strings"
	"testing"

	"flowgate/internal/workflow"
)

func TestOrder(t *testing.T) {
	branches := []step{
		{name: "T", typ: "trigger", to: [][]string{{"A1", "B1", "C1"}}},
		{name: "A1", typ: "pass", x: 1, y: 3, to: [][]string{{"A2"}}},
		{name: "A2", typ: "pass", x: 2, y: 3},
		{name: "B1", typ: "pass", x: 1, y: 0, to: [][]string{{"B2"}}},
		{name: "B2", typ: "pass", x: 2, y: 0},
		{name: "C1", typ: "pass", x: 1, y: -3, to: [][]string{{"C2"}}},
		{name: "C2", typ: "pass", x: 2, y: -3},
	}
	emptySide := []step{
		{name: "T", typ: "trigger", to: [][]string{{"If"}}},
		{name: "If", typ: "two", edit: parameter("output", 1), to: [][]string{{"X"}, {"Y"}}},
		{name: "X", typ: "pass", to: [][]string{{"M"}}},
		{name: "Y", typ: "pass", y: 1, to: [][]string{{"M:1"}}},
		{name: "M", typ: "merge", to: [][]string{{"End"}}},
		{name: "End", typ: "pass"},
	}
	missing := func(typ string) []step {
		return []step{
			{name: "T", typ: "trigger", to: [][]string{{"If"}}},
			{name: "If", typ: "two", edit: parameter("output", 1), to: [][]string{{"M"}, {"M:1"}}},
			{name: "M", typ: typ},
		}
	}
	for _, tt := range []struct {
		name, order string
		steps       []step
		want        string
	}{
		{"v1 goes depth-first from the top", "v1", branches, "T C1 C2 B1 B2 A1 A2"},
		{"v0 goes breadth-first as connected", "", branches, "T A1 B1 C1 A2 B2 C2"},
		{"v1 releases a node with a missing input", "v1", emptySide, "T If Y M End"},
		{"v0 forces the missing branch", "v0", emptySide, "T If Y X M End"},
		{"v1 keeps a node that requires both inputs", "v1", missing("both"), "T If"},
		{"v0 never releases", "v0", missing("merge"), "T If"},
		{"v1 runs with one of two inputs", "v1", missing("merge"), "T If M"},
		{"v0 takes an empty second input", "v0", []step{
			{name: "T", typ: "trigger", to: [][]string{{"If"}}},
			{name: "If", typ: "two", to: [][]string{{"M"}, {"M:1"}}},
			{name: "M", typ: "merge"},
		}, "T If M"},
		{"two connections into one input run twice", "v1", []step{
			{name: "T", typ: "trigger", to: [][]string{{"A", "B"}}},
			{name: "A", typ: "pass", to: [][]string{{"C"}}},
			{name: "B", typ: "pass", y: 1, to: [][]string{{"C"}}},
			{name: "C", typ: "pass", to: [][]string{{"D"}}},
			{name: "D", typ: "pass"},
		}, "T A C D B C D"},
		{"a second arrival at a filled input is a second run", "v1", []step{
			{name: "T", typ: "trigger", to: [][]string{{"A", "B", "C"}}},
			{name: "A", typ: "pass", to: [][]string{{"M"}}},
			{name: "B", typ: "pass", y: 1, to: [][]string{{"M"}}},
			{name: "C", typ: "pass", y: 2, to: [][]string{{"M:1"}}},
			{name: "M", typ: "merge"},
		}, "T A B C M M"},
		{"a node waits behind an ancestor that waits", "v1", []step{
			{name: "T", typ: "trigger", to: [][]string{{"If"}}},
			{name: "If", typ: "two", edit: parameter("output", 1), to: [][]string{{"M1"}, {"M2:1", "M1:1"}}},
			{name: "M2", typ: "merge", y: -5},
			{name: "M1", typ: "merge", to: [][]string{{"M2"}}},
		}, "T If M1 M2"},
		{"a node without items stops its branch", "v1", []step{
			{name: "T", typ: "trigger", to: [][]string{{"N"}}},
			{name: "N", typ: "none", to: [][]string{{"P"}}},
			{name: "P", typ: "pass"},
		}, "T N"},
		{"alwaysOutputData goes on", "v1", []step{
			{name: "T", typ: "trigger", to: [][]string{{"N"}}},
			{name: "N", typ: "none", edit: func(n *workflow.Node) { n.AlwaysOutputData = true }, to: [][]string{{"P"}}},
			{name: "P", typ: "pass"},
		}, "T N P"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := runOf(t, document(tt.order, tt.steps...))
			if got := strings.Join(o.Order, " "); got != tt.want || o.Status != workflow.StatusSuccess {
				t.Errorf("ran %s (%s, %v), want %s", got, o.Status, o.Error, tt.want)
			}
		})
	}
}

func parameter(name string, value float64) func(n *workflow.Node) {
	return func(n *workflow.Node) { n.Parameters.Set(name, value) }
}

func TestStart(t *testing.T) {
	wf := document("v1",
		step{name: "P", typ: "pass"},
		step{name: "Lone", typ: "trigger"},
		step{name: "T", typ: "trigger", to: [][]string{{"P"}}},
		step{name: "Far", typ: "unheardOf"},
	)
	job := jobOf(wf)
	engine := New(Options{Registry: fakeTypes()})
	t.Run("first trigger that leads somewhere", func(t *testing.T) {
		if o := engine.Run(t.Context(), job); !slices.Equal(o.Order, []string{"T", "P"}) {
			t.Error(o.Order, o.Error)
		}
	})
	t.Run("named node, with items", func(t *testing.T) {
		job := jobOf(wf)
		job.Execution.Start = workflow.Start{Trigger: "P", Items: numbered(2)}
		o := engine.Run(t.Context(), job)
		if !slices.Equal(o.Order, []string{"P"}) || len(o.Result) != 2 {
			t.Error(o.Order, o.Error, o.Result)
		}
	})
	t.Run("no trigger", func(t *testing.T) {
		o := runOf(t, document("v1", step{name: "P", typ: "pass"}))
		if o.Status != workflow.StatusError || o.Error.Code != string(workflow.CodeUnrunnable) {
			t.Error(o.Status, o.Error)
		}
	})
	t.Run("unknown types that can run are listed", func(t *testing.T) {
		o := runOf(t, document("v1",
			step{name: "T", typ: "trigger", to: [][]string{{"U", "Off"}}},
			step{name: "U", typ: "unheardOf"},
			step{name: "Off", typ: "unheardOf", edit: func(n *workflow.Node) { n.Disabled = true }},
			step{name: "Away", typ: "unheardOf"},
		))
		if o.Status != workflow.StatusError || o.Error.Code != string(workflow.CodeUnrunnable) || len(o.Order) != 0 {
			t.Fatal(o.Status, o.Error, o.Order)
		}
		if m := o.Error.Message; !strings.Contains(m, `"U"`) || strings.Contains(m, "Off") || strings.Contains(m, "Away") {
			t.Error(m)
		}
	})
	t.Run("pinned data stands in for an unknown type", func(t *testing.T) {
		wf := document("v1", step{name: "T", typ: "trigger", to: [][]string{{"U"}}}, step{name: "U", typ: "unheardOf", to: [][]string{{"P"}}}, step{name: "P", typ: "pass"})
		wf.Document.PinData = map[string][]any{"U": {map[string]any{"json": map[string]any{"a": 1}}, map[string]any{"b": 2}}}
		job := jobOf(wf)
		job.Execution.Start.PinData = true
		o := engine.Run(t.Context(), job)
		if o.Status != workflow.StatusSuccess || len(o.Result) != 2 || o.Result[1].JSON.Value("b") != 2.0 {
			t.Error(o.Status, o.Error, o.Result)
		}
		job.Execution.Mode = workflow.ModeWebhook
		if o := engine.Run(t.Context(), job); o.Status != workflow.StatusError {
			t.Error("pinned data was used in production")
		}
	})
}
