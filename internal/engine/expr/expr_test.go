package expr

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"flowgate/internal/workflow"
)

const sampleJSON = `{"n":5,"s":"7","b":"true","o":{"x":{"y":1}},"arr":[1,2],"nul":null,"zero":0,"f":false,"empty":"",
"d":"2024-03-01T10:00:00.000Z","a.b":"dot","text":"héllo wörld","list":[{"a":1,"k":"x"},{"a":2,"k":"y"},{"a":1,"k":"x"}],
"values":"own","constructorx":1,"10":"ten","big":123456789012,"emptyList":[],"emptyObj":{}}`

func sampleScope(t testing.TB) *Scope {
	loc, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{loc: loc, info: ExecutionInfo{ID: "17", Mode: workflow.ModeWebhook, WorkflowID: "wf", WorkflowName: "My flow",
		Active: true, ResumeURL: "http://h/resume"},
		doc: &workflow.Document{Nodes: []workflow.Node{
			{Name: "T"}, {Name: "G", Parameters: object(t, `{"url":"={{ $json.n }}/x","plain":1,"deep":{"v":"={{ 1 + 1 }}"}}`)},
			{Name: "My node"}, {Name: "Later"}, {Name: "S", ID: "id-1", TypeVersion: 3.4, WebhookID: "hook", Parameters: object(t, `{"mine":"={{ $json.s }}","loop":"={{ $parameter.loop }}","rows":{"values":[{"name":"={{ $json.s }}","value":"={{ $parameter.rows.values[0].value }}"},{"name":"b","value":[1,"={{ $json.n }}"]}]}}`)}},
			Connections: workflow.Connections{"T": {"main": {{{Node: "G"}}}}, "G": {"main": {nil, {{Node: "S"}}}}}}}
	in := items(t, sampleJSON, `{"n":6}`)
	in[0].Binary = map[string]*workflow.Binary{"data": {Data: "aGk=", MimeType: "text/plain", FileName: "a.txt"}}
	src := []*workflow.Source{{PreviousNode: "T"}}
	one := items(t, `{"t":1}`)
	for i := range in {
		in[i].Paired = workflow.PairedTo(0)
	}
	w.runs = map[string][]workflow.NodeRun{
		"T":       {{Node: "T", Main: [][]workflow.Item{one}}},
		"G":       {{Node: "G", Source: src, Main: [][]workflow.Item{items(t, `{"old":1}`), items(t, `{"old":2}`)}}, {Node: "G", Source: src, Main: [][]workflow.Item{items(t, `{"zero":0}`), in}}},
		"My node": {{Node: "My node", Main: [][]workflow.Item{items(t, `{"m":1}`, `{"m":2}`, `{"m":3}`)}}},
	}
	return &Scope{Node: &w.doc.Nodes[4], Run: 2, Inputs: [][]workflow.Item{in}, Data: w,
		Sources: []*workflow.Source{{PreviousNode: "G", PreviousNodeOutput: 1, PreviousNodeRun: 1}},
		Extra:   map[string]any{"$response": workflow.NewObject("body", workflow.NewObject("last", true)), "$pageCount": 3.0}}
}

// want is the JSON text of a value, "undefined", or "!kind" for an error.
type rule struct{ raw, want string }

func checkRules(t *testing.T, rules []rule) {
	t.Helper()
	p := newPool(t, Options{Vars: map[string]any{"v": "var"}})
	s := newSession(t, p)
	sc := sampleScope(t)
	for _, r := range rules {
		got, err := s.Resolve(context.Background(), r.raw, 0, sc)
		if text := outcome(t, got, err); text != r.want {
			t.Errorf("%s\n got %s (%v)\nwant %s", r.raw, text, err, r.want)
		}
	}
}

