package engine

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"flowgate/internal/engine/node"
	"flowgate/internal/workflow"
)

// TestNestedFailureAndDepth: a sub-workflow's failure is the calling node's,
// and a workflow that calls itself comes to an end.
func TestNestedFailureAndDepth(t *testing.T) {
	types := replayTypes(map[string]int{})
	engine := New(Options{Registry: fakeTypes(types...), Limits: Limits{MaxDepth: 3}})
	callSub := []step{{name: "T", typ: "trigger", to: [][]string{{"Call"}}}, {name: "Call", typ: "call"}}
	job := jobOf(document("v1", callSub...))
	job.SubWorkflows = SubWorkflows{"sub": document("v1", step{name: "T", typ: "trigger", to: [][]string{{"Bad"}}}, step{name: "Bad", typ: "fail"})}.Find
	if o := engine.Run(t.Context(), job); o.Status != workflow.StatusError || o.Error.Node != "Call" || o.Error.Message != "no luck" {
		t.Errorf("%s %+v", o.Status, o.Error)
	}
	job.SubWorkflows = SubWorkflows{"sub": document("v1", callSub...)}.Find
	if o := engine.Run(t.Context(), job); o.Status != workflow.StatusError || !strings.Contains(o.Error.Message, "more than 3 deep") {
		t.Errorf("%s %+v", o.Status, o.Error)
	}
}

// TestDetached starts a sub-workflow nobody waits for once, whether or not the
// job can start executions of their own.
func TestDetached(t *testing.T) {
	var seen int
	count := fakeType("count", func(context.Context, *node.Call) (node.Output, error) {
		seen++
		return node.Output{}, node.Fail("nobody hears this")
	})
	leave := fakeType("leave", func(ctx context.Context, c *node.Call) (node.Output, error) {
		_, err := c.Host.SubWorkflow(ctx, "all", node.SubWorkflow{ID: "sub"}, c.Items(), false)
		return node.Items(c.Items()), err
	})
	engine := New(Options{Registry: fakeTypes(count, leave)})
	job := jobOf(document("v1", step{name: "T", typ: "trigger", to: [][]string{{"L"}}}, step{name: "L", typ: "leave"}))
	job.SubWorkflows = SubWorkflows{"sub": document("v1", step{name: "T", typ: "trigger", to: [][]string{{"C"}}}, step{name: "C", typ: "count"})}.Find
	if o := engine.Run(t.Context(), job); o.Status != workflow.StatusSuccess || seen != 1 {
		t.Error(o.Status, o.Error, seen)
	}
	var started int
	job.Effects = newJournal()
	job.Detach = func(_ context.Context, _ *workflow.Workflow, items []workflow.Item) error {
		started += len(items)
		return nil
	}
	for range 2 {
		if o := engine.Run(t.Context(), job); o.Status != workflow.StatusSuccess || seen != 1 || started != 1 {
			t.Error(o.Status, o.Error, seen, started)
		}
	}
}

// TestEffectPanics: a fault inside a recorded step is a failure that is
// recorded, not a machinery failure that is tried for ever.
func TestEffectPanics(t *testing.T) {
	bad := fakeType("bad", func(ctx context.Context, c *node.Call) (node.Output, error) {
		_, err := c.Host.Effect(ctx, "0", func(context.Context) ([]byte, error) { panic("boom") })
		return node.Output{}, err
	})
	job := jobOf(document("v1", step{name: "T", typ: "trigger", to: [][]string{{"B"}}}, step{name: "B", typ: "bad"}))
	j := newJournal()
	job.Effects = j
	for range 2 {
		o := New(Options{Registry: fakeTypes(bad)}).Run(t.Context(), job)
		if o.Status != workflow.StatusError || o.Error.Code != string(workflow.CodeInternal) || j.ran["B/0/0"] != 1 {
			t.Errorf("%s %+v %v %v", o.Status, o.Error, o.Err, j.ran)
		}
	}
}

// TestWaitsDoNotCount: neither a wait nor a sub-workflow's time is the node's,
// and a wait is not the execution's.
func TestWaitsDoNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		types := replayTypes(map[string]int{})
		sub := document("v1", step{name: "T", typ: "trigger", to: [][]string{{"W"}}}, step{name: "W", typ: "wait"})
		job := jobOf(document("v1", step{name: "T", typ: "trigger", to: [][]string{{"W"}}},
			step{name: "W", typ: "wait", to: [][]string{{"Call"}}}, step{name: "Call", typ: "call"}))
		job.SubWorkflows = SubWorkflows{"sub": sub}.Find
		job.Execution.Clock = time.Now()
		rec := &memory{}
		job.Recorder = rec
		began := time.Now()
		o := New(Options{Registry: fakeTypes(types...), Limits: Limits{NodeTimeout: time.Second, ExecutionTimeout: time.Minute}}).Run(t.Context(), job)
		if o.Status != workflow.StatusSuccess || time.Since(began) != 2*time.Hour {
			t.Errorf("%s %+v after %s", o.Status, o.Error, time.Since(began))
		}
		var kinds []workflow.EventType
		for _, e := range rec.events {
			if e.Type == workflow.EventWaiting || e.Type == workflow.EventResumed {
				kinds = append(kinds, e.Type)
			}
		}
		if !slices.Equal(kinds, []workflow.EventType{workflow.EventWaiting, workflow.EventResumed, workflow.EventWaiting, workflow.EventResumed}) {
			t.Error(kinds)
		}
	})
}
