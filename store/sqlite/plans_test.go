package sqlite_test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"flowgate/store"
	"flowgate/store/sqlite"
)

// TestPlans holds the hot and the paged queries to their indexes.
func TestPlans(t *testing.T) {
	t.Parallel()
	s := open(t, sqlite.Options{Path: filepath.Join(t.TempDir(), sqlite.FileName)})
	for query, index := range map[string]string{
		`SELECT * FROM executions WHERE owner_id = 'o' AND (created_at, id) < (1, 'x') ORDER BY created_at DESC, id DESC LIMIT 5`:                       "executions_newest",
		`SELECT count(*) FROM executions WHERE owner_id = 'o' AND status = 'error'`:                                                                     "COVERING INDEX executions_apart",
		`SELECT * FROM executions WHERE owner_id = 'o' AND status = 'waiting' ORDER BY created_at DESC, id DESC LIMIT 5`:                                "executions_apart",
		`SELECT * FROM workflows WHERE owner_id = 'o' AND active = 1 ORDER BY updated_at DESC, id DESC LIMIT 5`:                                         "workflows_active",
		`SELECT count(*) FROM workflows WHERE owner_id = 'o' AND instr(search, 'x') > 0`:                                                                "COVERING INDEX workflows_newest",
		`SELECT count(*) FROM executions WHERE workflow_id = 'w' AND owner_id = 'o'`:                                                                    "COVERING INDEX executions_of_workflow",
		`SELECT * FROM executions WHERE workflow_id = 'w' AND owner_id = 'o' AND (created_at, id) < (1, 'x') ORDER BY created_at DESC, id DESC LIMIT 5`: "executions_of_workflow",
		`SELECT n FROM executions WHERE status = 'queued' ORDER BY created_at, id LIMIT 5`:                                                              "executions_queued",
		`SELECT id FROM executions WHERE executor = 'x' AND status IN ('running', 'waiting')`:                                                           "executions_live",
		`SELECT n FROM executions WHERE finished_at > 0 AND finished_at < 9 ORDER BY finished_at LIMIT 5`:                                               "executions_finished",
		`SELECT * FROM executions WHERE owner_id = 'o' AND idempotency_key = 'k' AND idempotency_key <> ''`:                                             "executions_idempotent",
		`SELECT events FROM execution_chunks WHERE execution = 1 AND last_seq > 5 ORDER BY last_seq, n`:                                                 "execution_chunks_order",
		`SELECT * FROM workflows WHERE owner_id = 'o' AND (updated_at, id) < (1, 'x') ORDER BY updated_at DESC, id DESC LIMIT 5`:                        "workflows_newest",
		`SELECT * FROM workflows WHERE owner_id = 'o' AND (name_key, id) > ('n', 'x') ORDER BY name_key, id LIMIT 5`:                                    "workflows_by_name",
		`SELECT * FROM api_keys WHERE owner_id = 'o' AND (created_at, id) < (1, 'x') ORDER BY created_at DESC, id DESC LIMIT 5`:                         "api_keys_newest",
		`SELECT * FROM users WHERE email_key = 'x' AND email_key <> ''`:                                                                                 "users_email",
	} {
		plan := planOf(t, s.DB(), query)
		if !strings.Contains(plan, index) || strings.Contains(plan, "TEMP B-TREE") {
			t.Errorf("%s\n%s", query, plan)
		}
	}
}

// TestTotalsAreCountedSoFar: a long list's total is not counted to its end.
func TestTotalsAreCountedSoFar(t *testing.T) {
	t.Parallel()
	s := open(t, sqlite.Options{Path: filepath.Join(t.TempDir(), sqlite.FileName)})
	for owner, n := range map[string]int{"much": store.CountsTo + 500, "full": store.CountsTo} {
		if _, err := s.DB().ExecContext(t.Context(), `WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < ?2)
			INSERT INTO chat_sessions (id, owner_id, action, source_id, workflow_id, title, status, meta, created_at, updated_at)
			SELECT ?1 || n, ?1, 'create', '', '', '', 'active', CAST('{}' AS BLOB), n, n FROM t`, owner, n); err != nil {
			t.Fatal(err)
		}
		_, total, _, err := s.ListSessions(t.Context(), owner, store.Page{})
		if want := min(n, store.CountsTo+1); err != nil || total != want {
			t.Errorf("%s: %d are counted in place of %d, %v", owner, total, want, err)
		}
	}
}

func planOf(t *testing.T, db *sql.DB, query string) string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `EXPLAIN QUERY PLAN `+query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var plan strings.Builder
	for rows.Next() {
		var a, b, c int
		var detail string
		if err := rows.Scan(&a, &b, &c, &detail); err != nil {
			t.Fatal(err)
		}
		plan.WriteString(detail + "\n")
	}
	return plan.String()
}