func outcome(t testing.TB, got any, err error) string {
	t.Helper()
	var e *Error
	switch {
	case errors.As(err, &e):
		return "!" + string(e.Kind)
	case err != nil:
		return "!!" + err.Error()
	case got == any(Undefined):
		return "undefined"
	}
	if f, ok := got.(float64); ok && (f != f || f > 1e308 || f < -1e308) {
		return numberOrNaN(f)
	}
	return jsonText(t, got)
}

func TestTemplates(t *testing.T) {
	checkRules(t, []rule{
		{`plain`, `"plain"`},
		{`x{{ 1 }}`, `"x{{ 1 }}"`},
		{`=`, `""`},
		{`=no chunk`, `"no chunk"`},
		{`={{ 1 }}`, `1`},
		{`= {{ 1 }}`, `" 1"`},
		{`={{ 1 }} `, `"1 "`},
		{`={{ 1 }}{{ 2 }}`, `"12"`},
		{`={{1}}`, `1`},
		{`=a \{{ 1 }} b`, `"a \\{{ 1 }} b"`},
		{`=\{{ 1 }} {{ 2 }}`, `"\\{{ 1 }} 2"`},
		{`={{ {"a":{"b":2}}.a.b }}`, `!syntax`},
		{`={{ "}}" }}`, `!syntax`},
		{`={{ {a:1} }}`, `{"a":1}`},
		{`={{ {a:{b:2} } }}`, `{"a":{"b":2}}`},
		{`={{ }}`, `!syntax`},
		{`={{}}`, `!syntax`},
		{`={{ let a = 1; a }}`, `!syntax`},
		{`={{ const a = 1 }}`, `!syntax`},
		{`={{ return 1 }}`, `!syntax`},
		{`={{ if (1) 2 }}`, `!syntax`},
		{`={{ $json. }}`, `!syntax`},
		{`={{ 1) + (2 }}`, `!syntax`},
		{`=text {{ unclosed`, `"text {{ unclosed"`},
		{`={{ 1; 2 }}`, `1`},
		{`={{ $json.n; }}`, `5`},
		{`={{ 1, 2 }}`, `2`},
		{`={{ /* c */ $json.n }}`, `5`},
		{"={{ $json.n // c\n }}", `5`},
		{`={{ $json.n // c }}`, `5`},
		{"={{\n  $json.n\n  + 1\n}}", `6`},
		{`={{ function () { return 1 } }}`, `!syntax`},
		{`={{ undefined }}x`, `"x"`},
		{`={{ null }}x`, `"x"`},
		{`={{ NaN }}x`, `"x"`},
		{`={{ '' }}x`, `"x"`},
		{`={{ 0 }}x`, `"0x"`},
		{`={{ false }}x`, `"falsex"`},
		{`={{ [1,[2,null],{}] }}x`, `"1,2,,[object Object]x"`},
		{`={{ $json.o }} x`, `"[object Object] x"`},
		{`={{ $json.arr }} x`, `"1,2 x"`},
		{`={{ $json.emptyList }}x`, `"x"`},
		{`=at {{ DateTime.fromISO("2024-03-01T10:00:00Z") }}`, `"at 2024-03-01T11:00:00.000+01:00"`},
		{`={{ 1e21 }}x`, `"1e+21x"`},
		{`={{ 0.1 + 0.2 }}x`, `"0.30000000000000004x"`},
		{`={{ -0 }}x`, `"0x"`},
		{`=x{{ foo.bar }}y`, `"xy"`},
		{"={{ `a${`b${1+1}`}` }}", `"ab2"`},
		{`={{ $json.text }}!`, `"héllo wörld!"`},
		{`={{ "\u{1F600}".length }}`, `2`},
	})
}

