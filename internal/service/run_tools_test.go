package service

import (
	"encoding/json"
	"strings"
	"testing"

	"flowgate/internal/workflow"
)

func TestToolNames(t *testing.T) {
	t.Parallel()
	taken := map[string]bool{}
	for _, c := range [][2]string{{"Send Invoice", "run_send_invoice"}, {"send  invoice!", "run_send_invoice_2"}, {"日本", "run_workflow"}, {"", "run_workflow_2"},
		{"--a--", "run_a"}} {
		got := toolName(c[0], taken)
		if taken[got] = true; got != c[1] {
			t.Errorf("%q is named %q, want %q", c[0], got, c[1])
		}
	}
	for range 3 {
		got := toolName(strings.Repeat("long ", 40), taken)
		if taken[got] || len(got) > maxToolName || !strings.HasPrefix(got, "run_long_long") {
			t.Errorf("a long name gives %q", got)
		}
		taken[got] = true
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
