package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"flowgate/internal/engine/expr"
	"flowgate/internal/engine/node"
	"flowgate/internal/workflow"
)

// Run computes an execution to its end, or until it leaves memory. The same
// job with the same recorded effects gives the same outcome. When ctx is
// cancelled the execution ends as cancelled (or timed out, at a deadline); with
// ErrSuspended as the cause it is suspended, and with any other cause the
// outcome's Err is that cause.
func (e *Engine) Run(ctx context.Context, job Job) Outcome {
	began := time.Now()
	w := newWorld(e, &job)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	w.cancel = cancel
	watch := newStopwatch(w.timeout, cancel, errExecutionTimeout)
	defer watch.stop()
	w.watches = append(w.watches, watch)
	defer w.freeVMs()

	x := newExecution(w, job.Workflow, job.Execution.Mode, job.Execution.Start)
	x.run(ctx)
	x.keepStatic(ctx)
	o := x.outcome(ctx)
	if o.Status.Final() {
		x.finished(ctx, &o, time.Since(began))
	}
	if w.broken != nil {
		o = Outcome{Suspended: errors.Is(w.broken, ErrSuspended), Err: w.broken}
		if o.Suspended {
			o.Err = nil
		}
	}
	o.Responded = w.responded
	return o
}

// outcome says how the computation ended.
func (x *execution) outcome(ctx context.Context) Outcome {
	o := Outcome{Runs: x.all, Order: make([]string, 0, len(x.all)), StaticData: x.changedStatic()}
	for _, r := range x.all {
		o.Order = append(o.Order, r.Node)
	}
	if n := len(x.all); n > 0 {
		last := x.all[n-1]
		o.LastNode = last.Node
		o.Result = firstOutput(x.shown(last))
	}
	stopped := x.stoppedBy(ctx)
	switch {
	case x.broken != nil:
	case stopped != nil:
		o.Status, o.Error = workflow.StatusCancelled, executionError(nil, 0, stopped)
		if workflow.CodeOf(stopped) == workflow.CodeTimeout {
			o.Status = workflow.StatusTimeout
		}
		if x.failure != nil {
			o.Error.Node, o.Error.NodeType, o.Error.Run = x.failure.Node, x.failure.NodeType, x.failure.Run
		}
	case x.failure != nil:
		o.Status, o.Error, o.Result = workflow.StatusError, x.failure, nil
	default:
		o.Status = workflow.StatusSuccess
	}
	return o
}

// stoppedBy says why ctx ended, nil when it did not. A cause that is neither a
// cancellation nor a time limit interrupts the computation instead.
func (x *execution) stoppedBy(ctx context.Context) error {
	cause := context.Cause(ctx)
	switch {
	case cause == nil || x.broken != nil:
		return nil
	case errors.Is(cause, errExecutionTimeout):
		return workflow.Errorf(workflow.CodeTimeout, "The execution took longer than %s and was stopped.", x.timeout)
	case errors.Is(cause, context.DeadlineExceeded), workflow.CodeOf(cause) == workflow.CodeTimeout:
		return workflow.Errorf(workflow.CodeTimeout, "The execution's time was up.")
	case errors.Is(cause, context.Canceled), workflow.CodeOf(cause) == workflow.CodeCancelled:
		return workflow.Errorf(workflow.CodeCancelled, "The execution was cancelled.")
	}
	_ = x.interrupt(cause)
	return nil
}

// shown is a run's outputs that the node's type documents, and its error
// output: some types keep what they drop on an output of their own.
func (x *execution) shown(r workflow.NodeRun) [][]workflow.Item {
	v := x.graph.nodes[r.Node]
	if v == nil || v.typ == nil {
		return r.Main
	}
	ports := len(v.typ.OutputPorts(v.node))
	if v.node.ErrorPolicy() == workflow.OnErrorContinueToError {
		ports++
	}
	return r.Main[:min(ports, len(r.Main))]
}

func firstOutput(main [][]workflow.Item) []workflow.Item {
	for _, items := range main {
		if len(items) > 0 {
			return items
		}
	}
	return []workflow.Item{}
}

// countRun counts a node run against the limit. What never ends is mostly a
// loop, so the failure names it.
func (x *execution) countRun(v *vertex) error {
	limit := x.budget.limits.MaxNodeRuns
	if x.budget.runs++; x.budget.runs <= limit {
		return nil
	}
	if loop := v.loop(); loop != "" {
		return workflow.Errorf(workflow.CodeTooLarge, "The execution was stopped after %d node runs: the loop %s does not come to an end. Give it a way out, for instance an If node.", limit, loop)
	}
	return workflow.Errorf(workflow.CodeTooLarge, "The execution was stopped after %d node runs, the most one execution may have.", limit)
}

// executionError is err for people and programs, with the place it happened.
func executionError(n *workflow.Node, run int, err error) *workflow.ExecutionError {
	e := &workflow.ExecutionError{Run: run, Message: err.Error()}
	if n != nil {
		e.Node, e.NodeType = n.Name, n.Type
	}
	var f *node.Failure
	var we *workflow.Error
	var ee *expr.Error
	switch {
	case errors.As(err, &f):
		e.Message, e.Description, e.Code, e.Item = f.Message, f.Description, f.Code, f.Item
	case errors.As(err, &we):
		e.Message, e.Code = we.Message, string(we.Code)
	}
	if errors.As(err, &ee) && e.Description == "" {
		e.Description = ee.Description
		if e.Code == "" {
			e.Code = "expression_" + string(ee.Kind)
		}
	}
	if e.Message == "" {
		e.Message = fmt.Sprintf("The node failed without saying why (%T).", err)
	}
	return e
}