func TestValues(t *testing.T) {
	checkRules(t, []rule{
		{`={{ $json.n }}`, `5`},
		{`={{ $json["a.b"] }}`, `"dot"`},
		{`={{ $json['o'].x["y"] }}`, `1`},
		{`={{ $json.arr[1] }}`, `2`},
		{`={{ $json.arr[9] }}`, `undefined`},
		{`={{ $json.arr.length }}`, `2`},
		{`={{ $json.text.length }}`, `11`},
		{`={{ $json.text[1] }}`, `"é"`},
		{`={{ $json.values }}`, `"own"`},
		{`={{ $json.o.values }}`, `undefined`},
		{`={{ $json.missing }}`, `undefined`},
		{`={{ $json.missing.foo.bar }}`, `undefined`},
		{`={{ $json.nul }}`, `null`},
		{`={{ $json.nul.x }}`, `undefined`},
		{`={{ $json.n.nope() }}`, `undefined`},
		{`={{ $json.n.toUpperCase() }}`, `undefined`},
		{`=x{{ $json.n.toUpperCase() }}y`, `"xy"`},
		{`={{ (() => { throw new Error("x") })() }}`, `undefined`},
		{`={{ (() => { throw 1 })() }}`, `undefined`},
		{`={{ foo }}`, `undefined`},
		{`={{ foo || "x" }}`, `"x"`},
		{`={{ typeof foo }}`, `"undefined"`},
		{`={{ $foo }}`, `undefined`},
		{`={{ $foo ?? 1 }}`, `1`},
		{`={{ window }}`, `undefined`},
		{`={{ globalThis }}`, `{}`},
		{`={{ {a: undefined, b: () => 1, c: null, d: NaN, e: [undefined, () => 1, NaN, Infinity]} }}`, `{"c":null,"d":null,"e":[null,null,null,null]}`},
		{`={{ 1/0 }}`, `Infinity`},
		{`={{ NaN }}`, `NaN`},
		{`={{ new Date(0) }}`, `"1970-01-01T00:00:00.000Z"`},
		{`={{ new Date("x") }}`, `null`},
		{`={{ {d: new Date(0)} }}`, `{"d":"1970-01-01T00:00:00.000Z"}`},
		{`={{ {d: DateTime.fromISO("2024-03-01T10:00:00Z")} }}`, `{"d":"2024-03-01T11:00:00.000+01:00"}`},
		{`={{ [new Map([[1, 2]]), new Set([1]), /a/, Promise.resolve(1), new Error("x")] }}`, `[{},{},{},{},{}]`},
		{`={{ new String("x") }}`, `"x"`},
		{`={{ [new Number(1), new Boolean(false)] }}`, `[1,false]`},
		{`={{ Symbol("a") }}`, `null`},
		{`={{ (async () => 1)() }}`, `{}`},
		{`={{ Duration.fromObject({days: 29}) }}`, `"P29D"`},
		{`={{ {j: {toJSON() { return 3 } } } }}`, `{"j":3}`},
		{`={{ Object.keys($json)[0] }}`, `"10"`},
		{`={{ JSON.stringify({b: 1, a: [1, {c: undefined}], d: new Date(0)}) }}`, `"{\"b\":1,\"a\":[1,{}],\"d\":\"1970-01-01T00:00:00.000Z\"}"`},
		{`={{ JSON.stringify({a: [1, 2], b: {} }, null, 2) }}`, `"{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {}\n}"`},
		{`={{ JSON.stringify({a: 1, b: 2, c: {a: 3, d: 4} }, ["a", "c"]) }}`, `"{\"a\":1,\"c\":{\"a\":3}}"`},
		{`={{ JSON.stringify({a: 1, b: "x"}, (k, v) => typeof v === "number" ? v + 1 : v) }}`, `"{\"a\":2,\"b\":\"x\"}"`},
		{`={{ JSON.stringify(undefined) }}`, `undefined`},
		{`={{ JSON.stringify("é\n\"\u2028") }}`, `"\"é\\n\\\"\u2028\""`},
		{`={{ JSON.stringify((() => { const a = {}; a.a = a; return a })()) }}`, `undefined`},
		{`={{ $json.arr.map(x => x * 2).join("-") }}`, `"2-4"`},
		{`={{ $json.list.reduce((acc, x) => { acc[x.k] = (acc[x.k] || 0) + x.a; return acc }, {}) }}`, `{"x":2,"y":2}`},
		{`={{ $json.list.reduce((acc, x) => { acc.total += x.a; return acc }, {total: 0}).total }}`, `4`},
		{`={{ (() => { const o = {}; o["k"] = 1; o.k += 2; let s = "a"; s += "b"; return o.k + s })() }}`, `"3ab"`},
		{`={{ [3, 20, 100].sort() }}`, `[100,20,3]`},
		{`={{ [3,1,2].sort((a, b) => b - a) }}`, `[3,2,1]`},
		{`={{ [...$json.arr, 3] }}`, `[1,2,3]`},
		{`={{ ((a, ...rest) => rest)(1, 2, 3) }}`, `[2,3]`},
		{`={{ (({n, ...rest}) => Object.keys(rest).length)({n: 1, m: 2}) }}`, `1`},
		{`={{ (() => { let [a, b] = [1, 2]; [a, b] = [b, a]; return [a, b] })() }}`, `[2,1]`},
		{`={{ $json.o?.x?.y }}`, `1`},
		{`={{ $json.missing?.x.y.z }}`, `undefined`},
		{`={{ $json.s + 1 }}`, `"71"`},
		{`={{ Math.min(...$json.arr) }}`, `1`},
		{`={{ "a1b22".match(/\d+/g) }}`, `["1","22"]`},
		{`={{ "a-b-c".replaceAll("-", "+").replace(/\+/g, "$&$&") }}`, `"a++b++c"`},
		{`={{ Object.groupBy([1,2,3], x => x % 2 ? "odd" : "even") }}`, `{"odd":[1,3],"even":[2]}`},
		{`={{ [1,[2,[3,[4]]]].flat(2) }}`, `[1,2,3,[4]]`},
		{`={{ Array.from({length: 3}, (_, i) => i * 2) }}`, `[0,2,4]`},
		{`={{ [1,2] instanceof Array }}`, `true`},
		{`={{ Array.isArray(new Array(3)) }}`, `true`},
		{`={{ /a/ instanceof RegExp }}`, `true`},
		{`={{ new Array(3).fill(0) }}`, `[0,0,0]`},
		{`={{ String.raw` + "`a\\n${1}`" + ` }}`, `"a\\n1"`},
		{`={{ $json.arr.toString }}`, `!syntax`},
		{`={{ encodeURIComponent("a b&ü") }}`, `"a%20b%26%C3%BC"`},
		{`={{ parseInt("12px") }}`, `12`},
	})
}

