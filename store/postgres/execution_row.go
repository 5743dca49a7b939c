package postgres

import (
	"github.com/jackc/pgx/v5"

	"flowgate/internal/workflow"
)

const executionSummary = `id, owner_id, workflow_id, workflow_version, status, mode, executor, cancel_requested,
	created_at, started_at, finished_at, clock, seed, parent_id, retry_of, idempotency_key, engine_version, last_node,
	error, waiting_for`

const executionColumns = executionSummary + `, start, result`

// scanExecution reads executionColumns.
func scanExecution(row pgx.Row) (*workflow.Execution, error) {
	var e workflow.Execution
	var result []byte
	err := row.Scan(append(summaryFields(&e), jsonInto{&e.Start}, &result)...)
	if len(result) > 0 {
		e.Result = result
	}
	return &e, err
}

// scanSummary reads executionSummary.
func scanSummary(row pgx.Row) (*workflow.Execution, error) {
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

// startJSON is the start as JSON, nil for the zero one.
func startJSON(s workflow.Start) ([]byte, error) {
	b, err := workflow.AppendJSON(nil, s)
	if string(b) == "{}" {
		return nil, err
	}
	return b, err
}

// outcome is the part of an execution that is JSON and changes as it runs.
type outcome struct{ err, waiting, result []byte }

func outcomeOf(e *workflow.Execution) (o outcome, err error) {
	if o.err, err = jsonOf(e.Error); err != nil {
		return o, err
	}
	o.waiting, err = jsonOf(e.WaitingFor)
	if len(e.Result) > 0 {
		o.result = e.Result
	}
	return o, err
}
