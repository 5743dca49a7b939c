package service

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"flowgate/internal/workflow"
	"flowgate/store/sqlite"
)

// drafts is a catalogue that finds nothing wrong; nodes of the type "hook"
// are webhooks at the path that their parameters name.
type drafts struct{ Catalogue }

func (drafts) NodeTypes() []workflow.NodeType {
	return []workflow.NodeType{{Type: "hook", Category: workflow.CategoryTrigger, Versions: []float64{1}}}
}
func (drafts) Normalize(d *workflow.Document) { workflow.Normalize(d, nil) }
func (drafts) Validate(*workflow.Document) workflow.Validation {
	return workflow.Validation{Valid: true, Errors: []workflow.Finding{}, Warnings: []workflow.Finding{}}
}
func (drafts) Forms(context.Context, *workflow.Document) []Form { return nil }
func (drafts) Webhooks(d *workflow.Document) []workflow.WebhookTrigger {
	var out []workflow.WebhookTrigger
	for i := range d.Nodes {
		if path, ok := d.Nodes[i].Parameters.Value("path").(string); ok && d.Nodes[i].Type == "hook" {
			out = append(out, workflow.WebhookTrigger{Path: path, Method: "POST", Node: d.Nodes[i].Name})
		}
	}
	return out
}

func newDrafts(t *testing.T) (*Service, context.Context) {
	t.Helper()
	st, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "t.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	s, err := New(Options{Store: st, Catalogue: drafts{}})
	if err != nil {
		t.Fatal(err)
	}
	return s, as(t, "ada")
}

// must calls a capability and returns its result.
func must[T any](t *testing.T, ctx context.Context, s *Service, name, args string) *T {
	t.Helper()
	out, err := s.Call(ctx, name, json.RawMessage(args))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return out.(*T)
}

const threeNodes = `{"name":"Orders","tags":["a"],"nodes":[
	{"name":"Hook","type":"hook","parameters":{"path":"orders"}},
	{"name":"Fetch","type":"http","parameters":{"url":"https://a.test","options":{"timeout":5,"proxy":"p"}},"credentials":{"httpHeaderAuth":{"id":"7","name":"shop"}}},
	{"name":"Tell","type":"set","parameters":{"text":"={{ $('Fetch').item.json.id }}"}}],
	"connections":{"Hook":{"main":[[{"node":"Fetch","type":"main","index":0}]]},"Fetch":{"main":[[{"node":"Tell","type":"main","index":0}]]}},
	"settings":{"timezone":"UTC"}}`

func TestOperations(t *testing.T) {
	t.Parallel()
	s, ctx := newDrafts(t)
	id := must[Saved](t, ctx, s, "create_workflow", threeNodes).WorkflowID
	saved := must[Saved](t, ctx, s, "update_workflow", `{"workflow_id":"`+id+`","version":1,"operations":[
		{"op":"update_node","name":"Fetch","set":{"disabled":true,"parameters":{"url":"https://b.test","options":{"proxy":null,"redirect":2}}}},
		{"op":"rename_node","name":"Fetch","to":"Get it"},
		{"op":"add_node","node":{"name":"Also","type":"set"}},
		{"op":"connect","from":"Get it","to":"Also","output":1},
		{"op":"connect","from":"Also","to":"Tell"},
		{"op":"disconnect","from":"Get it","to":"Tell"},
		{"op":"set_settings","set":{"executionTimeout":9}},
		{"op":"rename_workflow","name":"Orders 2"},
		{"op":"set_description","text":"of the shop"},
		{"op":"set_tags","tags":["b","c"]}]}`)
	if saved.Version != 2 || saved.Name != "Orders 2" {
		t.Fatalf("saved %+v", saved)
	}
	w := must[WorkflowView](t, ctx, s, "get_workflow", `{"workflow_id":"`+id+`"}`)
	got, err := json.Marshal(map[string]any{"c": w.Connections, "s": w.Settings, "t": w.Tags, "d": w.Description, "p": w.Nodes[1].Parameters, "off": w.Nodes[1].Disabled,
		"name": w.Nodes[1].Name, "cred": w.Nodes[1].Credentials, "ref": w.Nodes[2].Parameters, "new": w.Nodes[3].Name, "beside": w.Nodes[3].Position[0] > w.Nodes[2].Position[0]})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"beside":true,"c":{"Also":{"main":[[{"node":"Tell","type":"main","index":0}]]},"Get it":{"main":[[],[{"node":"Also","type":"main","index":0}]]},` +
		`"Hook":{"main":[[{"node":"Get it","type":"main","index":0}]]}},"cred":{"httpHeaderAuth":{"id":"7","name":"shop"}},"d":"of the shop","name":"Get it","new":"Also","off":true,` +
		`"p":{"url":"https://b.test","options":{"timeout":5,"redirect":2}},"ref":{"text":"={{ $('Get it').item.json.id }}"},"s":{"executionOrder":"v1","timezone":"UTC","executionTimeout":9},"t":["b","c"]}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	must[Saved](t, ctx, s, "update_workflow", `{"workflow_id":"`+id+`","operations":[{"op":"remove_node","name":"Also"}]}`)
	w = must[WorkflowView](t, ctx, s, "get_workflow", `{"workflow_id":"`+id+`"}`)
	if got := asText(t, w.Connections); got != `{"Hook":{"main":[[{"node":"Get it","type":"main","index":0}]]}}` || len(w.Nodes) != 3 {
		t.Errorf("after a removal: %s", got)
	}
}