func TestContext(t *testing.T) {
	checkRules(t, []rule{
		{`={{ $itemIndex }}/{{ $runIndex }}`, `"0/2"`},
		{`={{ $input.item.json.n }}`, `5`},
		{`={{ $input.first().json.n }}`, `5`},
		{`={{ $input.last().json.n }}`, `6`},
		{`={{ $input.all().length }}`, `2`},
		{`={{ $input.params.plain }}`, `1`},
		{`={{ $binary.data.fileName }}`, `"a.txt"`},
		{`={{ $input.item.binary.data.mimeType }}`, `"text/plain"`},
		{`={{ $("G").first().json.n }}`, `5`},
		{`={{ $("G").last().json.n }}`, `6`},
		{`={{ $("G").all().length }}`, `2`},
		{`={{ $("G").first(0).json }}`, `{"zero":0}`},
		{`={{ $("G").first(0, 0).json.old }}`, `1`},
		{`={{ $("G").all(1, 0)[0].json.old }}`, `2`},
		{`={{ $("G").first(7) }}`, `undefined`},
		{`={{ $("G").first(0, 7) }}`, `!reference`},
		{`={{ $("G").item.json.n }}`, `5`},
		{`={{ $("T").item.json.t }}`, `1`},
		{`={{ $("T").itemMatching(1).json.t }}`, `1`},
		{`={{ $("T").pairedItem().json.t }}`, `1`},
		{`={{ $("G").isExecuted }}`, `true`},
		{`={{ $("Later").isExecuted }}`, `false`},
		{`={{ $("Later").item }}`, `!unexecuted`},
		{`={{ $("Later").first().json }}`, `!unexecuted`},
		{`={{ $("Later").isExecuted ? $("Later").first() : "no" }}`, `"no"`},
		{`={{ $("Nope").item.json.a }}`, `!reference`},
		{`={{ $("Nope").isExecuted }}`, `!reference`},
		{`=x {{ $("Nope").first().json }}`, `!reference`},
		{`={{ $("My node").item.json.m }}`, `!reference`},
		{`={{ $("My node").first().json.m }}`, `1`},
		{`={{ $("My node").all().map(i => i.json.m) }}`, `[1,2,3]`},
		{`={{ $("G").params.plain }}`, `1`},
		{`={{ $("G").params.url }}`, `"5/x"`},
		{`={{ $("G").params.deep.v }}`, `2`},
		{`={{ $parameter.mine }}`, `"7"`},
		{`={{ $parameter.loop }}`, `!memory`},
		{`={{ $parameter.rows.values[0].name }}`, `"7"`},
		{`={{ $parameter.rows.values[1] }}`, `{"name":"b","value":[1,5]}`},
		{`={{ $parameter.rows.values[1].value }}`, `[1,5]`},
		{`={{ $parameter.rows.values.map(r => r.name).join() }}`, `"7,b"`},
		{`={{ $parameter.rows.values.find(r => r.name === "b").value[1] }}`, `5`},
		{`={{ Array.isArray($parameter.rows.values) + ":" + $parameter.rows.values.length }}`, `"true:2"`},
		{`={{ $parameter.rows.values[0].value }}`, `!memory`},
		{`={{ $node["My node"].json.m }}`, `1`},
		{`={{ $node["G"].json.n + 1 }}`, `6`},
		{`={{ $node.G.json.n }}`, `5`},
		{`={{ $node.G.runIndex }}`, `1`},
		{`={{ $node["G"].binary.data.fileName }}`, `"a.txt"`},
		{`={{ $node["Nope"].json.a }}`, `!reference`},
		{`={{ $node["Later"].json.a }}`, `!unexecuted`},
		{`={{ $node["T"].context }}`, `{}`},
		{`={{ $items().length }}`, `2`},
		{`={{ $items("G")[0].json }}`, `{"zero":0}`},
		{`={{ $items("G", 1)[1].json.n }}`, `6`},
		{`={{ $items("G", 0, 0)[0].json.old }}`, `1`},
		{`={{ $item(1).$json.n }}`, `6`},
		{`={{ $item(1).$node["My node"].json.m }}`, `2`},
		{`={{ $prevNode }}`, `{"name":"G","outputIndex":1,"runIndex":1}`},
		{`={{ $now.toISO() }}`, `"2024-03-05T15:07:09.123+01:00"`},
		{`={{ $now }}`, `"2024-03-05T15:07:09.123+01:00"`},
		{`={{ $today }}`, `"2024-03-05T00:00:00.000+01:00"`},
		{`={{ $now.zoneName }}`, `"Europe/Berlin"`},
		{`={{ Date.now() }}`, `1709647629123`},
		{`={{ new Date().toISOString() }}`, `"2024-03-05T14:07:09.123Z"`},
		{`={{ $workflow }}`, `{"id":"wf","name":"My flow","active":true}`},
		{`={{ $execution.id }}/{{ $execution.mode }}/{{ $execution.resumeUrl }}`, `"17/production/http://h/resume"`},
		{`={{ $nodeVersion }}/{{ $nodeId }}/{{ $webhookId }}`, `"3.4/id-1/hook"`},
		{`={{ $vars.v }}/{{ $vars.none }}`, `"var/"`},
		{`={{ $env.HOME }}`, `!security`},
		{`={{ $response.body.last === true }}`, `true`},
		{`={{ $pageCount + 1 }}`, `4`},
		{`={{ $request }}`, `undefined`},
		{`={{ $jmespath($json, "o.x.y") }}`, `1`},
		{`={{ $jmesPath($json, "list[?a==` + "`1`" + `].k") }}`, `["x","x"]`},
		{`={{ $jmespath($json, "[") }}`, `undefined`},
		{`={{ $if($json.n > 1, "y", "n") }}`, `"y"`},
		{`={{ $ifEmpty($json.missing, "d") }}`, `"d"`},
		{`={{ [$ifEmpty("", 1), $ifEmpty([], 1), $ifEmpty({}, 1), $ifEmpty(null, 1), $ifEmpty(0, 1), $ifEmpty(false, 1)] }}`, `[1,1,1,1,0,false]`},
		{`={{ [$min(3, 1, 2), $max(3, 1, 2)] }}`, `[1,3]`},
		{`={{ $evaluateExpression("{{ $json.n + 1 }" + "}") }}`, `6`},
		{`={{ $evaluateExpression("{{ $json.n }" + "}", 1) }}`, `6`},
		{`={{ $getWorkflowStaticData("global") }}`, `{}`},
		{`={{ $fromAI("city", "where", "string", "Oslo") }}`, `"Oslo"`},
	})
}

