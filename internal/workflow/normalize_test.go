package workflow

import (
	"encoding/json"
	"strings"
	"testing"
)

func decoded(t *testing.T, text string) *Document {
	t.Helper()
	var d Document
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatal(err)
	}
	return &d
}

func TestNormalizeFillsIn(t *testing.T) {
	d := decoded(t, `{"nodes":[{"type":"x.splitOut"},{"name":"A","type":"x.y"},{"name":"A","type":"x.y","typeVersion":1},{"id":"same","name":"B","type":"z"},{"id":"same","name":"C","type":"z"}],
		"connections":{"A":{"main":[null,[{"node":"B","index":0}]]}}}`)
	newest := func(string) float64 { return 2.1 }
	Normalize(d, newest)
	names := map[string]bool{}
	ids := map[string]bool{}
	for _, n := range d.Nodes {
		names[n.Name], ids[n.ID] = true, true
	}
	if len(names) != 5 || !names["Split Out"] || !names["A1"] || len(ids) != 5 || !ids["same"] {
		t.Errorf("names %v, ids %v", names, ids)
	}
	if d.Nodes[0].TypeVersion != 2.1 || d.Nodes[2].TypeVersion != 1 || d.Nodes[1].Position == d.Nodes[2].Position {
		t.Errorf("%+v", d.Nodes)
	}
	out := d.Connections.MainOutputs("A")
	if out[0] == nil || out[1][0].Type != "main" {
		t.Errorf("connections %+v", out)
	}
	if d.Settings.ExecutionOrder != "" {
		t.Error("the execution order of an imported document was changed")
	}
	first, _ := json.Marshal(d)
	Normalize(d, newest)
	if second, _ := json.Marshal(d); string(first) != string(second) {
		t.Errorf("normalizing twice differs:\n%s\n%s", first, second)
	}
}

func TestNewDocumentRunsInOrderV1(t *testing.T) {
	d := &Document{}
	NewDocument(d, nil)
	if d.Settings.ExecutionOrder != "v1" || d.Name == "" || d.Connections == nil {
		t.Errorf("%+v", d)
	}
}

func TestRenameNode(t *testing.T) {
	d := decoded(t, `{"nodes":[{"name":"Old one","type":"x"},{"name":"B","type":"y","parameters":{"a":"={{ $('Old one').item.json.a + $node[\"Old one\"].json.b }}","l":["=$(\"Other\")"],"jsCode":"return $items('Old one')"}}],
		"connections":{"Old one":{"main":[[{"node":"B","type":"main","index":0}]]},"B":{"main":[[{"node":"Old one","type":"main","index":0}]]}},"pinData":{"Old one":[{}]}}`)
	RenameNode(d, "Old one", "It's")
	data, _ := json.Marshal(d)
	if strings.Contains(string(data), "Old one") || len(d.Connections.MainOutputs("It's")) != 1 || len(d.PinData["It's"]) != 1 {
		t.Errorf("%s", data)
	}
	if got := d.Nodes[1].Parameters.Value("a"); got != `={{ $('It\'s').item.json.a + $node["It's"].json.b }}` {
		t.Errorf("expression: %s", got)
	}
	if refs := NodeReferences(d.Nodes[1].Parameters.Value("a").(string)); len(refs) != 1 || refs[0] != "It's" {
		t.Errorf("references: %q", refs)
	}
}
