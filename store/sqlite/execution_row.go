package sqlite

import (
	"flowgate/internal/workflow"
)

const executionSummary = `id, owner_id, workflow_id, workflow_version, status, mode, executor, cancel_requested,
	created_at, started_at, finished_at, clock, seed, parent_id, retry_of, idempotency_key, engine_version, last_node,
	error, waiting_for`

const executionColumns = executionSummary + `, start, result`

// scanExecution reads executionColumns.
func scanExecution(row scanner) (*workflow.Execution, error) {
	var e workflow.Execution
	var result []byte
	err := row.Scan(append(summaryFields(&e), jsonInto{&e.Start}, &result)...)
	if len(result) > 0 {
		e.Result = result
	}
	return &e, err
}

// scanSummary reads executionSummary.
func scanSummary(row scanner) (*workflow.Execution, error) {
	var e workflow.Execution
	err := row.Scan(summaryFields(&e)...)
	return &e, err
}

func summaryFields(e *workflow.Execution) []any {
	return []any{&e.ID, &e.OwnerID, &e.WorkflowID, &e.WorkflowVersion, &e.Status, &e.Mode, &e.Executor, &e.CancelRequested,
		stamp{&e.CreatedAt}, stamp{&e.StartedAt}, stamp{&e.FinishedAt}, stamp{&e.Clock}, bits{&e.Seed},
		&e.ParentID, &e.RetryOf, &e.IdempotencyKey, &e.EngineVersion, &e.LastNode,
		jsonInto{&e.Error}, jsonInto{&e.WaitingFor}}
}

// bits reads the signed number a column holds as an unsigned one.
type bits struct{ n *uint64 }

func (b bits) Scan(v any) error {
	n, _ := v.(int64)
	*b.n = uint64(n)
	return nil
}

// startBlob is the start as JSON, NULL for the zero one.
func startBlob(s workflow.Start) (any, error) {
	if s.Trigger == "" && s.Items == nil && !s.Webhook && !s.PinData {
		return nil, nil
	}
	return workflow.AppendJSON(nil, s)
}

// outcome is the part of an execution that is JSON and changes as it runs.
type outcome struct{ err, waiting, result any }

func outcomeOf(e *workflow.Execution) (o outcome, err error) {
	if o.err, err = jsonBlob(e.Error); err != nil {
		return o, err
	}
	o.waiting, err = jsonBlob(e.WaitingFor)
	o.result = blob(e.Result)
	return o, err
}
