package service

import (
	"encoding/json"
	"strings"
	"testing"

	"flowgate/internal/workflow"
)

func TestToolNames(t *testing.T) {
	t.Parallel()
	named := func(pairs ...string) map[string]string {
		var list []*workflow.Workflow
		for i := 0; i < len(pairs); i += 2 {
			list = append(list, &workflow.Workflow{ID: pairs[i], Document: workflow.Document{Name: pairs[i+1]}})
		}
		out := map[string]string{}
		for i, name := range toolNames(list) {
			out[list[i].ID] = name
		}
		return out
	}
	long := strings.Repeat("long ", 40)
	all := named("a", "Send Invoice", "b", "send  invoice!", "c", "日本", "d", "--a--", "e", long, "f", long+"er", "g", "Send invoice"+toolMark("a"))
	for id, want := range map[string]string{"a": "run_send_invoice" + toolMark("a"), "b": "run_send_invoice" + toolMark("b"), "c": "run_workflow", "d": "run_a",
		"g": "run_send_invoice" + toolMark("a") + toolMark("g")} {
		if all[id] != want {
			t.Errorf("%s is named %q, want %q", id, all[id], want)
		}
	}
	seen := map[string]bool{}
	for id, name := range all {
		if seen[name] || len(name) > maxToolName {
			t.Errorf("%s is named %q", id, name)
		}
		seen[name] = true
	}
	// Of two that shared a name, one goes and another comes: no name that was
	// given out becomes somebody else's.
	if now := named("b", "send invoice", "z", "Send Invoice"); now["b"] != all["b"] || now["z"] == all["a"] {
		t.Errorf("after a change: %v, before: %v", now, all)
	}
	if now := named("b", "send invoice"); now["b"] != "run_send_invoice" {
		t.Errorf("alone: %v", now)
	}
}

func TestDeclaredInputs(t *testing.T) {
	t.Parallel()
	for parameters, want := range map[string]string{
		`{"workflowInputs":{"values":[{"name":"a"},{"name":"n","type":"number"},{"name":"x","type":"any"},{"name":"a"}]}}`: `{"type":"object","properties":{"a":{"type":"string"},"n":{"type":"number"},"x":true},"required":["a","n","x"],"additionalProperties":false}`,
		`{"inputSource":"passthrough","workflowInputs":{"values":[{"name":"a"}]}}`:                                         `{"type":"object","description":"what the workflow's trigger passes on, as one item's json"}`,
		`{"inputSource":"jsonExample","jsonExample":"{\"a\":1,\"b\":[],\"c\":null}"}`:                                      `{"type":"object","properties":{"a":{"type":"number"},"b":{"type":"array"},"c":true}}`,
	} {
		p := &workflow.Object{}
		if err := json.Unmarshal([]byte(parameters), p); err != nil {
			t.Fatal(err)
		}
		s := compileSchema(subInput(p))
		if s.err != nil || string(s.JSON) != want {
			t.Errorf("%s:\ngot  %s (%v)\nwant %s", parameters, s.JSON, s.err, want)
		}
	}
}

func TestWhatAFormAsks(t *testing.T) {
	t.Parallel()
	w := &Waiting{Kind: "form", Title: "Order", Description: "Fill in", Fields: []FormField{
		{Name: "name", Label: "Your name", Type: "text", Required: true, Default: "Ann"}, {Name: "n", Type: "number"}, {Name: "mail", Type: "email"}, {Name: "day", Type: "date"},
		{Name: "size", Type: "dropdown", Options: []string{"S", "L"}}, {Name: "toppings", Type: "checkbox", Options: []string{"a", "b"}, Multiple: true},
		{Name: "text", Type: "html", HTML: "<b>x</b>"}, {Name: "secret", Type: "password", Required: true}, {Name: "photo", Type: "file"}}}
	message, schema := w.asQuestion()
	want := `{"type":"object","properties":{"name":{"type":"string","title":"Your name","default":"Ann"},"n":{"type":"number","title":"n"},"mail":{"type":"string","title":"mail","format":"email"},` +
		`"day":{"type":"string","title":"day","format":"date"},"size":{"type":"string","title":"size","enum":["S","L"]},"toppings":{"type":"array","title":"toppings","items":{"type":"string","enum":["a","b"]}}},"required":["name"]}`
	if got := asText(t, schema); message != "Order: Fill in" || got != want {
		t.Errorf("%q\n%s\n%s", message, got, want)
	}
	if w.askable() {
		t.Error("a form that wants a password may be asked by a model's client")
	}
	w.Fields = w.Fields[:6]
	if !w.askable() {
		t.Error("a plain form may not be asked")
	}
}
