package engine

import (
	"context"
	"slices"

	"flowgate/internal/engine/expr"
	"flowgate/internal/workflow"
)

// execution is the computation of one document: the execution itself or a
// sub-workflow within it. It belongs to one goroutine.
type execution struct {
	*world
	graph    *graph
	workflow *workflow.Workflow
	mode     workflow.Mode
	start    workflow.Start
	path     string // what its effects' names begin with; "" for the execution itself
	depth    int

	begin   *vertex
	stack   []task // next one first
	waiting []*entry
	runs    map[string][]workflow.NodeRun
	all     []workflow.NodeRun
	states  map[string]*workflow.Object
	static  staticData
	session *expr.Session
	failure *workflow.ExecutionError
	reuse   *reuse // taken over from an earlier execution
}

// task is a node that may run, with what it is given.
type task struct {
	v       *vertex
	inputs  [][]workflow.Item
	sources []*workflow.Source
	bare    bool // a trigger started with nothing: it makes its items itself
}

func newExecution(w *world, wf *workflow.Workflow, mode workflow.Mode, start workflow.Start) *execution {
	return &execution{
		world:    w,
		graph:    buildGraph(&wf.Document, w.engine.registry),
		workflow: wf,
		mode:     mode,
		start:    start,
		runs:     map[string][]workflow.NodeRun{},
		states:   map[string]*workflow.Object{},
	}
}

// run computes until nothing is left to run, a node stops the execution, or
// the world halts.
func (x *execution) run(ctx context.Context) {
	v, err := x.graph.begin(x.start, x.mode)
	if err == nil {
		x.reuse, err = x.graph.reuseOf(x.start, v)
	}
	if err == nil {
		err = x.graph.checkRunnable(v, func(v *vertex) bool { return x.pinned(v) || !x.reuse.allows(v) })
	}
	if err != nil {
		x.started(ctx)
		x.failure = executionError(nil, 0, err)
		return
	}
	x.begin = v
	x.started(ctx)
	x.stack = []task{x.firstTask(v)}
	for !x.halted(ctx) {
		t, ok := x.next()
		if !ok || !x.runTask(ctx, t) {
			return
		}
	}
}

// firstTask gives the start node its items: a trigger puts them out, any other
// node works on them.
func (x *execution) firstTask(v *vertex) task {
	t := task{v: v, inputs: make([][]workflow.Item, x.start.Output+1), sources: []*workflow.Source{}}
	t.inputs[x.start.Output] = x.start.Items
	if x.start.Items == nil {
		t.inputs[x.start.Output] = []workflow.Item{{JSON: &workflow.Object{}}}
		t.bare = v.typ != nil && v.typ.Trigger
	}
	return t
}

// next takes the node to run now. When none is ready, one that waits for
// inputs nobody will fill may be.
func (x *execution) next() (task, bool) {
	if len(x.stack) == 0 {
		return x.release()
	}
	t := x.stack[0]
	x.stack = x.stack[1:]
	return t, true
}

// spread hands a node run's outputs to the nodes connected to them.
func (x *execution) spread(v *vertex, run int, main [][]workflow.Item) {
	var reached []edge
	for i, edges := range v.outputs {
		for _, e := range edges {
			if x.reuse.allows(e.to) && (len(outputOf(main, i)) > 0 || (!x.graph.v1 && e.input > 0)) {
				reached = append(reached, e)
			}
		}
	}
	if x.graph.v1 {
		slices.SortStableFunc(reached, byPosition)
	}
	var ready []task
	for _, e := range reached {
		source := &workflow.Source{PreviousNode: v.name(), PreviousNodeOutput: e.output, PreviousNodeRun: run}
		if t, ok := x.arrive(e, outputOf(main, e.output), source); ok {
			ready = append(ready, t)
		}
	}
	if x.graph.v1 {
		x.stack = append(ready, x.stack...)
		return
	}
	x.stack = append(x.stack, ready...)
	for _, e := range reached {
		x.force(e.to)
	}
}

// byPosition orders children from top to bottom, then from left to right.
func byPosition(a, b edge) int {
	pa, pb := a.to.node.Position, b.to.node.Position
	switch {
	case pa[1] < pb[1]:
		return -1
	case pa[1] > pb[1]:
		return 1
	case pa[0] < pb[0]:
		return -1
	case pa[0] > pb[0]:
		return 1
	}
	return 0
}

func outputOf(main [][]workflow.Item, i int) []workflow.Item {
	if i < len(main) {
		return main[i]
	}
	return nil
}
