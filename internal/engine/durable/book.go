package durable

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// book keeps what the library has no place for: waits of suspended runs, marks
// of cancelled ones, and messages. It works in the same database.
type book struct {
	lite *sql.DB
	pg   *pgxpool.Pool
	now  func() int64 // milliseconds
}

const liteTables = `
CREATE TABLE IF NOT EXISTS durable_waits (
	run_id TEXT PRIMARY KEY, topic TEXT NOT NULL DEFAULT '', wake_at INTEGER NOT NULL, nonce TEXT NOT NULL DEFAULT '',
	claimed_until INTEGER NOT NULL DEFAULT 0, cancelled_at INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS durable_waits_wake ON durable_waits (wake_at);
CREATE TABLE IF NOT EXISTS durable_messages (
	id INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL, topic TEXT NOT NULL, payload BLOB);
CREATE INDEX IF NOT EXISTS durable_messages_run ON durable_messages (run_id, topic, id);`

const pgTables = `
SELECT pg_advisory_xact_lock(7310579004);
CREATE SCHEMA IF NOT EXISTS flowgate_durable;
CREATE TABLE IF NOT EXISTS flowgate_durable.durable_waits (
	run_id TEXT PRIMARY KEY, topic TEXT NOT NULL DEFAULT '', wake_at BIGINT NOT NULL, nonce TEXT NOT NULL DEFAULT '',
	claimed_until BIGINT NOT NULL DEFAULT 0, cancelled_at BIGINT NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS durable_waits_wake ON flowgate_durable.durable_waits (wake_at);
CREATE TABLE IF NOT EXISTS flowgate_durable.durable_messages (
	id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, run_id TEXT NOT NULL, topic TEXT NOT NULL, payload BYTEA);
CREATE INDEX IF NOT EXISTS durable_messages_run ON flowgate_durable.durable_messages (run_id, topic, id);`

// create makes the tables unless they are there.
func (b *book) create(ctx context.Context) error {
	var err error
	if b.lite != nil {
		_, err = b.lite.ExecContext(ctx, liteTables)
	} else {
		_, err = b.pg.Exec(ctx, pgTables, pgx.QueryExecModeSimpleProtocol) // one implicit transaction
	}
	if err != nil {
		return fmt.Errorf("durable: create tables: %w", err)
	}
	return nil
}

// suspend notes that run waits until wake, or for topic unless it is "". False
// says that the run is cancelled and must not wait.
func (b *book) suspend(ctx context.Context, run, topic string, wake int64) (bool, error) {
	n, err := b.exec(ctx, `INSERT INTO %durable_waits AS w (run_id, topic, wake_at, nonce) VALUES ($1, $2, $3, $4)
		ON CONFLICT (run_id) DO UPDATE SET topic = excluded.topic, wake_at = excluded.wake_at, nonce = excluded.nonce, claimed_until = 0
		WHERE w.cancelled_at = 0`, run, topic, wake, uuid.NewString())
	return n > 0, err
}

// wait is one suspended run that is due.
type wait struct{ run, nonce string }

// claimDue returns waits that are over, each to one caller until its claim ends.
func (b *book) claimDue(ctx context.Context) ([]wait, error) {
	now := b.now()
	var due []wait
	err := b.query(ctx, func(scan func(...any) error) error {
		var w wait
		err := scan(&w.run, &w.nonce)
		due = append(due, w)
		return err
	}, `SELECT run_id, nonce FROM %durable_waits WHERE wake_at <= $1 AND claimed_until < $1 AND cancelled_at = 0
		UNION
		SELECT w.run_id, w.nonce FROM %durable_messages m CROSS JOIN %durable_waits w
		WHERE w.run_id = m.run_id AND w.topic = m.topic AND w.claimed_until < $1 AND w.cancelled_at = 0
		LIMIT 200`, now)
	if err != nil {
		return nil, err
	}
	const claim = 5_000
	won := due[:0]
	for _, w := range due {
		n, err := b.exec(ctx, `UPDATE %durable_waits SET claimed_until = $1 WHERE run_id = $2 AND nonce = $3 AND claimed_until < $4`,
			now+claim, w.run, w.nonce, now)
		if err != nil {
			return won, err
		}
		if n > 0 {
			won = append(won, w)
		}
	}
	return won, nil
}

// unclaim makes a wait due again, for a run that has not come to rest yet.
func (b *book) unclaim(ctx context.Context, w wait) error {
	_, err := b.exec(ctx, `UPDATE %durable_waits SET claimed_until = $1 WHERE run_id = $2 AND nonce = $3`, b.now()+500, w.run, w.nonce)
	return err
}

// woken removes a wait that is over, unless the run waits anew.
func (b *book) woken(ctx context.Context, w wait) error {
	_, err := b.exec(ctx, `DELETE FROM %durable_waits WHERE run_id = $1 AND nonce = $2 AND cancelled_at = 0`, w.run, w.nonce)
	return err
}

// mark notes that run is cancelled, for good.
func (b *book) mark(ctx context.Context, run string) error {
	_, err := b.exec(ctx, `INSERT INTO %durable_waits AS w (run_id, wake_at, cancelled_at) VALUES ($1, $2, $3)
		ON CONFLICT (run_id) DO UPDATE SET cancelled_at = excluded.cancelled_at WHERE w.cancelled_at = 0`, run, b.now(), b.now())
	return err
}

// cancelled returns which of runs are marked.
func (b *book) cancelled(ctx context.Context, runs []string) ([]string, error) {
	return b.strings(ctx, `SELECT run_id FROM %durable_waits WHERE cancelled_at > 0 AND run_id IN `+b.list(1), b.array(runs))
}

// cancelledBefore returns up to limit runs marked before t.
func (b *book) cancelledBefore(ctx context.Context, t int64, limit int) ([]string, error) {
	return b.strings(ctx, `SELECT run_id FROM %durable_waits WHERE cancelled_at > 0 AND cancelled_at < $1 LIMIT $2`, t, limit)
}

// post stores a message for run.
func (b *book) post(ctx context.Context, run, topic string, payload []byte) error {
	_, err := b.exec(ctx, `INSERT INTO %durable_messages (run_id, topic, payload) VALUES ($1, $2, $3)`, run, topic, payload)
	return err
}

// peek returns the oldest message of topic; id 0 when there is none.
func (b *book) peek(ctx context.Context, run, topic string) (id int64, payload []byte, err error) {
	err = b.query(ctx, func(scan func(...any) error) error { return scan(&id, &payload) },
		`SELECT id, payload FROM %durable_messages WHERE run_id = $1 AND topic = $2 ORDER BY id LIMIT 1`, run, topic)
	return id, payload, err
}

// take removes a message whose receipt is recorded.
func (b *book) take(ctx context.Context, id int64) error {
	_, err := b.exec(ctx, `DELETE FROM %durable_messages WHERE id = $1`, id)
	return err
}

// forget removes all that is kept about runs.
func (b *book) forget(ctx context.Context, runs []string) error {
	if _, err := b.exec(ctx, `DELETE FROM %durable_messages WHERE run_id IN `+b.list(1), b.array(runs)); err != nil {
		return err
	}
	_, err := b.exec(ctx, `DELETE FROM %durable_waits WHERE run_id IN `+b.list(1), b.array(runs))
	return err
}
