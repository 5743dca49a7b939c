package node

import (
	"fmt"
	"testing"
)

func condition2(left, typ, op, right, options string) string {
	if options == "" {
		options = `"caseSensitive":true,"typeValidation":"strict","version":2`
	}
	return fmt.Sprintf(`{"conditions":{"options":{%s},"combinator":"and","conditions":[{"leftValue":%s,"rightValue":%s,"operator":{"type":%q,"operation":%q}}]}}`, options, left, right, typ, op)
}

func TestConditions(t *testing.T) {
	const loose2, loose3 = `"typeValidation":"loose","version":2`, `"typeValidation":"loose","version":3`
	for _, c := range []struct {
		left, typ, op, right, options string
		want                          string // "true", "false", "error"
	}{
		{`"a"`, "string", "equals", `"A"`, "", "false"},
		{`"a"`, "string", "equals", `"A"`, `"caseSensitive":false`, "true"},
		{`"abc"`, "string", "notContains", `"d"`, "", "true"},
		{`"abc"`, "string", "endsWith", `"bc"`, "", "true"},
		{`"abc"`, "string", "regex", `"/B/i"`, "", "true"},
		{`"abc"`, "string", "notRegex", `"^b"`, "", "true"},
		{`"abc"`, "string", "regex", `"("`, "", "error"},
		{`5`, "string", "equals", `"5"`, "", "error"},
		{`5`, "string", "equals", `"5"`, loose2, "true"},
		{`null`, "string", "equals", `""`, "", "true"},
		{`"={{ $json.missing }}"`, "string", "notEquals", `""`, "", "false"},
		{`"={{ $json.missing }}"`, "string", "equals", `"x"`, "", "false"},
		{`""`, "string", "empty", `null`, "", "true"},
		{`"={{ $json.missing }}"`, "string", "exists", `null`, "", "false"},
		{`null`, "string", "notExists", `null`, "", "true"},
		{`5`, "string", "exists", `null`, "", "error"},
		{`5`, "string", "exists", `null`, loose2, "true"},
		{`31`, "number", "gt", `30`, "", "true"},
		{`null`, "number", "gt", `30`, "", "false"},
		{`"={{ $json.missing }}"`, "number", "lt", `30`, "", "false"},
		{`"x"`, "number", "gt", `30`, "", "error"},
		{`"31"`, "number", "gt", `"30"`, loose2, "true"},
		{`"x"`, "number", "gt", `30`, loose2, "error"},
		{`""`, "number", "empty", `null`, loose3, "true"},
		{`"2024-01-20"`, "dateTime", "after", `"2024-01-15T00:00:00"`, "", "true"},
		{`"nope"`, "dateTime", "after", `"2024-01-15"`, "", "error"},
		{`"2024-01-15"`, "dateTime", "beforeOrEquals", `"2024-01-15T00:00:00Z"`, "", "true"},
		{`true`, "boolean", "true", `null`, "", "true"},
		{`"true"`, "boolean", "true", `null`, "", "error"},
		{`"false"`, "boolean", "true", `null`, loose2, "false"},
		{`"false"`, "boolean", "true", `null`, `"typeValidation":"loose","version":1`, "true"},
		{`false`, "boolean", "notEquals", `true`, "", "true"},
		{`[1,"a"]`, "array", "contains", `"a"`, "", "true"},
		{`[1]`, "array", "lengthGte", `1`, "", "true"},
		{`[]`, "array", "empty", `null`, "", "true"},
		{`{"a":1}`, "object", "notEmpty", `null`, "", "true"},
		{`"[1]"`, "array", "lengthEquals", `1`, "", "error"},
		{`"[1]"`, "array", "lengthEquals", `1`, loose2, "true"},
	} {
		t.Run(fmt.Sprintf("%s %s %s", c.left, c.op, c.right), func(t *testing.T) {
			out, err := run(t, nil, "n8n-nodes-base.if", 2.2, condition2(c.left, c.typ, c.op, c.right, c.options), `[{}]`)
			got := "error"
			if err == nil {
				got = fmt.Sprint(len(out.Main[0]) == 1)
			}
			if got != c.want {
				t.Errorf("got %s, want %s (%v)", got, c.want, err)
			}
		})
	}
}