func TestMutationStaysInside(t *testing.T) {
	checkRules(t, []rule{
		{`={{ $json.arr.reverse() }}`, `[2,1]`},
		{`={{ $json.arr }}`, `[1,2]`},
		{`={{ $json.arr.slice() }}`, `[1,2]`},
		{`={{ $json.arr.push(3) }}`, `3`},
		{`={{ $json.arr.concat([]) }}`, `[1,2]`},
		{`={{ ($json.n = 9, $json.n) }}`, `9`},
		{`={{ $json.n + 0 }}`, `5`},
		{`={{ Object.assign($json.o, {z: 1}) }}`, `{"x":{"y":1},"z":1}`},
		{`={{ Object.keys($json.o) }}`, `["x"]`},
		{`={{ delete $json.o.x }}`, `true`},
		{`={{ "x" in $json.o }}`, `true`},
	})
}

func TestResolveDeep(t *testing.T) {
	s := newSession(t, newPool(t, Options{}))
	sc := sampleScope(t)
	raw := object(t, `{"a":"={{ $json.n }}","b":["x","={{ $json.missing }}",{"c":"=v{{ 1 }}"}],"d":{"keep":[1,"two"]}}`)
	before := jsonText(t, raw)
	v, err := s.Resolve(context.Background(), raw, 0, sc)
	if err != nil {
		t.Fatal(err)
	}
	out := v.(*workflow.Object)
	if got := jsonText(t, out); got != `{"a":5,"b":["x",null,{"c":"v1"}],"d":{"keep":[1,"two"]}}` {
		t.Errorf("got %s", got)
	}
	if list := out.Value("b").([]any); list[1] != any(Undefined) {
		t.Errorf("a value without a value is %v", list[1])
	}
	if out.Value("d") != raw.Value("d") {
		t.Error("what holds no expression was copied")
	}
	if after := jsonText(t, raw); after != before {
		t.Errorf("the raw value was changed to %s", after)
	}
	if got := jsonText(t, Plain(out)); !strings.Contains(got, `["x",null`) {
		t.Errorf("plain: %s", got)
	}
}

