package mcp

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"flowgate/internal/workflow"
)

// progressCall runs a workflow with a progress token.
func (w *world) progressCall(t testing.TB, key, session, id string) reply {
	t.Helper()
	return w.send(t, "POST", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"execute_workflow","arguments":{"workflow_id":"`+id+`"},"_meta":{"progressToken":"tok"}}}`,
		"X-API-Key", key, "Mcp-Session-Id", session, "Mcp-Protocol-Version", "2025-11-25")
}

// emitNodes says of n nodes that they started and finished, at once.
func emitNodes(n int) func(context.Context, func(workflow.Event) error) error {
	return func(_ context.Context, emit func(workflow.Event) error) error {
		for i := range n {
			name := fmt.Sprintf("Node %d", i)
			if err := emit(workflow.Event{Type: workflow.EventNodeStarted, Node: name}); err != nil {
				return err
			}
			if err := emit(workflow.Event{Type: workflow.EventNodeFinished, Node: name, ItemCounts: []int{i}, DurationMS: 1}); err != nil {
				return err
			}
		}
		return emit(workflow.Event{Type: workflow.EventFinished, Status: workflow.StatusSuccess})
	}
}

func TestEveryProgressArrivesBeforeTheResult(t *testing.T) {
	w := newWorld(t, nil)
	w.agent.run = emitNodes(100)
	key := w.key(t, owner, "tools:execute")
	id := w.workflow(t)
	replies := map[string]reply{
		"2025-11-25": w.progressCall(t, key, w.session(t, key), id),
		"2026-07-28": w.modern(t, key, "tools/call", "execute_workflow", `"name":"execute_workflow","arguments":{"workflow_id":"`+id+`"}`),
	}
	for name, r := range replies {
		if len(r.messages) != 201 || r.result() == nil || r.last()["id"] != 1.0 {
			t.Fatalf("%s: %d messages: %.300s", name, len(r.messages), r.body)
		}
		last := 0.0
		for _, m := range r.messages[:200] {
			params, _ := m["params"].(map[string]any)
			n, _ := params["progress"].(float64)
			if m["method"] != "notifications/progress" || n != last+1 || (params["progressToken"] != "tok" && params["progressToken"] != 7.0) {
				t.Fatalf("%s: %v", name, m)
			}
			last = n
		}
		structured := r.result()["structuredContent"].(map[string]any)
		if nodes, _ := structured["nodes"].([]any); len(nodes) != 100 || !strings.Contains(r.text(), "Node 99 #0 success [99]") {
			t.Errorf("%s: the result does not repeat what was said: %.500s", name, r.text())
		}
	}
}

func TestNoProgressForThoseWhoDoNotAsk(t *testing.T) {
	w := newWorld(t, nil)
	w.agent.run = emitNodes(2)
	key := w.key(t, owner, "tools:execute")
	session, id := w.session(t, key), w.workflow(t)
	r := w.call(t, key, session, "execute_workflow", `{"workflow_id":"`+id+`"}`)
	if len(r.messages) != 1 || !strings.HasPrefix(r.header.Get("Content-Type"), "application/json") {
		t.Errorf("without a token: %s", r.body)
	}
	r = w.send(t, "POST", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"execute_workflow","arguments":{"workflow_id":"`+id+`"},"_meta":{"progressToken":"tok"}}}`,
		"X-API-Key", key, "Mcp-Session-Id", session, "Accept", "application/json")
	if len(r.messages) != 1 || !strings.HasPrefix(r.header.Get("Content-Type"), "application/json") || !strings.Contains(r.text(), "Node 1") {
		t.Errorf("to a client that takes no streams: %s", r.body)
	}
}
