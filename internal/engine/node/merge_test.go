package node

import "testing"

const (
	mergeLeft  = `[{"id":1,"n":"a","x":{"p":1}},{"id":2,"n":"b"},{"id":3,"n":"c"},{"id":"4","n":"d"}]`
	mergeRight = `[{"id":2,"m":"B","n":"bb"},{"id":3,"m":"C","x":{"q":2}},{"id":4,"m":"D"}]`
)

func TestMerge(t *testing.T) {
	in := one(mergeLeft, mergeRight)
	byID := func(rest string) string {
		return `{"mode":"combine","combineBy":"combineByFields","fieldsToMatchString":"id"` + rest + `}`
	}
	runCases(t, mergeName, []nodeCase{
		{name: "append", version: 3, inputs: one(`[{"a":1}]`, `[{"b":2}]`), params: `{}`, pairs: true, want: `[[[{"a":1},{"item":0}],[{"b":2},{"item":0,"input":1}]]]`},
		{name: "keep matches", version: 3, inputs: in, params: byID(""), pairs: true,
			want: `[[[{"id":2,"n":"bb","m":"B"},[{"item":1},{"item":0,"input":1}]],[{"id":3,"n":"c","m":"C","x":{"q":2}},[{"item":2},{"item":1,"input":1}]]]]`},
		{name: "keep non matches", version: 3, inputs: in, params: byID(`,"joinMode":"keepNonMatches"`), want: `[[{"id":1,"n":"a","x":{"p":1}},{"id":"4","n":"d"},{"id":4,"m":"D"}]]`},
		{name: "keep everything", version: 3, inputs: in, params: byID(`,"joinMode":"keepEverything"`),
			want: `[[{"id":2,"n":"bb","m":"B"},{"id":3,"n":"c","m":"C","x":{"q":2}},{"id":1,"n":"a","x":{"p":1}},{"id":"4","n":"d"},{"id":4,"m":"D"}]]`},
		{name: "fuzzy", version: 3, inputs: in, params: byID(`,"joinMode":"keepMatches","outputDataFrom":"input1","options":{"fuzzyCompare":true}`), want: `[[{"id":2,"n":"b"},{"id":3,"n":"c"},{"id":"4","n":"d"}]]`},
		{name: "other names", version: 3, inputs: one(`[{"id":1}]`, `[{"ref":1,"v":2}]`), want: `[[{"id":1,"ref":1,"v":2}]]`,
			params: `{"mode":"combine","advanced":true,"mergeByFields":{"values":[{"field1":"id","field2":"ref"}]}}`},
		{name: "suffixes", version: 3, inputs: one(`[{"id":1,"a":1}]`, `[{"id":1,"b":2}]`), want: `[[{"id_1":1,"a_1":1,"id_2":1,"b_2":2}]]`,
			params: byID(`,"options":{"clashHandling":{"values":{"resolveClash":"addSuffix"}}}`)},
		{name: "shallow", version: 3, inputs: one(`[{"id":1,"o":{"a":1}}]`, `[{"id":1,"o":{"b":2}}]`), want: `[[{"id":1,"o":{"b":2}}]]`,
			params: byID(`,"options":{"clashHandling":{"values":{"mergeMode":"shallowMerge"}}}`)},
		{name: "by position, longer kept", version: 3, inputs: one(`[{"a":1},{"a":2}]`, `[{"b":1}]`), want: `[[{"a":1,"b":1},{"a":2}]]`,
			params: `{"mode":"combine","combineBy":"combineByPosition","options":{"includeUnpaired":true}}`},
		{name: "every combination", version: 3, inputs: one(`[{"a":1},{"a":2}]`, `[{"b":1},{"b":2}]`), want: `[[{"a":1,"b":1},{"a":1,"b":2},{"a":2,"b":1},{"a":2,"b":2}]]`,
			params: `{"mode":"combine","combineBy":"combineAll"}`},
		{name: "version 2 multiplex", version: 2, inputs: one(`[{"a":1}]`, `[{"b":1}]`), want: `[[{"a":1,"b":1}]]`, params: `{"mode":"combine","combinationMode":"multiplex"}`},
		{name: "choose", version: 3, inputs: in, params: `{"mode":"chooseBranch","output":"input2"}`, want: `[` + mergeRight + `]`},
		{name: "no fields", version: 3, inputs: in, params: `{"mode":"combine"}`, fails: true},
		{name: "SQL", version: 3.1, inputs: in, want: `[[{"id":2,"m":"B"},{"id":3,"m":"C"},{"id":"4","m":"D"}]]`,
			params: `{"mode":"combineBySql","query":"SELECT a.id, b.m FROM input1 a JOIN input2 b ON a.id = b.id;"}`},
		{name: "SQL reads objects", version: 3.1, inputs: in, want: `[[{"x":{"p":1}}]]`, params: `{"mode":"combineBySql","query":"SELECT x FROM input1 WHERE id = 1"}`},
		{name: "SQL may not write", version: 3.1, inputs: in, fails: true, params: `{"mode":"combineBySql","query":"ATTACH 'x.db' AS x"}`},
		{name: "SQL one statement", version: 3.1, inputs: in, fails: true, params: `{"mode":"combineBySql","query":"SELECT 1; DROP TABLE input1"}`},
		{name: "SQL that changes", version: 3.1, inputs: in, fails: true, params: `{"mode":"combineBySql","query":"WITH a AS (SELECT 1) DELETE FROM input1"}`},
		{name: "version 1 by key", version: 1, inputs: one(`[{"id":1,"a":1},{"id":2}]`, `[{"key":1,"a":9}]`), want: `[[{"id":1,"a":9,"key":1},{"id":2}]]`,
			params: `{"mode":"mergeByKey","propertyName1":"id","propertyName2":"key"}`},
		{name: "version 1 remove", version: 1, inputs: one(`[{"id":1},{"id":2}]`, `[{"id":1}]`), want: `[[{"id":2}]]`,
			params: `{"mode":"removeKeyMatches","propertyName1":"id","propertyName2":"id"}`},
		{name: "version 1 by index", version: 1, inputs: one(`[{"a":1},{"a":2}]`, `[{"b":1}]`), want: `[[{"a":1,"b":1}]]`, params: `{"mode":"mergeByIndex","join":"inner"}`},
	})
}

// TestMergeEmptyNested keeps what the other input has where the preferred one
// is empty, inside objects, too.
func TestMergeEmptyNested(t *testing.T) {
	t.Parallel()
	out, err := run(t, nil, "n8n-nodes-base.merge", 3, `{"mode":"combine","fieldsToMatchString":"id","options":{"clashHandling":{"values":{"resolveClash":"preferInput1","mergeMode":"deepMerge","overrideEmpty":true}}}}`,
		`[{"id":1,"x":{"a":1,"c":""},"e":""}]`, `[{"id":1,"x":{"a":2,"b":3,"c":"q"},"e":"f"}]`)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := shape(t, out, false), `[[{"id":1,"x":{"a":1,"b":3,"c":"q"},"e":"f"}]]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
