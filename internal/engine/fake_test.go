package engine

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"flowgate/internal/engine/node"
	"flowgate/internal/workflow"
)

// world of fakes: node types that do one thing each, a journal that keeps
// effects, and a recorder that keeps everything.

// fakeType is a node type named name that runs fn.
func fakeType(name string, fn func(ctx context.Context, c *node.Call) (node.Output, error)) *node.Type {
	return &node.Type{Name: name, DisplayName: name, Params: struct{}{}, Versions: []float64{1}, Run: fn}
}

func pass(_ context.Context, c *node.Call) (node.Output, error) {
	return node.Items(append([]workflow.Item(nil), c.Items()...)), nil
}

func numbered(n int) []workflow.Item {
	items := make([]workflow.Item, n)
	for i := range items {
		items[i] = workflow.Item{JSON: workflow.NewObject("i", float64(i))}
	}
	return items
}

// fakeTypes are the types of tests' documents: "trigger", "pass", "fail",
// "three" (three items), "none" (no item), "two" (two outputs: a parameter
// says which gets the items), "merge" (two inputs), "both" (two required).
func fakeTypes(extra ...*node.Type) *node.Registry {
	trigger := fakeType("trigger", func(_ context.Context, c *node.Call) (node.Output, error) {
		if c.Inputs == nil {
			return node.Items(numbered(1)), nil
		}
		return node.Items(c.Items()), nil
	})
	trigger.Trigger = true
	two := fakeType("two", func(_ context.Context, c *node.Call) (node.Output, error) {
		out := make([][]workflow.Item, 2)
		which, _ := c.Node.Parameters.Value("output").(float64)
		out[int(which)] = c.Items()
		return node.Output{Main: out}, nil
	})
	twoPorts := []workflow.Port{{Name: "1", Type: "main"}, {Name: "2", Type: "main"}}
	two.Outputs = func(*workflow.Node) []workflow.Port { return twoPorts }
	merge := fakeType("merge", func(_ context.Context, c *node.Call) (node.Output, error) {
		var out []workflow.Item
		for _, in := range c.Inputs {
			out = append(out, in...)
		}
		return node.Items(out), nil
	})
	merge.Inputs = two.Outputs
	both := fakeType("both", merge.Run)
	both.Inputs, both.RequiredInputs = merge.Inputs, func(*workflow.Node) int { return 2 }
	types := []*node.Type{trigger, fakeType("pass", pass), two, merge, both,
		fakeType("fail", func(context.Context, *node.Call) (node.Output, error) { return node.Output{}, node.Fail("no luck") }),
		fakeType("three", func(context.Context, *node.Call) (node.Output, error) { return node.Items(numbered(3)), nil }),
		fakeType("none", func(context.Context, *node.Call) (node.Output, error) { return node.Items([]workflow.Item{}), nil }),
		fakeType("panic", func(context.Context, *node.Call) (node.Output, error) { panic("boom") }),
	}
	return node.NewRegistry(append(types, extra...), node.RegistryOptions{})
}

// step is a node of a test document: its type, its place, its targets.
type step struct {
	name, typ string
	x, y      float64
	to        [][]string // by output: "NODE" or "NODE:1" for input 1
	edit      func(n *workflow.Node)
}

func document(order string, steps ...step) *workflow.Workflow {
	doc := workflow.Document{Name: "test", Connections: workflow.Connections{}}
	doc.Settings.ExecutionOrder = order
	for _, s := range steps {
		n := workflow.Node{Name: s.name, Type: s.typ, TypeVersion: 1, Position: [2]float64{s.x, s.y}, Parameters: &workflow.Object{}}
		if s.edit != nil {
			s.edit(&n)
		}
		doc.Nodes = append(doc.Nodes, n)
		var outputs [][]workflow.Target
		for _, targets := range s.to {
			var list []workflow.Target
			for _, t := range targets {
				list = append(list, target(t))
			}
			outputs = append(outputs, list)
		}
		doc.Connections[s.name] = map[string][][]workflow.Target{"main": outputs}
	}
	return &workflow.Workflow{ID: "wf", Document: doc}
}

