package sqlite_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"flowgate/internal/workflow"
	"flowgate/store"
	"flowgate/store/sqlite"
	"flowgate/store/storetest"
)

func open(t testing.TB, o sqlite.Options) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) store.Store {
		return open(t, sqlite.Options{Path: filepath.Join(t.TempDir(), sqlite.FileName)})
	})
}

func TestFilesAreTheOwnersOnly(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), sqlite.FileName)
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	s := open(t, sqlite.Options{Path: path})
	if err := s.CreateUser(t.Context(), &workflow.User{ID: "u"}); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", info.Name(), info.Mode())
		}
	}
}

func TestOddPath(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ä b?c#d%41&e=f.db")
	open(t, sqlite.Options{Path: path})
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		t.Fatalf("the file is not where it was asked for: %v, %v", info, err)
	}
}

func TestReadsGoOnWhileTheWriterIsHeld(t *testing.T) {
	t.Parallel()
	s := open(t, sqlite.Options{Path: filepath.Join(t.TempDir(), sqlite.FileName)})
	w := &workflow.Workflow{ID: "w", OwnerID: "o"}
	if err := s.CreateWorkflow(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	tx, err := s.DB().BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := s.Workflow(t.Context(), "o", "w"); err != nil {
		t.Fatal(err)
	}
	if list, err := s.ClaimExecutions(t.Context(), "x", 1); err != nil || len(list) > 0 {
		t.Fatal(list, err)
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	for full, want := range map[bool]string{false: "1", true: "2"} {
		s := open(t, sqlite.Options{Path: filepath.Join(t.TempDir(), sqlite.FileName), SyncFull: full})
		for pragma, want := range map[string]string{
			"journal_mode": "wal", "synchronous": want, "foreign_keys": "1", "busy_timeout": "10000",
		} {
			var got string
			if err := s.DB().QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
				t.Errorf("full %v: %s is %q, %v", full, pragma, got, err)
			}
		}
	}
}

func TestMigrationsAtOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), sqlite.FileName)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			s, err := sqlite.Open(t.Context(), sqlite.Options{Path: path})
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.Ping(t.Context()); err != nil {
				t.Error(err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	s := open(t, sqlite.Options{Path: path})
	var applied, fences int
	if err := s.DB().QueryRow(`SELECT count(*), (SELECT count(*) FROM lease_fence) FROM schema_versions WHERE version_id = 1`).
		Scan(&applied, &fences); err != nil || applied != 1 || fences != 1 {
		t.Errorf("applied %d times, %d fences, %v", applied, fences, err)
	}
}

func TestNewerDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), sqlite.FileName)
	s := open(t, sqlite.Options{Path: path})
	if _, err := s.DB().Exec(`INSERT INTO schema_versions (version_id, is_applied) VALUES (999, 1)`); err != nil {
		t.Fatal(err)
	}
	_, err := sqlite.Open(t.Context(), sqlite.Options{Path: path})
	if workflow.CodeOf(err) != workflow.CodeUnsupported || !strings.Contains(err.Error(), "999") {
		t.Errorf("got %v", err)
	}
}

func TestBrokenFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, sqlite.FileName)
	if err := os.WriteFile(path, []byte(strings.Repeat("no database ", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(t.Context(), sqlite.Options{Path: path}); workflow.CodeOf(err) != workflow.CodeUnavailable {
		t.Errorf("no database: %v", err)
	}
	if _, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(dir, "none", "x.db")}); err == nil {
		t.Error("no folder: opened")
	}
	if _, err := sqlite.Open(t.Context(), sqlite.Options{}); err == nil {
		t.Error("no path: opened")
	}
}
