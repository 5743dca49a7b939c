package engine

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"flowgate/internal/engine/node"
	"flowgate/internal/workflow"
)

// counting is a node type that counts its runs and numbers its items.
func counting(ran map[string]int) *node.Type {
	return fakeType("count", func(_ context.Context, c *node.Call) (node.Output, error) {
		ran[c.Node.Name]++
		return node.Items([]workflow.Item{{JSON: workflow.NewObject("from", fmt.Sprintf("%s/%d", c.Node.Name, ran[c.Node.Name]))}}), nil
	})
}

func failingOnce(failed *bool) *node.Type {
	return fakeType("once", func(_ context.Context, c *node.Call) (node.Output, error) {
		if !*failed {
			*failed = true
			return node.Output{}, node.Fail("the first time fails")
		}
		return node.Items(c.Items()), nil
	})
}

// TestRetryReuses fails behind two branches and a merge, and goes on from there.
func TestRetryReuses(t *testing.T) {
	for _, order := range []string{"v0", "v1"} {
		t.Run(order, func(t *testing.T) {
			ran, failed := map[string]int{}, false
			wf := document(order,
				step{name: "T", typ: "trigger", to: [][]string{{"A", "B"}}},
				step{name: "A", typ: "count", to: [][]string{{"M:0"}}},
				step{name: "B", typ: "count", y: 1, to: [][]string{{"M:1"}}},
				step{name: "M", typ: "merge", y: 2, to: [][]string{{"X"}}},
				step{name: "X", typ: "once", y: 3, to: [][]string{{"End"}}},
				step{name: "End", typ: "count", y: 4},
			)
			e := New(Options{Registry: fakeTypes(counting(ran), failingOnce(&failed))})
			first := e.Run(t.Context(), jobOf(wf))
			if first.Status != workflow.StatusError {
				t.Fatalf("%+v", first)
			}
			job := jobOf(wf)
			job.Execution.Start = workflow.Start{Trigger: "T", Reuse: finishedRuns(first.Runs)}
			again := e.Run(t.Context(), job)
			if again.Status != workflow.StatusSuccess || ran["A"] != 1 || ran["B"] != 1 || ran["End"] != 1 {
				t.Errorf("%s %+v %v", again.Status, again.Error, ran)
			}
			if want := first.Order; !slices.Equal(again.Order[:len(want)], want) || again.Order[len(want)] != "End" {
				t.Errorf("order %v, then %v", want, again.Order)
			}
			if got := again.RunsOf("X")[0].Main[0]; len(got) != 2 || got[0].JSON.Value("from") != "A/1" || got[1].JSON.Value("from") != "B/1" {
				t.Errorf("%+v", got)
			}
		})
	}
}

// TestPartialRun begins at a node: what is beside it does not run, but a join
// gets what the other branch gave.
func TestPartialRun(t *testing.T) {
	ran := map[string]int{}
	wf := document("v1",
		step{name: "T", typ: "trigger", to: [][]string{{"A", "B", "Aside"}}},
		step{name: "A", typ: "count", to: [][]string{{"X"}}},
		step{name: "X", typ: "count", to: [][]string{{"M:0"}}},
		step{name: "B", typ: "count", y: 1, to: [][]string{{"M:1"}}},
		step{name: "Aside", typ: "count", y: 2},
		step{name: "M", typ: "merge", y: 3, to: [][]string{{"End"}}},
		step{name: "End", typ: "count", y: 4},
	)
	e := New(Options{Registry: fakeTypes(counting(ran))})
	first := e.Run(t.Context(), jobOf(wf))
	job := jobOf(wf)
	job.Execution.Start = workflow.Start{Trigger: "T", From: "X", Reuse: finishedRuns(first.Runs)}
	again := e.Run(t.Context(), job)
	if again.Status != workflow.StatusSuccess || ran["A"] != 1 || ran["B"] != 1 || ran["Aside"] != 1 || ran["X"] != 2 || ran["End"] != 2 {
		t.Errorf("%s %+v %v", again.Status, again.Error, ran)
	}
	if got := again.RunsOf("M")[0].Main[0]; len(got) != 2 || got[0].JSON.Value("from") != "X/2" || got[1].JSON.Value("from") != "B/1" {
		t.Errorf("%+v", got)
	}
	for _, start := range []workflow.Start{{Trigger: "T", From: "Nope"}, {Trigger: "B", From: "X"}} {
		job := jobOf(wf)
		job.Execution.Start = start
		if o := e.Run(t.Context(), job); o.Status != workflow.StatusError || o.Error.Code != string(workflow.CodeUnrunnable) {
			t.Errorf("%+v: %+v", start, o)
		}
	}
}

// TestRetryInLoop fails in the third round of a loop: the first two are taken
// over, and the loop's own state is built up again.
func TestRetryInLoop(t *testing.T) {
	ran, rounds := map[string]int{}, 0
	body := fakeType("body", func(_ context.Context, c *node.Call) (node.Output, error) {
		if rounds++; rounds == 3 {
			return node.Output{}, node.Fail("the third round fails")
		}
		return node.Items(c.Items()), nil
	})
	wf := document("v1",
		step{name: "T", typ: "trigger", to: [][]string{{"Five"}}},
		step{name: "Five", typ: "five", to: [][]string{{"Loop"}}},
		step{name: "Loop", typ: typeLoop, to: [][]string{{"End"}, {"Body"}}, edit: func(n *workflow.Node) {
			n.TypeVersion, n.Parameters = 3, workflow.NewObject("batchSize", 1.0)
		}},
		step{name: "Body", typ: "body", y: 1, to: [][]string{{"Loop"}}},
		step{name: "End", typ: "count", y: 2},
	)
	five := fakeType("five", func(context.Context, *node.Call) (node.Output, error) { return node.Items(numbered(5)), nil })
	loop := node.NewRegistry(node.All(), node.RegistryOptions{}).Lookup(typeLoop)
	e := New(Options{Registry: fakeTypes(counting(ran), body, five, loop)})
	first := e.Run(t.Context(), jobOf(wf))
	if first.Status != workflow.StatusError || len(first.RunsOf("Body")) != 3 {
		t.Fatalf("%+v", first.Error)
	}
	job := jobOf(wf)
	job.Execution.Start = workflow.Start{Trigger: "T", Reuse: finishedRuns(first.Runs)}
	again := e.Run(t.Context(), job)
	if again.Status != workflow.StatusSuccess || rounds != 6 || len(again.RunsOf("Body")) != 5 || len(again.RunsOf("Loop")[5].Main[0]) != 5 {
		t.Errorf("%s %+v: %d rounds, %d recorded", again.Status, again.Error, rounds, len(again.RunsOf("Body")))
	}
}
