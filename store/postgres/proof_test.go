package postgres_test

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"flowgate/internal/workflow"
	"flowgate/store"
	"flowgate/store/postgres"
)

// fillAll stores a row of ada's and of bob's in every table there is.
func fillAll(t *testing.T, s *postgres.Store) {
	t.Helper()
	fill(t, s)
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	soon := time.Now().Add(time.Hour)
	for _, who := range []string{"ada", "bob"} {
		ok(s.SetPassword(t.Context(), who, "hash"))
		ok(s.CreateSignIn(t.Context(), &store.SignIn{ID: "si-" + who, UserID: who, CreatedAt: soon, RotatedAt: soon, ExpiresAt: soon}))
		ok(s.CreateFile(t.Context(), &store.File{ID: "f-" + who, OwnerID: who}, store.FileQuota{}))
		ok(s.CreateSession(t.Context(), &store.Session{ID: "s-" + who, OwnerID: who, CreatedAt: soon, UpdatedAt: soon}))
		ok(s.AddMessage(t.Context(), &store.Message{ID: "m", SessionID: "s-" + who, OwnerID: who, CreatedAt: soon}))
		_, err := s.AddChatEvent(t.Context(), who, "s-"+who, []byte("{}"), 0)
		ok(err)
		_, err = s.NoteDeath(t.Context(), "ex-"+who, 0)
		ok(err)
		_, err = s.ClaimAnswer(t.Context(), "ex-"+who, "topic", time.Hour)
		ok(err)
		ok(s.AppendAudit(t.Context(), store.AuditChain{Name: who, Anchor: store.AuditMark{Hash: []byte{}, MAC: []byte{}}, Head: store.AuditMark{Seq: 1, Hash: []byte{}, MAC: []byte{}}, LastAt: soon},
			[]store.AuditChunk{{Chain: who, Seq: 1, Subject: who, FirstAt: soon, LastAt: soon, Entries: []byte{}, Hash: []byte{}}}))
	}
	ok(s.UseNonce(t.Context(), "scope", "nonce", soon))
	if workflow.CodeOf(s.UseNonce(t.Context(), "scope", "nonce", soon)) != workflow.CodeConflict {
		t.Fatal("the nonce is not kept")
	}
}

// actors are all who may come to the database: by PostgREST, the first seven,
// or by our own connections.
var actors = []struct{ name, role, claims string }{
	{"owner", "authenticated", `{"sub":"ada","role":"authenticated"}`},
	{"other user", "authenticated", `{"sub":"eve","role":"authenticated"}`},
	{"guest", "authenticated", `{"sub":"guest","role":"authenticated","is_anonymous":true}`},
	{"OAuth client", "authenticated", `{"sub":"ada","role":"authenticated","client_id":"app"}`},
	{"nobody", "authenticated", `{"role":"authenticated"}`},
	{"anonymous", "proof_anon", `{"role":"anon"}`},
	{"service role", "proof_service", `{"role":"service_role"}`},
	{"flowgate_auth", "flowgate_auth", ``},
	{"flowgate_engine", "flowgate_engine", ``},
	{"flowgate_admin", "flowgate_admin", ``},
}

// table is one of the catalogue's, with the rows to try at.
type table struct {
	name    string
	columns []string // that can be written
	inserts []string // those, and the identity, which an insert may give
	rows    string   // JSON of a row of ada's, or of any where rows have no owner
}

// catalogue returns every table. One without rows is an error: what it is
// protected by could not be shown.
func catalogue(t *testing.T, db *pgx.Conn) []table {
	t.Helper()
	var list []table
	for _, name := range texts(t, db, `SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND relname <> 'schema_versions' ORDER BY 1`) {
		written := `SELECT attname FROM pg_attribute WHERE attrelid = '` + name + `'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''`
		tb := table{name: name, columns: texts(t, db, written+` AND attidentity = '' ORDER BY attnum`), inserts: texts(t, db, written+` ORDER BY attnum`)}
		owner := ""
		for _, column := range []string{"owner_id", "subject", "user_id"} {
			if slices.Contains(tb.columns, column) {
				owner = ` ORDER BY ` + column + ` <> 'ada'`
			}
		}
		rows := texts(t, db, `SELECT to_json(r)::text FROM `+name+` r`+owner+` LIMIT 1`)
		if len(rows) == 0 {
			t.Errorf("%s holds nothing to try at: add to fillAll", name)
			continue
		}
		tb.rows = rows[0]
		list = append(list, tb)
	}
	return list
}

// attempt does one thing in a savepoint and says how it ended: how many rows,
// "denied", or the SQLSTATE of what stopped it otherwise.
func attempt(t *testing.T, tx pgx.Tx, query string, args ...any) string {
	t.Helper()
	point, err := tx.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer point.Rollback(t.Context())
	tag, err := point.Exec(t.Context(), query, args...)
	var pe *pgconn.PgError
	switch {
	case err == nil:
		return fmt.Sprint(tag.RowsAffected())
	case !errors.As(err, &pe):
		t.Fatal(err)
	case pe.Code == "42501":
		return "denied"
	case pe.Code == "23505": // nothing but the row that is there was in the way
		return "1"
	}
	return pe.Code
}

