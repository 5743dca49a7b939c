package postgres

import (
	"cmp"
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"flowgate/internal/workflow"
)

// ClaimExecutions hands out queued executions. Processes that claim at once
// pass over what another is about to take.
func (s *Store) ClaimExecutions(ctx context.Context, executor string, limit int) (list []*workflow.Execution, err error) {
	if executor == "" {
		return nil, errNoExecutor
	}
	if limit <= 0 {
		return nil, nil
	}
	err = s.do(ctx, "claim executions", asEngine, func(b *pgx.Batch) {
		all(b.Queue(`WITH oldest AS MATERIALIZED (SELECT n FROM executions WHERE status = 'queued'
			ORDER BY created_at, id LIMIT $3 FOR UPDATE SKIP LOCKED)
			UPDATE executions SET status = 'running', executor = $1, started_at = $2
			WHERE n IN (SELECT n FROM oldest) RETURNING `+executionColumns, executor, at(s.stampNow()), limit), &list, scanExecution)
	})
	oldestFirst(list)
	return list, err
}

// oldestFirst sorts what RETURNING returned, which promises no order.
func oldestFirst(list []*workflow.Execution) {
	slices.SortFunc(list, func(a, b *workflow.Execution) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
}

// ClaimExecution claims one by id. A queued one becomes running; a live one
// keeps its status. An id that is not there is false.
func (s *Store) ClaimExecution(ctx context.Context, id, executor, from string) (bool, error) {
	if executor == "" {
		return false, errNoExecutor
	}
	if from == "" {
		from = executor
	}
	var n int64
	err := s.do(ctx, "claim the execution", asEngine, func(b *pgx.Batch) {
		affected(b.Queue(`UPDATE executions SET executor = $2, started_at = coalesce(started_at, $4),
			status = CASE status WHEN 'queued' THEN 'running' ELSE status END
			WHERE id = $1 AND (status = 'queued' OR status IN ('running', 'waiting') AND executor IN ($2, $3))`,
			id, executor, from, at(s.stampNow())), &n)
	})
	return n == 1, err
}

// OrphanedExecutions returns the ids of what runs under an executor that is
// none of alive.
func (s *Store) OrphanedExecutions(ctx context.Context, alive []string, limit int) (ids []string, err error) {
	err = s.do(ctx, "list orphaned executions", asEngine, func(b *pgx.Batch) {
		all(b.Queue(`SELECT id FROM executions WHERE status = 'running' AND status IN ('running', 'waiting')
			AND executor <> ALL ($1::text[]) ORDER BY created_at, id LIMIT $2`, append([]string{}, alive...), limit), &ids, scanString)
	})
	return ids, err
}

// CancelRequested returns which of ids are marked, in no order.
func (s *Store) CancelRequested(ctx context.Context, ids []string) (marked []string, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	err = s.do(ctx, "look for cancelled executions", asEngine, func(b *pgx.Batch) {
		all(b.Queue(`SELECT id FROM executions WHERE id = ANY ($1) AND cancel_requested`, ids), &marked, scanString)
	})
	return marked, err
}

// LiveExecutions returns which of ids are not final, in no order.
func (s *Store) LiveExecutions(ctx context.Context, ids []string) (live []string, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	err = s.do(ctx, "look for live executions", asEngine, func(b *pgx.Batch) {
		all(b.Queue(`SELECT id FROM executions WHERE id = ANY ($1) AND status IN ('queued', 'running', 'waiting')`, ids), &live, scanString)
	})
	return live, err
}
