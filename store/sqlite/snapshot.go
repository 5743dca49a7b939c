package sqlite

import (
	"context"
	"errors"

	"flowgate/internal/workflow"
)

// Snapshot writes a copy of the file as it is at one moment to path, which
// must not exist, while any number of processes work on it.
func Snapshot(ctx context.Context, o Options, path string) error {
	db, err := openHandle(readerOfFile(o), 1)
	if err != nil {
		return fail("open the database "+o.Path, err)
	}
	defer db.Close()
	_, err = db.ExecContext(ctx, `VACUUM INTO ?`, path)
	return fail("copy the database", err)
}

// DropSecrets takes the secrets out of a snapshot that nobody has open, and
// leaves no trace of them in the file. A store that opens it makes new ones.
func DropSecrets(ctx context.Context, path string) error {
	db, err := openHandle(readerOfFile(Options{Path: path}), 1)
	if err != nil {
		return fail("open the database "+path, err)
	}
	defer db.Close()
	for _, do := range []string{`DELETE FROM secrets`, `VACUUM`} {
		if _, err := db.ExecContext(ctx, do); err != nil {
			return fail("take the secrets out of the copy", err)
		}
	}
	return nil
}

// readerOfFile opens a file that is there, and makes none.
func readerOfFile(o Options) string {
	return fileURI(o.Path) + "?mode=rw&" + commonPragmas
}

// Check reads the whole file and says what is damaged; nil when nothing is.
func Check(ctx context.Context, o Options) error {
	db, err := openHandle(readerOfFile(o), 1)
	if err != nil {
		return fail("open the database "+o.Path, err)
	}
	defer db.Close()
	var said string
	if err := db.QueryRowContext(ctx, `PRAGMA quick_check(1)`).Scan(&said); err != nil {
		return fail("check the database", err)
	}
	if said != "ok" {
		return workflow.Wrap(workflow.CodeUnavailable, errors.New(said), "The database file is damaged.")
	}
	return nil
}

// Alone is CodeConflict while a process has the file open.
func Alone(ctx context.Context, o Options) error {
	db, err := openHandle(fileURI(o.Path)+"?mode=rw&_pragma=busy_timeout(500)&_pragma=locking_mode(exclusive)", 1)
	if err != nil {
		return fail("open the database "+o.Path, err)
	}
	defer db.Close()
	var n int // in exclusive mode the first read takes the file for oneself
	err = db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema`).Scan(&n)
	if isBusy(err) {
		return workflow.Wrap(workflow.CodeConflict, err, "The database is in use by another process.")
	}
	return fail("look who uses the database", err)
}

// Compact rewrites the file without what was deleted, and gives the space
// back. Writers wait meanwhile.
func (s *Store) Compact(ctx context.Context) error {
	_, err := s.write.ExecContext(ctx, `VACUUM`)
	return fail("compact the database", err)
}
