package postgres_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"flowgate/internal/workflow"
	"flowgate/store/postgres"
)

// storage is what Supabase Storage keeps in a project's database, as far as
// policies see it, in a project that lets users do anything in any bucket.
const storage = `
CREATE SCHEMA storage;
CREATE TABLE storage.buckets (id text PRIMARY KEY, name text NOT NULL, public boolean DEFAULT false);
CREATE TABLE storage.objects (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), bucket_id text REFERENCES storage.buckets, name text);
ALTER TABLE storage.buckets ENABLE ROW LEVEL SECURITY;
ALTER TABLE storage.objects ENABLE ROW LEVEL SECURITY;
GRANT USAGE ON SCHEMA storage TO PUBLIC;
GRANT ALL ON ALL TABLES IN SCHEMA storage TO PUBLIC;
CREATE POLICY anything ON storage.buckets USING (true);
CREATE POLICY anything ON storage.objects USING (true);
INSERT INTO storage.buckets VALUES ('flowgate-files', 'flowgate-files'), ('avatars', 'avatars');
INSERT INTO storage.objects (bucket_id, name) VALUES ('flowgate-files', 'a'), ('avatars', 'a')`

// TestFilesAreGuarded has users, with a project's own policies that let them do
// anything, do nothing in the bucket of files: neither where Storage was there
// before the tables nor where it came later.
func TestFilesAreGuarded(t *testing.T) {
	t.Parallel()
	server(t)
	address, err := createDatabase(t.Context(), os.Getenv("FLOWGATE_TEST_POSTGRES_URL"))
	if err != nil {
		t.Fatal(err)
	}
	o := postgres.Options{URL: address, Schema: "guard", Connections: 2}
	s := open(t, o)
	if err := s.GuardFiles(t.Context()); workflow.CodeOf(err) != workflow.CodeUnsupported {
		t.Fatalf("without Storage: %v", err)
	}
	db := superuser(t, o)
	exec(t, db, storage)
	tries := map[string]int64{ // and how many rows each touches for a bucket that is not guarded
		`SELECT 1 FROM storage.objects WHERE bucket_id = $1`:              1,
		`SELECT 1 FROM storage.buckets WHERE id = $1`:                     1,
		`INSERT INTO storage.objects (bucket_id, name) VALUES ($1, 'b')`:  1,
		`UPDATE storage.objects SET name = 'c' WHERE bucket_id = $1`:      1,
		`UPDATE storage.objects SET bucket_id = $1 WHERE bucket_id <> $1`: 0, // those are guarded
		`UPDATE storage.buckets SET public = true WHERE id = $1`:          1,
		`DELETE FROM storage.objects WHERE bucket_id = $1`:                1,
	}
	touches := func(query, bucket string) int64 {
		t.Helper()
		tx, err := db.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = tx.Rollback(t.Context()) }()
		if _, err := tx.Exec(t.Context(), `SET LOCAL ROLE authenticated`); err != nil {
			t.Fatal(err)
		}
		tag, err := tx.Exec(t.Context(), query, bucket)
		if err != nil { // refused
			return 0
		}
		return tag.RowsAffected()
	}
	for query := range tries { // nothing keeps them back yet
		if query[:6] == "SELECT" && touches(query, "flowgate-files") != 1 {
			t.Fatalf("the test shows nothing: %s", query)
		}
	}
	check := func() {
		t.Helper()
		for query, n := range tries {
			if got := touches(query, "avatars"); got != n {
				t.Errorf("another bucket: %s touches %d rows, not %d", query, got, n)
			}
			if got := touches(query, "flowgate-files"); got != 0 {
				t.Errorf("%s touches %d rows", query, got)
			}
		}
	}
	for range 2 { // once is enough, and twice no harm
		if err := s.GuardFiles(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	check()
	m, err := postgres.OpenMigrator(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	guarded := func(want bool) {
		t.Helper()
		if got, err := m.FilesGuarded(t.Context()); err != nil || got != want {
			t.Errorf("guarded: %v, %v; want %v", got, err, want)
		}
	}
	guarded(true)
	for { // back before the guard and up again: the step itself guards
		done, err := m.Down(t.Context())
		if err != nil || done == nil {
			t.Fatal(done, err)
		}
		if strings.HasSuffix(done.Name, "guard_files.sql") {
			break
		}
	}
	guarded(false)
	if n := exec(t, db, `SELECT 1 FROM pg_policies WHERE schemaname = 'storage' AND policyname = 'flowgate_files'`); n != 0 {
		t.Errorf("%d policies are left", n)
	}
	if _, err := m.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	check()
	// A log-in that may not make policies there is told so.
	role := fmt.Sprint("guard_elsewhere_", os.Getpid())
	for _, query := range []string{`DROP POLICY flowgate_files ON storage.objects`, `CREATE ROLE ` + role, `GRANT USAGE ON SCHEMA guard TO ` + role,
		`ALTER FUNCTION guard.guard_files() SECURITY DEFINER`, `ALTER FUNCTION guard.guard_files() OWNER TO ` + role} {
		exec(t, db, query)
	}
	if err := s.GuardFiles(t.Context()); workflow.CodeOf(err) != workflow.CodeForbidden {
		t.Errorf("without the right: %v", err)
	}
	for _, query := range []string{`ALTER FUNCTION guard.guard_files() OWNER TO CURRENT_USER`, `DROP OWNED BY ` + role, `DROP ROLE ` + role} {
		exec(t, db, query)
	}
}
