package sqlite

import (
	"context"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store"
)

// ListExecutions returns the owner's executions that pass the filter, newest
// first, without Start and Result, and how many pass it in all.
func (s *Store) ListExecutions(ctx context.Context, owner string, f store.ExecutionFilter, page store.Page) ([]*workflow.Execution, int, string, error) {
	const doing = "list executions"
	w := executionWhere(owner, f)
	var total int
	count := store.Counted(`executions` + w.String())
	if err := s.read.QueryRowContext(ctx, count, w.args...).Scan(&total); err != nil {
		return nil, 0, "", fail(doing, err)
	}
	if err := w.after(store.ListOfExecutions, page, "created_at"); err != nil {
		return nil, 0, "", err
	}
	list, err := collect(ctx, s.read, scanSummary,
		`SELECT `+executionSummary+` FROM executions`+w.String()+page.Order("created_at", "id")+` LIMIT ?`,
		append(w.args, page.Size()+1)...)
	if err != nil {
		return nil, 0, "", fail(doing, err)
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
		w.and("status = 'waiting' AND json_extract(CAST(waiting_for AS TEXT), '$.kind') = ?", f.WaitsFor)
	}
	if !f.Since.IsZero() {
		w.and("created_at >= ?", micros(f.Since))
	}
	return w
}

// PruneExecutions deletes at most limit final executions finished before t,
// longest finished first, with what is stored of them.
func (s *Store) PruneExecutions(ctx context.Context, t time.Time, limit int) ([]string, error) {
	deleted, err := collect(ctx, s.write, scanString, `DELETE FROM executions WHERE n IN
		(SELECT n FROM executions WHERE finished_at > 0 AND finished_at < ? ORDER BY finished_at LIMIT ?) RETURNING id`,
		micros(t), limit)
	return deleted, fail("prune executions", err)
}

// TrimExecutions deletes at most limit final executions that are older than
// the newest keep of their owner. What to delete is looked for outside of the
// transaction that deletes.
func (s *Store) TrimExecutions(ctx context.Context, keep, limit int) ([]string, error) {
	old, err := collect(ctx, s.read, scanString, `WITH RECURSIVE
		owners (owner) AS (SELECT min(owner_id) FROM executions
			UNION ALL SELECT (SELECT min(owner_id) FROM executions WHERE owner_id > owner) FROM owners WHERE owner IS NOT NULL),
		cuts AS MATERIALIZED (SELECT owner, (SELECT n FROM executions WHERE owner_id = owner ORDER BY created_at DESC, id DESC LIMIT 1 OFFSET ?) AS n
			FROM owners WHERE owner IS NOT NULL)
		SELECT e.id FROM cuts CROSS JOIN executions c ON c.n = cuts.n
			CROSS JOIN executions e ON e.owner_id = cuts.owner AND (e.created_at, e.id) <= (c.created_at, c.id)
		WHERE e.finished_at > 0 ORDER BY e.created_at, e.id LIMIT ?`, keep, limit)
	if err != nil || len(old) == 0 {
		return nil, fail("trim executions", err)
	}
	list, err := jsonText(old)
	if err != nil {
		return nil, err
	}
	deleted, err := collect(ctx, s.write, scanString,
		`DELETE FROM executions WHERE id IN (SELECT value FROM json_each(?)) AND finished_at > 0 RETURNING id`, list)
	return deleted, fail("trim executions", err)
}
