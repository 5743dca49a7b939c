package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

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
	table := ""
	if _, err := os.Stat(m.o.Path); !errors.Is(err, os.ErrNotExist) {
		var n int
		if err := m.db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema WHERE name = ?`, versionTable).Scan(&n); err != nil {
			return nil, fail("read the versions of the database", err)
		}
		if n > 0 {
			table = versionTable
		}
	}
	list, err := store.MigrationsOf(ctx, m.db, table, migrations)
	return list, fail("read the versions of the database", err)
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