// tries says what each actor may do to a table.
func tries(t *testing.T, tx pgx.Tx, tb table) string {
	t.Helper()
	var out strings.Builder
	for _, a := range actors {
		if _, err := tx.Exec(t.Context(), `SELECT set_config('role', 'none', true)`); err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), `SELECT set_config('role', $1, true), set_config('request.jwt.claims', $2, true)`, a.role, a.claims); err != nil {
			t.Fatal(err)
		}
		update := "denied" // of any column
		for _, column := range tb.columns {
			if got := attempt(t, tx, fmt.Sprintf(`UPDATE %s SET %s = %[2]s`, tb.name, column)); got != "denied" {
				update = got
				break
			}
		}
		key := tb.columns[0]
		if tb.name == "execution_chunks" {
			key = "owner_id"
		}
		fmt.Fprintf(&out, "%s: %s: select %s, insert %s, update %s, delete %s\n", tb.name, a.name,
			attempt(t, tx, `SELECT `+key+` FROM `+tb.name),
			attempt(t, tx, fmt.Sprintf(`INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %[2]s FROM json_populate_record(NULL::%[1]s, $1::json)`, tb.name, strings.Join(tb.inserts, ", ")), tb.rows),
			update, attempt(t, tx, `DELETE FROM `+tb.name))
	}
	if _, err := tx.Exec(t.Context(), `SELECT set_config('role', 'none', true)`); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestProof tries every operation on every table of the catalogue as everybody,
// compares with what is written down, and shows that it would notice: with any
// policy dropped, any of them opened, or row-level security off, it differs.
func TestProof(t *testing.T) {
	t.Parallel()
	o := options(t)
	fillAll(t, open(t, o))
	db := superuser(t, o)
	exec(t, db, `DO $$ BEGIN CREATE ROLE proof_anon NOLOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$`)
	exec(t, db, `DO $$ BEGIN CREATE ROLE proof_service NOLOGIN BYPASSRLS; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$`)
	exec(t, db, `GRANT USAGE ON SCHEMA `+o.Schema+` TO proof_anon, proof_service`) // as if the tables' schema were exposed by mistake
	tables := catalogue(t, db)
	normal, got := map[string]string{}, ""
	within(t, db, func(tx pgx.Tx) {
		for _, tb := range tables {
			normal[tb.name] = tries(t, tx, tb)
			got += normal[tb.name]
		}
	})
	const file = "testdata/proof.txt"
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || got != string(want) {
		t.Errorf("who may do what to which table differs from %s (%v); look at each, then go test ./store/postgres -run Proof -update:\n%s", file, err, got)
	}
	for line := range strings.Lines(got) { // whatever is written down
		if stranger.MatchString(line) && !nothing.MatchString(line) {
			t.Errorf("a stranger gets at rows: %s", line)
		}
	}
	notices := func(tb table, change string) {
		within(t, db, func(tx pgx.Tx) {
			if _, err := tx.Exec(t.Context(), change); err != nil {
				t.Fatal(err)
			}
			if tries(t, tx, tb) == normal[tb.name] {
				t.Errorf("nothing would notice: %s", change)
			}
		})
	}
	dropped := 0
	for _, tb := range tables {
		for _, policy := range texts(t, db, `SELECT policyname FROM pg_policies WHERE schemaname = current_schema() AND tablename = '`+tb.name+`'`) {
			notices(tb, fmt.Sprintf(`DROP POLICY %s ON %s`, policy, tb.name))
			dropped++
		}
		notices(tb, fmt.Sprintf(`GRANT SELECT ON %s TO proof_service`, tb.name))
		if strings.Contains(normal[tb.name], ": owner: select 1") {
			notices(tb, fmt.Sprintf(`ALTER TABLE %s DISABLE ROW LEVEL SECURITY`, tb.name))
			notices(tb, fmt.Sprintf(`CREATE POLICY open ON %s TO authenticated USING (true)`, tb.name))
		}
	}
	if dropped < 30 {
		t.Errorf("only %d policies were dropped", dropped)
	}
}

var (
	stranger = regexp.MustCompile(`: (other user|guest|OAuth client|nobody|anonymous): `)
	nothing  = regexp.MustCompile(`: select (0|denied), insert denied, update (0|denied), delete (0|denied)\n$`)
)

// within runs f in a transaction that is rolled back.
func within(t *testing.T, db *pgx.Conn, f func(tx pgx.Tx)) {
	t.Helper()
	tx, err := db.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(t.Context())
	f(tx)
}
