package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"flowgate/internal/workflow"
	"flowgate/store"
	"flowgate/store/postgres"
	"flowgate/store/sqlite"
)

// What a list is measured with: a page as clients ask for it, the fiftieth of
// them, and how often each is read.
const (
	scalePage  = 20
	scaleDeep  = 50
	scaleReads = 40
)

// amount is how much is stored, and of whom.
type amount struct {
	name                  string
	prefix                string // of the ids
	owners                int    // among whom it is divided; the first is asked
	workflows, executions int
}

// owner is whose lists are read.
func (a amount) owner() string { return a.prefix + "-0" }

// amounts are a little, and much of many and of one.
func amounts(workflows, executions int) []amount {
	return []amount{
		{"1,000 of one", "few", 1, 1000, 1000},
		{fmt.Sprintf("%s/%s of many", thousands(workflows), thousands(executions)), "many", max(workflows/1000, 1), workflows, executions},
		{fmt.Sprintf("%s/%s of one", thousands(workflows), thousands(executions)), "one", 1, workflows, executions},
	}
}

// thousands writes a number with commas.
func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// scaled is a backend that is filled and asked.
type scaled struct {
	name string
	db   *sql.DB
	store.Store
	fill  func(a amount) []string
	close func()
}

// scale fills each backend with a little and with much, and prints how long
// the first and the fiftieth page of every list take.
func scale(ctx context.Context, o *options) error {
	for _, open := range []func(context.Context, *options) (*scaled, error){scaleOnSQLite, scaleOnPostgres} {
		b, err := open(ctx, o)
		if errors.Is(err, errNoPostgres) {
			fmt.Println("SKIPPED on PostgreSQL: -postgres or FLOWGATE_TEST_POSTGRES_URL names no server")
			continue
		}
		if err != nil {
			return err
		}
		err = b.measure(ctx, o)
		b.close()
		if err != nil {
			return fmt.Errorf("%s: %w", b.name, err)
		}
	}
	return nil
}

func (b *scaled) measure(ctx context.Context, o *options) error {
	all := amounts(o.workflows, o.executions)
	var results []map[string]spread
	for _, a := range all {
		began := time.Now()
		for _, statement := range b.fill(a) {
			if _, err := b.db.ExecContext(ctx, statement); err != nil {
				return fmt.Errorf("%s: %w", statement, err)
			}
		}
		fmt.Fprintf(os.Stderr, "%s: %s stored in %s\n", b.name, a.name, time.Since(began).Round(time.Second))
		read, err := b.read(ctx, a)
		if err != nil {
			return err
		}
		results = append(results, read)
	}
	fmt.Printf("\n%s, milliseconds p50 (p99), and how many times the first column's p50\n\n| list | page | %s | %s | %s |\n|---|---|---|---|---|\n", b.name, all[0].name, all[1].name, all[2].name)
	for _, name := range slices.Sorted(keysOf(results[0])) {
		list, page, _ := strings.Cut(name, "\x00")
		fmt.Printf("| %s | %s ", list, page)
		for i, r := range results {
			fmt.Printf("| %.2f (%.2f)", ms(r[name].p50), ms(r[name].p99))
			if i > 0 {
				fmt.Printf(" ×%.1f", float64(r[name].p50)/float64(results[0][name].p50))
			}
			fmt.Print(" ")
		}
		fmt.Println("|")
	}
	return nil
}

func keysOf(m map[string]spread) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// spread is how long something takes.
type spread struct{ p50, p99 time.Duration }

// read reads the first and the fiftieth page of every list.
func (b *scaled) read(ctx context.Context, a amount) (map[string]spread, error) {
	out := map[string]spread{}
	for name, list := range b.lists(ctx, a) {
		cursor := ""
		for n := 1; n <= scaleDeep; n++ {
			if n == 1 || n == scaleDeep {
				s, err := timed(func() error { _, err := list(store.Page{Limit: scalePage, Cursor: cursor}); return err })
				if err != nil {
					return nil, fmt.Errorf("%s, page %d: %w", name, n, err)
				}
				out[fmt.Sprintf("%s\x00%d", name, n)] = s
			}
			next, err := list(store.Page{Limit: scalePage, Cursor: cursor})
			if err != nil {
				return nil, fmt.Errorf("%s, page %d: %w", name, n, err)
			}
			if next == "" { // there are no fifty
				break
			}
			cursor = next
		}
	}
	return out, nil
}

func timed(do func() error) (spread, error) {
	took := make([]time.Duration, scaleReads)
	for i := range took {
		began := time.Now()
		if err := do(); err != nil {
			return spread{}, err
		}
		took[i] = time.Since(began)
	}
	slices.Sort(took)
	return spread{took[len(took)/2], took[len(took)*99/100]}, nil
}

