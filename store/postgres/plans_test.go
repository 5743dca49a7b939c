package postgres_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// TestPlans holds the hot and the paged queries to their indexes, under the
// roles and so with the policies they run with. Tables this small are read
// whole unless that is forbidden.
func TestPlans(t *testing.T) {
	t.Parallel()
	o := options(t)
	fill(t, open(t, o))
	db := superuser(t, o)
	for _, c := range []struct{ role, query, index string }{
		{"authenticated", `SELECT * FROM executions WHERE owner_id = 'o' AND (created_at, id) < (now(), 'x') ORDER BY created_at DESC, id DESC LIMIT 5`, "Backward using executions_newest"},
		{"authenticated", `SELECT count(*) FROM executions WHERE owner_id = 'o' AND status = 'error'`, "Only Scan using executions_newest"},
		{"authenticated", `SELECT * FROM executions WHERE workflow_id = 'w' AND owner_id = 'o' AND (created_at, id) < (now(), 'x') ORDER BY created_at DESC, id DESC LIMIT 5`, "executions_of_workflow"},
		{"authenticated", `SELECT * FROM executions WHERE owner_id = 'o' AND idempotency_key = 'k' AND idempotency_key <> ''`, "executions_idempotent"},
		{"authenticated", `SELECT events FROM execution_chunks WHERE execution = 1 AND owner_id = 'o' AND last_seq > 5 ORDER BY last_seq, n`, "execution_chunks_order"},
		{"authenticated", `SELECT * FROM workflows WHERE owner_id = 'o' AND (updated_at, id) < (now(), 'x') ORDER BY updated_at DESC, id DESC LIMIT 5`, "workflows_newest"},
		{"authenticated", `SELECT * FROM api_keys WHERE owner_id = 'o' AND (created_at, id) < (now(), 'x') ORDER BY created_at DESC, id DESC LIMIT 5`, "api_keys_newest"},
		{"flowgate_engine", `SELECT n FROM executions WHERE status = 'queued' ORDER BY created_at, id LIMIT 5`, "executions_queued"},
		{"flowgate_engine", `SELECT n FROM executions WHERE finished_at IS NOT NULL AND finished_at < now() ORDER BY finished_at LIMIT 5`, "executions_finished"},
		{"flowgate_engine", `SELECT id FROM executions WHERE executor = 'x' AND status IN ('running', 'waiting')`, "executions_live"},
		{"flowgate_auth", `SELECT * FROM webhooks WHERE shape = 'x' AND parameters = 0`, "webhooks_pkey"},
		{"flowgate_auth", `SELECT * FROM users WHERE email_key = 'x' AND email_key <> ''`, "users_email"},
		{"flowgate_admin", `SELECT * FROM users WHERE (created_at, id) < (now(), 'x') ORDER BY created_at DESC, id DESC LIMIT 5`, "users_newest"},
	} {
		as(t, db, c.role, `{"sub":"o"}`, func(tx pgx.Tx) {
			if _, err := tx.Exec(t.Context(), `SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off`); err != nil {
				t.Fatal(err)
			}
			rows, err := tx.Query(t.Context(), `EXPLAIN (COSTS OFF) `+c.query)
			if err != nil {
				t.Fatal(err)
			}
			lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
			plan := strings.Join(lines, "\n")
			if err != nil || !strings.Contains(plan, c.index) || strings.Contains(plan, "Sort") {
				t.Errorf("%s: %s\n%s\n%v", c.role, c.query, plan, err)
			}
		})
	}
}
