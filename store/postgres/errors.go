package postgres

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"flowgate/internal/workflow"
	"flowgate/store"
)

var (
	errSilent     = errors.New("postgres: no answer in time")
	errClosed     = errors.New("postgres: store is closed")
	errNoExecutor = errors.New("postgres: claim without an executor")
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
	}
	return failDriver(doing, &store.Failure{Backend: "postgres", Err: err})
}

func failDriver(doing string, err error) error {
	var pe *pgconn.PgError
	switch {
	case errors.Is(err, errSilent):
		return workflow.Wrap(workflow.CodeUnavailable, err, "The database does not answer; try again.")
	case errors.Is(err, errClosed):
		return workflow.Wrap(workflow.CodeUnavailable, err, "The database is closed.")
	case errors.As(err, &pe):
		return failServer(doing, pe, err)
	case unreachable(err):
		return workflow.Wrap(workflow.CodeUnavailable, err, "The database cannot be reached now; try again.")
	}
	return workflow.Wrap(workflow.CodeInternal, err, "Could not "+doing+".")
}

// failServer goes by the SQLSTATE.
func failServer(doing string, pe *pgconn.PgError, err error) error {
	switch class := pe.Code[:min(2, len(pe.Code))]; {
	case pe.Code == "22021" || pe.Code == "22P05": // a character text cannot hold
		return workflow.Wrap(workflow.CodeInvalid, err, "Could not "+doing+": a name or id holds a character that cannot be stored, such as NUL.")
	case class == "23": // integrity
		return workflow.Wrap(workflow.CodeConflict, err, "Could not "+doing+": it clashes with what is stored.")
	case class == "54": // limits
		return workflow.Wrap(workflow.CodeTooLarge, err, "Could not "+doing+": the data is too large for the database.")
	case pe.Code == "53100":
		return workflow.Wrap(workflow.CodeUnavailable, err, "The disk of the database is full.")
	case pe.Code == "25006":
		return workflow.Wrap(workflow.CodeUnavailable, err, "The database is read-only now; try again.")
	case class == "40": // rolled back
		return workflow.Wrap(workflow.CodeUnavailable, err, "The database is busy; try again.")
	case class == "08", class == "28", class == "3D", class == "53", class == "57", class == "58": // connection, log-in, resources, shutdown, system
		return workflow.Wrap(workflow.CodeUnavailable, err, "The database cannot be used now; try again.")
	}
	return workflow.Wrap(workflow.CodeInternal, err, "Could not "+doing+".")
}

// unreachable is true when the connection, not the statement, failed.
func unreachable(err error) bool {
	return errors.As(err, new(*pgconn.ConnectError)) || errors.As(err, new(net.Error)) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		pgconn.SafeToRetry(err)
}

// refused is true when a log-in failed for a reason that does not pass.
func refused(err error) bool {
	var pe *pgconn.PgError
	return errors.As(err, &pe) && (strings.HasPrefix(pe.Code, "28") || strings.HasPrefix(pe.Code, "3D") || pe.Code == "42501")
}

// violates is true for a broken uniqueness.
func violates(err error) bool {
	var pe *pgconn.PgError
	return errors.As(err, &pe) && pe.Code == "23505"
}

// notFound is the answer for a row that is not there or is another owner's.
func notFound(kind, id string) error {
	return workflow.Errorf(workflow.CodeNotFound, "There is no %s %q.", kind, id)
}

// orNotFound replaces the error of a row that is not there.
func orNotFound(err error, kind, id string) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return notFound(kind, id)
	}
	return err
}
