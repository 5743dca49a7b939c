package durable

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"
)

var update = flag.Bool("update", false, "write library.sql from the library's migrations")

// TestLibraryTables holds the tables that are made at once to those that the
// library's migrations make.
func TestLibraryTables(t *testing.T) {
	open := func(name string) *sql.DB {
		db, err := openSQLite(filepath.Join(t.TempDir(), name))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		return db
	}
	library := func(db *sql.DB) {
		lib, err := dbos.NewContext(context.Background(), dbos.Config{AppName: appName, SQLiteSystemDB: borrow(db), Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		dbos.Shutdown(lib, time.Second)
	}
	migrated := open("migrated.db")
	library(migrated)
	want := tablesOf(t, migrated)
	if *update {
		if err := os.WriteFile("library.sql", []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	made := open("made.db")
	for range 2 {
		if err := prepareLibrary(t.Context(), made); err != nil {
			t.Fatal(err)
		}
	}
	if got := tablesOf(t, made); got != want || got != libraryTables {
		t.Errorf("library.sql is not what the library's migrations make; go test ./internal/engine/durable -update\ngot:\n%s\nwant:\n%s", got, want)
	}
	library(made)
	if got := tablesOf(t, made); got != want {
		t.Errorf("the library changed the tables again:\n%s", got)
	}
}

// tablesOf writes the library's tables, and the version they have, as SQL.
func tablesOf(t *testing.T, db *sql.DB) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("-- Written by go test ./internal/engine/durable -update; see fresh.go.\n")
	rows, err := db.QueryContext(t.Context(), `SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY rowid`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		b.WriteString(text + ";\n")
	}
	if err := rows.Close(); err != nil || rows.Err() != nil {
		t.Fatal(err, rows.Err())
	}
	version := 0
	if err := db.QueryRowContext(t.Context(), `SELECT version FROM dbos_migrations`).Scan(&version); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&b, "INSERT INTO dbos_migrations (version) VALUES (%d);\n", version)
	return b.String()
}
