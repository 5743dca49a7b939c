package store

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Migration is one step of a backend's tables.
type Migration struct {
	Version   int64     `json:"version"`
	Name      string    `json:"name"`
	Applied   bool      `json:"applied"`
	AppliedAt time.Time `json:"applied_at,omitzero"`
}

// Migrator moves a backend's tables between versions. Close it when done.
type Migrator interface {
	// Status lists all migrations, the oldest first.
	Status(ctx context.Context) ([]Migration, error)
	// Up applies what is missing and returns it.
	Up(ctx context.Context) ([]Migration, error)
	// Down takes the newest applied one back, with what its tables hold. Nil:
	// none is applied.
	Down(ctx context.Context) (*Migration, error)
	Close() error
}

// MigrationsOf lists the migrations in the folder migrations of files, which are
// named such as 00001_name.sql, the oldest first, with when each was applied, as
// the table of versions says; "" is one that is not there yet.
func MigrationsOf(ctx context.Context, db *sql.DB, table string, files fs.FS) ([]Migration, error) {
	applied, err := applied(ctx, db, table)
	if err != nil {
		return nil, err
	}
	entries, err := fs.Glob(files, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	out := make([]Migration, 0, len(entries))
	for _, name := range entries {
		name = path.Base(name)
		number, _, _ := strings.Cut(name, "_")
		version, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("the migration %s does not begin with its number", name)
		}
		at, done := applied[version]
		out = append(out, Migration{Version: version, Name: name, Applied: done, AppliedAt: at})
	}
	slices.SortFunc(out, func(a, b Migration) int { return int(a.Version - b.Version) })
	return out, nil
}

// applied returns when each version was applied.
func applied(ctx context.Context, db *sql.DB, table string) (map[int64]time.Time, error) {
	out := map[int64]time.Time{}
	if table == "" {
		return out, nil
	}
	rows, err := db.QueryContext(ctx, `SELECT version_id, tstamp FROM `+table+` WHERE is_applied`)
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
