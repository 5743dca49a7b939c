package postgres_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"flowgate/internal/workflow"
	"flowgate/store"
	"flowgate/store/postgres"
)

var update = flag.Bool("update", false, "write golden files anew")

// TestCatalogue asks the database itself: every table is under forced
// row-level security, and nobody but the tables' owner may do more than the
// checked-in list says.
func TestCatalogue(t *testing.T) {
	t.Parallel()
	o := options(t)
	open(t, o)
	db := superuser(t, o)
	if open := texts(t, db, `SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace
		AND relkind IN ('r', 'p') AND NOT (relrowsecurity AND relforcerowsecurity)`); len(open) > 0 {
		t.Errorf("tables without forced row-level security: %v", open)
	}
	if odd := texts(t, db, `SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('v', 'm', 'f')`); len(odd) > 0 {
		t.Errorf("views would not be under row-level security: %v", odd)
	}
	if strong := texts(t, db, `SELECT rolname FROM pg_roles WHERE rolname IN ('authenticated', 'flowgate_auth', 'flowgate_engine', 'flowgate_admin')
		AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolcanlogin)`); len(strong) > 0 {
		t.Errorf("roles that may too much: %v", strong)
	}
	if odd := texts(t, db, `SELECT c.relname FROM pg_class c WHERE c.relnamespace = (current_schema() || '_api')::regnamespace
		UNION ALL SELECT p.proname FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
			WHERE p.pronamespace = (current_schema() || '_api')::regnamespace AND (p.prosecdef OR a.grantee NOT IN (p.proowner, 'authenticated'::regrole))`); len(odd) > 0 {
		t.Errorf("what the exposed schema holds but functions that run as their caller, for users alone: %v", odd)
	}
	got := strings.Join(texts(t, db, grants), "\n") + "\n"
	const file = "testdata/grants.txt"
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || got != string(want) {
		t.Errorf("grants and policies differ from %s (%v); look at each, then go test ./store/postgres -update:\n%s", file, err, got)
	}
}

// grants lists what whom is granted, column by column, and the policies.
const grants = `
SELECT line FROM (
	SELECT format('schema: %s to %s', string_agg(privilege_type, ', ' ORDER BY privilege_type), grantee) line
	FROM (SELECT a.privilege_type, coalesce(nullif(a.grantee, 0)::regrole::text, 'PUBLIC') grantee FROM pg_namespace n, aclexplode(n.nspacl) a
		WHERE n.oid = current_schema()::regnamespace AND a.grantee <> n.nspowner) x GROUP BY grantee
	UNION ALL
	SELECT format('%s: %s to %s', relname, string_agg(privilege_type, ', ' ORDER BY privilege_type), grantee)
	FROM (SELECT c.relname, a.privilege_type, coalesce(nullif(a.grantee, 0)::regrole::text, 'PUBLIC') grantee FROM pg_class c, aclexplode(c.relacl) a
		WHERE c.relnamespace = current_schema()::regnamespace AND a.grantee <> c.relowner) x GROUP BY relname, grantee
	UNION ALL
	SELECT format('%s: %s (%s) to %s', relname, privilege_type, string_agg(attname, ', ' ORDER BY attnum), grantee)
	FROM (SELECT c.relname, t.attname, t.attnum, a.privilege_type, coalesce(nullif(a.grantee, 0)::regrole::text, 'PUBLIC') grantee
		FROM pg_class c JOIN pg_attribute t ON t.attrelid = c.oid AND NOT t.attisdropped, aclexplode(t.attacl) a
		WHERE c.relnamespace = current_schema()::regnamespace) x GROUP BY relname, privilege_type, grantee
	UNION ALL
	SELECT format('%s(): %s to %s', p.proname, a.privilege_type, coalesce(nullif(a.grantee, 0)::regrole::text, 'PUBLIC'))
	FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a WHERE p.pronamespace = current_schema()::regnamespace AND a.grantee <> p.proowner
	UNION ALL
	SELECT format('%s: policy %s for %s to %s%s%s', tablename, policyname, cmd,
		(SELECT string_agg(CASE r WHEN current_user THEN 'the owner' ELSE r END, ', ' ORDER BY r) FROM unnest(roles) r),
		' using ' || regexp_replace(qual, '\s+', ' ', 'g'), ' check ' || with_check)
	FROM pg_policies WHERE schemaname = current_schema()
) all_of_it ORDER BY replace(line, current_schema() || '.', '') COLLATE "C"`

