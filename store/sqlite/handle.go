package sqlite

import (
	"context"
	"database/sql"
	"net/url"
	"time"

	driver "modernc.org/sqlite"
)

// busyTimeout is how long a connection waits for another process's lock.
const busyTimeout = 10 * time.Second

// Per connection. The log is folded back every 2,000 pages (8 MB), a
// compromise between fsyncs and the size readers have to search.
const commonPragmas = `_pragma=busy_timeout(10000)&_pragma=foreign_keys(1)&_pragma=temp_store(memory)` +
	`&_pragma=wal_autocheckpoint(2000)&_pragma=journal_size_limit(67108864)&_dqs=0`

func writerDSN(o Options) string {
	sync := "normal"
	if o.SyncFull {
		sync = "full"
	}
	return fileURI(o.Path) + "?" + commonPragmas + "&_txlock=immediate&_pragma=cache_size(-32000)&_pragma=synchronous(" + sync + ")"
}

func readerDSN(o Options) string {
	return fileURI(o.Path) + "?" + commonPragmas + "&_pragma=cache_size(-8000)&_pragma=query_only(1)"
}

// fileURI escapes what would end the path: "?", "#" and "%".
func fileURI(path string) string {
	return "file:" + (&url.URL{Path: path}).EscapedPath()
}

// openHandle returns a pool of at most conns connections, kept open.
func openHandle(dsn string, conns int) (*sql.DB, error) {
	connector, err := driver.NewConnector(dsn)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}

// useWAL turns the write-ahead log on, which the file remembers. Switching
// ignores the busy timeout, so a new file opened by several processes at once
// needs the loop.
func useWAL(ctx context.Context, db *sql.DB) error {
	return untilFree(ctx, func() error {
		_, err := db.ExecContext(ctx, `PRAGMA journal_mode = wal`)
		return err
	})
}

// untilFree repeats f while the file is busy, for as long as busyTimeout.
func untilFree(ctx context.Context, f func() error) error {
	deadline := time.Now().Add(busyTimeout)
	for {
		err := f()
		if !isBusy(err) || time.Now().After(deadline) {
			return err
		}
		if err := pause(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// tx runs f in one immediate transaction. Waiting for the turn ends with ctx;
// the statements of f, a matter of milliseconds, get a context without end.
// f must not use s.write itself: its only connection is f's.
func (s *Store) tx(ctx context.Context, doing string, f func(ctx context.Context, tx *sql.Tx) error) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return fail(doing, err)
	}
	if err := f(context.WithoutCancel(ctx), tx); err != nil {
		_ = tx.Rollback() // the first error is the one to tell
		if ctx.Err() != nil {
			err = ctx.Err() // which ended the transaction under f
		}
		return fail(doing, err)
	}
	if err := tx.Commit(); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return fail(doing, err)
	}
	return nil
}
