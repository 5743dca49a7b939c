package mcp

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// TestResultsFitTheirSchemas stands in for the library's check of results,
// which would turn a call that worked into an error.
func TestResultsFitTheirSchemas(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.MaxResult = 3000 })
	key := w.key(t, owner, "tools:execute")
	session, id := w.session(t, key), w.workflow(t)
	w.agent.run = emitNodes(40) // more than fits: results are cut
	ref := `{"workflow_id":"` + id + `"}`
	ran := w.progressCall(t, key, session, id)
	structured, _ := ran.result()["structuredContent"].(map[string]any)
	execution, _ := structured["execution_id"].(string)
	if !strings.HasPrefix(ran.text(), "CUT: ") {
		t.Errorf("not cut: %s", ran.text())
	}
	w.fits(t, "execute_workflow", ran)
	for _, call := range [][2]string{
		{"search_workflows", `{}`}, {"get_workflow", ref}, {"get_workflow", `{"workflow_id":"` + id + `","detail":"summary"}`},
		{"create_workflow", `{"name":"x","nodes":[{"type":"t.manual","name":"a"}]}`}, {"update_workflow", `{"workflow_id":"` + id + `","name":"y","version":1}`},
		{"validate_workflow", ref}, {"deactivate_workflow", ref}, {"list_executions", ref},
		{"get_execution", `{"execution_id":"` + execution + `","detail":"nodes"}`}, {"get_execution_logs", `{"execution_id":"` + execution + `"}`},
		{"get_node_types", `{}`}, {"get_node_details", `{"nodes":[{"type":"t.manual"},{"type":"nope"}]}`},
		{"execute_workflow", `{"workflow_id":"` + id + `","inputs":{"a":{"b":[1,"x",null]}}}`},
		{"delete_workflow", `{"workflow_id":"` + id + `","confirm":true}`},
	} {
		w.fits(t, call[0], w.call(t, key, session, call[0], call[1]))
	}
}

func (w *world) fits(t *testing.T, tool string, r reply) {
	t.Helper()
	content := r.result()["structuredContent"]
	if r.status != 200 || r.result()["isError"] == true || content == nil {
		t.Errorf("%s: %d %s", tool, r.status, r.body)
		return
	}
	compile := func(raw json.RawMessage) *jsonschema.Schema {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		c := jsonschema.NewCompiler()
		if err := c.AddResource("s.json", doc); err != nil {
			t.Fatal(err)
		}
		return c.MustCompile("s.json")
	}
	if err := compile(w.Service.Capability(tool).Output.JSON).Validate(content); err != nil {
		t.Errorf("%s: the result does not fit its schema: %v", tool, err)
	}
}
