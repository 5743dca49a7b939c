package sqlite

import (
	"context"
	"database/sql"
	"errors"

	driver "modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"

	"flowgate/internal/workflow"
	"flowgate/store"
)

// fail translates an error at the package's edge. doing completes "could not"
// for the caller; the driver's error stays behind it for the log.
func fail(doing string, err error) error {
	var known *workflow.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return err
	case errors.Is(err, context.Canceled):
		return workflow.Wrap(workflow.CodeCancelled, err, "The request was cancelled before it could "+doing+".")
	case errors.Is(err, context.DeadlineExceeded):
		return workflow.Wrap(workflow.CodeTimeout, err, "Time ran out before it could "+doing+".")
	case errors.Is(err, sql.ErrConnDone):
		return workflow.Wrap(workflow.CodeUnavailable, err, "The database is closed.")
	}
	return failDriver(doing, &store.Failure{Backend: "sqlite", Err: err})
}

func failDriver(doing string, err error) error {
	switch primary(err) {
	case codes.SQLITE_BUSY, codes.SQLITE_LOCKED, codes.SQLITE_PROTOCOL:
		return workflow.Wrap(workflow.CodeUnavailable, err, "The database is busy; try again.")
	case codes.SQLITE_FULL:
		return workflow.Wrap(workflow.CodeUnavailable, err, "The disk of the database is full.")
	case codes.SQLITE_IOERR, codes.SQLITE_CANTOPEN, codes.SQLITE_READONLY, codes.SQLITE_NOMEM,
		codes.SQLITE_PERM, codes.SQLITE_CORRUPT, codes.SQLITE_NOTADB:
		return workflow.Wrap(workflow.CodeUnavailable, err, "The database file cannot be used now.")
	case codes.SQLITE_CONSTRAINT:
		return workflow.Wrap(workflow.CodeConflict, err, "Could not "+doing+": it clashes with what is stored.")
	case codes.SQLITE_TOOBIG:
		return workflow.Wrap(workflow.CodeTooLarge, err, "Could not "+doing+": the data is too large for the database.")
	}
	if err.Error() == "sql: database is closed" { // database/sql exports no value for it
		return workflow.Wrap(workflow.CodeUnavailable, err, "The database is closed.")
	}
	return workflow.Wrap(workflow.CodeInternal, err, "Could not "+doing+".")
}

// primary is the driver's result code without its extension, -1 for errors
// that are not the driver's.
func primary(err error) int {
	var e *driver.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return -1
}

func isBusy(err error) bool {
	code := primary(err)
	return code == codes.SQLITE_BUSY || code == codes.SQLITE_LOCKED
}

func isConstraint(err error) bool { return primary(err) == codes.SQLITE_CONSTRAINT }

// notFound is the answer for a row that is not there or is another owner's.
func notFound(kind, id string) error {
	return workflow.Errorf(workflow.CodeNotFound, "There is no %s %q.", kind, id)
}

// orNotFound replaces sql.ErrNoRows and translates the rest.
func orNotFound(err error, doing, kind, id string) error {
	if errors.Is(err, sql.ErrNoRows) {
		return notFound(kind, id)
	}
	return fail(doing, err)
}

// touched is CodeNotFound when a statement changed no row.
func touched(res sql.Result, kind, id string) error {
	n, err := res.RowsAffected()
	if err != nil {
		return err
	}
	if n == 0 {
		return notFound(kind, id)
	}
	return nil
}
