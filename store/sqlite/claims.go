package sqlite

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"flowgate/internal/workflow"
)

// ClaimExecutions hands out queued executions. It takes the file's write lock
// only when there are some, so that polling it is cheap.
func (s *Store) ClaimExecutions(ctx context.Context, executor string, limit int) ([]*workflow.Execution, error) {
	const doing = "claim executions"
	if executor == "" {
		return nil, errors.New("sqlite: claim without an executor")
	}
	var queued bool
	if err := s.hot.anyQueued.QueryRowContext(ctx).Scan(&queued); err != nil || !queued || limit <= 0 {
		return nil, fail(doing, err)
	}
	list, err := collect(ctx, s.write, scanExecution, `UPDATE executions SET status = 'running', executor = ?, started_at = ?
		WHERE n IN (SELECT n FROM executions WHERE status = 'queued' ORDER BY created_at, id LIMIT ?)
		RETURNING `+executionColumns, executor, micros(s.stampNow()), limit)
	if err != nil {
		return nil, fail(doing, err)
	}
	slices.SortFunc(list, func(a, b *workflow.Execution) int { // RETURNING promises no order
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return list, nil
}

// ClaimExecution claims one by id. A queued one becomes running; a live one
// keeps its status. An id that is not there is false.
func (s *Store) ClaimExecution(ctx context.Context, id, executor, from string) (bool, error) {
	if executor == "" {
		return false, errors.New("sqlite: claim without an executor")
	}
	if from == "" {
		from = executor
	}
	res, err := s.write.ExecContext(ctx, `UPDATE executions SET executor = ?1,
		status = CASE status WHEN 'queued' THEN 'running' ELSE status END,
		started_at = CASE started_at WHEN 0 THEN ?2 ELSE started_at END
		WHERE id = ?3 AND (status = 'queued' OR status IN ('running', 'waiting') AND executor IN (?1, ?4))`,
		executor, micros(s.stampNow()), id, from)
	if err != nil {
		return false, fail("claim the execution", err)
	}
	n, err := res.RowsAffected()
	return n == 1, fail("claim the execution", err)
}

// OrphanedExecutions returns the ids of what runs under an executor that is
// none of alive.
func (s *Store) OrphanedExecutions(ctx context.Context, alive []string, limit int) ([]string, error) {
	list, err := jsonText(alive)
	if err != nil {
		return nil, err
	}
	ids, err := collect(ctx, s.read, scanString, `SELECT id FROM executions WHERE status = 'running'
		AND status IN ('running', 'waiting') AND executor NOT IN (SELECT value FROM json_each(?))
		ORDER BY created_at, id LIMIT ?`, list, limit)
	return ids, fail("list orphaned executions", err)
}

// CancelRequested returns which of ids are marked, in no order.
func (s *Store) CancelRequested(ctx context.Context, ids []string) ([]string, error) {
	const doing = "look for cancelled executions"
	if len(ids) == 0 {
		return nil, nil
	}
	list, err := jsonText(ids)
	if err != nil {
		return nil, err
	}
	rows, err := s.hot.cancelRequested.QueryContext(ctx, list)
	if err != nil {
		return nil, fail(doing, err)
	}
	marked, err := readAll(rows, scanString)
	return marked, fail(doing, err)
}

// LiveExecutions returns which of ids are not final, in no order.
func (s *Store) LiveExecutions(ctx context.Context, ids []string) ([]string, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	list, err := jsonText(ids)
	if err != nil {
		return nil, err
	}
	live, err := collect(ctx, s.read, scanString, `SELECT id FROM executions
		WHERE id IN (SELECT value FROM json_each(?)) AND status IN ('queued', 'running', 'waiting')`, list)
	return live, fail("look for live executions", err)
}
