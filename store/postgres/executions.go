package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"flowgate/internal/workflow"
	"flowgate/store/internal/recorded"
)

// It writes nothing when the workflow is not the owner's or the idempotency
// key is taken. What was to run is queued when the bounds $22 of its owner or
// $23 of its workflow are reached.
const createExecution = `WITH bounds AS MATERIALIZED (SELECT $5 = 'running' AND (
		$22::int > 0 AND (SELECT count(*) FROM executions WHERE status = 'running' AND owner_id = $2) >= $22 OR
		$23::int > 0 AND (SELECT count(*) FROM executions WHERE status = 'running' AND workflow_id = $3) >= $23) AS reached)
	INSERT INTO executions
	(id, owner_id, workflow_id, workflow_version, status, mode, executor, created_at, started_at, finished_at, clock, seed,
	parent_id, retry_of, idempotency_key, engine_version, last_node, error, waiting_for, start, result)
	SELECT $1, w.owner_id, w.id, $4, CASE WHEN reached THEN 'queued' ELSE $5 END, $6, CASE WHEN reached THEN '' ELSE $7 END,
	$8, CASE WHEN NOT reached THEN $9::timestamptz END, $10::timestamptz, $11::timestamptz, $12, $13, $14, $15, $16, $17,
	$18::bytea, $19::bytea, $20::bytea, $21::bytea
	FROM workflows w, bounds WHERE w.id = $3 AND w.owner_id = $2
	ON CONFLICT (owner_id, idempotency_key) WHERE idempotency_key <> '' DO NOTHING
	RETURNING status`

// CreateExecution records e: running when it names its executor, else queued,
// or in the final status it has. Times that are zero become now.
func (s *Store) CreateExecution(ctx context.Context, e *workflow.Execution) (*workflow.Execution, bool, error) {
	return s.CreateWithin(ctx, e, 0, 0)
}

// CreateWithin is CreateExecution that queues what would run beyond the bounds.
func (s *Store) CreateWithin(ctx context.Context, e *workflow.Execution, perOwner, perWorkflow int) (*workflow.Execution, bool, error) {
	stored := recorded.Begun(*e, s.stampNow)
	args, err := creationArgs(&stored)
	if err != nil {
		return nil, false, err
	}
	bounded := stored.Status == workflow.StatusRunning && (perOwner > 0 || perWorkflow > 0)
	var created []string // its status, when it was
	var existing []*workflow.Execution
	err = s.do(ctx, "record the execution", user(e.OwnerID), func(b *pgx.Batch) {
		if bounded {
			b.Queue(createTurn, e.OwnerID)
		}
		all(b.Queue(createExecution, append(args, perOwner, perWorkflow)...), &created, scanString)
		if e.IdempotencyKey != "" {
			all(b.Queue(`SELECT `+executionColumns+` FROM executions WHERE owner_id = $1 AND idempotency_key = $2 AND idempotency_key <> ''`,
				e.OwnerID, e.IdempotencyKey), &existing, scanExecution)
		}
	})
	switch {
	case violates(err):
		return nil, false, workflow.Errorf(workflow.CodeConflict, "There is an execution with the id %q already.", e.ID)
	case err != nil:
		return nil, false, err
	case len(created) == 1:
		if workflow.Status(created[0]) != stored.Status { // the bounds are reached
			stored = recorded.Queued(stored)
		}
		return &stored, false, nil
	case len(existing) == 1:
		return existing[0], true, nil
	}
	return nil, false, notFound("workflow", e.WorkflowID)
}

func creationArgs(e *workflow.Execution) ([]any, error) {
	o, err := outcomeOf(e)
	if err != nil {
		return nil, err
	}
	start, err := startJSON(e.Start)
	return []any{e.ID, e.OwnerID, e.WorkflowID, e.WorkflowVersion, e.Status, e.Mode, e.Executor,
		at(e.CreatedAt), at(e.StartedAt), at(e.FinishedAt), at(e.Clock), int64(e.Seed),
		e.ParentID, e.RetryOf, e.IdempotencyKey, e.EngineVersion, clean(e.LastNode), o.err, o.waiting, start, o.result}, err
}

// Execution returns the owner's execution.
func (s *Store) Execution(ctx context.Context, owner, id string) (*workflow.Execution, error) {
	return s.execution(ctx, user(owner), id, `SELECT `+executionColumns+` FROM executions WHERE id = $1 AND owner_id = $2`, id, owner)
}

// ExecutionByID returns an execution whoever owns it.
func (s *Store) ExecutionByID(ctx context.Context, id string) (*workflow.Execution, error) {
	return s.execution(ctx, asEngine, id, `SELECT `+executionColumns+` FROM executions WHERE id = $1`, id)
}

func (s *Store) execution(ctx context.Context, as actor, id, query string, args ...any) (e *workflow.Execution, err error) {
	err = s.do(ctx, "read the execution", as, func(b *pgx.Batch) {
		one(b.Queue(query, args...), &e, func(row pgx.Row) (*workflow.Execution, error) {
			e, err := scanExecution(row)
			return e, orNotFound(err, "execution", id)
		})
	})
	if err != nil {
		return nil, err
	}
	return e, nil
}

// RequestCancel cancels a queued execution and marks a running or waiting one.
func (s *Store) RequestCancel(ctx context.Context, owner, id string) (*workflow.Execution, error) {
	var marked, stored []*workflow.Execution
	err := s.do(ctx, "cancel the execution", user(owner), func(b *pgx.Batch) {
		all(b.Queue(`UPDATE executions SET cancel_requested = true,
			finished_at = CASE status WHEN 'queued' THEN $3 ELSE finished_at END,
			status = CASE status WHEN 'queued' THEN 'cancelled' ELSE status END
			WHERE id = $1 AND owner_id = $2 AND status IN ('queued', 'running', 'waiting') RETURNING `+executionColumns,
			id, owner, at(s.stampNow())), &marked, scanExecution)
		all(b.Queue(`SELECT `+executionColumns+` FROM executions WHERE id = $1 AND owner_id = $2`, id, owner), &stored, scanExecution)
	})
	switch {
	case err != nil:
		return nil, err
	case len(marked) == 1:
		return marked[0], nil
	case len(stored) == 0:
		return nil, notFound("execution", id)
	}
	conflict := workflow.Errorf(workflow.CodeConflict, "The execution is finished already; its status is %s.", stored[0].Status)
	conflict.Details = map[string]any{"status": string(stored[0].Status)}
	return nil, conflict
}
