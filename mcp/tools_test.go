package mcp

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"flowgate/internal/auth"
)

var update = flag.Bool("update", false, "write golden files anew")

// golden compares got with a file under testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; write it with: go test ./mcp -update", err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; when that is meant: go test ./mcp -update\n%s", name, got)
	}
}

func TestToolSnapshots(t *testing.T) {
	w := newWorld(t, nil)
	for _, c := range w.Service.Tools() {
		data, err := json.Marshal(toolOf(c))
		if err != nil {
			t.Fatal(err)
		}
		var pretty bytes.Buffer
		if err := json.Indent(&pretty, data, "", "  "); err != nil {
			t.Fatal(err)
		}
		pretty.WriteByte('\n')
		golden(t, "tools/"+c.Name+".json", pretty.Bytes())
	}
	files, err := filepath.Glob("testdata/tools/*.json")
	if err != nil || len(files) != len(w.Service.Tools()) {
		t.Errorf("%d snapshots for %d tools (%v): delete those of tools that are gone", len(files), len(w.Service.Tools()), err)
	}
}

func TestToolsAreComplete(t *testing.T) {
	w := newWorld(t, nil)
	for _, c := range w.Service.Tools() {
		tool := toolOf(c)
		for kind, raw := range map[string]json.RawMessage{"input": tool.RawInputSchema, "output": tool.RawOutputSchema} {
			var schema struct {
				Type       string
				Properties map[string]any
			}
			if err := json.Unmarshal(raw, &schema); err != nil || schema.Type != "object" || len(schema.Properties) == 0 {
				t.Errorf("%s: %s schema is empty: %s (%v)", c.Name, kind, raw, err)
			}
			doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
			if err != nil {
				t.Fatal(err)
			}
			compiler := jsonschema.NewCompiler()
			if err := compiler.AddResource("s.json", doc); err != nil {
				t.Fatal(err)
			}
			if _, err := compiler.Compile("s.json"); err != nil {
				t.Errorf("%s: %s schema does not compile: %v", c.Name, kind, err)
			}
		}
		a := tool.Annotations
		if a.ReadOnlyHint == nil || a.DestructiveHint == nil || a.IdempotentHint == nil || a.OpenWorldHint == nil {
			t.Errorf("%s: annotations are not all set", c.Name)
		}
		if *a.ReadOnlyHint && *a.DestructiveHint {
			t.Errorf("%s: read-only and destructive at once", c.Name)
		}
	}
}

func TestListFitsAModelsContext(t *testing.T) {
	w := newWorld(t, nil)
	data, err := json.Marshal(w.visible(&auth.Identity{Kind: auth.KindLocal}))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d tools, %d tokens", len(w.Service.Tools()), len(data)/4)
	if len(data)/4 >= 12_000 {
		t.Errorf("the tool list has %d tokens", len(data)/4)
	}
}

func TestInstructionsStandBeforeTheCut(t *testing.T) {
	head := instructions[:min(2048, len(instructions))]
	for _, word := range []string{"get_node_types", "get_node_details", "validate_workflow", "create_workflow", "execute_workflow", "get_execution", "activate_workflow"} {
		if !strings.Contains(head, word) {
			t.Errorf("%s is not in the first 2048 characters", word)
		}
	}
}

func TestListShowsWhatTheCallerMayCall(t *testing.T) {
	w := newWorld(t, nil)
	for _, scopes := range [][]string{{"workflows:read"}, {"tools:execute"}, {"tools:read"}, {"health:check"}, {"executions:read", "nodes:read"}} {
		key := w.key(t, owner, scopes...)
		id, err := w.Authenticator.Authenticate(t.Context(), auth.Presented{APIKey: key, Tier: auth.TierMCP})
		if err != nil {
			t.Fatal(err)
		}
		want := []string{}
		for _, c := range w.Service.Visible(id) {
			want = append(want, c.Name)
		}
		r := w.send(t, "POST", `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`, "X-API-Key", key, "Mcp-Session-Id", w.session(t, key))
		tools, ok := r.result()["tools"].([]any)
		if !ok {
			t.Fatalf("%v: %s", scopes, r.body)
		}
		got := []string{}
		for _, tool := range tools {
			got = append(got, tool.(map[string]any)["name"].(string))
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%v: list shows %v, want %v", scopes, got, want)
		}
	}
}