// lists are the lists there are, by name, each returning what its next page
// begins with.
func (b *scaled) lists(ctx context.Context, a amount) map[string]func(store.Page) (string, error) {
	owner := a.owner()
	executions := func(f store.ExecutionFilter) func(store.Page) (string, error) {
		return func(p store.Page) (next string, err error) {
			_, _, next, err = b.ListExecutions(ctx, owner, f, p)
			return next, err
		}
	}
	workflows := func(f store.WorkflowFilter) func(store.Page) (string, error) {
		return func(p store.Page) (next string, err error) {
			_, _, next, err = b.ListWorkflows(ctx, owner, f, p)
			return next, err
		}
	}
	active := true
	return map[string]func(store.Page) (string, error){
		"workflows":                workflows(store.WorkflowFilter{}),
		"workflows, active":        workflows(store.WorkflowFilter{Active: &active}),
		"workflows, searched":      workflows(store.WorkflowFilter{Query: "rarely"}),
		"executions":               executions(store.ExecutionFilter{}),
		"executions of a workflow": executions(store.ExecutionFilter{WorkflowID: a.prefix + "w0"}),
		"executions that failed":   executions(store.ExecutionFilter{Status: workflow.StatusError}),
		"executions that wait":     executions(store.ExecutionFilter{Status: workflow.StatusWaiting}),
		"executions, approvals":    executions(store.ExecutionFilter{WaitsFor: "approval"}),
		"sessions": func(p store.Page) (next string, err error) {
			_, _, next, err = b.ListSessions(ctx, owner, p)
			return next, err
		},
		"files": func(p store.Page) (next string, err error) {
			_, next, err = b.ListFiles(ctx, owner, "", p)
			return next, err
		},
		"credentials": func(p store.Page) (next string, err error) {
			_, next, err = b.ListCredentials(ctx, owner, "", p)
			return next, err
		},
	}
}

// scaleOnSQLite opens a database in a temporary folder.
func scaleOnSQLite(ctx context.Context, _ *options) (*scaled, error) {
	dir, err := os.MkdirTemp("", "flowgate-scale-*")
	if err != nil {
		return nil, err
	}
	st, err := sqlite.Open(ctx, sqlite.Options{Path: filepath.Join(dir, sqlite.FileName)})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &scaled{name: "SQLite", db: st.DB(), Store: st, fill: fillSQLite, close: func() { _ = st.Close(); _ = os.RemoveAll(dir) }}, nil
}

var errNoPostgres = errors.New("no PostgreSQL")

// scaleOnPostgres makes a database on the server that is named, and removes it.
func scaleOnPostgres(ctx context.Context, o *options) (*scaled, error) {
	if o.postgres == "" {
		return nil, errNoPostgres
	}
	admin, err := pgx.Connect(ctx, o.postgres)
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("flowgate_scale_%d", time.Now().UnixNano())
	if _, err := admin.Exec(ctx, "CREATE DATABASE "+name); err != nil {
		return nil, err
	}
	drop := func() {
		_, _ = admin.Exec(context.WithoutCancel(ctx), "DROP DATABASE "+name+" WITH (FORCE)")
		_ = admin.Close(context.WithoutCancel(ctx))
	}
	u, err := url.Parse(o.postgres)
	if err != nil {
		drop()
		return nil, err
	}
	u.Path = "/" + name
	st, err := postgres.Open(ctx, postgres.Options{URL: u.String()})
	if err != nil {
		drop()
		return nil, err
	}
	db := stdlib.OpenDBFromPool(st.Pool())
	return &scaled{name: "PostgreSQL", db: db, Store: st, fill: fillPostgres, close: func() { _ = db.Close(); _ = st.Close(); drop() }}, nil
}

// scaleDocument is what every workflow holds.
const scaleDocument = `{"name":"name","nodes":[{"name":"Start","type":"n8n-nodes-base.manualTrigger","typeVersion":1,"position":[0,0],"parameters":{}}],"connections":{}}`

// filling has the words of both databases' statements put in.
func filling(a amount, words map[string]string, statements ...string) []string {
	pairs := []string{"{p}", a.prefix, "{owners}", fmt.Sprint(a.owners), "{workflows}", fmt.Sprint(a.workflows), "{executions}", fmt.Sprint(a.executions), "{document}", scaleDocument}
	for k, v := range words {
		pairs = append(pairs, k, v)
	}
	replace := strings.NewReplacer(pairs...)
	for i, s := range statements {
		statements[i] = replace.Replace(s)
	}
	return statements
}

