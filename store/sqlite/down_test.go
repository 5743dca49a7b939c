package sqlite_test

import (
	"path/filepath"
	"testing"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store"
	"flowgate/store/sqlite"
)

// TestEveryVersionUpAgain takes a file with rows back to each earlier version
// and up again: what the tables of the first version held is still there, and
// the store does all it did.
func TestEveryVersionUpAgain(t *testing.T) {
	t.Parallel()
	o := sqlite.Options{Path: filepath.Join(t.TempDir(), sqlite.FileName)}
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	with := func(f func(s *sqlite.Store)) {
		t.Helper()
		s, err := sqlite.Open(t.Context(), o)
		ok(err)
		f(s)
		ok(s.Close())
	}
	newer := func(s *sqlite.Store) { // rows of later versions' tables
		ok(s.SetPassword(t.Context(), "ada", "hash"))
		f := &store.File{ID: "f", OwnerID: "ada"}
		ok(s.CreateFile(t.Context(), f, store.FileQuota{}))
		ok(s.CreateSession(t.Context(), &store.Session{ID: "s", OwnerID: "ada", CreatedAt: time.Now(), UpdatedAt: time.Now()}))
		ok(s.CreateCredential(t.Context(), &store.Credential{ID: "c", OwnerID: "ada", Type: "t", Name: "n", Sealed: []byte("x")}))
	}
	with(func(s *sqlite.Store) {
		ok(s.CreateUser(t.Context(), &workflow.User{ID: "ada", Email: "ada@example.org"}))
		ok(s.CreateKey(t.Context(), &workflow.Key{ID: "k", OwnerID: "ada", Active: true}))
		ok(s.CreateWorkflow(t.Context(), &workflow.Workflow{ID: "w", OwnerID: "ada", Document: workflow.Document{Name: "kept"}}))
		_, _, err := s.CreateExecution(t.Context(), &workflow.Execution{ID: "e", OwnerID: "ada", WorkflowID: "w"})
		ok(err)
		newer(s)
	})
	m, err := sqlite.OpenMigrator(t.Context(), o)
	ok(err)
	all, err := m.Status(t.Context())
	ok(err)
	ok(m.Close())
	for back := 1; back < len(all); back++ {
		m, err := sqlite.OpenMigrator(t.Context(), o)
		ok(err)
		for range back {
			if done, err := m.Down(t.Context()); err != nil || done == nil {
				t.Fatal(done, err)
			}
		}
		ups, err := m.Up(t.Context())
		if err != nil || len(ups) != back {
			t.Fatalf("%d steps up, %v", len(ups), err)
		}
		ok(m.Close())
		with(func(s *sqlite.Store) {
			w, err := s.Workflow(t.Context(), "ada", "w")
			ok(err)
			e, err := s.Execution(t.Context(), "ada", "e")
			ok(err)
			k, err := s.Key(t.Context(), "k")
			ok(err)
			u, err := s.UserByEmail(t.Context(), "ADA@example.org")
			ok(err)
			if w.Document.Name != "kept" || e.WorkflowID != "w" || k.OwnerID != "ada" || u.ID != "ada" {
				t.Errorf("%d back and up again: %v %v %v %v", back, w, e, k, u)
			}
			for _, err := range []error{s.DeleteFile(t.Context(), "ada", "f"), s.DeleteSession(t.Context(), "ada", "s"), s.DeleteCredential(t.Context(), "ada", "c")} {
				if err != nil && workflow.CodeOf(err) != workflow.CodeNotFound { // gone with its table, or still there
					t.Errorf("%d back and up again: %v", back, err)
				}
			}
			newer(s)
		})
	}
}
