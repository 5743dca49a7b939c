package postgres_test

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"flowgate/store"
)

// TestPlans holds the hot and the paged queries to their indexes, under the
// roles and so with the policies they run with. Tables this small are read
// whole unless that is forbidden; TestPlansAtScale has large ones.
func TestPlans(t *testing.T) {
	t.Parallel()
	o := options(t)
	fill(t, open(t, o))
	db := superuser(t, o)
	for _, c := range []struct{ role, query, index string }{
		{"authenticated", `SELECT * FROM executions WHERE owner_id = 'o' AND (created_at, id) < (now(), 'x') ORDER BY created_at DESC, id DESC LIMIT 5`, "Backward using executions_newest"},
		{"authenticated", `SELECT count(*) FROM executions WHERE owner_id = 'o' AND status = 'error'`, "Only Scan using executions_apart"},
		{"authenticated", `SELECT * FROM executions WHERE owner_id = 'o' AND status = 'waiting' ORDER BY created_at DESC, id DESC LIMIT 5`, "executions_apart"},
		{"authenticated", `SELECT * FROM workflows WHERE owner_id = 'o' AND active ORDER BY updated_at DESC, id DESC LIMIT 5`, "workflows_active"},
		{"authenticated", `SELECT * FROM executions WHERE workflow_id = 'w' AND owner_id = 'o' AND (created_at, id) < (now(), 'x') ORDER BY created_at DESC, id DESC LIMIT 5`, "executions_of_workflow"},
		{"authenticated", `SELECT * FROM executions WHERE owner_id = 'o' AND idempotency_key = 'k' AND idempotency_key <> ''`, "executions_idempotent"},
		{"authenticated", `SELECT events FROM execution_chunks WHERE execution = 1 AND owner_id = 'o' AND last_seq > 5 ORDER BY last_seq, n`, "execution_chunks_order"},
		{"authenticated", `SELECT * FROM workflows WHERE owner_id = 'o' AND (updated_at, id) < (now(), 'x') ORDER BY updated_at DESC, id DESC LIMIT 5`, "workflows_newest"},
		{"authenticated", `SELECT * FROM workflows WHERE owner_id = 'o' AND (name_key, id) > ('n', 'x') ORDER BY name_key, id LIMIT 5`, "workflows_by_name"},
		{"authenticated", `SELECT * FROM api_keys WHERE owner_id = 'o' AND (created_at, id) < (now(), 'x') ORDER BY created_at DESC, id DESC LIMIT 5`, "api_keys_newest"},
		{"authenticated", `SELECT * FROM chat_sessions WHERE owner_id = 'o' AND (created_at, id) < (now(), 'x') ORDER BY created_at DESC, id DESC LIMIT 5`, "chat_sessions_newest"},
		{"authenticated", `SELECT * FROM chat_messages WHERE session_id = 's' AND owner_id = 'o' AND seq > 5 ORDER BY seq LIMIT 5`, "chat_messages_pkey"},
		{"authenticated", `SELECT * FROM chat_events WHERE session_id = 's' AND owner_id = 'o' AND id > 5 ORDER BY id LIMIT 5`, "chat_events_pkey"},
		{"authenticated", `SELECT * FROM files WHERE owner_id = 'o' AND (created_at, id) < (now(), 'x') ORDER BY created_at DESC, id DESC LIMIT 5`, "files_newest"},
		{"authenticated", `SELECT count(*), sum(size) FROM files WHERE owner_id = 'o'`, "Only Scan using files_usage"},
		{"authenticated", `SELECT * FROM credentials WHERE owner_id = 'o' AND (created_at, id) < (now(), 'x') ORDER BY created_at DESC, id DESC LIMIT 5`, "credentials_newest"},
		{"authenticated", `SELECT * FROM oauth_grants WHERE owner_id = 'o' AND (created_at, client_id) < (now(), 'x') ORDER BY created_at DESC, client_id DESC LIMIT 5`, "oauth_grants_newest"},
		{"authenticated", `SELECT * FROM workflow_versions WHERE workflow_id = 'w' AND owner_id = 'o' AND version < 5 ORDER BY version DESC LIMIT 5`, "workflow_versions_pkey"},
		{"authenticated", `SELECT * FROM audit_log WHERE subject = 'o' AND (last_at, id) <= (now(), 'x') ORDER BY last_at DESC, id DESC LIMIT 5`, "audit_log_subject"},
		{"flowgate_admin", `SELECT * FROM audit_log WHERE (last_at, id) <= (now(), 'x') ORDER BY last_at DESC, id DESC LIMIT 5`, "audit_log_newest"},
		{"flowgate_engine", `SELECT * FROM schedules WHERE next_at <= now() ORDER BY next_at LIMIT 5`, "schedules_due"},
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

// TestPlansAtScale fills the tables with many owners' rows and has the planner
// choose freely, as over REST: no list of a user's reads a table whole, and no
// total is counted for ever. FLOWGATE_TEST_WORKFLOWS says how many there are, with
// ten executions each beyond the usual.
func TestPlansAtScale(t *testing.T) {
	t.Parallel()
	workflows, executions := 20_000, 20_000
	if n, err := strconv.Atoi(os.Getenv("FLOWGATE_TEST_WORKFLOWS")); err == nil {
		workflows, executions = n, 10*n
	}
	o := options(t)
	st := open(t, o)
	db := superuser(t, o)
	for _, fill := range []string{
		`INSERT INTO workflows SELECT 'w' || n, 'o' || n % 500, 1, n % 100 = 7, now(), now() - n * interval '1 s', '[]', 'name' FROM generate_series(1, {workflows}) n`,
		`INSERT INTO workflow_versions SELECT 'w' || n, 'o' || n % 500, 1, now(), '{}' FROM generate_series(1, {workflows}) n`,
		`INSERT INTO executions (id, owner_id, workflow_id, workflow_version, status, mode, executor, created_at, seed, parent_id, retry_of, idempotency_key, engine_version, last_node)
			SELECT 'e' || n, 'o' || n % 500, 'w' || 1 + (n - 1) % {workflows}, 1, CASE WHEN n % 1000 = 7 THEN 'error' ELSE 'success' END, 'manual', '', now() - n * interval '1 s', 0, '', '', '', '', '' FROM generate_series(1, {executions}) n`,
		`INSERT INTO chat_sessions (id, owner_id, action, source_id, workflow_id, title, status, meta, created_at, updated_at)
			SELECT 's' || n, 'o' || n % 500, 'create', '', '', '', 'active', '{}', now() - n * interval '1 s', now() FROM generate_series(1, {workflows}) n`,
		`INSERT INTO chat_sessions (id, owner_id, action, source_id, workflow_id, title, status, meta, created_at, updated_at)
			SELECT 'm' || n, 'much', 'create', '', '', '', 'active', '{}', now() - n * interval '1 s', now() FROM generate_series(1, 10500) n`,
		`INSERT INTO files SELECT 'f' || n, 'o' || n % 500, 'name', 'text/plain', 1, '', now() - n * interval '1 s' FROM generate_series(1, {workflows}) n`,
		`INSERT INTO credentials SELECT 'c' || n, 'o' || n % 500, 't', 'n' || n, now() - n * interval '1 s', now(), '' FROM generate_series(1, {workflows}) n`,
		`ANALYZE workflows, workflow_versions, executions, chat_sessions, files, credentials`,
	} {
		exec(t, db, strings.NewReplacer("{workflows}", strconv.Itoa(workflows), "{executions}", strconv.Itoa(executions)).Replace(fill))
	}
	if _, total, _, err := st.ListSessions(t.Context(), "much", store.Page{}); err != nil || total != store.CountsTo+1 {
		t.Errorf("%d sessions are counted, %v", total, err)
	}
	as(t, db, "authenticated", `{"sub":"much"}`, func(tx pgx.Tx) {
		var total int
		if err := tx.QueryRow(t.Context(), `SELECT (api_list_sessions('{"limit": 1}') ->> 'total')::integer`).Scan(&total); err != nil || total != store.CountsTo+1 {
			t.Errorf("over REST %d sessions are counted, %v", total, err)
		}
	})
	const behind = ` (coalesce('{}'::jsonb ->> 'at', 'infinity')::timestamptz, coalesce('{}'::jsonb ->> 'after', ''))`
	for _, query := range []string{
		`SELECT w.id, v.document, (SELECT e.status FROM executions e WHERE e.workflow_id = w.id AND e.owner_id = w.owner_id ORDER BY e.created_at DESC, e.id DESC LIMIT 1)
			FROM workflows w JOIN workflow_versions v ON v.workflow_id = w.id AND v.version = w.version WHERE w.owner_id = acting_user() AND (w.updated_at, w.id) <` + behind + ` ORDER BY w.updated_at DESC, w.id DESC LIMIT 20`,
		`SELECT w.id, v.document FROM workflows w JOIN workflow_versions v ON v.workflow_id = w.id AND v.version = w.version
			WHERE w.owner_id = 'o7' AND (w.name_key, w.id) > ('name', 'w5') ORDER BY w.name_key, w.id LIMIT 20`,
		`SELECT count(*) FROM workflows WHERE owner_id = acting_user()`,
		`SELECT * FROM workflows WHERE owner_id = acting_user() AND active ORDER BY updated_at DESC, id DESC LIMIT 20`,
		`SELECT * FROM executions WHERE owner_id = acting_user() AND status = 'error' ORDER BY created_at DESC, id DESC LIMIT 20`,
		store.Counted(`executions WHERE owner_id = acting_user() AND status = 'waiting'`),
		`SELECT * FROM executions WHERE owner_id = acting_user() AND (created_at, id) <` + behind + ` ORDER BY created_at DESC, id DESC LIMIT 20`,
		`SELECT * FROM executions WHERE owner_id = acting_user() AND workflow_id = 'w1' AND (created_at, id) <` + behind + ` ORDER BY created_at DESC, id DESC LIMIT 20`,
		`SELECT count(*) FROM executions WHERE owner_id = acting_user()`,
		`SELECT * FROM chat_sessions WHERE owner_id = acting_user() AND (created_at, id) <` + behind + ` ORDER BY created_at DESC, id DESC LIMIT 20`,
		`SELECT * FROM files WHERE owner_id = acting_user() AND (created_at, id) <` + behind + ` ORDER BY created_at DESC, id DESC LIMIT 20`,
		`SELECT count(*), sum(size) FROM files WHERE owner_id = acting_user()`,
		`SELECT * FROM credentials WHERE owner_id = acting_user() AND (created_at, id) <` + behind + ` ORDER BY created_at DESC, id DESC LIMIT 20`,
	} {
		as(t, db, "authenticated", `{"sub":"o7"}`, func(tx pgx.Tx) {
			rows, err := tx.Query(t.Context(), `EXPLAIN (COSTS OFF) `+query)
			if err != nil {
				t.Fatal(err)
			}
			lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if plan := strings.Join(lines, "\n"); err != nil || strings.Contains(plan, "Seq Scan") || !strings.Contains(plan, "Index") {
				t.Errorf("%s\n%s\n%v", query, plan, err)
			}
		})
	}
}
