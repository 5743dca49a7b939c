package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"flowgate/internal/workflow"
	"flowgate/store/internal/recorded"
)

// QueuedExecutions counts what waits for a process to run it.
func (s *Store) QueuedExecutions(ctx context.Context) (n int, err error) {
	err = s.do(ctx, "count queued executions", asEngine, func(b *pgx.Batch) {
		b.Queue(`SELECT count(*) FROM executions WHERE status = 'queued'`).QueryRow(func(row pgx.Row) error { return row.Scan(&n) })
	})
	return n, err
}

// Processes that claim within bounds do so one after the other, and not while
// somebody records what is to run at once, or they would all fill what is free.
// With an empty queue nobody waits, and nothing is claimed that came since.
const claimTurn = `SELECT set_config('flowgate.claims', CASE WHEN EXISTS (SELECT FROM executions WHERE status = 'queued')
	THEN 'mine' || pg_advisory_xact_lock(hashtextextended('flowgate claims in ' || current_schema(), 0))::text ELSE '' END, true)`

// Who records what is to run at once waits for those who do so for the same
// owner, and for who claims.
const createTurn = `SELECT pg_advisory_xact_lock_shared(hashtextextended('flowgate claims in ' || current_schema(), 0)),
	pg_advisory_xact_lock(hashtextextended('flowgate bounds of ' || $1 || ' in ' || current_schema(), 0))`

// What is beyond a workflow's bound does not count against its owner's.
const claimWithin = `WITH
	of_workflow AS (SELECT workflow_id, count(*) AS running FROM executions WHERE status = 'running' GROUP BY workflow_id),
	of_owner AS (SELECT owner_id, count(*) AS running FROM executions WHERE status = 'running' GROUP BY owner_id),
	q AS (SELECT e.n, e.created_at, e.id, e.owner_id,
			row_number() OVER (PARTITION BY e.workflow_id ORDER BY e.created_at, e.id) + coalesce(w.running, 0) AS place
		FROM executions e LEFT JOIN of_workflow w USING (workflow_id)
		WHERE e.status = 'queued' AND current_setting('flowgate.claims', true) = 'mine'),
	free AS (SELECT q.n, q.created_at, q.id,
			row_number() OVER (PARTITION BY q.owner_id ORDER BY q.created_at, q.id) + coalesce(o.running, 0) AS place
		FROM q LEFT JOIN of_owner o USING (owner_id) WHERE q.place <= $5),
	picked AS MATERIALIZED (SELECT n FROM free WHERE place <= $4 ORDER BY created_at, id LIMIT $3)
	UPDATE executions SET status = 'running', executor = $1, started_at = $2
	WHERE n IN (SELECT n FROM picked) AND status = 'queued' RETURNING ` + executionColumns

// ClaimWithin hands out queued executions within the bounds, oldest first.
func (s *Store) ClaimWithin(ctx context.Context, executor string, limit, perOwner, perWorkflow int) (list []*workflow.Execution, err error) {
	if executor == "" {
		return nil, errNoExecutor
	}
	if perOwner <= 0 && perWorkflow <= 0 {
		return s.ClaimExecutions(ctx, executor, limit)
	}
	if limit <= 0 {
		return nil, nil
	}
	err = s.do(ctx, "claim executions", asEngine, func(b *pgx.Batch) {
		b.Queue(claimTurn)
		all(b.Queue(claimWithin, executor, at(s.stampNow()), limit, recorded.OrUnbounded(perOwner), recorded.OrUnbounded(perWorkflow)), &list, scanExecution)
	})
	oldestFirst(list)
	return list, err
}

// NoteDeath counts a death, from one again when the execution got further.
func (s *Store) NoteDeath(ctx context.Context, id string, spare int) (deaths int, err error) {
	const now = `CASE WHEN d.released THEN d.deaths WHEN d.last_seq < excluded.last_seq THEN 1 ELSE d.deaths + 1 END`
	err = s.do(ctx, "count the execution's attempts", asEngine, func(b *pgx.Batch) {
		one(b.Queue(`INSERT INTO execution_deaths AS d (execution, deaths, last_seq, released)
			SELECT n, 1, last_seq, $2 = 1 FROM executions WHERE id = $1
			ON CONFLICT (execution) DO UPDATE SET last_seq = excluded.last_seq, deaths = `+now+`, released = $2 > 0 AND `+now+` >= $2
			RETURNING deaths`, id, spare), &deaths, func(row pgx.Row) (int, error) {
			n, err := scanInt(row)
			return n, orNotFound(err, "execution", id)
		})
	})
	return deaths, err
}

// NoteRelease notes that a process gave the execution up in good order.
func (s *Store) NoteRelease(ctx context.Context, id string) error {
	return s.do(ctx, "note the execution's release", asEngine, func(b *pgx.Batch) {
		b.Queue(`INSERT INTO execution_deaths (execution, deaths, last_seq, released)
			SELECT n, 0, last_seq, true FROM executions WHERE id = $1
			ON CONFLICT (execution) DO UPDATE SET released = true`, id)
	})
}

// NoteTurn takes a release back.
func (s *Store) NoteTurn(ctx context.Context, id string) error {
	return s.do(ctx, "note the execution's turn", asEngine, func(b *pgx.Batch) {
		b.Queue(`UPDATE execution_deaths SET released = false WHERE execution = (SELECT n FROM executions WHERE id = $1)`, id)
	})
}

// ClaimAnswer gives one caller the right to answer, by the database's clock.
func (s *Store) ClaimAnswer(ctx context.Context, id, topic string, ttl time.Duration) (bool, error) {
	var n int64
	err := s.do(ctx, "claim the answer", asEngine, func(b *pgx.Batch) {
		affected(b.Queue(`INSERT INTO execution_answers AS a (execution, topic, claimed_until)
			SELECT n, $2, clock_timestamp() + $3 * interval '1 microsecond' FROM executions WHERE id = $1
			ON CONFLICT (execution, topic) DO UPDATE SET claimed_until = excluded.claimed_until WHERE a.claimed_until < clock_timestamp()`,
			id, topic, ttl.Microseconds()), &n)
	})
	return n == 1, err
}

// ReleaseAnswer gives the right to answer back.
func (s *Store) ReleaseAnswer(ctx context.Context, id, topic string) error {
	return s.do(ctx, "give the answer back", asEngine, func(b *pgx.Batch) {
		b.Queue(`DELETE FROM execution_answers WHERE topic = $2 AND execution = (SELECT n FROM executions WHERE id = $1)`, id, topic)
	})
}

// CancelledWaits returns the ids of waiting executions that are to be cancelled.
func (s *Store) CancelledWaits(ctx context.Context, limit int) (ids []string, err error) {
	err = s.do(ctx, "list cancelled executions", asEngine, func(b *pgx.Batch) {
		all(b.Queue(`SELECT id FROM executions WHERE status = 'waiting' AND cancel_requested ORDER BY n LIMIT $1`, limit), &ids, scanString)
	})
	return ids, err
}
