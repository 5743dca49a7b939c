package node

import "testing"

func TestSet(t *testing.T) {
	in := one(`[{"n":5,"o":{"x":1},"a.b":"dot"}]`)
	assign := func(list string, rest string) string {
		return `{"assignments":{"assignments":[` + list + `]}` + rest + `}`
	}
	runCases(t, "n8n-nodes-base.set", []nodeCase{
		{name: "converts", version: 3.4, inputs: in, want: `[[{"s":"5","n":7,"b":true,"l":[1],"o":{"k":1},"none":null}]]`,
			params: assign(`{"name":"s","value":"={{ $json.n }}","type":"string"},{"name":"n","value":"7","type":"number"},{"name":"b","value":"TRUE","type":"boolean"},{"name":"l","value":"[1]","type":"array"},{"name":"o","value":"{\"k\":1}","type":"object"},{"name":"none","value":"={{ $json.missing }}","type":"number"}`, "")},
		{name: "refuses", version: 3.4, inputs: in, fails: true, params: assign(`{"name":"n","value":"abc","type":"number"}`, "")},
		{name: "keeps what cannot be converted", version: 3.4, inputs: in, want: `[[{"n":"abc"}]]`,
			params: assign(`{"name":"n","value":"abc","type":"number"}`, `,"options":{"ignoreConversionErrors":true}`)},
		{name: "paths", version: 3.4, inputs: in, want: `[[{"p":{"q":"v"},"list":[null,{"x":"w"}]}]]`,
			params: assign(`{"name":"p.q","value":"v"},{"name":"list[1].x","value":"w"}`, "")},
		{name: "paths off", version: 3.4, inputs: in, want: `[[{"p.q":"v"}]]`,
			params: assign(`{"name":"p.q","value":"v"}`, `,"options":{"dotNotation":false}`)},
		{name: "others kept", version: 3.4, inputs: in, want: `[[{"n":6,"o":{"x":1,"y":"z"},"a.b":"dot"}]]`,
			params: assign(`{"name":"n","value":6,"type":"number"},{"name":"o.y","value":"z"}`, `,"includeOtherFields":true`)},
		{name: "some kept", version: 3.4, inputs: in, want: `[[{"o":{"x":1},"n":6}]]`,
			params: assign(`{"name":"n","value":6,"type":"number"}`, `,"includeOtherFields":true,"include":"selected","includeFields":"o"`)},
		{name: "some dropped", version: 3.4, inputs: in, want: `[[{"n":5,"a.b":"dot"}]]`,
			params: assign("", `,"includeOtherFields":true,"include":"except","excludeFields":"o, zz"`)},
		{name: "raw", version: 3.4, inputs: in, want: `[[{"a":5,"m":null,"o":{"x":1}}]]`,
			params: `{"mode":"raw","jsonOutput":"={ \"a\": {{ $json.n }}, \"m\": {{ $json.missing }}, \"o\": {{ $json.o }} }"}`},
		{name: "raw with quotes in a text", version: 3.4, inputs: one(`[{"t":"say \"hi\"\nnow"}]`), want: `[[{"a":"say \"hi\"\nnow"}]]`,
			params: `{"mode":"raw","jsonOutput":"={ \"a\": \"{{ $json.t }}\" }"}`},
		{name: "raw is no JSON", version: 3.4, inputs: in, fails: true, params: `{"mode":"raw","jsonOutput":"{ a: 1 }"}`},
		{name: "3.2 fields", version: 3.2, inputs: in, want: `[[{"t":"5","u":7}]]`,
			params: `{"fields":{"values":[{"name":"t","stringValue":"={{ $json.n }}"},{"name":"u","type":"numberValue","numberValue":"7"}]},"include":"none"}`},
		{name: "3.0 keeps others by default", version: 3, inputs: in, want: `[[{"n":5,"o":{"x":1},"a.b":"dot","t":"x"}]]`,
			params: `{"fields":{"values":[{"name":"t","stringValue":"x"}]}}`},
		{name: "version 1", version: 1, inputs: in, want: `[[{"b":true,"num":"5","a":{"b":1}}]]`,
			params: `{"keepOnlySet":true,"values":{"string":[{"name":"a.b","value":1}],"number":[{"name":"num","value":"5"}],"boolean":[{"name":"b","value":true}]}}`},
		{name: "copies", version: 3.4, inputs: in, pairs: true, want: `[[[{"a":"1"},{"item":0}],[{"a":"1"},{"item":0}]]]`,
			params: assign(`{"name":"a","value":"1"}`, `,"duplicateItem":true,"duplicateCount":1`)},
	})
}

// What a run gives must not change what it was given.
func TestSetLeavesInputAlone(t *testing.T) {
	in := items(t, `[{"o":{"l":[{"x":1}]}}]`)
	o := in[0].JSON.Copy()
	assign(o, "o.l[0].x", 2.0, true)
	wants(t, string(mustJSON(t, in[0].JSON)), `{"o":{"l":[{"x":1}]}}`)
	wants(t, string(mustJSON(t, o)), `{"o":{"l":[{"x":2}]}}`)
}
