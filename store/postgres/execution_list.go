package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"flowgate/internal/workflow"
	"flowgate/store"
)

// ListExecutions returns the owner's executions that pass the filter, newest
// first, without Start and Result, and how many pass it in all.
func (s *Store) ListExecutions(ctx context.Context, owner string, f store.ExecutionFilter, page store.Page) ([]*workflow.Execution, int, string, error) {
	w := executionWhere(owner, f)
	count, counted := store.Counted(`executions`+w.String()), len(w.args)
	if err := w.after(store.ListOfExecutions, page, "", "created_at"); err != nil {
		return nil, 0, "", err
	}
	query := `SELECT ` + executionSummary + ` FROM executions` + w.String() + page.Order("created_at", "id") + ` LIMIT ` + w.arg(page.Size()+1)
	var total int
	var list []*workflow.Execution
	err := s.do(ctx, "list executions", user(owner), func(b *pgx.Batch) {
		one(b.Queue(count, w.args[:counted]...), &total, scanInt)
		all(b.Queue(query, w.args...), &list, scanSummary)
	})
	if err != nil {
		return nil, 0, "", err
	}
	list, next := store.Trim(page.Of(store.ListOfExecutions), list, page.Size(), func(e *workflow.Execution) store.Cursor {
		return store.Cursor{At: e.CreatedAt, ID: e.ID}
	})
	return list, total, next, nil
}

func executionWhere(owner string, f store.ExecutionFilter) *where {
	w := &where{}
	if f.WorkflowID != "" {
		w.and("workflow_id = ?", f.WorkflowID)
	}
	w.and("owner_id = ?", owner)
	switch f.Status {
	case "":
	case workflow.StatusError, workflow.StatusWaiting, workflow.StatusTimeout, workflow.StatusCancelled: // in so many words, for their index
		w.and("status = '" + string(f.Status) + "'")
	default:
		w.and("status = ?", f.Status)
	}
	if f.WaitsFor != "" {
		w.and("status = 'waiting' AND wait_kind(waiting_for) = ?", f.WaitsFor)
	}
	if !f.Since.IsZero() {
		w.and("created_at >= ?", at(f.Since))
	}
	return w
}

// PruneExecutions deletes at most limit final executions finished before t,
// longest finished first, with what is stored of them. Several processes may
// prune at once.
func (s *Store) PruneExecutions(ctx context.Context, t time.Time, limit int) (deleted []string, err error) {
	err = s.do(ctx, "prune executions", asEngine, func(b *pgx.Batch) {
		all(b.Queue(`WITH old AS MATERIALIZED (SELECT n FROM executions WHERE finished_at IS NOT NULL AND finished_at < $1
			ORDER BY finished_at LIMIT $2 FOR UPDATE SKIP LOCKED)
			DELETE FROM executions WHERE n IN (SELECT n FROM old) RETURNING id`, at(t), limit), &deleted, scanString)
	})
	return deleted, err
}

// TrimExecutions deletes at most limit final executions that are older than
// the newest keep of their owner. Several processes may trim at once.
func (s *Store) TrimExecutions(ctx context.Context, keep, limit int) (deleted []string, err error) {
	err = s.do(ctx, "trim executions", asEngine, func(b *pgx.Batch) {
		all(b.Queue(`WITH RECURSIVE
			owners (owner) AS ((SELECT owner_id FROM executions ORDER BY owner_id LIMIT 1)
				UNION ALL SELECT (SELECT owner_id FROM executions WHERE owner_id > owner ORDER BY owner_id LIMIT 1) FROM owners WHERE owner IS NOT NULL),
			cuts AS MATERIALIZED (SELECT owner, c.created_at, c.id FROM owners
				CROSS JOIN LATERAL (SELECT created_at, id FROM executions WHERE owner_id = owner ORDER BY created_at DESC, id DESC LIMIT 1 OFFSET $1) c),
			old AS MATERIALIZED (SELECT e.n FROM cuts JOIN executions e ON e.owner_id = owner AND (e.created_at, e.id) <= (cuts.created_at, cuts.id)
				WHERE e.finished_at IS NOT NULL ORDER BY e.created_at, e.id LIMIT $2 FOR UPDATE OF e SKIP LOCKED)
			DELETE FROM executions WHERE n IN (SELECT n FROM old) RETURNING id`, keep, limit), &deleted, scanString)
	})
	return deleted, err
}