func texts(t *testing.T, db *pgx.Conn, query string) []string {
	t.Helper()
	rows, err := db.Query(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	var schema string
	if err := db.QueryRow(t.Context(), `SELECT current_schema()`).Scan(&schema); err != nil {
		t.Fatal(err)
	}
	for i := range list {
		list[i] = strings.ReplaceAll(list[i], schema+".", "")
	}
	return list
}

// fill stores one row of every kind that has an owner, for ada and for bob.
func fill(t *testing.T, s *postgres.Store) {
	t.Helper()
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	soon := time.Now().Add(time.Hour)
	for _, who := range []string{"ada", "bob"} {
		ok(s.CreateUser(t.Context(), &workflow.User{ID: who, Email: who + "@example.org"}))
		ok(s.CreateKey(t.Context(), &workflow.Key{ID: "key-" + who, OwnerID: who, Active: true}))
		_, err := s.EnsureGrant(t.Context(), &store.Grant{UserID: who, ClientID: "client-" + who, CreatedAt: soon})
		ok(err)
		ok(s.CreateWorkflow(t.Context(), &workflow.Workflow{ID: "wf-" + who, OwnerID: who}))
		ok(s.ActivateWorkflow(t.Context(), who, "wf-"+who, []workflow.WebhookTrigger{{Path: who, Method: "GET", Node: "n"}}))
		ok(s.ArmTest(t.Context(), who, "wf-"+who, []workflow.WebhookTrigger{{Path: who, Method: "GET", Node: "n"}}, soon))
		ok(s.SetSchedules(t.Context(), who, "wf-"+who, []store.Schedule{{Node: "n", Rules: "r", NextAt: soon}}))
		ok(s.CreateCredential(t.Context(), &store.Credential{ID: "cr-" + who, OwnerID: who, Type: "t", Name: "n", Sealed: []byte("x")}))
		e, _, err := s.CreateExecution(t.Context(), &workflow.Execution{ID: "ex-" + who, OwnerID: who, WorkflowID: "wf-" + who, Executor: "x"})
		ok(err)
		_, err = s.SaveProgress(t.Context(), []store.Progress{{Execution: e, NodeRuns: []workflow.NodeRun{{Node: "n"}}}})
		ok(err)
	}
	_, err := s.Secret(t.Context(), "s", func() ([]byte, error) { return []byte("x"), nil })
	ok(err)
	_, err = s.AcquireLease(t.Context(), store.Lease{Name: "l", Holder: "h"}, time.Hour, nil)
	ok(err)
}

var owned = []string{"workflows", "workflow_versions", "webhooks", "executions", "execution_chunks", "api_keys",
	"test_webhooks", "schedules", "credentials", "oauth_grants"}

// TestOthersRowsAreInvisible asks without any filter by owner, as the role
// that acts for a user: row-level security alone keeps the rest away.
func TestOthersRowsAreInvisible(t *testing.T) {
	t.Parallel()
	o := options(t)
	s := open(t, o)
	fill(t, s)
	db := superuser(t, o)
	for claims, want := range map[string]string{
		`{"sub":"ada","role":"authenticated"}`: "ada",
		`{"sub":"bob"}`:                        "bob",
		`{"sub":"eve"}`:                        "",
		`{"sub":"ada","client_id":"app"}`:      "",
		`{"sub":"ada","client_id":7}`:          "",
		`{"sub":"ada","client_id":null}`:       "ada", // is none, as in the program
		`{"sub":null}`:                         "",
		`{}`:                                   "",
		``:                                     "",
	} {
		as(t, db, "authenticated", claims, func(tx pgx.Tx) {
			for _, table := range owned {
				var owners string
				if err := tx.QueryRow(t.Context(), `SELECT coalesce(string_agg(owner_id, ','), '') FROM `+table).Scan(&owners); err != nil {
					t.Fatal(err)
				}
				if owners != want {
					t.Errorf("claims %q see rows of %q in %s", claims, owners, table)
				}
			}
		})
	}
	for _, table := range owned {
		var n int
		if err := db.QueryRow(t.Context(), `SELECT count(*) FROM `+table).Scan(&n); err != nil || n != 2 {
			t.Errorf("%s has %d rows in all, %v", table, n, err)
		}
	}
}

// as runs f in a transaction under the role and rolls it back.
func as(t *testing.T, db *pgx.Conn, role, claims string, f func(tx pgx.Tx)) {
	t.Helper()
	tx, err := db.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(t.Context())
	if _, err := tx.Exec(t.Context(), `SELECT set_config('role', $1, true), set_config('request.jwt.claims', $2, true)`, role, claims); err != nil {
		t.Fatal(err)
	}
	f(tx)
}

// TestOthersRowsCannotBeTouched writes as ada to what is bob's, and as each
// role where it has no business.
func TestOthersRowsCannotBeTouched(t *testing.T) {
	t.Parallel()
	o := options(t)
	fill(t, open(t, o))
	db := superuser(t, o)
	const denied = "42501" // of privileges and of row-level security
	for _, c := range []struct{ role, query, code string }{
		{"authenticated", `UPDATE workflows SET active = false WHERE id = 'wf-bob'`, ""},
		{"authenticated", `UPDATE executions SET status = 'success' WHERE id = 'ex-bob'`, ""},
		{"authenticated", `UPDATE api_keys SET active = true WHERE id = 'key-bob'`, ""},
		{"authenticated", `DELETE FROM workflows WHERE id = 'wf-bob'`, ""},
		{"authenticated", `DELETE FROM webhooks WHERE owner_id = 'bob'`, ""},
		{"authenticated", `DELETE FROM credentials WHERE id = 'cr-bob'`, ""},
		{"authenticated", `UPDATE schedules SET next_at = now() WHERE owner_id = 'bob'`, ""},
		{"authenticated", `SELECT * FROM execution_answers`, denied},
		{"authenticated", `UPDATE oauth_grants SET scopes = '{tools:execute}' WHERE owner_id = 'bob'`, ""},
		{"authenticated", `INSERT INTO oauth_grants VALUES ('bob', 'c', '', '{}', now(), now())`, denied},
		{"authenticated", `SELECT * FROM passwords`, denied},
		{"authenticated", `SELECT * FROM sign_ins`, denied},
		{"authenticated", `SELECT * FROM nonces`, denied},
		{"flowgate_admin", `SELECT * FROM passwords`, denied},
		{"flowgate_engine", `SELECT * FROM passwords`, denied},
		{"flowgate_auth", `SELECT * FROM oauth_grants`, denied},
		{"flowgate_auth", `SELECT * FROM credentials`, denied},
		{"flowgate_engine", `SELECT * FROM credentials`, denied},
		{"flowgate_engine", `UPDATE schedules SET rules = ''`, denied},
		{"flowgate_admin", `UPDATE credentials SET sealed = ''`, denied},
		{"authenticated", `UPDATE workflows SET owner_id = 'bob'`, denied},
		{"authenticated", `DELETE FROM executions`, denied},
		{"authenticated", `UPDATE executions SET executor = 'mine'`, denied},
		{"authenticated", `UPDATE api_keys SET scopes = '{}'`, denied},
		{"authenticated", `SELECT * FROM users`, denied},
		{"authenticated", `SELECT * FROM secrets`, denied},
		{"authenticated", `SELECT * FROM leases`, denied},
		{"authenticated", `INSERT INTO webhooks VALUES ('x', 'GET', 'x', 0, 'wf-bob', 'bob', 'n')`, denied},
		{"authenticated", `INSERT INTO webhooks VALUES ('x', 'GET', 'x', 0, 'wf-bob', 'ada', 'n')`, "23503"},
		{"authenticated", `INSERT INTO workflow_versions VALUES ('wf-bob', 'ada', 9, now(), '')`, "23503"},
		{"flowgate_auth", `SELECT * FROM workflows`, denied},
		{"flowgate_auth", `SELECT * FROM executions`, denied},
		{"flowgate_auth", `UPDATE api_keys SET active = true`, denied},
		{"flowgate_auth", `UPDATE secrets SET value = ''`, denied},
		{"flowgate_auth", `DELETE FROM users`, denied},
		{"flowgate_engine", `SELECT * FROM workflows`, denied},
		{"flowgate_engine", `SELECT * FROM api_keys`, denied},
		{"flowgate_engine", `SELECT * FROM secrets`, denied},
		{"flowgate_engine", `SELECT * FROM users`, denied},
		{"flowgate_engine", `UPDATE executions SET owner_id = 'ada'`, denied},
		{"flowgate_admin", `UPDATE api_keys SET scopes = '{}'`, denied},
		{"flowgate_admin", `SELECT * FROM workflows`, denied},
		{"flowgate_admin", `SELECT * FROM secrets`, denied},
		{"flowgate_admin", `DELETE FROM users`, denied},
		{"authenticated", `INSERT INTO audit_log SELECT * FROM audit_log`, denied},
		{"authenticated", `SELECT * FROM audit_chains`, denied},
		{"flowgate_auth", `SELECT * FROM audit_log`, denied},
		{"flowgate_auth", `UPDATE audit_log SET subject = 'ada'`, denied},
		{"flowgate_auth", `DELETE FROM audit_log`, denied},
		{"flowgate_auth", `DELETE FROM audit_chains`, denied},
		{"flowgate_engine", `SELECT * FROM audit_log`, denied},
		{"flowgate_admin", `UPDATE audit_log SET subject = 'ada'`, denied},
	} {
		as(t, db, c.role, `{"sub":"ada"}`, func(tx pgx.Tx) {
			tag, err := tx.Exec(t.Context(), c.query)
			code := ""
			if pe := (*pgconn.PgError)(nil); errors.As(err, &pe) {
				code = pe.Code
			} else if err != nil {
				t.Fatal(err)
			}
			if code != c.code || tag.RowsAffected() > 0 {
				t.Errorf("%s: %s: code %q instead of %q, %d rows", c.role, c.query, code, c.code, tag.RowsAffected())
			}
		})
	}
}

// TestRoleEndsWithTheCall: what a call ran as does not stick to its connection.
func TestRoleEndsWithTheCall(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.Connections = 1
	s := open(t, o)
	fill(t, s)
	check := func(after string) {
		t.Helper()
		var role, claims string
		err := s.Pool().QueryRow(t.Context(), `SELECT current_setting('role'), coalesce(current_setting('request.jwt.claims', true), '')`).Scan(&role, &claims)
		if err != nil || role != "none" || claims != "" {
			t.Errorf("after %s the connection is %q with claims %q, %v", after, role, claims, err)
		}
	}
	check("calls")
	_ = s.CreateWorkflow(t.Context(), &workflow.Workflow{ID: "wf-ada", OwnerID: "bob"})
	check("a call that failed")
	_ = s.UpdateWorkflow(t.Context(), &workflow.Workflow{ID: "wf-ada", OwnerID: "ada"}, 99)
	check("a transaction that was given up")
}

// TestOwnersClaimsAreData: an owner's id cannot become somebody else's claims.
func TestOwnersClaimsAreData(t *testing.T) {
	t.Parallel()
	s := open(t, options(t))
	fill(t, s)
	for _, owner := range []string{`x","sub":"ada`, `ada"}`, `' OR true --`, "\\", "ada\n"} {
		list, total, _, err := s.ListWorkflows(t.Context(), owner, store.WorkflowFilter{}, store.Page{})
		if err != nil || total != 0 || len(list) != 0 {
			t.Errorf("owner %q sees %d, %v", owner, total, err)
		}
	}
}

// TestLoginsWithoutPower: the login that migrates need not be a superuser, only
// one that may make roles and schemas, and the login that serves owns nothing:
// it is a member of the four roles.
func TestLoginsWithoutPower(t *testing.T) {
	t.Parallel()
	base := server(t)
	address, err := createDatabase(t.Context(), base)
	if err != nil {
		t.Fatal(err)
	}
	root := superuser(t, postgres.Options{URL: address, Schema: "public"})
	suffix := fmt.Sprint(os.Getpid())
	migrator, runner := "flowgate_test_migrator_"+suffix, "flowgate_test_server_"+suffix
	exec(t, root, `CREATE ROLE `+migrator+` LOGIN CREATEROLE PASSWORD 'x'`)
	exec(t, root, `CREATE ROLE `+runner+` LOGIN PASSWORD 'x'`)
	exec(t, root, `DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO `+migrator+`', current_database()); END $$`)
	t.Cleanup(func() {
		ctx := context.Background() // the test's has ended
		conn, err := pgx.Connect(ctx, address)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close(ctx)
		if _, err := conn.Exec(ctx, `DROP OWNED BY `+migrator+` CASCADE; DROP ROLE `+migrator+`, `+runner); err != nil {
			t.Error(err)
		}
	})
	login := func(name string) postgres.Options {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		u.User = url.UserPassword(name, "x")
		return postgres.Options{URL: u.String(), Schema: postgres.DefaultSchema}
	}
	fill(t, open(t, login(migrator)))
	exec(t, root, `GRANT authenticated, flowgate_auth, flowgate_engine, flowgate_admin TO `+runner)
	s := open(t, login(runner))
	if _, total, _, err := s.ListExecutions(t.Context(), "ada", store.ExecutionFilter{}, store.Page{}); err != nil || total != 1 {
		t.Errorf("the server sees %d executions, %v", total, err)
	}
	if list, err := s.ClaimExecutions(t.Context(), "x", 5); err != nil || len(list) != 0 {
		t.Error(list, err)
	}
}
