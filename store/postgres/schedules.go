package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"flowgate/store"
)

const scheduleColumns = `workflow_id, node, owner_id, rules, next_at, last_at, missed, missed_at`

func scanSchedule(row pgx.Row) (s store.Schedule, err error) {
	err = row.Scan(&s.WorkflowID, &s.Node, &s.OwnerID, &s.Rules, stamp{&s.NextAt}, stamp{&s.LastAt}, &s.Missed, stamp{&s.MissedAt})
	return s, err
}

// SetSchedules arms list in place of what the workflow had.
func (s *Store) SetSchedules(ctx context.Context, owner, workflowID string, list []store.Schedule) error {
	nodes := make([]string, len(list))
	for i := range list {
		nodes[i] = list[i].Node
	}
	var there []string
	err := s.do(ctx, "arm the workflow's schedules", user(owner), func(b *pgx.Batch) {
		all(b.Queue(`SELECT id FROM workflows WHERE id = $1 AND owner_id = $2 FOR NO KEY UPDATE`, workflowID, owner), &there, scanString)
		b.Queue(`DELETE FROM schedules WHERE workflow_id = $1 AND owner_id = $2 AND node <> ALL ($3::text[])`, workflowID, owner, nodes)
		for _, l := range list {
			b.Queue(`INSERT INTO schedules (workflow_id, owner_id, node, rules, next_at)
				SELECT id, owner_id, $3, $4, $5 FROM workflows WHERE id = $1 AND owner_id = $2
				ON CONFLICT (workflow_id, node) DO UPDATE SET rules = excluded.rules, next_at = excluded.next_at, last_at = NULL, missed = 0, missed_at = NULL
				WHERE schedules.rules <> excluded.rules`, workflowID, owner, l.Node, l.Rules, at(l.NextAt))
		}
	})
	if err == nil && len(there) == 0 {
		return notFound("workflow", workflowID)
	}
	return err
}

// Schedules returns what is armed for the workflow, by node.
func (s *Store) Schedules(ctx context.Context, owner, workflowID string) (list []store.Schedule, err error) {
	err = s.do(ctx, "list the workflow's schedules", user(owner), func(b *pgx.Batch) {
		all(b.Queue(`SELECT `+scheduleColumns+` FROM schedules WHERE workflow_id = $1 AND owner_id = $2 ORDER BY node COLLATE "C"`, workflowID, owner), &list, scanSchedule)
	})
	return list, err
}

// DueSchedules returns schedules of active workflows that are due.
func (s *Store) DueSchedules(ctx context.Context, t time.Time, limit int) (list []store.Schedule, err error) {
	err = s.do(ctx, "look for due schedules", asEngine, func(b *pgx.Batch) {
		all(b.Queue(`SELECT `+scheduleColumns+` FROM schedules
			WHERE next_at <= $1 AND EXISTS (SELECT FROM workflows w WHERE w.id = workflow_id AND w.active)
			ORDER BY next_at LIMIT $2`, at(t), limit), &list, scanSchedule)
	})
	return list, err
}

// AdvanceSchedule stores a schedule's times unless another process did.
func (s *Store) AdvanceSchedule(ctx context.Context, from time.Time, to store.Schedule) (bool, error) {
	var n int64
	err := s.do(ctx, "advance the schedule", asEngine, func(b *pgx.Batch) {
		affected(b.Queue(`UPDATE schedules SET next_at = $1, last_at = $2, missed = $3, missed_at = $4
			WHERE workflow_id = $5 AND node = $6 AND next_at IS NOT DISTINCT FROM $7 AND rules = $8`,
			at(to.NextAt), at(to.LastAt), to.Missed, at(to.MissedAt), to.WorkflowID, to.Node, at(from), to.Rules), &n)
	})
	return n == 1, err
}
