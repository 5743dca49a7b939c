package engine

import (
	"context"

	"flowgate/internal/workflow"
)

// Retry starts a failed execution again, as a new one of the same version with
// the same start. Nodes that finished are not run again: their recorded items
// are taken over.
func (m *Manager) Retry(ctx context.Context, owner, id string) (string, error) {
	e, runs, err := m.earlier(ctx, owner, id)
	if err != nil {
		return "", err
	}
	if err := retriable(e); err != nil {
		return "", err
	}
	start := startAgain(e, runs)
	start.Reuse = finishedRuns(runs)
	newID, _, err := m.begin(ctx, workflow.ExecuteRequest{OwnerID: owner, WorkflowID: e.WorkflowID, Version: e.WorkflowVersion,
		Mode: retryMode(e), Start: start, RetryOf: e.ID})
	return newID, err
}

// basedOn completes a request that builds on an earlier execution.
func (m *Manager) basedOn(ctx context.Context, req *workflow.ExecuteRequest) error {
	e, runs, err := m.earlier(ctx, req.OwnerID, req.RetryOf)
	if err != nil {
		return err
	}
	if e.WorkflowID != req.WorkflowID {
		return workflow.Errorf(workflow.CodeInvalid, "the execution %q is not one of this workflow", e.ID)
	}
	if req.Mode != workflow.ModeManual {
		req.Mode, req.Version, req.Start = retryMode(e), e.WorkflowVersion, startAgain(e, runs)
		return retriable(e)
	}
	if !e.Status.Final() {
		return workflow.Errorf(workflow.CodeConflict, "the execution whose data is to be used is still %s; wait for its end, or cancel it", e.Status)
	}
	from := req.Start.Trigger
	req.Start = startAgain(e, runs)
	req.Start.From, req.Start.Reuse, req.Start.PinData = from, finishedRuns(runs), true
	return nil
}

// earlier returns an execution with its node runs.
func (m *Manager) earlier(ctx context.Context, owner, id string) (*workflow.Execution, []workflow.NodeRun, error) {
	e, err := m.store.Execution(ctx, owner, id)
	if err != nil {
		return nil, nil, err
	}
	runs, err := m.store.NodeRuns(ctx, owner, id)
	return e, runs, err
}

func retriable(e *workflow.Execution) error {
	if !e.Status.Final() || e.Status == workflow.StatusSuccess {
		return workflow.Errorf(workflow.CodeConflict, "only an execution that failed can be retried: this one is %s", e.Status)
	}
	return nil
}

// retryMode keeps manual executions manual: pinned data counts in them, and
// static data does not.
func retryMode(e *workflow.Execution) workflow.Mode {
	if e.Mode == workflow.ModeManual {
		return workflow.ModeManual
	}
	return workflow.ModeRetry
}

// startAgain is the start of an execution without its caller, who is gone, at
// the trigger it really began at.
func startAgain(e *workflow.Execution, runs []workflow.NodeRun) workflow.Start {
	start := e.Start
	start.Webhook, start.Reuse, start.From = false, nil, ""
	if start.Trigger == "" && len(runs) > 0 {
		start.Trigger = runs[0].Node
	}
	return start
}
