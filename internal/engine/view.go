package engine

import (
	"math/rand/v2"
	"time"

	"flowgate/internal/engine/expr"
	"flowgate/internal/workflow"
)

// view is what expressions of one node run see of the execution.
type view struct {
	x *execution
	h *host
}

var _ expr.RunData = view{}

// Runs returns the finished runs of a node.
func (w view) Runs(node string) []workflow.NodeRun { return w.x.runs[node] }

// Document is the workflow that runs.
func (w view) Document() *workflow.Document { return w.x.graph.doc }

// Info names the execution.
func (w view) Info() expr.ExecutionInfo {
	e := w.x.job.Execution
	return expr.ExecutionInfo{
		ID:           e.ID,
		Mode:         w.x.mode,
		ResumeURL:    w.x.job.address("/webhook-waiting/", w.x.job.Signature),
		FormURL:      w.x.job.address("/form-waiting/", w.x.job.FormSignature),
		WorkflowID:   w.x.workflow.ID,
		WorkflowName: w.x.workflow.Document.Name,
		Active:       w.x.workflow.Active,
		CustomData:   w.x.custom,
	}
}

// Now is the execution's clock.
func (w view) Now() time.Time { return w.x.clock.now }

// Location is the workflow's time zone.
func (w view) Location() *time.Location { return w.x.location() }

// Rand is the node run's source of chance.
func (w view) Rand() *rand.Rand { return w.h.Rand() }

// NodeState is a node's state of this execution.
func (w view) NodeState(node string) *workflow.Object { return w.x.states[node] }

// StaticData is an object kept between production executions.
func (w view) StaticData(scope, node string) *workflow.Object {
	return w.x.staticObject(w.h.ctx, scope, node)
}

// scope is the node run expressions are evaluated in.
func (x *execution) scope(t task, h *host) *expr.Scope {
	return &expr.Scope{Node: t.v.node, Run: h.run, Inputs: t.inputs, Sources: t.sources, Data: view{x, h}, Files: x.storedFiles(h.ctx)}
}