func TestCheckPosition(t *testing.T) {
	cases := []struct {
		raw  string
		kind Kind
		pos  int
	}{
		{"plain {{", "", 0},
		{"={{ $json.a }}", "", 0},
		{"={{ $json. }}", KindSyntax, 12},
		{"=text {{ 1 }} {{ a b }}", KindSyntax, 19},
		{"={{ a.constructor }}", KindSecurity, 6},
		{"={{ }}", KindSyntax, 3},
	}
	for _, c := range cases {
		err := Check(c.raw)
		var e *Error
		if c.kind == "" {
			if err != nil {
				t.Errorf("%s: %v", c.raw, err)
			}
			continue
		}
		if !errors.As(err, &e) || e.Kind != c.kind {
			t.Errorf("%s: got %v", c.raw, err)
			continue
		}
		if d := e.Pos - c.pos; d < -2 || d > 2 {
			t.Errorf("%s: at %d, want about %d", c.raw, e.Pos, c.pos)
		}
	}
}

// shelved are contents that are kept apart from their items.
type shelved map[string]string

func (s shelved) Content(id string) ([]byte, error) {
	text, ok := s[id]
	if !ok {
		return nil, errors.New("it is not there")
	}
	return []byte(text), nil
}

// withFile is a scope whose first item has a file that is kept apart, as has
// the item of the node G.
func withFile(t *testing.T) (*Scope, []workflow.Item) {
	sc, in := codeScope(t)
	in[0].Binary = map[string]*workflow.Binary{"f": {ID: "x", MimeType: "text/plain", FileName: "f.txt"}, "gone": {ID: "y"}, "small": {Data: "QQ=="}}
	sc.Files = shelved{"x": "content"}
	return sc, in
}

