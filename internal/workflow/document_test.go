package workflow

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// TestDocumentsRoundTrip reads and writes real documents and compares every
// field.
func TestDocumentsRoundTrip(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../engine/testdata/scenarios/*.json")
	if err != nil || len(files) < 100 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		if strings.HasPrefix(filepath.Base(file), "_") {
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var s struct{ Workflow json.RawMessage }
		if err := json.Unmarshal(data, &s); err != nil {
			t.Fatal(err)
		}
		var d Document
		if err := json.Unmarshal(s.Workflow, &d); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		out, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		var want, got any
		if json.Unmarshal(s.Workflow, &want) != nil || json.Unmarshal(out, &got) != nil {
			t.Fatal("not JSON")
		}
		for _, n := range want.(map[string]any)["nodes"].([]any) {
			if n := n.(map[string]any); n["alwaysOutputData"] == false { // the same as absent
				delete(n, "alwaysOutputData")
			}
		}
		if !reflect.DeepEqual(want, got) {
			t.Errorf("%s changed:\n%s\n%s", filepath.Base(file), s.Workflow, out)
		}
	}
}

func TestDocumentTolerates(t *testing.T) {
	t.Parallel()
	const text = `{"id": 7, "name": "n", "tags": [{"name": "a"}, "b", 3], "connections": {"A": {"main": [null, [{"node": "B", "type": "main", "index": 0}]]}},
		"settings": {"executionTimeout": "30", "own": {"x": 1}}, "meta": {"k": 1},
		"nodes": [{"name": "A", "type": "t", "parameters": null, "credentials": {"old": "by name"}, "typeVersion": "2.1", "odd": [1]},
		{"name": "B", "type": "t", "disabled": true, "waitBetweenTries": 0}]}`
	var d Document
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatal(err)
	}
	a := d.Nodes[0]
	if d.ID != "7" || !reflect.DeepEqual(d.Tags, []string{"a", "b"}) || d.Settings.ExecutionTimeout != 30 || d.Settings.Extra.Len() != 1 || d.Extra.Len() != 1 {
		t.Errorf("document %+v", d)
	}
	if a.Credentials["old"].Name != "by name" || a.TypeVersion != 2.1 || a.Parameters == nil || a.Extra.Len() != 1 {
		t.Errorf("node %+v", a)
	}
	if len(d.Connections.MainOutputs("A")) != 2 || *d.Nodes[1].WaitBetweenTries != 0 {
		t.Errorf("connections %+v", d.Connections)
	}
}

func TestDocumentNamesTheFault(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"nodes": {}}`:                              "nodes: expected an array, got object",
		`{"nodes": [1]}`:                             "nodes[0]: expected an object, got number",
		`{"connections": {"A": []}}`:                 "connections.A: expected an object",
		`{"connections": {"A": {"main": [[], {}]}}}`: "connections.A.main[1]: expected an array of targets",
		`{"connections": {"A": {"main": [["B"]]}}}`:  "connections.A.main[0][0]: expected an object such as",
		`[]`: "expected a JSON object, got array",
		`{"nodes": [{"name": "A", "parameters": {"x": [1, }]`: "invalid",
	} {
		var d Document
		if err := json.Unmarshal([]byte(text), &d); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, expected %q", text, err, want)
		}
	}
}

func BenchmarkDocumentDecode(b *testing.B) {
	data, err := os.ReadFile("../engine/testdata/scenarios/merge-fields-keepMatches.json")
	if err != nil {
		b.Fatal(err)
	}
	var s struct{ Workflow json.RawMessage }
	if err := json.Unmarshal(data, &s); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(s.Workflow)))
	for b.Loop() {
		var d Document
		if err := d.UnmarshalJSON(s.Workflow); err != nil {
			b.Fatal(err)
		}
	}
}
