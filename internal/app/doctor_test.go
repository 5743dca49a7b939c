package app_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"

	"flowgate/internal/app"
	"flowgate/internal/config"
	"flowgate/store/sqlite"
)

// TestDoctorChangesNothing: a database that is examined is the same afterwards,
// byte by byte where it is a file, an old one and an empty one included.
func TestDoctorChangesNothing(t *testing.T) {
	t.Parallel()
	log := slog.New(slog.DiscardHandler)
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		current := t.TempDir()
		st, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(current, sqlite.FileName)})
		if err != nil {
			t.Fatal(err)
		}
		_ = st.Close()
		empty := t.TempDir()
		if err := os.WriteFile(filepath.Join(empty, sqlite.FileName), nil, 0o644); err != nil { //nolint:gosec // to see that it stays
			t.Fatal(err)
		}
		for _, dir := range []string{current, empty} {
			path := filepath.Join(dir, sqlite.FileName)
			before, mode := contentOf(t, path)
			app.Examine(t.Context(), &config.Config{DataDir: dir, Environment: "development", Timezone: "UTC"}, log)
			if after, now := contentOf(t, path); !bytes.Equal(before, after) || mode != now {
				t.Errorf("%d bytes, mode %o, became %d, %o", len(before), mode, len(after), now)
			}
		}
		missing := t.TempDir()
		app.Examine(t.Context(), &config.Config{DataDir: missing, Environment: "development", Timezone: "UTC"}, log)
		if list, err := os.ReadDir(missing); err != nil || len(list) != 0 {
			t.Errorf("made %v, %v", list, err)
		}
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		b := newPostgres(t)
		app.Examine(t.Context(), &config.Config{DataDir: b.folder, DatabaseURL: b.url, Environment: "development", Timezone: "UTC"}, log)
		conn, err := pgx.Connect(t.Context(), b.url)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.Background())
		var n int
		err = conn.QueryRow(t.Context(), `SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'flowgate%'`).Scan(&n)
		if err != nil || n != 0 {
			t.Errorf("%d schemas were made, %v", n, err)
		}
	})
}

func contentOf(t *testing.T, path string) ([]byte, os.FileMode) {
	t.Helper()
	data, err := os.ReadFile(path)
	info, err2 := os.Stat(path)
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	return data, info.Mode()
}
