package sqlite

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store"
	"flowgate/store/internal/recorded"
)

var _ store.Supervision = (*Store)(nil)

// QueuedExecutions counts what waits for a process to run it.
func (s *Store) QueuedExecutions(ctx context.Context) (n int, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT count(*) FROM executions WHERE status = 'queued'`).Scan(&n)
	return n, fail("count queued executions", err)
}

// What is beyond a workflow's bound does not count against its owner's.
const claimWithin = `UPDATE executions SET status = 'running', executor = ?1, started_at = ?2 WHERE n IN (
	SELECT n FROM (
		SELECT n, created_at, id, row_number() OVER (PARTITION BY owner_id ORDER BY created_at, id) +
			(SELECT count(*) FROM executions r WHERE r.status = 'running' AND r.owner_id = q.owner_id) AS place
		FROM (
			SELECT n, created_at, id, owner_id, row_number() OVER (PARTITION BY workflow_id ORDER BY created_at, id) +
				(SELECT count(*) FROM executions r WHERE r.status = 'running' AND r.workflow_id = e.workflow_id) AS place
			FROM executions e WHERE status = 'queued'
		) q WHERE place <= ?5
	) WHERE place <= ?4 ORDER BY created_at, id LIMIT ?3)
	RETURNING ` + executionColumns

// ClaimWithin hands out queued executions within the bounds, oldest first.
func (s *Store) ClaimWithin(ctx context.Context, executor string, limit, perOwner, perWorkflow int) ([]*workflow.Execution, error) {
	const doing = "claim executions"
	if executor == "" {
		return nil, errors.New("sqlite: claim without an executor")
	}
	if perOwner <= 0 && perWorkflow <= 0 {
		return s.ClaimExecutions(ctx, executor, limit)
	}
	var queued bool
	if err := s.hot.anyQueued.QueryRowContext(ctx).Scan(&queued); err != nil || !queued || limit <= 0 {
		return nil, fail(doing, err)
	}
	list, err := collect(ctx, s.write, scanExecution, claimWithin, executor, micros(s.stampNow()), limit, recorded.OrUnbounded(perOwner), recorded.OrUnbounded(perWorkflow))
	if err != nil {
		return nil, fail(doing, err)
	}
	slices.SortFunc(list, func(a, b *workflow.Execution) int { // RETURNING promises no order
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return list, nil
}

// NoteDeath counts a death, from one again when the execution got further.
func (s *Store) NoteDeath(ctx context.Context, id string, spare int) (deaths int, err error) {
	const now = `CASE WHEN released THEN deaths WHEN last_seq < excluded.last_seq THEN 1 ELSE deaths + 1 END`
	err = s.write.QueryRowContext(ctx, `INSERT INTO execution_deaths (execution_id, deaths, last_seq, released)
		SELECT id, 1, last_seq, ?2 = 1 FROM executions WHERE id = ?1
		ON CONFLICT (execution_id) DO UPDATE SET last_seq = excluded.last_seq, deaths = `+now+`, released = ?2 > 0 AND `+now+` >= ?2
		RETURNING deaths`, id, spare).Scan(&deaths)
	return deaths, orNotFound(err, "count the execution's attempts", "execution", id)
}

// NoteRelease notes that a process gave the execution up in good order.
func (s *Store) NoteRelease(ctx context.Context, id string) error {
	_, err := s.write.ExecContext(ctx, `INSERT INTO execution_deaths (execution_id, deaths, last_seq, released)
		SELECT id, 0, last_seq, 1 FROM executions WHERE id = ?
		ON CONFLICT (execution_id) DO UPDATE SET released = 1`, id)
	return fail("note the execution's release", err)
}

// NoteTurn takes a release back.
func (s *Store) NoteTurn(ctx context.Context, id string) error {
	_, err := s.write.ExecContext(ctx, `UPDATE execution_deaths SET released = 0 WHERE execution_id = ?`, id)
	return fail("note the execution's turn", err)
}

// ClaimAnswer gives one caller the right to answer.
func (s *Store) ClaimAnswer(ctx context.Context, id, topic string, ttl time.Duration) (bool, error) {
	const doing = "claim the answer"
	now := s.stampNow()
	res, err := s.write.ExecContext(ctx, `INSERT INTO execution_answers (execution_id, topic, claimed_until)
		SELECT id, ?2, ?3 FROM executions WHERE id = ?1
		ON CONFLICT (execution_id, topic) DO UPDATE SET claimed_until = excluded.claimed_until WHERE claimed_until < ?4`,
		id, topic, micros(now.Add(ttl)), micros(now))
	if err != nil {
		return false, fail(doing, err)
	}
	n, err := res.RowsAffected()
	return n == 1, fail(doing, err)
}

// ReleaseAnswer gives the right to answer back.
func (s *Store) ReleaseAnswer(ctx context.Context, id, topic string) error {
	_, err := s.write.ExecContext(ctx, `DELETE FROM execution_answers WHERE execution_id = ? AND topic = ?`, id, topic)
	return fail("give the answer back", err)
}

// CancelledWaits returns the ids of waiting executions that are to be cancelled.
func (s *Store) CancelledWaits(ctx context.Context, limit int) ([]string, error) {
	ids, err := collect(ctx, s.read, scanString, `SELECT id FROM executions WHERE status = 'waiting' AND cancel_requested = 1 ORDER BY n LIMIT ?`, limit)
	return ids, fail("list cancelled executions", err)
}