func target(s string) workflow.Target {
	if n := len(s); n > 2 && s[n-2] == ':' {
		return workflow.Target{Node: s[:n-2], Type: "main", Index: int(s[n-1] - '0')}
	}
	return workflow.Target{Node: s, Type: "main"}
}

var testClock = time.Date(1999, 1, 2, 3, 4, 5, 0, time.UTC)

func jobOf(wf *workflow.Workflow) Job {
	return Job{Workflow: wf, Execution: &workflow.Execution{ID: "e1", Mode: workflow.ModeManual, Clock: testClock, Seed: 7}}
}

func runOf(t *testing.T, wf *workflow.Workflow, extra ...*node.Type) Outcome {
	t.Helper()
	return New(Options{Registry: fakeTypes(extra...)}).Run(t.Context(), jobOf(wf))
}

// memory is a Recorder that keeps everything.
type memory struct {
	events  []workflow.Event
	runs    []workflow.NodeRun
	waiting []*workflow.Waiting
}

func (m *memory) Event(_ context.Context, e workflow.Event) error {
	m.events = append(m.events, e)
	return nil
}

func (m *memory) NodeRun(_ context.Context, r workflow.NodeRun) error {
	m.runs = append(m.runs, r)
	return nil
}

func (m *memory) Waiting(_ context.Context, w *workflow.Waiting) error {
	m.waiting = append(m.waiting, w)
	return nil
}

// lines are the events without what depends on the wall clock.
func (m *memory) lines() []string {
	var out []string
	for _, e := range m.events {
		out = append(out, fmt.Sprintf("%d %s %s/%d %v %s %s", e.Seq, e.Type, e.Node, e.Run, e.ItemCounts, e.Status, e.Message))
	}
	return out
}

// kinds are the events without what depends on any time.
func (m *memory) kinds() []string {
	var out []string
	for _, e := range m.events {
		out = append(out, fmt.Sprintf("%d %s %s/%d %v %s", e.Seq, e.Type, e.Node, e.Run, e.ItemCounts, e.Status))
	}
	return out
}

var errKilled = errors.New("killed")

// journal is Effects that keep what was recorded and may be killed before or
// after any effect.
type journal struct {
	data     map[string][]byte
	asked    []string       // names in order of this computation
	ran      map[string]int // how often a step's function ran, over all computations
	killAt   int            // the effect that is killed, from 1; 0: none
	before   bool           // killed before it is recorded
	suspend  bool           // waits suspend unless they are over
	over     map[string]bool
	messages map[string][]byte
}

func newJournal() *journal {
	return &journal{data: map[string][]byte{}, ran: map[string]int{}, over: map[string]bool{}, messages: map[string][]byte{}}
}

func (j *journal) enter(name string) (kill bool) {
	j.asked = append(j.asked, name)
	return j.killAt == len(j.asked)
}

func (j *journal) Step(ctx context.Context, name string, fn func(ctx context.Context) ([]byte, error)) ([]byte, error) {
	kill := j.enter(name)
	if kill && j.before {
		return nil, errKilled
	}
	data, ok := j.data[name]
	if !ok {
		var err error
		if data, err = fn(ctx); err != nil {
			return nil, err
		}
		j.ran[name]++
		j.data[name] = data
	}
	if kill {
		return nil, errKilled
	}
	return data, nil
}

func (j *journal) WaitUntil(_ context.Context, name string, _ time.Time) error {
	if j.enter(name) {
		return errKilled
	}
	if j.suspend && !j.over[name] {
		return ErrSuspended
	}
	return nil
}

func (j *journal) Receive(_ context.Context, name string, _ workflow.Waiting, _ time.Time) ([]byte, error) {
	if j.enter(name) {
		return nil, errKilled
	}
	if m, ok := j.messages[name]; ok {
		return m, nil
	}
	return nil, ErrSuspended
}
