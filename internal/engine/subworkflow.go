package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"flowgate/internal/engine/node"
	"flowgate/internal/workflow"
)

// SubWorkflow runs another workflow within this node run: its effects are
// recorded under the node run's name and key, its limits are the execution's.
func (h *host) SubWorkflow(ctx context.Context, key string, ref node.SubWorkflow, items []workflow.Item, wait bool) ([]workflow.Item, error) {
	x := h.x
	wf, err := x.findSubWorkflow(ctx, ref)
	if err != nil {
		return nil, err
	}
	if limit := x.budget.limits.MaxDepth; x.depth+1 > limit {
		return nil, node.Fail("Sub-workflows call each other more than %d deep. Does %q call itself without end?", limit, titleOf(wf))
	}
	if !wait && x.job.Detach != nil {
		_, err := h.Effect(ctx, key+"/detach", func(ctx context.Context) ([]byte, error) {
			return nil, x.job.Detach(ctx, wf, items)
		})
		return nil, err
	}
	sub := newExecution(x.world, wf, workflow.ModeSubWorkflow, workflow.Start{Items: items})
	sub.path, sub.depth = h.key(key)+"/", x.depth+1
	result, err := sub.runNested(ctx, h)
	if !wait && x.broken == nil && ctx.Err() == nil {
		return nil, nil
	}
	return result, err
}

// findSubWorkflow loads the workflow a node calls. What was found the first
// time is recorded, so that a later edit does not change a running execution.
func (x *execution) findSubWorkflow(ctx context.Context, ref node.SubWorkflow) (*workflow.Workflow, error) {
	if ref.Document != nil {
		return &workflow.Workflow{Document: *ref.Document, OwnerID: x.workflow.OwnerID}, nil
	}
	if x.job.SubWorkflows == nil {
		return nil, node.Fail("The node calls the workflow %q, and this run has no other workflows.", ref.ID)
	}
	if known := x.called[ref.ID]; known != nil {
		return known, nil
	}
	rec, err := x.step(ctx, "workflow/"+escapeName.Replace(ref.ID), func(ctx context.Context) ([]byte, error) {
		wf, err := x.job.SubWorkflows(ctx, ref)
		if err != nil {
			return nil, err
		}
		return json.Marshal(wf)
	})
	if err != nil {
		return nil, err
	}
	if rec.kind != recordOK {
		return nil, decodeFailure(rec.data)
	}
	wf := &workflow.Workflow{}
	if err := json.Unmarshal(rec.data, wf); err != nil {
		return nil, x.interrupt(err)
	}
	x.called[ref.ID] = wf
	return wf, nil
}

// runNested computes a sub-workflow and gives its last node's items. The time
// of the calling node stands still meanwhile: the nodes inside have their own.
func (x *execution) runNested(ctx context.Context, caller *host) ([]workflow.Item, error) {
	outer, sessions := x.watches[len(x.watches)-1], len(x.sessions)
	outer.pause()
	x.log(ctx, caller, "info", fmt.Sprintf("Sub-workflow %q started", titleOf(x.workflow)))
	x.run(ctx)
	outer.resume()
	x.freeVMs()
	x.sessions = x.sessions[:sessions]
	x.keepStatic(ctx)
	o := x.outcome(ctx)
	switch {
	case x.broken != nil:
		return nil, x.broken
	case o.Status == workflow.StatusSuccess:
		x.log(ctx, caller, "info", fmt.Sprintf("Sub-workflow %q finished with %s", titleOf(x.workflow), count(len(o.Result), "item")))
		return unpaired(o.Result), nil
	case x.failure == nil:
		return nil, context.Cause(ctx)
	}
	f := &node.Failure{Message: x.failure.Message, Description: x.failure.Description, Code: x.failure.Code}
	if x.failure.Node != "" {
		f.Description = strings.TrimSpace(fmt.Sprintf("In the sub-workflow %q, node %q. %s", titleOf(x.workflow), x.failure.Node, x.failure.Description))
	}
	x.log(ctx, caller, "error", fmt.Sprintf("Sub-workflow %q failed: %s", titleOf(x.workflow), x.failure.Message))
	return nil, f
}

// unpaired leaves out pairings with items of nodes the caller cannot see.
func unpaired(items []workflow.Item) []workflow.Item {
	out := append([]workflow.Item(nil), items...)
	for i := range out {
		out[i].Paired = nil
	}
	return out
}

// log tells about a sub-workflow in the execution's own events.
func (x *execution) log(ctx context.Context, caller *host, level, message string) {
	x.outermost().emit(ctx, workflow.Event{Type: workflow.EventLog, Level: level, Node: caller.v.name(), Run: caller.run, Message: message})
}

func titleOf(wf *workflow.Workflow) string {
	if wf.Document.Name != "" {
		return wf.Document.Name
	}
	return wf.ID
}
