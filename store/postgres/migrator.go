package postgres

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"flowgate/store"
)

// Migrator moves the tables of a database between versions.
type Migrator struct {
	pool   *pgxpool.Pool
	db     *sql.DB
	schema string
}

var _ store.Migrator = (*Migrator)(nil)

// OpenMigrator connects without changing the tables.
func OpenMigrator(ctx context.Context, o Options) (*Migrator, error) {
	o = o.withDefaults()
	cfg, err := poolConfig(o)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fail("set up connections to the database", err)
	}
	if err := (&Store{pool: pool, now: o.Now}).await(ctx, o, cfg); err != nil {
		pool.Close()
		return nil, err
	}
	return &Migrator{pool: pool, db: stdlib.OpenDBFromPool(pool), schema: o.Schema}, nil
}

// Close gives the connections back.
func (m *Migrator) Close() error {
	err := m.db.Close()
	m.pool.Close()
	return err
}

func (m *Migrator) provider() (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectPostgres, m.db, files, goose.WithTableName(versionTable), goose.WithDisableGlobalRegistry(true))
}

// Status lists all migrations, the oldest first. It changes nothing, not even
// an empty database.
func (m *Migrator) Status(ctx context.Context) ([]store.Migration, error) {
	table := pgx.Identifier{m.schema, versionTable}.Sanitize()
	var there bool
	if err := m.db.QueryRowContext(ctx, `SELECT to_regclass($1) IS NOT NULL`, table).Scan(&there); err != nil {
		return nil, fail("read the versions of the database", err)
	}
	if !there {
		table = ""
	}
	list, err := store.MigrationsOf(ctx, m.db, table, migrations)
	return list, fail("read the versions of the database", err)
}

// Up applies what is missing and returns it.
func (m *Migrator) Up(ctx context.Context) (out []store.Migration, err error) {
	err = m.alone(ctx, func(p *goose.Provider) error {
		list, err := p.Up(ctx)
		for _, r := range list {
			out = append(out, store.Migration{Version: r.Source.Version, Name: filepath.Base(r.Source.Path), Applied: true})
		}
		return err
	})
	return out, fail("migrate the database", err)
}

// Down takes the newest applied migration back.
func (m *Migrator) Down(ctx context.Context) (out *store.Migration, err error) {
	err = m.alone(ctx, func(p *goose.Provider) error {
		r, err := p.Down(ctx)
		if errors.Is(err, goose.ErrNoNextVersion) {
			return nil
		}
		if err == nil {
			out = &store.Migration{Version: r.Source.Version, Name: filepath.Base(r.Source.Path)}
		}
		return err
	})
	return out, fail("take a migration back", err)
}

// alone calls f while nobody else migrates.
func (m *Migrator) alone(ctx context.Context, f func(*goose.Provider) error) error {
	return locked(ctx, m.pool, m.schema, func() error {
		if err := prepare(ctx, m.pool, m.schema); err != nil {
			return err
		}
		p, err := m.provider()
		if err != nil {
			return err
		}
		return f(p)
	})
}