func asText(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestOperationsAreAllOrNothing(t *testing.T) {
	t.Parallel()
	s, ctx := newDrafts(t)
	id := must[Saved](t, ctx, s, "create_workflow", threeNodes).WorkflowID
	before := asText(t, must[WorkflowView](t, ctx, s, "get_workflow", `{"workflow_id":"`+id+`"}`))
	for last, says := range map[string]string{
		`{"op":"remove_node","name":"Nope"}`:                          `no node named "Nope"; there are Hook, Fetch, Tell, X`,
		`{"op":"add_node","node":{"name":"Hook","type":"set"}}`:       `a node named "Hook" already`,
		`{"op":"add_node","node":{"type":"set"}}`:                     "node.name is missing",
		`{"op":"rename_node","name":"Hook","to":"Tell"}`:              `a node named "Tell" already`,
		`{"op":"rename_node","name":"Hook"}`:                          "to is missing",
		`{"op":"update_node","name":"Hook"}`:                          "set is missing",
		`{"op":"update_node","name":"Hook","set":{"name":"New"}}`:     "use rename_node",
		`{"op":"update_node","name":"Hook","set":{"type":null}}`:      "a node needs a type",
		`{"op":"connect","from":"Hook","to":"Nope"}`:                  `to: there is no node named "Nope"`,
		`{"op":"connect","from":"Hook"}`:                              "to is missing",
		`{"op":"disconnect","from":"Hook","to":"Tell"}`:               "is not connected",
		`{"op":"disconnect","from":"Hook","to":"Fetch","output":1}`:   "is not connected",
		`{"op":"rename_workflow","name":" "}`:                         "name is missing",
		`{"op":"explode"}`:                                            "must be one of",
		`{"op":"connect","from":"Hook","to":"Fetch","output":100000}`: "at most 100",
	} {
		_, err := s.Call(ctx, "update_workflow", json.RawMessage(`{"workflow_id":"`+id+`","operations":[{"op":"add_node","node":{"name":"X","type":"set"}},`+last+`]}`))
		if workflow.CodeOf(err) != workflow.CodeInvalid || !strings.Contains(workflow.MessageOf(err), says) || !strings.Contains(workflow.MessageOf(err), "operations[1]") {
			t.Errorf("%s: %v", last, err)
		}
	}
	for args, code := range map[string]workflow.Code{
		`"operations":[]`: workflow.CodeInvalid,
		`"operations":[{"op":"set_tags"}],"nodes":[]`:  workflow.CodeInvalid,
		`"version":7,"operations":[{"op":"set_tags"}]`: workflow.CodeConflict,
	} {
		if _, err := s.Call(ctx, "update_workflow", json.RawMessage(`{"workflow_id":"`+id+`",`+args+`}`)); workflow.CodeOf(err) != code {
			t.Errorf("%s: %v", args, err)
		}
	}
	if after := asText(t, must[WorkflowView](t, ctx, s, "get_workflow", `{"workflow_id":"`+id+`"}`)); after != before {
		t.Errorf("a refused change left\n%s\nwas\n%s", after, before)
	}
}

func TestCredentialsSurviveAWholeUpdate(t *testing.T) {
	t.Parallel()
	s, ctx := newDrafts(t)
	id := must[Saved](t, ctx, s, "create_workflow", threeNodes).WorkflowID
	has := func() bool {
		return len(must[WorkflowView](t, ctx, s, "get_workflow", `{"workflow_id":"`+id+`"}`).Nodes[0].Credentials) > 0
	}
	must[Saved](t, ctx, s, "update_workflow", `{"workflow_id":"`+id+`","nodes":[{"name":"Fetch","type":"http","parameters":{}}]}`)
	if !has() {
		t.Error("a node that came back without credentials lost them")
	}
	must[Saved](t, ctx, s, "update_workflow", `{"workflow_id":"`+id+`","nodes":[{"name":"Fetch","type":"http","parameters":{},"credentials":{}}]}`)
	if has() {
		t.Error("credentials stayed though they were taken away")
	}
}

func TestClashingPathIsRefusedBeforeItIsSaved(t *testing.T) {
	t.Parallel()
	s, ctx := newDrafts(t)
	id := must[Saved](t, ctx, s, "create_workflow", threeNodes).WorkflowID
	must[Activation](t, ctx, s, "activate_workflow", `{"workflow_id":"`+id+`"}`)
	other := must[Saved](t, as(t, "bob"), s, "create_workflow", strings.Replace(threeNodes, `"orders"`, `"taken"`, 1)).WorkflowID
	must[Activation](t, as(t, "bob"), s, "activate_workflow", `{"workflow_id":"`+other+`"}`)
	move := func(path string) (any, error) {
		return s.Call(ctx, "update_workflow", json.RawMessage(`{"workflow_id":"`+id+`","operations":[{"op":"update_node","name":"Hook","set":{"parameters":{"path":"`+path+`"}}}]}`))
	}
	if _, err := move("taken"); workflow.CodeOf(err) != workflow.CodeConflict {
		t.Fatalf("the path of another workflow: %v", err)
	}
	w := must[WorkflowView](t, ctx, s, "get_workflow", `{"workflow_id":"`+id+`"}`)
	if w.Version != 1 || w.Nodes[0].Parameters.Value("path") != "orders" {
		t.Errorf("version %d was saved: %s", w.Version, asText(t, w.Nodes[0]))
	}
	if _, err := move("free"); err != nil {
		t.Fatal(err)
	}
	if h, err := s.Store.Webhook(ctx, "POST", "free"); err != nil || h.WorkflowID != id {
		t.Errorf("the new path is not armed: %v", err)
	}
	if _, err := s.Store.Webhook(ctx, "POST", "orders"); workflow.CodeOf(err) != workflow.CodeNotFound {
		t.Errorf("the old path is still armed: %v", err)
	}
}

func TestVersions(t *testing.T) {
	t.Parallel()
	s, ctx := newDrafts(t)
	id := must[Saved](t, ctx, s, "create_workflow", threeNodes).WorkflowID
	must[Saved](t, ctx, s, "update_workflow", `{"workflow_id":"`+id+`","operations":[{"op":"remove_node","name":"Tell"},{"op":"add_node","node":{"name":"X","type":"set"}}]}`)
	must[Saved](t, ctx, s, "update_workflow", `{"workflow_id":"`+id+`","name":"Third"}`)
	page := must[ListVersionsOutput](t, ctx, s, "list_workflow_versions", `{"workflow_id":"`+id+`","limit":2}`)
	if len(page.Versions) != 2 || !page.Versions[0].Newest || page.Versions[0].Name != "Third" || page.Versions[1].Changes != "added X; removed Tell; connections changed" || page.NextCursor != "2" {
		t.Errorf("first page %s", asText(t, page))
	}
	page = must[ListVersionsOutput](t, ctx, s, "list_workflow_versions", `{"workflow_id":"`+id+`","limit":2,"cursor":"`+page.NextCursor+`"}`)
	if len(page.Versions) != 1 || page.Versions[0].Version != 1 || page.NextCursor != "" {
		t.Errorf("second page %s", asText(t, page))
	}
	old := must[WorkflowView](t, ctx, s, "get_workflow", `{"workflow_id":"`+id+`","version":1}`)
	saved := must[Saved](t, ctx, s, "restore_workflow_version", `{"workflow_id":"`+id+`","version":1}`)
	now := must[WorkflowView](t, ctx, s, "get_workflow", `{"workflow_id":"`+id+`"}`)
	if saved.Version != 4 || asText(t, now.Nodes) != asText(t, old.Nodes) || asText(t, now.Connections) != asText(t, old.Connections) || now.Name != "Orders" {
		t.Errorf("restored %s", asText(t, now))
	}
	for args, code := range map[string]workflow.Code{`"version":9`: workflow.CodeNotFound, `"version":0`: workflow.CodeInvalid} {
		if _, err := s.Call(ctx, "restore_workflow_version", json.RawMessage(`{"workflow_id":"`+id+`",`+args+`}`)); workflow.CodeOf(err) != code {
			t.Errorf("%s: %v", args, err)
		}
	}
	for _, name := range []string{"restore_workflow_version", "list_workflow_versions"} {
		args := `{"workflow_id":"` + id + `"}`
		if name == "restore_workflow_version" {
			args = `{"workflow_id":"` + id + `","version":1}`
		}
		if _, err := s.Call(as(t, "bob"), name, json.RawMessage(args)); workflow.CodeOf(err) != workflow.CodeNotFound {
			t.Errorf("%s by another: %v", name, err)
		}
	}
}

func TestWorkflowsBySort(t *testing.T) {
	t.Parallel()
	s, ctx := newDrafts(t)
	for _, name := range []string{"beta", "Alpha", "gamma"} {
		must[Saved](t, ctx, s, "create_workflow", strings.Replace(threeNodes, "Orders", name, 1))
	}
	for sort, want := range map[string]string{"": "gamma Alpha beta", "oldest": "beta Alpha gamma", "name": "Alpha beta gamma", "name_desc": "gamma beta Alpha"} {
		var got []string
		cursor := ""
		for range 3 {
			page := must[SearchWorkflowsOutput](t, ctx, s, "search_workflows", `{"limit":1,"cursor":"`+cursor+`"`+sorted(sort)+`}`)
			got = append(got, page.Workflows[0].Name)
			cursor = page.NextCursor
		}
		if strings.Join(got, " ") != want || cursor != "" {
			t.Errorf("%s: %v, then %q", sort, got, cursor)
		}
	}
}

func sorted(by string) string {
	if by == "" {
		return ""
	}
	return `,"sort":"` + by + `"`
}