func TestFilesKeptApartAreRead(t *testing.T) {
	sc, in := withFile(t)
	s := newSession(t, newPool(t, Options{}))
	for expression, want := range map[string]string{
		`={{ $binary.f.data }}`: `"Y29udGVudA=="`,
		`={{ $binary.f.fileName + $binary.f.data + $binary.f.data }}`:    `"f.txtY29udGVudA==Y29udGVudA=="`,
		`={{ $("G").first().binary.f.data.base64Decode() }}`:             `"content"`,
		`={{ Object.keys($binary.f)[0] + Object.keys($binary).length }}`: `"data3"`,
		`={{ $binary.f }}`:          `{"data":"Y29udGVudA==","id":"x","mimeType":"text/plain","fileName":"f.txt"}`,
		`={{ $binary.small.data }}`: `"QQ=="`,
	} {
		got, err := s.Resolve(t.Context(), expression, 0, sc)
		if err != nil || jsonText(t, got) != want {
			t.Errorf("%s: %v %v", expression, got, err)
		}
	}
	if got, err := s.Resolve(t.Context(), `={{ $binary.gone.data }}`, 0, sc); err == nil && got != Undefined {
		t.Errorf("gone: %v", got)
	}
	source := `const f = items[0].binary.f, buffer = await this.helpers.getBinaryDataBuffer(0, "f"), other = $("G").first().binary.f.data;
f.data = f.data + "!";
return [{ json: { text: buffer.toString(), other, changed: items[0].binary.f.data } }]`
	want := `[{"json":{"text":"content","other":"Y29udGVudA==","changed":"Y29udGVudA==!"}}]`
	for name, run := range map[string]func(context.Context, *Scope, CodeRequest) (CodeResult, error){
		"in this process": s.Code, "in a worker": newWorkers(t, WorkerOptions{}).Code,
	} {
		got, err := run(t.Context(), sc, CodeRequest{Source: source, Mode: ModeAll, Items: in})
		if err != nil || jsonText(t, got.Value) != want {
			t.Errorf("%s: %v %v", name, jsonText(t, got.Value), err)
		}
		if in[0].Binary["f"].Data != "" {
			t.Errorf("%s: the item was changed", name)
		}
	}
	handed, err := newWorkers(t, WorkerOptions{}).Code(t.Context(), sc, CodeRequest{Source: `return items`, Mode: ModeAll, Items: in})
	if text := jsonText(t, handed.Value); err != nil || strings.Contains(text, "Y29udGVudA") || !strings.Contains(text, `"id":"x"`) {
		t.Errorf("handed on: %s %v", text, err)
	}
}
