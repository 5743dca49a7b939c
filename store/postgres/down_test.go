package postgres_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"flowgate/store"
	"flowgate/store/postgres"
)

// TestEveryVersionUpAgain takes a database with rows in every table back to each
// earlier version and up again: what the tables of that version held is still
// there, and the tables, rights and policies are as if nothing had been.
func TestEveryVersionUpAgain(t *testing.T) {
	t.Parallel()
	o := options(t)
	s := open(t, o)
	fillAll(t, s)
	db := superuser(t, o)
	shape := shapeOf(t, db)
	m, err := postgres.OpenMigrator(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	all, err := m.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for back := 1; back <= len(all); back++ {
		for range back {
			if done, err := m.Down(t.Context()); err != nil || done == nil {
				t.Fatal(done, err)
			}
		}
		before := countsOf(t, db)
		if ups, err := m.Up(t.Context()); err != nil || len(ups) != back {
			t.Fatalf("%d steps up, %v", len(ups), err)
		}
		after := countsOf(t, db)
		for name, n := range before {
			if after[name] != n {
				t.Errorf("%d back and up again: %s had %d rows and has %d", back, name, n, after[name])
			}
		}
		if got := shapeOf(t, db); got != shape {
			t.Errorf("%d back and up again there is\n%s\nand no more\n%s", back, beyond(got, shape), beyond(shape, got))
		}
		if back < len(all) { // the oldest tables still hold what they held
			if w, err := s.Workflow(t.Context(), "ada", "wf-ada"); err != nil || w.Version != 1 {
				t.Errorf("%d back and up again: %v", back, err)
			}
			if _, total, _, err := s.ListExecutions(t.Context(), "ada", store.ExecutionFilter{}, store.Page{}); err != nil || total != 1 {
				t.Errorf("%d back and up again: %d executions, %v", back, total, err)
			}
		}
	}
	fillAll(t, s)
}

// shapeOf is every column, index, constraint, right and policy.
func shapeOf(t *testing.T, db *pgx.Conn) string {
	t.Helper()
	return strings.Join(append(texts(t, db, `SELECT line FROM (
		SELECT format('%s.%s %s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull) line FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
			WHERE c.relnamespace = current_schema()::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
		UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema()
		UNION ALL SELECT format('%s %s', conrelid::regclass, pg_get_constraintdef(oid)) FROM pg_constraint WHERE connamespace = current_schema()::regnamespace
		UNION ALL SELECT format('%s.%s(%s)', n.nspname, p.proname, pg_get_function_arguments(p.oid)) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname LIKE current_schema() || '%') x ORDER BY line`),
		texts(t, db, grants)...), "\n")
}

// beyond returns the lines of a that b does not have.
func beyond(a, b string) string {
	known := strings.Split(b, "\n")
	return strings.Join(slices.DeleteFunc(strings.Split(a, "\n"), func(line string) bool { return slices.Contains(known, line) }), "\n")
}

func countsOf(t *testing.T, db *pgx.Conn) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for _, name := range texts(t, db, `SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND relname <> 'schema_versions'`) {
		var n int
		if err := db.QueryRow(t.Context(), fmt.Sprintf(`SELECT count(*) FROM %s`, pgx.Identifier{name}.Sanitize())).Scan(&n); err != nil {
			t.Fatal(err)
		}
		counts[name] = n
	}
	return counts
}
