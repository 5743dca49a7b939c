package app_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"flowgate/internal/app"
	"flowgate/internal/config"
	"flowgate/internal/migrate"
	"flowgate/internal/workflow"
)

const (
	ada          = "00000000-0000-4000-8000-00000000000a"
	firstSession = "10000000-0000-4000-8000-000000000001"
	workflowIDs  = "20000000-0000-4000-8000-00000000000"
)

// earlierDatabase is one that an earlier gateway filled.
func earlierDatabase(t *testing.T) string {
	t.Helper()
	source := newPostgres(t).url
	statements, err := os.ReadFile("testdata/earlier.sql")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), string(statements)); err != nil {
		t.Fatal(err)
	}
	return source
}

func openCore(t *testing.T, b *backend) *app.Core {
	t.Helper()
	flags := map[string]string{"data_dir": b.folder, "environment": "development"}
	if b.url != "" {
		flags["database_url"] = b.url
	}
	cfg, err := config.Load(config.Source{Flags: flags})
	if err != nil {
		t.Fatal(err)
	}
	core, err := app.OpenCore(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = core.Close() })
	return core
}

func counts(tables []migrate.Table) map[string][4]int {
	out := map[string][4]int{}
	for _, t := range tables {
		out[t.Name] = [4]int{t.Found, t.Brought, t.Present, t.Refused}
	}
	return out
}

// TestMigrateData brings an earlier gateway's database over, dry, interrupted,
// whole, and once more.
func TestMigrateData(t *testing.T) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, b *backend) {
		source, core := earlierDatabase(t), openCore(t, b)
		want := map[string][4]int{"auth.users": {1, 1, 0, 0}, "sessions": {3, 2, 0, 1}, "chats": {4, 3, 0, 1}, "workflow_agent_states": {1, 1, 0, 0}, "workflows": {5, 3, 0, 2}}
		run := func(ctx context.Context, dry bool, progress func(string, int, int)) ([]migrate.Table, error) {
			return core.MigrateData(ctx, source, dry, progress)
		}
		tables, err := run(t.Context(), true, nil)
		if got := counts(tables); err != nil || !equalMaps(got, want) {
			t.Fatalf("dry: %v, %v", got, err)
		}
		if _, err := core.Store.Session(t.Context(), ada, firstSession); workflow.CodeOf(err) != workflow.CodeNotFound {
			t.Fatalf("a dry run wrote: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		if _, err := run(ctx, false, func(table string, done, _ int) {
			if table == "chats" && done == 2 {
				cancel()
			}
		}); !errors.Is(err, context.Canceled) && workflow.CodeOf(err) != workflow.CodeCancelled {
			t.Fatalf("interrupted: %v", err)
		}
		tables, err = run(t.Context(), false, nil)
		if got := counts(tables); err != nil || got["chats"] != [4]int{4, 1, 2, 1} || got["workflows"] != want["workflows"] {
			t.Fatalf("resumed: %v, %v", got, err)
		}
		checkConversation(t, core)
		checkWorkflows(t, core, tables)
		tables, err = run(t.Context(), false, nil)
		again := map[string][4]int{"auth.users": {1, 0, 1, 0}, "sessions": {3, 0, 2, 1}, "chats": {4, 0, 3, 1}, "workflow_agent_states": {1, 0, 1, 0}, "workflows": {5, 0, 3, 2}}
		if got := counts(tables); err != nil || !equalMaps(got, again) {
			t.Fatalf("again: %v, %v", got, err)
		}
	})
}

func equalMaps(a, b map[string][4]int) bool {
	x, _ := json.Marshal(a) //nolint:errchkjson // numbers
	y, _ := json.Marshal(b) //nolint:errchkjson // numbers
	return string(x) == string(y)
}

