package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/pressly/goose/v3"

	"flowgate/store"
)

// Migrator moves the tables of a file between versions.
type Migrator struct {
	db *sql.DB
	o  Options
}

var _ store.Migrator = (*Migrator)(nil)

// OpenMigrator opens the file and changes nothing in it, nor makes it.
func OpenMigrator(_ context.Context, o Options) (*Migrator, error) {
	db, err := openHandle(writerDSN(o), 1)
	if err != nil {
		return nil, fail("open the database "+o.Path, err)
	}
	return &Migrator{db: db, o: o}, nil
}

// Close closes the file.
func (m *Migrator) Close() error { return m.db.Close() }

func (m *Migrator) provider(ctx context.Context) (*goose.Provider, error) {
	if err := makeFile(m.o.Path); err != nil {
		return nil, err
	}
	if err := useWAL(ctx, m.db); err != nil {
		return nil, err
	}
	if err := prepareVersionTable(ctx, m.db); err != nil {
		return nil, err
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectSQLite3, m.db, files, goose.WithTableName(versionTable), goose.WithDisableGlobalRegistry(true))
}

// Status lists all migrations, the oldest first. It changes nothing, not even
// an empty database.
func (m *Migrator) Status(ctx context.Context) ([]store.Migration, error) {
	applied, err := m.applied(ctx)
	if err != nil {
		return nil, fail("read the versions of the database", err)
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	return store.MigrationsOf(files, applied)
}

// applied returns when each version was applied.
func (m *Migrator) applied(ctx context.Context) (map[int64]time.Time, error) {
	out := map[int64]time.Time{}
	var n int
	if _, err := os.Stat(m.o.Path); errors.Is(err, os.ErrNotExist) {
		return out, nil
	}
	err := m.db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema WHERE name = ?`, versionTable).Scan(&n)
	if err != nil || n == 0 {
		return out, err
	}
	rows, err := m.db.QueryContext(ctx, `SELECT version_id, tstamp FROM `+versionTable+` WHERE is_applied`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var version int64
		var at time.Time
		if err := rows.Scan(&version, &at); err != nil {
			return nil, err
		}
		out[version] = at
	}
	return out, rows.Err()
}

// Up applies what is missing and returns it.
func (m *Migrator) Up(ctx context.Context) ([]store.Migration, error) {
	p, err := m.provider(ctx)
	if err != nil {
		return nil, fail("migrate the database", err)
	}
	list, err := p.Up(ctx)
	out := make([]store.Migration, 0, len(list))
	for _, r := range list {
		out = append(out, store.Migration{Version: r.Source.Version, Name: filepath.Base(r.Source.Path), Applied: true})
	}
	return out, fail("migrate the database", err)
}

// Down takes the newest applied migration back.
func (m *Migrator) Down(ctx context.Context) (*store.Migration, error) {
	p, err := m.provider(ctx)
	if err != nil {
		return nil, fail("migrate the database", err)
	}
	r, err := p.Down(ctx)
	if errors.Is(err, goose.ErrNoNextVersion) {
		return nil, nil
	}
	if err != nil {
		return nil, fail("take a migration back", err)
	}
	return &store.Migration{Version: r.Source.Version, Name: filepath.Base(r.Source.Path)}, nil
}
