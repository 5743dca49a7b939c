package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/pressly/goose/v3"

	"flowgate/internal/workflow"
)

//go:embed migrations/*.sql
var migrations embed.FS

const versionTable = "schema_versions"

// Goose's own table lacks the uniqueness. With it the second of two processes
// that apply a migration at once fails at its last statement, inside the
// migration's transaction, and nothing is ever applied twice.
const createVersionTable = `CREATE TABLE IF NOT EXISTS ` + versionTable + ` (
	id         INTEGER PRIMARY KEY AUTOINCREMENT,
	version_id INTEGER NOT NULL UNIQUE,
	is_applied INTEGER NOT NULL,
	tstamp     TIMESTAMP DEFAULT (datetime('now'))
)`

const migrationAttempts = 50

// migrate brings the tables to the newest version. It is safe in many
// processes at once: each migration is one transaction, and a process that
// lost the race for one looks again.
func migrate(ctx context.Context, db *sql.DB, log *slog.Logger) error {
	if err := prepareVersionTable(ctx, db); err != nil {
		return fmt.Errorf("prepare migrations: %w", err)
	}
	before := int64(-1)
	for attempt := 1; ; attempt++ {
		now, err := migrateOnce(ctx, db, log)
		if err == nil || ctx.Err() != nil {
			return err
		}
		lost := now != before || isBusy(err) // somebody else got further, or still works
		if !lost || attempt == migrationAttempts || errors.As(err, new(*workflow.Error)) {
			return err
		}
		before = now
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
}

func prepareVersionTable(ctx context.Context, db *sql.DB) error {
	var n int
	err := db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema WHERE name = ?`, versionTable).Scan(&n)
	if err != nil || n > 0 {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // nothing after Commit
	if _, err := tx.ExecContext(ctx, createVersionTable); err != nil {
		return err
	}
	const first = `INSERT OR IGNORE INTO ` + versionTable + ` (version_id, is_applied) VALUES (0, 1)`
	if _, err := tx.ExecContext(ctx, first); err != nil {
		return err
	}
	return tx.Commit()
}

// migrateOnce applies what is missing and returns the version it found.
func migrateOnce(ctx context.Context, db *sql.DB, log *slog.Logger) (found int64, err error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return 0, err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, files,
		goose.WithTableName(versionTable), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return 0, err
	}
	found, newest, err := provider.GetVersions(ctx)
	if err != nil || found == newest {
		return found, err
	}
	if found > newest {
		return found, workflow.Errorf(workflow.CodeUnsupported,
			"The database is at version %d and this program knows %d; run a newer flowgate.", found, newest)
	}
	results, err := provider.Up(ctx)
	for _, r := range results {
		log.InfoContext(ctx, "database migrated", "version", r.Source.Version, "duration", r.Duration)
	}
	return found, err
}