func checkConversation(t *testing.T, core *app.Core) {
	t.Helper()
	ctx := t.Context()
	s, err := core.Store.Session(ctx, ada, firstSession)
	if err != nil || s.WorkflowID != workflowIDs+"2" || !s.CreatedAt.Equal(time.Date(2025, 8, 6, 17, 0, 0, 0, time.UTC)) || !strings.Contains(string(s.Meta), "web") {
		t.Errorf("session %+v, %v", s, err)
	}
	list, _, err := core.Store.ListMessages(ctx, ada, firstSession, 0, 10)
	var said []string
	for _, m := range list {
		said = append(said, m.Type+": "+m.Content)
	}
	if want := []string{"user: Check a page each morning", "assistant: Which page?", "system: looked it up"}; err != nil || !slices.Equal(said, want) {
		t.Errorf("messages %q, %v", said, err)
	}
	state, err := core.Store.State(ctx, ada, firstSession)
	if err != nil || state == nil {
		t.Fatal(state, err)
	}
	if state.Stage != workflow.StageNegotiation || state.Clarification.Collected["when"] != "morning" || !slices.Equal(state.Clarification.Pending, []string{"Which page?"}) ||
		len(state.Conversations) != 2 || state.Conversations[1].Text != "Which page?" || len(state.Alternatives) != 2 || state.Alternatives[1].Title != "Do nothing" ||
		!slices.Equal(state.History, []string{"clarification", "negotiation"}) || state.Document != `{"nodes": []}` || state.UserID != ada || state.DebugLoops != 1 {
		t.Errorf("state %+v", state)
	}
}

func checkWorkflows(t *testing.T, core *app.Core, tables []migrate.Table) {
	t.Helper()
	read := func(n string) *workflow.Workflow {
		w, err := core.Store.Workflow(t.Context(), ada, workflowIDs+n)
		if err != nil {
			t.Fatal(n, err)
		}
		return w
	}
	if w := read("1"); w.Active || w.Document.Name != "Plain" || !slices.Equal(w.Document.Tags, []string{"old"}) || !w.CreatedAt.Equal(time.Unix(1754499600, 0)) {
		t.Errorf("%+v", w)
	}
	w := read("2")
	var types []string
	for _, n := range w.Document.Nodes {
		types = append(types, n.Type)
	}
	if want := []string{"n8n-nodes-base.scheduleTrigger", "n8n-nodes-base.httpRequest", "FLOW.IF", "EXTERNAL_ACTION.SLACK"}; !slices.Equal(types, want) {
		t.Errorf("types %q", types)
	}
	if v, _ := w.Document.Nodes[3].Parameters.Get("message"); v != "changed" || w.Document.Settings.Timezone != "Europe/Paris" || !w.CreatedAt.Equal(time.Unix(1754499600, 0)) {
		t.Errorf("%+v", w)
	}
	if to := w.Document.Connections.MainOutputs("changed"); len(to) != 2 || len(to[0]) != 0 || to[1][0].Node != "tell" {
		t.Errorf("connections %v", w.Document.Connections)
	}
	if to := read("3").Document.Connections.MainOutputs("Hook"); len(to) != 1 || to[0][0].Node != "Later" {
		t.Errorf("connections %v", to)
	}
	remarks := map[string]string{}
	for _, r := range tables[len(tables)-1].Remarks {
		remarks[r.ID] += r.Text + "\n"
	}
	for n, part := range map[string]string{"1": "in use there", "2": "node tell: there is no node of the type EXTERNAL_ACTION.SLACK here", "4": "not a JSON object", "5": "belongs to nobody"} {
		if !strings.Contains(remarks[workflowIDs+n], part) {
			t.Errorf("remark on %s: %q, want %q in it", n, remarks[workflowIDs+n], part)
		}
	}
	if remarks[workflowIDs+"3"] != "" {
		t.Errorf("remarks on what runs as it is: %s", remarks[workflowIDs+"3"])
	}
}

// TestMigrateDataCommand has the program do it, and refuse what is no such
// database.
func TestMigrateDataCommand(t *testing.T) {
	t.Parallel()
	source, dir := earlierDatabase(t), t.TempDir()
	var out struct {
		DryRun bool            `json:"dry_run"`
		Tables []migrate.Table `json:"tables"`
	}
	flowgateJSON(t, &out, "migrate", "data", "--from", source, "--data-dir", dir, "--json")
	if got := counts(out.Tables); out.DryRun || got["workflows"] != [4]int{5, 3, 0, 2} {
		t.Errorf("%v", got)
	}
	for _, c := range []struct{ from, says string }{
		{newPostgres(t).url, "none of the tables"}, {"mysql://x", "must be like postgres://"}, {"", "MIGRATE_FROM"}, {"postgres://x:secret@127.0.0.1:1/x", "cannot be reached"},
	} {
		cmd := exec.Command(binary(t), "migrate", "data", "--from", c.from, "--data-dir", dir)
		cmd.Env = cleanEnv()
		if said, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(said), c.says) || strings.Contains(string(said), "secret") {
			t.Errorf("%q: %v\n%s", c.from, err, said)
		}
	}
}
