package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"flowgate/internal/workflow"
	"flowgate/store/internal/recorded"
)

// One statement, and so one transaction without a BEGIN: it writes nothing
// when the workflow is not the owner's or the idempotency key is taken. What
// was to run is queued when the bounds ?22 of its owner or ?23 of its workflow
// are reached.
const createExecution = `WITH bounds AS MATERIALIZED (SELECT ?5 = 'running' AND (
		?22 > 0 AND (SELECT count(*) FROM executions WHERE status = 'running' AND owner_id = ?2) >= ?22 OR
		?23 > 0 AND (SELECT count(*) FROM executions WHERE status = 'running' AND workflow_id = ?3) >= ?23) AS reached)
	INSERT INTO executions
	(id, owner_id, workflow_id, workflow_version, status, mode, executor, cancel_requested,
	created_at, started_at, finished_at, clock, seed, last_seq, parent_id, retry_of, idempotency_key,
	engine_version, last_node, runs_stored, error, waiting_for, start, result)
	SELECT ?1, ?2, ?3, ?4, iif(reached, 'queued', ?5), ?6, iif(reached, '', ?7), 0, ?8, iif(reached, 0, ?9), ?10, ?11, ?12, 0,
	?13, ?14, ?15, ?16, ?17, '{}', ?18, ?19, ?20, ?21
	FROM workflows, bounds WHERE id = ?3 AND owner_id = ?2
	ON CONFLICT (owner_id, idempotency_key) WHERE idempotency_key <> '' DO NOTHING
	RETURNING status`

// CreateExecution records e: running when it names its executor, else queued,
// or in the final status it has. Times that are zero become now.
func (s *Store) CreateExecution(ctx context.Context, e *workflow.Execution) (*workflow.Execution, bool, error) {
	return s.CreateWithin(ctx, e, 0, 0)
}

// CreateWithin is CreateExecution that queues what would run beyond the bounds.
func (s *Store) CreateWithin(ctx context.Context, e *workflow.Execution, perOwner, perWorkflow int) (*workflow.Execution, bool, error) {
	const doing = "record the execution"
	stored := recorded.Begun(*e, s.stampNow)
	start, err := startBlob(stored.Start)
	if err != nil {
		return nil, false, fail(doing, err)
	}
	o, err := outcomeOf(&stored)
	if err != nil {
		return nil, false, fail(doing, err)
	}
	args := []any{stored.ID, stored.OwnerID, stored.WorkflowID, stored.WorkflowVersion, stored.Status, stored.Mode, stored.Executor,
		micros(stored.CreatedAt), micros(stored.StartedAt), micros(stored.FinishedAt), micros(stored.Clock), int64(stored.Seed),
		stored.ParentID, stored.RetryOf, stored.IdempotencyKey, stored.EngineVersion, stored.LastNode,
		o.err, o.waiting, start, o.result, perOwner, perWorkflow}
	var status workflow.Status // none: nothing was inserted
	insert := func(ctx context.Context, stmt *sql.Stmt) error {
		status = ""
		if err := stmt.QueryRowContext(ctx, args...).Scan(&status); !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		return nil
	}
	err = s.together(ctx, &groupWrite{doing: doing,
		do: func(ctx context.Context, tx *sql.Tx) error {
			return insert(ctx, tx.StmtContext(ctx, s.hot.createExecution))
		},
		alone: func(ctx context.Context) error { return insert(ctx, s.hot.createExecution) },
	})
	if isConstraint(err) {
		return nil, false, workflow.Errorf(workflow.CodeConflict, "There is an execution with the id %q already.", e.ID)
	}
	if err != nil {
		return nil, false, fail(doing, err)
	}
	if status == "" {
		return s.alreadyCreated(ctx, e)
	}
	if status != stored.Status { // the bounds are reached
		stored = recorded.Queued(stored)
	}
	return &stored, false, nil
}

// alreadyCreated finds out why nothing was inserted.
func (s *Store) alreadyCreated(ctx context.Context, e *workflow.Execution) (*workflow.Execution, bool, error) {
	if e.IdempotencyKey != "" {
		existing, err := scanExecution(s.read.QueryRowContext(ctx,
			`SELECT `+executionColumns+` FROM executions WHERE owner_id = ? AND idempotency_key = ? AND idempotency_key <> ''`, e.OwnerID, e.IdempotencyKey))
		if !errors.Is(err, sql.ErrNoRows) {
			return existing, true, fail("read the execution", err)
		}
	}
	return nil, false, notFound("workflow", e.WorkflowID)
}

// Execution returns the owner's execution.
func (s *Store) Execution(ctx context.Context, owner, id string) (*workflow.Execution, error) {
	return oneExecution(s.hot.execution.QueryRowContext(ctx, id, owner), id)
}

// ExecutionByID returns an execution whoever owns it.
func (s *Store) ExecutionByID(ctx context.Context, id string) (*workflow.Execution, error) {
	return oneExecution(s.hot.executionByID.QueryRowContext(ctx, id), id)
}

func oneExecution(row *sql.Row, id string) (*workflow.Execution, error) {
	e, err := scanExecution(row)
	if err != nil {
		return nil, orNotFound(err, "read the execution", "execution", id)
	}
	return e, nil
}

// RequestCancel cancels a queued execution and marks a running or waiting one.
func (s *Store) RequestCancel(ctx context.Context, owner, id string) (*workflow.Execution, error) {
	e, err := scanExecution(s.write.QueryRowContext(ctx, `UPDATE executions SET cancel_requested = 1,
		finished_at = CASE status WHEN 'queued' THEN ? ELSE finished_at END,
		status = CASE status WHEN 'queued' THEN 'cancelled' ELSE status END
		WHERE id = ? AND owner_id = ? AND status IN ('queued', 'running', 'waiting')
		RETURNING `+executionColumns, micros(s.stampNow()), id, owner))
	if err == nil {
		return e, nil
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return nil, fail("cancel the execution", err)
	}
	if e, err = s.Execution(ctx, owner, id); err != nil {
		return nil, err
	}
	conflict := workflow.Errorf(workflow.CodeConflict, "The execution is finished already; its status is %s.", e.Status)
	conflict.Details = map[string]any{"status": string(e.Status)}
	return nil, conflict
}