const (
	scaleSearch = `CASE WHEN n % 500 = 7 THEN 'rarely' ELSE 'name' END`
	scaleStatus = `CASE WHEN n % 1000 = 7 THEN 'error' WHEN n % 1000 IN (8, 9) THEN 'waiting' ELSE 'success' END`
	scaleWaits  = `CASE n % 1000 WHEN 8 THEN '{"node":"Ask","kind":"approval"}' WHEN 9 THEN '{"node":"Wait","kind":"time"}' END`
)

func fillPostgres(a amount) []string {
	of := `'` + a.prefix + `-' || (n % {owners})`
	return filling(a, map[string]string{"{search}": scaleSearch, "{status}": scaleStatus, "{waits}": `convert_to(` + scaleWaits + `, 'UTF8')`, "{at}": "now() - n * interval '1 ms'"},
		`INSERT INTO workflows SELECT '{p}w' || n, `+of+`, 1, n % 100 = 5, now(), {at}, '[]', {search} FROM generate_series(0, {workflows} - 1) n`,
		`INSERT INTO workflow_versions SELECT '{p}w' || n, `+of+`, 1, now(), convert_to('{document}', 'UTF8') FROM generate_series(0, {workflows} - 1) n`,
		`INSERT INTO executions (id, owner_id, workflow_id, workflow_version, status, mode, executor, created_at, finished_at, seed, parent_id, retry_of, idempotency_key, engine_version, last_node, waiting_for)
			SELECT '{p}e' || n, `+of+`, '{p}w' || (n % {workflows}), 1, {status}, 'manual', '', {at}, CASE WHEN {status} <> 'waiting' THEN now() END, 0, '', '', '', '', '', {waits} FROM generate_series(0, {executions} - 1) n`,
		`INSERT INTO chat_sessions (id, owner_id, action, source_id, workflow_id, title, status, meta, created_at, updated_at)
			SELECT '{p}s' || n, `+of+`, 'create', '', '', '', 'active', '{}', {at}, now() FROM generate_series(0, {workflows} - 1) n`,
		`INSERT INTO files (id, owner_id, name, mime_type, size, sha256, created_at) SELECT '{p}f' || n, `+of+`, 'name', 'text/plain', 1, '', {at} FROM generate_series(0, {workflows} - 1) n`,
		`INSERT INTO credentials SELECT '{p}c' || n, `+of+`, 't', 'n' || n, {at}, now(), '' FROM generate_series(0, {workflows} - 1) n`,
		`VACUUM ANALYZE workflows, workflow_versions, executions, chat_sessions, files, credentials`)
}

func fillSQLite(a amount) []string {
	const upTo = `WITH RECURSIVE t(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM t WHERE n < `
	of := `'` + a.prefix + `-' || (n % {owners})`
	return filling(a, map[string]string{"{search}": scaleSearch, "{status}": scaleStatus, "{waits}": `CAST(` + scaleWaits + ` AS BLOB)`, "{at}": fmt.Sprintf("%d - n * 1000", time.Now().UnixMicro())},
		upTo+`{workflows} - 1) INSERT INTO workflows (id, owner_id, version, active, created_at, updated_at, tags, search) SELECT '{p}w' || n, `+of+`, 1, n % 100 = 5, 0, {at}, '[]', {search} FROM t`,
		upTo+`{workflows} - 1) INSERT INTO workflow_versions SELECT '{p}w' || n, 1, 0, CAST('{document}' AS BLOB) FROM t`,
		upTo+`{executions} - 1) INSERT INTO executions (id, owner_id, workflow_id, workflow_version, status, mode, executor, cancel_requested, created_at, started_at, finished_at, clock, seed, last_seq, parent_id, retry_of, idempotency_key, engine_version, last_node, runs_stored, waiting_for)
			SELECT '{p}e' || n, `+of+`, '{p}w' || (n % {workflows}), 1, {status}, 'manual', '', 0, {at}, 0, CASE WHEN {status} <> 'waiting' THEN {at} ELSE 0 END, 0, 0, 0, '', '', '', '', '', '{}', {waits} FROM t`,
		upTo+`{workflows} - 1) INSERT INTO chat_sessions (id, owner_id, action, source_id, workflow_id, title, status, meta, created_at, updated_at)
			SELECT '{p}s' || n, `+of+`, 'create', '', '', '', 'active', CAST('{}' AS BLOB), {at}, 0 FROM t`,
		upTo+`{workflows} - 1) INSERT INTO files (id, owner_id, name, mime_type, size, sha256, created_at) SELECT '{p}f' || n, `+of+`, 'name', 'text/plain', 1, '', {at} FROM t`,
		upTo+`{workflows} - 1) INSERT INTO credentials SELECT '{p}c' || n, `+of+`, 't', 'n' || n, {at}, 0, CAST('' AS BLOB) FROM t`,
		`ANALYZE`)
}
