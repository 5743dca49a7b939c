package service

import (
	"encoding/json"
	"strings"
	"testing"

	"flowgate/internal/workflow"
)

type sample struct {
	Name   string           `json:"name"`
	Limit  int              `json:"limit,omitempty" default:"20" min:"1" max:"200"`
	Mode   string           `json:"mode,omitempty" enum:"fast,slow"`
	Tags   []string         `json:"tags,omitempty"`
	Inputs *workflow.Object `json:"inputs,omitempty"`
	Nodes  []workflow.Node  `json:"nodes,omitempty"`
	Flag   *bool            `json:"flag,omitempty"`
}

func TestDecode(t *testing.T) {
	t.Parallel()
	s := SchemaOf[sample]()
	if s.err != nil {
		t.Fatal(s.err)
	}
	for name, c := range map[string]struct{ args, fault string }{
		"all fields":          {`{"name":"a","limit":3,"mode":"fast","tags":["x"],"inputs":{"any":{"thing":[1]}},"nodes":[{"type":"t","extra":1}],"flag":false}`, ""},
		"only what is needed": {`{"name":"a"}`, ""},
		"missing":             {`{}`, "name: is missing"},
		"nothing":             {``, "name: is missing"},
		"unknown":             {`{"name":"a","colour":1}`, "colour: is not an argument of this call; known are flag, inputs, limit, mode, name, nodes, tags"},
		"wrong type":          {`{"name":7}`, "name: expected string, got number"},
		"too small":           {`{"name":"a","limit":0}`, "limit: must be at least 1"},
		"too large":           {`{"name":"a","limit":201}`, "limit: must be at most 200"},
		"fraction":            {`{"name":"a","limit":1.5}`, "limit: expected integer"},
		"no choice":           {`{"name":"a","mode":"idle"}`, "mode: must be one of fast slow"},
		"in a list":           {`{"name":"a","tags":["x",1]}`, "tags[1]: expected string, got number"},
		"in an object":        {`{"name":"a","nodes":[{}]}`, "nodes[0].type: is missing"},
		"null":                {`{"name":"a","tags":null}`, "tags: expected array, got null"},
		"not an object":       {`[]`, "arguments: expected object, got array"},
		"not JSON":            {`{"name":`, "not valid JSON"},
		"several at once":     {`{"limit":"x","mode":"idle"}`, "; "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var v sample
			err := s.Decode([]byte(c.args), &v)
			switch {
			case c.fault == "" && err != nil:
				t.Errorf("refused: %v", err)
			case c.fault != "" && (workflow.CodeOf(err) != workflow.CodeInvalid || !strings.Contains(err.Error(), c.fault)):
				t.Errorf("got %v, expected %q", err, c.fault)
			}
		})
	}
}

// TestSchemasSayWhatTheyTake holds every capability's schema to be one a model
// can use: fields described, of a known type, with nothing left open.
func TestSchemasSayWhatTheyTake(t *testing.T) {
	t.Parallel()
	s, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range s.Capabilities() {
		if !json.Valid(c.Input.JSON) || c.Input.Decode([]byte(`{"no such argument":1}`), &map[string]any{}) == nil {
			t.Errorf("%s takes what it does not know", c.Name)
		}
		for _, schema := range []*Schema{c.Input, c.Output} {
			var tree struct{ Properties map[string]json.RawMessage }
			if err := json.Unmarshal(schema.JSON, &tree); err != nil {
				t.Fatal(err)
			}
			for name, p := range tree.Properties {
				if !c.RESTOnly && (len(p) == 0 || p[0] != '{') { // clients of tools refuse true
					t.Errorf("%s: the schema of %s is %s; describe the field", c.Name, name, p)
				}
			}
		}
		if len(c.Output.Arguments()) == 0 {
			t.Errorf("%s gives nothing", c.Name)
		}
		for _, r := range c.Routes {
			for part := range strings.SplitSeq(r.Path, "/") {
				if name, ok := strings.CutPrefix(part, "{"); ok && c.Input.Property(strings.TrimSuffix(name, "}")) == "" {
					t.Errorf("%s: route %s has a parameter that is no argument", c.Name, r.Path)
				}
			}
		}
	}
}
