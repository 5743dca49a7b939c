package engine

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"flowgate/internal/engine/expr"
	"flowgate/internal/engine/node"
	"flowgate/internal/workflow"
)

// claim is one statement about documents of the format, shown by a run of a
// few real nodes in a chain behind a manual trigger T.
type claim struct {
	name  string
	nodes string // JSON list of nodes; each leads from its first output to the next one
	want  string // what the last node gives on its first output, as items; "error" when the run fails
}

// people is a code node that gives two items.
const people = `{"name":"G","type":"n8n-nodes-base.code","typeVersion":2,"parameters":{"jsCode":"return [{json:{name:'Ann',age:31}},{json:{name:'bob',age:25}},{json:{name:'Cid',age:40}}]"}},`

func codeNode(name, source string) string {
	text, _ := json.Marshal(source) // texts always encode
	return `{"name":"` + name + `","type":"n8n-nodes-base.code","typeVersion":2,"parameters":{"jsCode":` + string(text) + `}}`
}

// setNode is a Set node with one field v of a type.
func setNode(name, value, kind string) string {
	text, _ := json.Marshal(value) // texts always encode
	return `{"name":"` + name + `","type":"n8n-nodes-base.set","typeVersion":3.4,"parameters":{"assignments":{"assignments":[{"id":"a","name":"v","value":` +
		string(text) + `,"type":"` + kind + `"}]},"options":{"ignoreConversionErrors":true}}}`
}

func checkClaims(t *testing.T, claims []claim) {
	echo := httptest.NewServer(http.HandlerFunc(serveEcho))
	t.Cleanup(echo.Close)
	pool := expr.NewPool(expr.Options{})
	t.Cleanup(pool.Close)
	engine := New(Options{Registry: node.NewRegistry(node.All(), node.RegistryOptions{}), Expr: pool,
		HTTP: &http.Client{Transport: toEcho{address: strings.TrimPrefix(echo.URL, "http://")}}})
	for _, c := range claims {
		t.Run(c.name, func(t *testing.T) {
			wf := c.document(t)
			o := engine.Run(t.Context(), jobOf(wf))
			got := "error"
			if o.Status == workflow.StatusSuccess {
				got = lastOutput(t, o, wf)
			}
			if !sameJSON(t, got, c.want) {
				t.Errorf("got  %s (%s)\nwant %s", got, errorText(o.Error), c.want)
			}
		})
	}
}

func (c *claim) document(t *testing.T) *workflow.Workflow {
	t.Helper()
	wf := document("v1")
	wf.Document.Nodes = []workflow.Node{{Name: "T", Type: "n8n-nodes-base.manualTrigger", TypeVersion: 1, Parameters: &workflow.Object{}}}
	var nodes []workflow.Node
	if err := json.Unmarshal([]byte("["+c.nodes+"]"), &nodes); err != nil {
		t.Fatal(err)
	}
	for _, n := range nodes {
		before := wf.Document.Nodes[len(wf.Document.Nodes)-1].Name
		wf.Document.Connections[before] = map[string][][]workflow.Target{"main": {{{Node: n.Name, Type: "main"}}}}
		wf.Document.Nodes = append(wf.Document.Nodes, n)
	}
	return wf
}

func lastOutput(t *testing.T, o Outcome, wf *workflow.Workflow) string {
	t.Helper()
	runs := o.RunsOf(wf.Document.Nodes[len(wf.Document.Nodes)-1].Name)
	if len(runs) == 0 {
		return "null"
	}
	items := []map[string]any{}
	for _, item := range outputOf(runs[0].Main, 0) {
		items = append(items, plainItem(item))
	}
	data, err := json.Marshal(items)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func sameJSON(t *testing.T, got, want string) bool {
	t.Helper()
	if got == "error" || want == "error" {
		return got == want
	}
	var g, w any
	if err := json.Unmarshal([]byte(got), &g); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatal(want, err)
	}
	return reflect.DeepEqual(g, w)
}

// TestPairingOfInputs: what a node is given is paired to itself, so that items
// which code hands on stay paired to those they are.
func TestPairingOfInputs(t *testing.T) {
	t.Parallel()
	checkClaims(t, []claim{
		{"filtered by code", people + codeNode("C", "return $input.all().filter(i => i.json.age > 30)") + "," + setNode("S", "={{ $('G').item.json.name }}", "string"),
			`[{"json":{"v":"Ann"},"pairedItem":{"item":0}},{"json":{"v":"Cid"},"pairedItem":{"item":1}}]`},
		{"the last one", people + codeNode("C", "return $input.last()"), `[{"json":{"name":"Cid","age":40},"pairedItem":{"item":2}}]`},
		{"seen by code", people + codeNode("C", "return {p: $input.all().map(i => i.pairedItem.item), of: $('G').all().map(i => i.pairedItem.item)}"),
			`[{"json":{"p":[0,1,2],"of":[0,0,0]}}]`},
		{"seen by expressions", people + setNode("S", "={{ $input.item.pairedItem.item }}", "number"),
			`[{"json":{"v":0},"pairedItem":{"item":0}},{"json":{"v":1},"pairedItem":{"item":1}},{"json":{"v":2},"pairedItem":{"item":2}}]`},
	})
}

// TestSymbols: a symbol is text where text is asked for, and nothing in JSON.
func TestSymbols(t *testing.T) {
	t.Parallel()
	checkClaims(t, []claim{
		{"as text", setNode("S", "={{ Symbol('a') }}", "string"), `[{"json":{"v":"Symbol(a)"},"pairedItem":{"item":0}}]`},
		{"as anything else", setNode("S", "={{ Symbol('a') }}", "object"), `[{"json":{},"pairedItem":{"item":0}}]`},
		{"in an object", setNode("S", "={{ ({a: Symbol('a'), b: [Symbol('b')]}) }}", "object"), `[{"json":{"v":{"b":[null]}},"pairedItem":{"item":0}}]`},
	})
}

// TestSplitFiles gives each file to an item of its own.
func TestSplitFiles(t *testing.T) {
	t.Parallel()
	checkClaims(t, []claim{{"files", codeNode("C", `return [{json: {k: 1}, binary: {b: {data: "YQ==", mimeType: "text/plain"}, a: {data: "Yg==", mimeType: "text/plain"}}}]`) +
		`,{"name":"S","type":"n8n-nodes-base.splitOut","typeVersion":1,"parameters":{"fieldToSplitOut":"$binary","include":"selectedOtherFields","fieldsToInclude":"k"}},` +
		codeNode("D", "return $input.all().map(i => ({k: i.json.k, names: Object.keys(i.binary)}))"),
		`[{"json":{"k":1,"names":["a"]},"pairedItem":{"item":0}},{"json":{"k":1,"names":["b"]},"pairedItem":{"item":1}}]`}})
}
