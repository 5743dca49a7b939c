package engine

import (
	"context"
	"errors"
	"runtime/debug"
	"time"

	"flowgate/internal/engine/node"
	"flowgate/internal/workflow"
)

// Bounds of a node's retries, as the format has them.
const (
	minTries, defaultTries, maxTries = 2, 3, 5
	defaultPause, maxPause           = time.Second, 5 * time.Second
)

// attempts runs the node type, again after a failure when the node says so.
// Only the last attempt counts.
func (x *execution) attempts(ctx context.Context, t task, run int) nodeResult {
	tries, pause := triesOf(t.v.node)
	for try := 0; ; try++ {
		state := x.states[t.v.name()].Clone()
		res := x.attempt(ctx, t, run, try)
		res.retries = try
		again := try+1 < tries && !res.final && failedSoftly(res)
		if !again || x.halted(ctx) {
			return res
		}
		x.states[t.v.name()] = state
		x.retrying(ctx, t.v, run, try, tries, pause, res.err)
		key := x.effectKey(t.v, run, "retry", try)
		if err := x.waitUntil(ctx, key, x.clock.now.Add(pause)); err != nil {
			return nodeResult{err: err, final: true}
		}
	}
}

func triesOf(n *workflow.Node) (int, time.Duration) {
	if !n.RetryOnFail {
		return 1, 0
	}
	tries := defaultTries
	if n.MaxTries != 0 {
		tries = min(max(n.MaxTries, minTries), maxTries)
	}
	pause := defaultPause
	if n.WaitBetweenTries != nil {
		pause = min(max(time.Duration(*n.WaitBetweenTries)*time.Millisecond, 0), maxPause)
	}
	return tries, pause
}

// failedSoftly reports whether an attempt is worth repeating: it failed, or
// its first item stands for a failure.
func failedSoftly(res nodeResult) bool {
	if res.err != nil {
		return true
	}
	first := outputOf(res.out.Main, 0)
	if len(first) == 0 {
		return false
	}
	return first[0].Error != nil || first[0].JSON.Value("error") != nil
}

// attempt runs the node type once, within the node's time.
func (x *execution) attempt(ctx context.Context, t task, run, try int) (res nodeResult) {
	h := &host{x: x, v: t.v, run: run, try: try}
	x.watch(ctx, x.budget.limits.NodeTimeout, errNodeTimeout, func(ctx context.Context) {
		h.ctx = ctx
		res.out, res.err = x.call(ctx, t, h)
		if res.err != nil && errors.Is(context.Cause(ctx), errNodeTimeout) {
			res.err = &node.Failure{Message: "The node did not finish within " + x.budget.limits.NodeTimeout.String() + ".", Code: "timeout"}
			// A time limit nothing recorded must not steer what comes after it.
			res.final = !h.timeoutRecorded
		}
	})
	return res
}

// call hands the node run to its type. A panic is a failure of the node.
func (x *execution) call(ctx context.Context, t task, h *host) (out node.Output, err error) {
	defer func() {
		if p := recover(); p != nil {
			x.engine.log.Error("node panicked", "execution_id", x.job.Execution.ID, "node", t.v.name(),
				"type", t.v.node.Type, "panic", p, "stack", string(debug.Stack()))
			err = workflow.Errorf(workflow.CodeInternal, "The node %q failed because of a fault in this program. It was logged.", t.v.name())
		}
	}()
	state := x.states[t.v.name()]
	if state == nil {
		state = &workflow.Object{}
		x.states[t.v.name()] = state
	}
	h.eval = x.evaluator(t, h)
	inputs := t.v.padded(t.inputs)
	if t.bare {
		inputs = nil
	}
	inputs = x.readable(ctx, inputs)
	return t.v.typ.Run(ctx, &node.Call{
		Node: t.v.node, Document: x.graph.doc, Type: t.v.typ, Inputs: inputs, Sources: t.sources,
		Run: h.run, Mode: x.mode, State: state, Eval: h.eval, Host: h,
	})
}

// padded gives every input of the node's type a place.
func (v *vertex) padded(inputs [][]workflow.Item) [][]workflow.Item {
	n := 0
	for _, p := range v.typ.InputPorts(v.node) {
		if p.Type == "main" {
			n++
		}
	}
	for len(inputs) < n {
		inputs = append(inputs[:len(inputs):len(inputs)], nil)
	}
	return inputs
}
