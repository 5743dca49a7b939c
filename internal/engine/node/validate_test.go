package node

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"flowgate/internal/workflow"
)

const validDocument = `{"name":"x","nodes":[
	{"id":"1","name":"Start","type":"n8n-nodes-base.manualTrigger","typeVersion":1,"position":[0,0],"parameters":{}},
	{"id":"2","name":"Edit","type":"n8n-nodes-base.set","typeVersion":3.4,"position":[200,0],"parameters":{"assignments":{"assignments":[{"id":"a","name":"n","value":"={{ $('Start').item.json.n }}","type":"number"}]},"options":{}}}],
	"connections":{"Start":{"main":[[{"node":"Edit","type":"main","index":0}]]}},"settings":{}}`

func TestValidateDocument(t *testing.T) {
	for _, c := range []struct {
		name, from, to string
		want           string // code, with "warning:" before it
		mentions       string
	}{
		{"sound", "", "", "", ""},
		{"unknown type", "base.set", "base.sett", FindingUnknownType, "n8n-nodes-base.set"},
		{"unknown version", `"typeVersion":3.4`, `"typeVersion":9`, FindingUnknownVersion, "3.4"},
		{"unknown minor version", `"typeVersion":3.4`, `"typeVersion":3.5`, "warning:" + FindingUnknownVersion, "3.4"},
		{"unknown parameter", `"options":{}`, `"optoins":{}`, "warning:" + FindingUnknownParameter, "options"},
		{"enum", `"type":"number"`, `"type":"float"`, FindingBadParameter, "string, number"},
		{"ill typed", `"options":{}`, `"options":{"dotNotation":"maybe"}`, FindingBadParameter, "dotNotation"},
		{"missing", `"name":"n","value"`, `"value"`, FindingMissingParameter, "assignments[0].name"},
		{"bad expression", "item.json.n }}", "item. }}", FindingBadExpression, "value"},
		{"unknown node", "$('Start')", "$('Strat')", FindingUnknownReference, "Start"},
		{"dangling source", `"Start":{"main"`, `"Strat":{"main"`, FindingBrokenConnection, "Start"}, //nolint:misspell // on purpose
		{"dangling target", `{"node":"Edit"`, `{"node":"Edti"`, FindingBrokenConnection, "Edit"},
		{"output index", `{"main":[[`, `{"main":[[],[],[`, FindingBrokenConnection, "one output"},
		{"error output", `{"main":[[`, `{"main":[[],[`, "warning:" + FindingUnusedErrorOutput, "continueErrorOutput"},
		{"input index", `"index":0`, `"index":1`, FindingBrokenConnection, "input 1"},
		{"unreachable", `"connections":{"Start":{"main":[[{"node":"Edit","type":"main","index":0}]]}}`, `"connections":{}`, "warning:" + FindingUnreachable, ""},
		{"no trigger", "manualTrigger", "noOp", FindingNoTrigger, ""},
		{"duplicate", `"name":"Edit"`, `"name":"Start"`, FindingDuplicateName, "Start"},
		{"credential", `"position":[200,0]`, `"position":[200,0],"credentials":{"httpHeaderAuth":{}}`, FindingMissingCredential, "httpHeaderAuth"},
		{"time zone", `"settings":{}`, `"settings":{"timezone":"Mars/Base"}`, FindingBadTimezone, "Mars/Base"},
		{"endless loop", `]]}},"settings"`, `]]},"Edit":{"main":[[{"node":"Edit","type":"main","index":0}]]}},"settings"`, "warning:" + FindingEndlessLoop, "Edit"},
		{"disabled", `"name":"Edit"`, `"name":"Edit","disabled":true,"bogus":1`, "", ""},
		{"disabled unknown", `"type":"n8n-nodes-base.set"`, `"disabled":true,"type":"nope.nope"`, "warning:" + FindingUnknownType, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := validate(t, strings.Replace(validDocument, c.from, c.to, 1))
			all := append([]workflow.Finding(nil), v.Errors...)
			for _, w := range v.Warnings {
				w.Code = "warning:" + w.Code
				all = append(all, w)
			}
			if c.want == "" {
				if len(all) > 0 {
					t.Errorf("found %+v", all)
				}
				return
			}
			for _, f := range all {
				if f.Code == c.want && strings.Contains(f.Message+f.Hint+f.Path, c.mentions) && f.Path != "" {
					return
				}
			}
			t.Errorf("no %s that mentions %q in %+v", c.want, c.mentions, all)
		})
	}
}

func validate(t *testing.T, text string) workflow.Validation {
	t.Helper()
	var doc workflow.Document
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	reg := NewRegistry(All(), RegistryOptions{CheckExpression: func(s string) error {
		if strings.Contains(s, ". }}") {
			return errors.New("a name is missing after the dot, at character 20")
		}
		return nil
	}})
	return ValidateDocument(&doc, reg, ValidateOptions{})
}

// Faults that a run meets on its way do not keep it from starting.
func TestBlocking(t *testing.T) {
	v := workflow.Validation{Errors: []workflow.Finding{{Code: FindingBadExpression}, {Code: FindingUnknownType}, {Code: FindingBrokenConnection}}}
	if got := Blocking(v); len(got) != 1 || got[0].Code != FindingUnknownType {
		t.Errorf("Blocking = %+v", got)
	}
}

func TestLoopWithAWayOut(t *testing.T) {
	v := validate(t, `{"name":"x","nodes":[
		{"name":"Start","type":"n8n-nodes-base.manualTrigger","typeVersion":1},
		{"name":"Loop","type":"n8n-nodes-base.splitInBatches","typeVersion":3},
		{"name":"Work","type":"n8n-nodes-base.noOp","typeVersion":1}],
		"connections":{"Start":{"main":[[{"node":"Loop","type":"main","index":0}]]},"Loop":{"main":[[],[{"node":"Work","type":"main","index":0}]]},"Work":{"main":[[{"node":"Loop","type":"main","index":0}]]}}}`)
	if len(v.Errors)+len(v.Warnings) > 0 {
		t.Errorf("%+v", v)
	}
}

func FuzzValidateDocument(f *testing.F) {
	f.Add(validDocument)
	broken, err := filepath.Glob("testdata/broken/*.json")
	if err != nil || len(broken) == 0 {
		f.Fatal("no documents", err)
	}
	for _, file := range broken {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add(`{"nodes":[{"name":"A","type":"n8n-nodes-base.switch","parameters":{"rules":{"values":[null,{"conditions":5}]}}}]}`)
	reg := NewRegistry(All(), RegistryOptions{})
	f.Fuzz(func(t *testing.T, text string) {
		var doc workflow.Document
		if json.Unmarshal([]byte(text), &doc) != nil {
			return
		}
		ValidateDocument(&doc, reg, ValidateOptions{})
		workflow.Normalize(&doc, nil)
		ValidateDocument(&doc, reg, ValidateOptions{})
	})
}
