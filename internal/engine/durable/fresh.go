package durable

import (
	"context"
	"database/sql"
	_ "embed"
	"fmt"
)

// libraryTables are the library's tables in a new file as its migrations
// would leave them, one statement after the other; they take a third of a
// first start. The version they end with tells the library to go on from
// there, so that a newer one adds what it has to.
//
//go:embed library.sql
var libraryTables string

// prepareLibrary makes the library's tables where there are none.
func prepareLibrary(ctx context.Context, db *sql.DB) error {
	if there, err := hasLibrary(ctx, db); err != nil || there {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("durable: prepare tables: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // nothing after Commit
	// another process may have been first
	if there, err := hasLibrary(ctx, tx); err != nil || there {
		return err
	}
	if _, err := tx.ExecContext(ctx, libraryTables); err != nil {
		return fmt.Errorf("durable: prepare tables: %w", err)
	}
	return tx.Commit()
}

func hasLibrary(ctx context.Context, db interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}) (bool, error) {
	n := 0
	err := db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema WHERE name = 'dbos_migrations'`).Scan(&n)
	return n > 0, err
}
