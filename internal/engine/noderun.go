package engine

import (
	"context"
	"time"

	"flowgate/internal/engine/node"
	"flowgate/internal/workflow"
)

// nodeResult is what one node run came to.
type nodeResult struct {
	out     node.Output
	err     error
	final   bool // the error stops the execution whatever the node's policy
	retries int
}

// runTask runs one node, records the run and hands its items on. It reports
// whether the execution goes on.
func (x *execution) runTask(ctx context.Context, t task) bool {
	run := len(x.runs[t.v.name()])
	if err := x.countRun(t.v); err != nil {
		x.failure = executionError(t.v.node, run, err)
		return false
	}
	if earlier, ok := x.reuse.run(t.v, run); ok {
		return x.takeOver(ctx, t, earlier)
	}
	if t.v.node.ExecuteOnce {
		t.inputs = firstItems(t.inputs)
	}
	t.inputs = pairInputs(t.inputs)
	x.nodeStarted(ctx, t.v, run)
	began := time.Now()
	inner, span := x.span(ctx, t.v)
	res := x.perform(inner, t, run)
	if stopped := x.stoppedBy(ctx); stopped != nil {
		res = nodeResult{err: stopped, final: true}
	}
	if x.broken != nil {
		return false
	}
	record := workflow.NodeRun{Node: t.v.name(), Run: run, Status: "success", Source: t.sources,
		StartedAt: began.UTC(), Hints: res.out.Hints, Console: res.out.Console, RetriesDone: res.retries}
	if res.err == nil || (!res.final && t.v.node.ErrorPolicy() != workflow.OnErrorStop) {
		record.Main, res = x.outputs(ctx, t, res)
	}
	if x.broken != nil {
		return false
	}
	record.DurationMS = float64(time.Since(began).Microseconds()) / 1000
	goesOn := x.settle(&record, t.v, res)
	x.observe(t.v, &record, span)
	x.keep(ctx, record)
	if goesOn {
		x.spread(t.v, run, record.Main)
	}
	return goesOn && x.broken == nil
}

// settle writes a failure into the run's record and, when it stops the
// execution, into the execution.
func (x *execution) settle(record *workflow.NodeRun, v *vertex, res nodeResult) (goesOn bool) {
	if res.err == nil {
		return true
	}
	record.Status = "error"
	record.Error = executionError(v.node, record.Run, res.err)
	if res.out.Passthrough {
		return true
	}
	record.Main = nil
	x.failure = record.Error
	return false
}

// perform gets a node run's outputs: from the start, pinned data, the disabled
// node's input, or the node type.
func (x *execution) perform(ctx context.Context, t task, run int) nodeResult {
	switch {
	case t.v.node.Disabled:
		return nodeResult{out: node.Items(passOn(t))}
	case x.pinned(t.v):
		return nodeResult{out: node.Items(pinnedItems(x.graph.doc.PinData[t.v.name()]))}
	case t.v.typ == nil || t.v.typ.Run == nil:
		return nodeResult{final: true, err: workflow.Errorf(workflow.CodeUnrunnable, "The node type %q is not supported.", t.v.node.Type)}
	}
	return x.attempts(ctx, t, run)
}

// outputs turns what a node gave into what the next nodes get. A failure that
// comes in is one the policy lets pass: the input is handed on.
func (x *execution) outputs(ctx context.Context, t task, res nodeResult) ([][]workflow.Item, nodeResult) {
	if res.err != nil {
		res.out = node.Output{Main: [][]workflow.Item{passOn(t)}, Passthrough: true}
		return res.out.Main, res
	}
	main := res.out.Main
	replaced := t.v.node.Disabled || x.pinned(t.v)
	if !replaced && t.v.node.ErrorPolicy() == workflow.OnErrorContinueToError {
		main = splitErrors(main, t.v.regularOutputs(), t.inputs)
	}
	main = pairOutputs(main, t.inputs)
	if t.v.node.AlwaysOutputData && len(outputOf(main, 0)) == 0 {
		main = withEmptyItem(main, t.inputs)
	}
	err := x.budget.outputs(main)
	if err == nil {
		main, err = x.offload(ctx, main)
	}
	if err != nil {
		return nil, nodeResult{err: err, final: true}
	}
	return main, res
}

// regularOutputs is how many main outputs the node has besides the error
// output.
func (v *vertex) regularOutputs() int {
	if v.typ == nil {
		return 1
	}
	n := 0
	for _, p := range v.typ.OutputPorts(v.node) {
		if p.Type == "main" {
			n++
		}
	}
	return n
}

// passOn is input 0 as output 0: what a disabled node does, and one that
// failed outright under a policy that continues.
func passOn(t task) []workflow.Item {
	in := outputOf(t.inputs, 0)
	out := make([]workflow.Item, len(in))
	for i := range in {
		out[i] = in[i]
		out[i].Paired = workflow.PairedTo(i)
	}
	return out
}

func firstItems(inputs [][]workflow.Item) [][]workflow.Item {
	cut := make([][]workflow.Item, len(inputs))
	for i, in := range inputs {
		cut[i] = in[:min(1, len(in)):min(1, len(in))]
		if in == nil {
			cut[i] = nil
		}
	}
	return cut
}
