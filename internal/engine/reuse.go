package engine

import (
	"context"
	"fmt"
	"slices"

	"flowgate/internal/workflow"
)

// typeLoop keeps state from run to run, which has to be built up again: it is
// computed, never taken over.
const typeLoop = "n8n-nodes-base.splitInBatches"

// reuse is what an execution takes over from an earlier one instead of doing
// it again. Nil: nothing.
type reuse struct {
	runs   map[string][]workflow.NodeRun // by node and number of the run
	within map[*vertex]bool              // nodes that may run at all; nil: every one
}

// reuseOf reads what a start takes over. begin is where the execution begins.
func (g *graph) reuseOf(start workflow.Start, begin *vertex) (*reuse, error) {
	if len(start.Reuse) == 0 && start.From == "" {
		return nil, nil
	}
	r := &reuse{runs: map[string][]workflow.NodeRun{}}
	for _, run := range start.Reuse {
		r.runs[run.Node] = append(r.runs[run.Node], run)
	}
	if start.From == "" {
		return r, nil
	}
	from := g.nodes[start.From]
	if from == nil {
		return nil, unrunnable(nil, "The workflow has no node named %q to start from.", start.From)
	}
	if from != begin && !from.ancestors()[begin] {
		return nil, unrunnable(nil, "The workflow cannot start from %q: the execution whose data it should use began at %q, which does not lead there.", start.From, begin.name())
	}
	r.limitTo(g, from)
	return r, nil
}

// limitTo leaves what leads to from, from itself and what follows it, with
// what that is joined by as far as it is known. Of these only what comes
// before from is taken over.
func (r *reuse) limitTo(g *graph, from *vertex) {
	r.within = from.ancestors()
	later := g.reach(from)
	for _, v := range later {
		for a := range v.ancestors() {
			if len(r.runs[a.name()]) > 0 {
				r.within[a] = true
			}
		}
	}
	for _, v := range later {
		r.within[v] = true
		delete(r.runs, v.name())
	}
}

// allows reports whether v may run.
func (r *reuse) allows(v *vertex) bool { return r == nil || r.within == nil || r.within[v] }

// run returns a node's run of the earlier execution.
func (r *reuse) run(v *vertex, n int) (workflow.NodeRun, bool) {
	if r == nil || v.typ != nil && v.typ.Name == typeLoop {
		return workflow.NodeRun{}, false
	}
	i := slices.IndexFunc(r.runs[v.name()], func(run workflow.NodeRun) bool { return run.Run == n })
	if i < 0 {
		return workflow.NodeRun{}, false
	}
	return r.runs[v.name()][i], true
}

// takeOver puts an earlier execution's run in the place of one of this
// execution and hands its items on.
func (x *execution) takeOver(ctx context.Context, t task, run workflow.NodeRun) bool {
	err := x.budget.outputs(run.Main)
	if err == nil {
		run.Main, err = x.offload(ctx, run.Main)
	}
	if x.broken != nil {
		return false
	}
	if err != nil {
		x.failure = executionError(t.v.node, run.Run, err)
		return false
	}
	run.Source = t.sources
	x.emit(ctx, workflow.Event{Type: workflow.EventLog, Level: "info", Node: t.v.name(), Run: run.Run,
		Message: fmt.Sprintf("%q is not run again: its items are those of the earlier execution", t.v.name())})
	x.keep(ctx, run)
	if x.broken != nil {
		return false
	}
	x.spread(t.v, run.Run, run.Main)
	return true
}

// finishedRuns are the runs whose items went on.
func finishedRuns(runs []workflow.NodeRun) []workflow.NodeRun {
	return slices.DeleteFunc(slices.Clone(runs), func(r workflow.NodeRun) bool { return r.Main == nil })
}
