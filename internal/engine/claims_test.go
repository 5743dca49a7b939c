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

// realNode is a node of the format, written as JSON.
func realNode(name, typ, version, parameters string) string {
	return `{"name":"` + name + `","type":"n8n-nodes-base.` + typ + `","typeVersion":` + version + `,"parameters":` + parameters + `}`
}

// TestPairingThroughNodes: behind each of these nodes $('G').item finds what an
// item was made from.
func TestPairingThroughNodes(t *testing.T) {
	t.Parallel()
	ages := setNode("S", "={{ $('G').item.json.age }}", "number")
	all := `[{"json":{"v":31},"pairedItem":{"item":0}},{"json":{"v":25},"pairedItem":{"item":1}},{"json":{"v":40},"pairedItem":{"item":2}}]`
	last := `[{"json":{"v":40},"pairedItem":{"item":0}}]`
	checkClaims(t, []claim{
		{"NoOp", people + realNode("M", "noOp", "1", `{}`) + "," + ages, all},
		{"Rename Keys", people + realNode("M", "renameKeys", "1", `{"keys":{"key":[{"currentKey":"age","newKey":"a"}]}}`) + "," + ages, all},
		{"Respond to Webhook", people + realNode("M", "respondToWebhook", "1.1", `{}`) + "," + ages, all},
		{"Code, each", people + realNode("M", "code", "2", `{"mode":"runOnceForEachItem","jsCode":"return {}"}`) + "," + ages, all},
		{"Code, as many as before", people + codeNode("M", "return $input.all().map(() => ({}))") + "," + ages, all},
		{"Code, fewer and new", people + codeNode("M", "return [{}, {}]") + "," + ages, "error"},
		{"Code, said", people + codeNode("M", "return [{json: {}, pairedItem: 2}]") + "," + ages, last},
		{"Function", people + realNode("M", "function", "1", `{"functionCode":"return items.slice(2)"}`) + "," + ages, last},
		{"Limit", people + realNode("M", "limit", "1", `{"maxItems":1,"keep":"lastItems"}`) + "," + ages, last},
		{"Sort", people + realNode("M", "sort", "1", `{"sortFieldsUi":{"sortField":[{"fieldName":"age","order":"descending"}]}}`) + "," + ages,
			`[{"json":{"v":40},"pairedItem":{"item":0}},{"json":{"v":31},"pairedItem":{"item":1}},{"json":{"v":25},"pairedItem":{"item":2}}]`},
		{"Summarize", people + realNode("M", "summarize", "1.1", `{"fieldsToSummarize":{"values":[{"aggregation":"count","field":"name"}]},"fieldsToSplitBy":"name"}`) + "," + ages, all},
		{"Aggregate", people + realNode("M", "aggregate", "1", `{"aggregate":"aggregateAllItemData"}`) + "," + ages, "error"},
		{"HTTP Request, a list for each", people + realNode("K", "limit", "1", `{"maxItems":1,"keep":"lastItems"}`) + "," +
			realNode("M", "httpRequest", "4.2", `{"url":"http://127.0.0.1:5690/array"}`) + "," + ages,
			`[{"json":{"v":40},"pairedItem":{"item":0}},{"json":{"v":40},"pairedItem":{"item":1}}]`},
		{"a node that ran, asked for another item", people + setNode("S", "={{ $('G').itemMatching(2).json.age }}", "number"),
			`[{"json":{"v":40},"pairedItem":{"item":0}},{"json":{"v":40},"pairedItem":{"item":1}},{"json":{"v":40},"pairedItem":{"item":2}}]`},
		{"the node itself, which has not run", people + setNode("S", "={{ $('S').item.json.age }}", "number"), "error"},
	})
}

// TestRedirects are followed unless the node says otherwise; then they fail,
// unless it says that nothing does.
func TestRedirects(t *testing.T) {
	t.Parallel()
	ask := func(options string) string {
		return realNode("H", "httpRequest", "4.2", `{"url":"http://127.0.0.1:5690/redirect","options":{`+options+`}}`) + "," +
			codeNode("C", "return {url: $json.url, code: $json.statusCode}")
	}
	const off = `"redirect":{"redirect":{"followRedirects":false}}`
	checkClaims(t, []claim{
		{"followed", ask(""), `[{"json":{"url":"/echo?from=redirect"},"pairedItem":{"item":0}}]`},
		{"not followed", ask(off), "error"},
		{"never an error", ask(off + `,"response":{"response":{"neverError":true,"fullResponse":true}}`), `[{"json":{"code":302},"pairedItem":{"item":0}}]`},
	})
}
