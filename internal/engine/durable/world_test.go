package durable

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"flowgate/internal/workflow"
	"flowgate/store"
)

// world is one database, with what tests look at from outside: a log of
// effects, which is what must not be repeated, and leases.
type world struct {
	url  string
	host string // pretended host of this process, if any
	book *book  // its statement helpers serve the tables below, too
}

const worldTables = `
CREATE TABLE IF NOT EXISTS %s.leases (name TEXT PRIMARY KEY, holder TEXT, host TEXT, pid BIGINT, fence BIGINT, expires_at BIGINT);
CREATE TABLE IF NOT EXISTS %s.effects (run_id TEXT, what TEXT, by TEXT);`

// openWorld opens the database at url: a file, or a PostgreSQL URL.
func openWorld(ctx context.Context, url string) (*world, error) {
	w := &world{url: url, book: &book{now: func() int64 { return time.Now().UnixMilli() }}}
	tables := strings.ReplaceAll(worldTables, "%s", schema)
	if strings.HasPrefix(url, "postgres") {
		pool, err := pgxpool.New(ctx, url)
		if err != nil {
			return nil, err
		}
		w.book.pg = pool
		_, err = pool.Exec(ctx, "SELECT pg_advisory_xact_lock(1); CREATE SCHEMA IF NOT EXISTS "+schema+";"+tables, pgx.QueryExecModeSimpleProtocol)
		return w, err
	}
	db, err := openSQLite(url)
	if err != nil {
		return nil, err
	}
	w.book.lite = db
	_, err = db.ExecContext(ctx, strings.ReplaceAll(tables, schema+".", ""))
	return w, err
}

// openSQLite opens a file as recommended in Options.SQLite.
func openSQLite(path string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)"+
		"&_pragma=synchronous(NORMAL)&_pragma=foreign_keys(1)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

func (w *world) close() {
	if w.book.lite != nil {
		_ = w.book.lite.Close()
	} else {
		w.book.pg.Close()
	}
}

func (w *world) options(fn Func) Options {
	return Options{SQLite: w.book.lite, Postgres: w.book.pg, Leases: (*leases)(w), Func: fn, EngineVersion: "test-1",
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))}
}

// effect logs that run did something to the outside.
func (w *world) effect(run, what string) error {
	_, err := w.book.exec(context.Background(), `INSERT INTO %effects (run_id, what, by) VALUES ($1, $2, $3)`, run, what, fmt.Sprint(os.Getpid()))
	return err
}

func (w *world) count(t testing.TB, query string, args ...any) int {
	t.Helper()
	n := 0
	err := w.book.query(t.Context(), func(scan func(...any) error) error { return scan(&n) }, query, args...)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (w *world) effects(t testing.TB, run, what string) int {
	t.Helper()
	return w.count(t, `SELECT count(*) FROM %effects WHERE run_id = $1 AND what = $2`, run, what)
}

// by returns the processes that had the effect, in any order.
func (w *world) by(t testing.TB, run, what string) []string {
	t.Helper()
	out, err := w.book.strings(t.Context(), `SELECT by FROM %effects WHERE run_id = $1 AND what = $2`, run, what)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// await polls until ok, and fails the test at the deadline.
func await(t testing.TB, d time.Duration, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(d); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %s: %s", d, what)
		}
	}
}

// eachBackend runs body once on SQLite and once on PostgreSQL, in parallel.
func eachBackend(t *testing.T, body func(t *testing.T, w *world)) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		body(t, newWorld(t, filepath.Join(t.TempDir(), "flowgate.db")))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		body(t, newWorld(t, newPostgres(t)))
	})
}

func newWorld(t testing.TB, url string) *world {
	t.Helper()
	w, err := openWorld(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	return w
}

// newPostgres makes an empty database on the test server and returns its URL.
func newPostgres(t testing.TB) string {
	t.Helper()
	base := os.Getenv("FLOWGATE_TEST_POSTGRES_URL")
	if base == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("FLOWGATE_TEST_POSTGRES_URL is not set")
		}
		t.Skip("SKIPPED, NOT SHOWN ON POSTGRESQL: FLOWGATE_TEST_POSTGRES_URL is not set")
	}
	admin, err := pgx.Connect(t.Context(), base)
	if err != nil {
		t.Fatal(err)
	}
	name := "durable_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	if _, err := admin.Exec(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = admin.Exec(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)")
		_ = admin.Close(context.Background())
	})
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

// leases is the least that fulfils store.Leases.
type leases world

var _ store.Leases = (*leases)(nil)

func (l *leases) AcquireLease(ctx context.Context, want store.Lease, ttl time.Duration, steal *store.Lease) (store.Lease, error) {
	now := time.Now()
	holder, fence := "", int64(-1)
	if steal != nil {
		holder, fence = steal.Holder, steal.Fence
	}
	got := false
	want.ExpiresAt = now.Add(ttl)
	if l.host != "" {
		want.Host = l.host
	}
	err := l.book.query(ctx, func(scan func(...any) error) error { got = true; return scan(&want.Fence) },
		`INSERT INTO %leases AS l (name, holder, host, pid, fence, expires_at) VALUES ($1, $2, $3, $4, 1, $5)
		ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, host = excluded.host, pid = excluded.pid, fence = l.fence + 1, expires_at = excluded.expires_at
		WHERE l.expires_at <= $6 OR (l.holder = $7 AND l.fence = $8) RETURNING fence`,
		want.Name, want.Holder, want.Host, want.PID, want.ExpiresAt.UnixMilli(), now.UnixMilli(), holder, fence)
	if err == nil && !got {
		err = workflow.Errorf(workflow.CodeConflict, "lease is held")
	}
	return want, err
}

func (l *leases) RenewLease(ctx context.Context, have store.Lease, ttl time.Duration) (store.Lease, error) {
	have.ExpiresAt = time.Now().Add(ttl)
	n, err := l.book.exec(ctx, `UPDATE %leases SET expires_at = $1 WHERE name = $2 AND holder = $3 AND fence = $4`,
		have.ExpiresAt.UnixMilli(), have.Name, have.Holder, have.Fence)
	if err == nil && n == 0 {
		err = workflow.Errorf(workflow.CodeConflict, "lease is lost")
	}
	return have, err
}

func (l *leases) ReleaseLease(ctx context.Context, have store.Lease) error {
	_, err := l.book.exec(ctx, `UPDATE %leases SET expires_at = 0 WHERE name = $1 AND holder = $2 AND fence = $3`, have.Name, have.Holder, have.Fence)
	return err
}

func (l *leases) ListLeases(ctx context.Context, prefix string) ([]store.Lease, error) {
	var out []store.Lease
	err := l.book.query(ctx, func(scan func(...any) error) error {
		var x store.Lease
		var ms int64
		err := scan(&x.Name, &x.Holder, &x.Host, &x.PID, &x.Fence, &ms)
		x.ExpiresAt = time.UnixMilli(ms)
		out = append(out, x)
		return err
	}, `SELECT name, holder, host, pid, fence, expires_at FROM %leases WHERE substr(name, 1, $1) = $2`, len(prefix), prefix)
	return out, err
}