func TestIf(t *testing.T) {
	runCases(t, "n8n-nodes-base.if", []nodeCase{
		{name: "version 1 any", version: 1, inputs: one(`[{"n":"Ann","a":31},{"n":"bob","a":25},{"n":"Cid","a":40}]`),
			params: `{"conditions":{"string":[{"value1":"={{ $json.n }}","operation":"contains","value2":"A"}],"number":[{"value1":"={{ $json.a }}","operation":"larger","value2":30}]},"combineOperation":"any"}`,
			want:   `[[[{"n":"Ann","a":31},{"item":0}],[{"n":"Cid","a":40},{"item":2}]],[[{"n":"bob","a":25},{"item":1}]]]`, pairs: true},
		{name: "version 1 empty", version: 1, inputs: one(`[{"n":""},{}]`),
			params: `{"conditions":{"string":[{"value1":"={{ $json.n }}","operation":"isEmpty"}]}}`, want: `[[{"n":""},{}],[]]`},
		{name: "version 1 does not convert for equality", version: 1, inputs: one(`[{"n":5},{"n":"5"}]`), want: `[[{"n":"5"}],[{"n":5}]]`,
			params: `{"conditions":{"string":[{"value1":"={{ $json.n }}","value2":"5"}]}}`},
		{name: "version 1 orders texts by characters", version: 1, inputs: one(`[{"n":"10"},{"n":10},{"n":null},{"n":"x"}]`), want: `[[{"n":"10"},{"n":null}],[{"n":10},{"n":"x"}]]`,
			params: `{"conditions":{"number":[{"value1":"={{ $json.n }}","operation":"smaller","value2":"9"}]}}`},
		{name: "version 1 compares texts only by their start", version: 1, inputs: one(`[{"n":5}]`), fails: true,
			params: `{"conditions":{"string":[{"value1":"={{ $json.n }}","operation":"startsWith","value2":"5"}]}}`},
		{name: "loose by parameter", version: 2.2, inputs: one(`[{"a":"31"}]`), want: `[[{"a":"31"}],[]]`,
			params: `{"looseTypeValidation":true,"conditions":{"conditions":[{"leftValue":"={{ $json.a }}","rightValue":30,"operator":{"type":"number","operation":"gt"}}]}}`},
		{name: "or", version: 2, inputs: one(`[{"a":1}]`), want: `[[{"a":1}],[]]`,
			params: `{"conditions":{"combinator":"or","conditions":[{"leftValue":1,"rightValue":2,"operator":{"type":"number","operation":"equals"}},{"leftValue":2,"rightValue":2,"operator":{"type":"number","operation":"equals"}}]}}`},
	})
}

func TestFilter(t *testing.T) {
	runCases(t, "n8n-nodes-base.filter", []nodeCase{
		{name: "version 2", version: 2.2, inputs: one(`[{"a":1},{"a":3}]`), want: `[[{"a":3}],[{"a":1}]]`,
			params: `{"conditions":{"conditions":[{"leftValue":"={{ $json.a }}","rightValue":2,"operator":{"type":"number","operation":"gt"}}]}}`},
		{name: "version 1", version: 1, inputs: one(`[{"a":1},{"a":3}]`), want: `[[{"a":1},{"a":3}],[]]`,
			params: `{"combineConditions":"OR","conditions":{"number":[{"value1":"={{ $json.a }}","value2":2},{"value1":"={{ $json.a }}","operation":"equal","value2":3}]}}`},
	})
}

func TestSwitch(t *testing.T) {
	rule := func(v int) string {
		return fmt.Sprintf(`{"conditions":{"conditions":[{"leftValue":"={{ $json.a }}","rightValue":%d,"operator":{"type":"number","operation":"gte"}}]}}`, v)
	}
	rules := `"rules":{"values":[` + rule(10) + `,` + rule(5) + `]}`
	in := one(`[{"a":1},{"a":6},{"a":11}]`)
	runCases(t, "n8n-nodes-base.switch", []nodeCase{
		{name: "first match", version: 3.2, inputs: in, params: `{` + rules + `}`, want: `[[{"a":11}],[{"a":6}]]`},
		{name: "all matches", version: 3.2, inputs: in, params: `{` + rules + `,"options":{"allMatchingOutputs":true}}`, want: `[[{"a":11}],[{"a":6},{"a":11}]]`},
		{name: "extra", version: 3.2, inputs: in, params: `{` + rules + `,"options":{"fallbackOutput":"extra"}}`, want: `[[{"a":11}],[{"a":6}],[{"a":1}]]`},
		{name: "fallback by index", version: 3.2, inputs: in, params: `{` + rules + `,"options":{"fallbackOutput":0}}`, want: `[[{"a":1},{"a":11}],[{"a":6}]]`},
		{name: "expression", version: 3, inputs: one(`[{"a":1},{"a":0}]`), params: `{"mode":"expression","numberOutputs":2,"output":"={{ $json.a }}"}`, want: `[[{"a":0}],[{"a":1}]]`},
		{name: "out of range", version: 3, inputs: in, params: `{"mode":"expression","numberOutputs":2,"output":2}`, fails: true},
		{name: "version 1", version: 1, inputs: in, want: `[[],[{"a":6}],[{"a":11}],[{"a":1}]]`,
			params: `{"value1":"={{ $json.a }}","rules":{"rules":[{"operation":"larger","value2":10,"output":2},{"operation":"larger","value2":5,"output":1}]},"fallbackOutput":3}`},
		{name: "version 2", version: 2, inputs: in, want: `[[{"a":11}],[{"a":1},{"a":6}]]`,
			params: `{"value1":"={{ $json.a }}","rules":{"rules":[{"operation":"larger","value2":10}]},"fallbackOutput":"extra"}`},
	})
}
