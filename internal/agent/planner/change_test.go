package planner_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"flowgate/internal/agent/planner"
	"flowgate/internal/workflow"
)

// changed has the offline planner change a document, which is JSON.
func changed(t *testing.T, document, wish string) *workflow.Document {
	t.Helper()
	doc := &workflow.Document{}
	if err := json.Unmarshal([]byte(document), doc); err != nil {
		t.Fatal(err)
	}
	p, err := offline().Plan(t.Context(), planner.Request{Origin: "edit", Wish: []string{wish}, Document: doc})
	if err != nil {
		t.Fatal(err)
	}
	if p.Document == nil {
		t.Fatalf("%q changed nothing: %+v", wish, p)
	}
	return p.Document
}

// TestNewTriggerIsReferredTo replaces a trigger that values are taken from,
// also where its new name is another node's.
func TestNewTriggerIsReferredTo(t *testing.T) {
	t.Parallel()
	const document = `{"name": "x", "nodes": [
		{"id": "1", "name": "Start", "type": "n8n-nodes-base.manualTrigger", "typeVersion": 1, "position": [0, 0], "parameters": {}},
		{"id": "2", "name": "Schedule", "type": "n8n-nodes-base.noOp", "typeVersion": 1, "position": [220, 0], "parameters": {}},
		{"id": "3", "name": "Schedule 2", "type": "n8n-nodes-base.set", "typeVersion": 3.4, "position": [440, 0], "parameters": {"assignments": {"assignments": [
			{"id": "a", "name": "began", "type": "string", "value": "={{ $('Start').item.json.timestamp }}"}]}}}],
		"connections": {"Start": {"main": [[{"node": "Schedule", "type": "main", "index": 0}]]}, "Schedule": {"main": [[{"node": "Schedule 2", "type": "main", "index": 0}]]}}}`
	doc := changed(t, document, "run it every hour")
	if got := graph(doc); got != "noOp > set, scheduleTrigger > noOp" {
		t.Errorf("it gave %s", got)
	}
	seen := map[string]bool{}
	for _, n := range doc.Nodes {
		if seen[n.Name] {
			t.Errorf("two nodes are called %q", n.Name)
		}
		seen[n.Name] = true
	}
	data, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	if want := "$('" + doc.Nodes[0].Name + "').item.json.timestamp"; !strings.Contains(string(data), want) {
		t.Errorf("it does not hold %s: %s", want, data)
	}
}

// TestTurnsStepsOnAndOff says so with and without a capital.
func TestTurnsStepsOnAndOff(t *testing.T) {
	t.Parallel()
	const document = `{"name": "x", "nodes": [
		{"id": "1", "name": "Start", "type": "n8n-nodes-base.manualTrigger", "typeVersion": 1, "position": [0, 0], "parameters": {}},
		{"id": "2", "name": "First ones", "type": "n8n-nodes-base.limit", "typeVersion": 1, "position": [220, 0], "parameters": {"maxItems": 5}, "disabled": %t}],
		"connections": {"Start": {"main": [[{"node": "First ones", "type": "main", "index": 0}]]}}}`
	for wish, disabled := range map[string]bool{
		"turn on the limit step": false, "Turn on the limit step": false, "Please turn on the limit step": false, "TURN ON the limit step": false,
		"enable the limit step": false, "Enable the limit step": false, "启用限制步骤": false,
		"turn off the limit step": true, "Turn off the limit step": true, "disable the limit step": true, "Disable the limit step": true,
		"Deactivate the limit step": true, "停用限制步骤": true, "禁用限制步骤": true,
	} {
		doc := changed(t, fmt.Sprintf(document, !disabled), wish)
		if len(doc.Nodes) != 2 || doc.Nodes[1].Disabled != disabled {
			t.Errorf("%q gave %d nodes, disabled: %v", wish, len(doc.Nodes), doc.Nodes[1].Disabled)
		}
	}
}

// TestPlansAreAlike has what could be chosen in any order chosen in one.
func TestPlansAreAlike(t *testing.T) {
	t.Parallel()
	const document = `{"name": "x", "nodes": [
		{"id": "1", "name": "By hand", "type": "n8n-nodes-base.manualTrigger", "typeVersion": 1, "position": [0, 0], "parameters": {}},
		{"id": "2", "name": "One", "type": "n8n-nodes-base.noOp", "typeVersion": 1, "position": [220, 0], "parameters": {}},
		{"id": "3", "name": "Two", "type": "n8n-nodes-base.noOp", "typeVersion": 1, "position": [220, 180], "parameters": {}},
		{"id": "4", "name": "Out", "type": "n8n-nodes-base.httpRequest", "typeVersion": 4.2, "position": [440, 0], "parameters": {"method": "POST", "url": "https://a.test/x"}}],
		"connections": {"By hand": {"main": [[{"node": "One", "type": "main", "index": 0}, {"node": "Two", "type": "main", "index": 0}]]},
			"One": {"main": [[{"node": "Out", "type": "main", "index": 0}]]}, "Two": {"main": [[{"node": "Out", "type": "main", "index": 0}]]}}}`
	o := offline()
	for range 100 {
		doc := changed(t, document, "also send it to https://b.test/y")
		data, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(data), "$('One')") {
			t.Fatalf("it does not take its values from the first of the two: %s", data)
		}
		p := plan(t, o, "Wait 5 minutes (see https://one.test/a and https://two.test/b), then keep the first 3", nil)
		if len(p.Gaps) != 1 || !strings.Contains(p.Gaps[0], "https://one.test/a") {
			t.Fatalf("it names %v", p.Gaps)
		}
	}
}
