package engine

import (
	"context"

	"flowgate/internal/workflow"
)

// startErrorWorkflow starts the workflow that is to hear of a failure: of
// production executions only, and not of those that tell of failures
// themselves. It comes before the end is stored, under a key of the execution's,
// so that a crash in between neither loses nor doubles it.
func (m *Manager) startErrorWorkflow(ctx context.Context, e *workflow.Execution, o *Outcome) {
	failed := o.Status == workflow.StatusError || o.Status == workflow.StatusTimeout
	if !failed || !e.Mode.Production() || e.Mode == workflow.ModeError {
		return
	}
	w, err := m.document(ctx, e.OwnerID, e.WorkflowID, e.WorkflowVersion)
	if err != nil {
		return // deleted meanwhile
	}
	id := w.Document.Settings.ErrorWorkflow
	if id == "" || id == "DEFAULT" {
		return
	}
	_, _, err = m.Execute(ctx, workflow.ExecuteRequest{OwnerID: e.OwnerID, WorkflowID: id, Mode: workflow.ModeError,
		ParentID: e.ID, IdempotencyKey: "error/" + e.ID, Start: workflow.Start{Items: []workflow.Item{{JSON: m.failureItem(e, w, o)}}}})
	if err != nil {
		m.log.Error("the error workflow was not started", "execution_id", e.ID, "workflow_id", e.WorkflowID, "error_workflow_id", id, "error", err)
	}
}

// failureItem is what an error trigger gives.
func (m *Manager) failureItem(e *workflow.Execution, w *workflow.Workflow, o *Outcome) *workflow.Object {
	failure := workflow.NewObject("message", "The execution failed.")
	last := o.LastNode
	if o.Error != nil {
		failure.Set("message", o.Error.Message)
		for _, f := range [][2]string{{"description", o.Error.Description}, {"code", o.Error.Code}} {
			if f[1] != "" {
				failure.Set(f[0], f[1])
			}
		}
		if o.Error.Node != "" {
			last = o.Error.Node
			failure.Set("node", workflow.NewObject("name", o.Error.Node, "type", o.Error.NodeType))
		}
	}
	execution := workflow.NewObject("id", e.ID, "url", m.opts.BaseURL+"/api/app/executions/"+e.ID)
	if e.RetryOf != "" {
		execution.Set("retryOf", e.RetryOf)
	}
	execution.Set("error", failure)
	execution.Set("lastNodeExecuted", last)
	execution.Set("mode", string(e.Mode))
	return workflow.NewObject("execution", execution, "workflow", workflow.NewObject("id", w.ID, "name", w.Document.Name))
}
