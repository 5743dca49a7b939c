package node

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"flowgate/internal/workflow"
)

func TestEveryTypeIsDescribed(t *testing.T) {
	reg := NewRegistry(All(), RegistryOptions{})
	for _, entry := range reg.Catalogue() {
		t.Run(entry.Type, func(t *testing.T) {
			if entry.DisplayName == "" || len(entry.Description) < 20 || entry.Category == "" || len(entry.Versions) == 0 {
				t.Errorf("incomplete entry: %+v", entry)
			}
			for i := 1; i < len(entry.Versions); i++ {
				if entry.Versions[i] <= entry.Versions[i-1] {
					t.Errorf("versions are not ascending: %v", entry.Versions)
				}
			}
			if reg.Lookup(entry.Type).Run == nil {
				t.Error("it cannot run")
			}
			schema := compiled(t, entry.Parameters)
			if len(entry.Examples) == 0 {
				t.Error("there is no example")
			}
			for _, ex := range entry.Examples {
				checkExample(t, reg, schema, ex)
			}
		})
	}
}

func compiled(t *testing.T, schema json.RawMessage) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("mem:///parameters", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("mem:///parameters")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func checkExample(t *testing.T, reg *Registry, schema *jsonschema.Schema, ex workflow.NodeExample) {
	t.Helper()
	var n workflow.Node
	if err := json.Unmarshal(ex.Node, &n); err != nil {
		t.Fatalf("example %q: %v", ex.Title, err)
	}
	params, _ := n.Parameters.MarshalJSON()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(params))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(v); err != nil {
		t.Errorf("example %q does not fit the schema: %v", ex.Title, err)
	}
	if !hasVersion(reg.Lookup(n.Type).Versions, n.TypeVersion) {
		t.Errorf("example %q has the unknown version %v", ex.Title, n.TypeVersion)
	}
	doc := &workflow.Document{Name: "x", Nodes: []workflow.Node{{Name: "Start", Type: "n8n-nodes-base.manualTrigger", TypeVersion: 1}, n}}
	if !reg.Lookup(n.Type).Trigger && n.Type != stickyNoteName {
		doc.Connections = workflow.Connections{"Start": {"main": {{{Node: n.Name, Type: "main"}}}}}
	}
	got := ValidateDocument(doc, reg, ValidateOptions{})
	if len(got.Errors)+len(got.Warnings) > 0 {
		t.Errorf("example %q: %+v", ex.Title, got)
	}
}

func TestNear(t *testing.T) {
	reg := NewRegistry(All(), RegistryOptions{})
	for name, want := range map[string]string{
		"n8n-nodes-base.sett": "n8n-nodes-base.set", "if": "n8n-nodes-base.if", "n8n-nodes-base.splitInBatch": "n8n-nodes-base.splitInBatches",
	} {
		if got := reg.Near(name); len(got) == 0 || got[0] != want {
			t.Errorf("Near(%q) = %v, want %s first", name, got, want)
		}
	}
	if got := reg.Near("n8n-nodes-base.googleSheets"); len(got) > 0 {
		t.Errorf("Near(googleSheets) = %v", got)
	}
}

// Show conditions are read in the order of the fields, so what they name must
// come first.
func TestShowConditionsNameEarlierFields(t *testing.T) {
	for _, typ := range All() {
		all := []any{typ.Params}
		for _, old := range typ.OldParams {
			all = append(all, old.Params)
		}
		for _, params := range all {
			if params != nil {
				checkShow(t, typ.Name, params)
			}
		}
	}
}
