package sqlite

import (
	"context"
	"database/sql"
	"time"

	"flowgate/store"
)

const scheduleColumns = `workflow_id, node, owner_id, rules, next_at, last_at, missed, missed_at`

func scanSchedule(row scanner) (s store.Schedule, err error) {
	err = row.Scan(&s.WorkflowID, &s.Node, &s.OwnerID, &s.Rules, stamp{&s.NextAt}, stamp{&s.LastAt}, &s.Missed, stamp{&s.MissedAt})
	return s, err
}

// SetSchedules arms list in place of what the workflow had.
func (s *Store) SetSchedules(ctx context.Context, owner, workflowID string, list []store.Schedule) error {
	return s.tx(ctx, "arm the workflow's schedules", func(ctx context.Context, tx *sql.Tx) error {
		var n int
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM workflows WHERE id = ? AND owner_id = ?`, workflowID, owner).Scan(&n); err != nil {
			return err
		}
		if n == 0 {
			return notFound("workflow", workflowID)
		}
		nodes := make([]string, len(list))
		for i := range list {
			nodes[i] = list[i].Node
		}
		kept, err := jsonText(nodes)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM schedules WHERE workflow_id = ? AND node NOT IN (SELECT value FROM json_each(?))`, workflowID, kept); err != nil {
			return err
		}
		for _, l := range list {
			if _, err := tx.ExecContext(ctx, `INSERT INTO schedules (`+scheduleColumns+`) VALUES (?, ?, ?, ?, ?, 0, 0, 0)
				ON CONFLICT (workflow_id, node) DO UPDATE SET rules = excluded.rules, next_at = excluded.next_at, last_at = 0, missed = 0, missed_at = 0
				WHERE schedules.rules <> excluded.rules`, workflowID, l.Node, owner, l.Rules, micros(l.NextAt)); err != nil {
				return err
			}
		}
		return nil
	})
}

// Schedules returns what is armed for the workflow, by node.
func (s *Store) Schedules(ctx context.Context, owner, workflowID string) ([]store.Schedule, error) {
	list, err := collect(ctx, s.read, scanSchedule,
		`SELECT `+scheduleColumns+` FROM schedules WHERE workflow_id = ? AND owner_id = ? ORDER BY node`, workflowID, owner)
	return list, fail("list the workflow's schedules", err)
}

// DueSchedules returns schedules of active workflows that are due.
func (s *Store) DueSchedules(ctx context.Context, t time.Time, limit int) ([]store.Schedule, error) {
	list, err := collect(ctx, s.read, scanSchedule, `SELECT `+scheduleColumns+` FROM schedules
		WHERE next_at > 0 AND next_at <= ? AND (SELECT active FROM workflows w WHERE w.id = workflow_id)
		ORDER BY next_at LIMIT ?`, micros(t), limit)
	return list, fail("look for due schedules", err)
}

// AdvanceSchedule stores a schedule's times unless another process did.
func (s *Store) AdvanceSchedule(ctx context.Context, from time.Time, to store.Schedule) (bool, error) {
	const doing = "advance the schedule"
	res, err := s.write.ExecContext(ctx, `UPDATE schedules SET next_at = ?, last_at = ?, missed = ?, missed_at = ?
		WHERE workflow_id = ? AND node = ? AND next_at = ? AND rules = ?`, micros(to.NextAt), micros(to.LastAt), to.Missed, micros(to.MissedAt),
		to.WorkflowID, to.Node, micros(from), to.Rules)
	if err != nil {
		return false, fail(doing, err)
	}
	n, err := res.RowsAffected()
	return n == 1, fail(doing, err)
}
