package node

import (
	"strings"
	"testing"

	"flowgate/internal/workflow"
)

const persons = `[{"name":"Ann","age":31,"team":"red","tags":["a","b"],"addr":{"city":"Oslo"}},{"name":"bob","age":25,"team":"blue","tags":[],"addr":{"city":"Rome"}},{"name":"Cid","age":40,"team":"red","tags":["c"],"addr":{"city":"Oslo"}}]`

func TestLimit(t *testing.T) {
	in := one(`[{"a":1},{"a":2},{"a":3}]`)
	runCases(t, "n8n-nodes-base.limit", []nodeCase{
		{name: "first", version: 1, inputs: in, params: `{"maxItems":2}`, want: `[[{"a":1},{"a":2}]]`},
		{name: "last", version: 1, inputs: in, params: `{"maxItems":1,"keep":"lastItems"}`, want: `[[{"a":3}]]`},
		{name: "more than there are", version: 1, inputs: in, params: `{"maxItems":9}`, want: `[[{"a":1},{"a":2},{"a":3}]]`},
	})
}

func TestSort(t *testing.T) {
	in := one(`[{"n":"b","v":2},{"n":"A","v":2},{"n":"c","v":1}]`)
	runCases(t, "n8n-nodes-base.sort", []nodeCase{
		{name: "text without case", version: 1, inputs: in, params: `{"sortFieldsUi":{"sortField":[{"fieldName":"n"}]}}`, want: `[[{"n":"A","v":2},{"n":"b","v":2},{"n":"c","v":1}]]`},
		{name: "two fields", version: 1, inputs: in, params: `{"sortFieldsUi":{"sortField":[{"fieldName":"v","order":"descending"},{"fieldName":"n"}]}}`, want: `[[{"n":"A","v":2},{"n":"b","v":2},{"n":"c","v":1}]]`},
		{name: "no such field", version: 1, inputs: in, params: `{"sortFieldsUi":{"sortField":[{"fieldName":"zz"}]}}`, fails: true},
	})
}

func TestSplitOut(t *testing.T) {
	runCases(t, "n8n-nodes-base.splitOut", []nodeCase{
		{name: "texts", version: 1, inputs: one(persons), params: `{"fieldToSplitOut":"tags"}`, want: `[[{"tags":"a"},{"tags":"b"},{"tags":"c"}]]`},
		{name: "objects", version: 1, inputs: one(`[{"o":{"l":[{"p":1},{"p":2}]}}]`), params: `{"fieldToSplitOut":"o.l"}`, want: `[[{"p":1},{"p":2}]]`},
		{name: "all others", version: 1, inputs: one(`[{"l":[{"p":1}],"k":2}]`), params: `{"fieldToSplitOut":"l","include":"allOtherFields"}`, want: `[[{"k":2,"l":{"p":1}}]]`},
		{name: "destination", version: 1, inputs: one(`[{"l":[1,2],"k":2}]`), params: `{"fieldToSplitOut":"l","include":"selectedOtherFields","fieldsToInclude":"k","options":{"destinationFieldName":"e"}}`, want: `[[{"k":2,"e":1},{"k":2,"e":2}]]`},
		{name: "two lists", version: 1, inputs: one(`[{"a":[1,2],"b":["x"]}]`), params: `{"fieldToSplitOut":"a,b"}`, want: `[[{"a":1,"b":"x"},{"a":2}]]`},
		{name: "null is its own element, what is missing has none", version: 1, inputs: one(`[{"l":null,"k":1},{"k":2},{"l":[],"k":3}]`), params: `{"fieldToSplitOut":"l","include":"selectedOtherFields","fieldsToInclude":"k"}`, want: `[[{"k":1,"l":null}]]`},
	})
}

func TestAggregate(t *testing.T) {
	runCases(t, "n8n-nodes-base.aggregate", []nodeCase{
		{name: "fields", version: 1, inputs: one(persons), pairs: true, want: `[[[{"name":["Ann","bob","Cid"],"city":["Oslo","Rome","Oslo"]},[{"item":0},{"item":1},{"item":2}]]]]`,
			params: `{"fieldsToAggregate":{"fieldToAggregate":[{"fieldToAggregate":"name"},{"fieldToAggregate":"addr.city"}]}}`},
		{name: "merged lists", version: 1, inputs: one(persons), want: `[[{"t":["a","b","c"]}]]`,
			params: `{"fieldsToAggregate":{"fieldToAggregate":[{"fieldToAggregate":"tags","renameField":true,"outputFieldName":"t"}]},"options":{"mergeLists":true}}`},
		{name: "missing kept", version: 1, inputs: one(`[{"a":1},{}]`), want: `[[{"a":[1,null]}]]`,
			params: `{"fieldsToAggregate":{"fieldToAggregate":[{"fieldToAggregate":"a"}]},"options":{"keepMissing":true}}`},
		{name: "whole items", version: 1, inputs: one(`[{"a":1,"b":2},{"a":3}]`), want: `[[{"all":[{"a":1},{"a":3}]}]]`,
			params: `{"aggregate":"aggregateAllItemData","destinationFieldName":"all","include":"allFieldsExcept","fieldsToExclude":"b"}`},
	})
}

func TestSummarize(t *testing.T) {
	all := `{"fieldsToSummarize":{"values":[{"aggregation":"sum","field":"age"},{"aggregation":"average","field":"age"},{"aggregation":"min","field":"age"},{"aggregation":"max","field":"age"},{"aggregation":"count","field":"name"},{"aggregation":"countUnique","field":"team"},{"aggregation":"append","field":"name"},{"aggregation":"concatenate","field":"name","separateBy":"other","customSeparator":"/"}]}}`
	runCases(t, "n8n-nodes-base.summarize", []nodeCase{
		{name: "figures", version: 1.1, inputs: one(persons), params: all, want: `[[{"sum_age":96,"average_age":32,"min_age":25,"max_age":40,"count_name":3,"unique_count_team":2,"appended_name":["Ann","bob","Cid"],"concatenated_name":"Ann/bob/Cid"}]]`},
		{name: "groups", version: 1.1, inputs: one(persons), pairs: true, params: `{"fieldsToSummarize":{"values":[{"field":"name"}]},"fieldsToSplitBy":"team,addr.city"}`,
			want: `[[[{"count_name":2,"addr_city":"Oslo","team":"red"},[{"item":0},{"item":2}]],[{"count_name":1,"addr_city":"Rome","team":"blue"},[{"item":1}]]]]`},
		{name: "one item", version: 1.1, inputs: one(persons), params: `{"fieldsToSummarize":{"values":[{"field":"name"}]},"fieldsToSplitBy":"team","options":{"outputFormat":"singleItem"}}`,
			want: `[[{"red":{"count_name":2},"blue":{"count_name":1}}]]`},
		{name: "no such field", version: 1, inputs: one(persons), params: `{"fieldsToSummarize":{"values":[{"field":"zz"}]}}`, fails: true},
	})
}

func TestRemoveDuplicates(t *testing.T) {
	in := one(`[{"a":1,"b":1},{"b":1,"a":1},{"a":1,"b":2}]`)
	runCases(t, "n8n-nodes-base.removeDuplicates", []nodeCase{
		{name: "all fields", version: 2, inputs: in, params: `{}`, pairs: true, want: `[[[{"a":1,"b":1},{"item":0}],[{"a":1,"b":2},{"item":2}]]]`},
		{name: "chosen fields", version: 1, inputs: in, params: `{"compare":"selectedFields","fieldsToCompare":"a","options":{"removeOtherFields":true}}`, want: `[[{"a":1}]]`},
		{name: "all but", version: 2, inputs: in, params: `{"compare":"allFieldsExcept","fieldsToExclude":"b"}`, want: `[[{"a":1,"b":1}]]`},
		{name: "a field is missing", version: 2, inputs: one(`[{"a":1},{}]`), params: `{"compare":"selectedFields","fieldsToCompare":"a"}`, fails: true},
	})
}

// TestRemoveSeen runs a node again and again, as executions do.
func TestRemoveSeen(t *testing.T) {
	const op = `"operation":"removeItemsSeenInPreviousExecutions",`
	for _, c := range []struct{ name, params, first, second, third string }{
		{"keys", op + `"dedupeValue":"={{ $json.k }}"`, `[[{"k":1},{"k":2},{"k":2}],[]]`, `[[{"k":3}],[{"k":2}]]`, `[[],[{"k":1},{"k":3}]]`},
		{"keys of the workflow", op + `"dedupeValue":"={{ $json.k }}","options":{"scope":"workflow"}`, `[[{"k":1},{"k":2},{"k":2}],[]]`, `[[{"k":3}],[{"k":2}]]`, `[[],[{"k":1},{"k":3}]]`},
		{"the newest keys only", op + `"dedupeValue":"={{ $json.k }}","options":{"historySize":1}`, `[[{"k":1},{"k":2},{"k":2}],[]]`, `[[{"k":3}],[{"k":2}]]`, `[[{"k":1}],[{"k":3}]]`},
		{"a number", op + `"logic":"removeItemsUpToStoredIncrementalKey","incrementalDedupeValue":"={{ $json.k }}"`,
			`[[{"k":1},{"k":2},{"k":2}],[]]`, `[[{"k":3}],[{"k":2}]]`, `[[],[{"k":1},{"k":3}]]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := &world{static: map[string]*workflow.Object{}}
			for i, in := range []string{`[{"k":1},{"k":2},{"k":2}]`, `[{"k":3},{"k":2}]`, `[{"k":1},{"k":3}]`} {
				out, err := run(t, w, "n8n-nodes-base.removeDuplicates", 2, "{"+c.params+"}", in)
				if err != nil {
					t.Fatal(err)
				}
				wants(t, shape(t, out, false), []string{c.first, c.second, c.third}[i])
			}
			out, err := run(t, w, "n8n-nodes-base.removeDuplicates", 2, strings.Replace("{"+c.params+"}", "removeItemsSeenInPreviousExecutions", "clearDeduplicationHistory", 1), `[{"k":1}]`)
			if err != nil {
				t.Fatal(err)
			}
			wants(t, shape(t, out, false), `[[{"k":1}]]`)
			if out, err = run(t, w, "n8n-nodes-base.removeDuplicates", 2, "{"+c.params+"}", `[{"k":1}]`); err != nil {
				t.Fatal(err)
			}
			wants(t, shape(t, out, false), `[[{"k":1}],[]]`)
		})
	}
	dates := "{" + op + `"logic":"removeItemsUpToStoredDate","dateDedupeValue":"={{ $json.d }}"}`
	w := &world{static: map[string]*workflow.Object{}}
	for _, want := range []string{`[[{"d":"2024-01-02"}],[]]`, `[[],[{"d":"2024-01-02"}]]`} {
		out, err := run(t, w, "n8n-nodes-base.removeDuplicates", 2, dates, `[{"d":"2024-01-02"}]`)
		if err != nil {
			t.Fatal(err)
		}
		wants(t, shape(t, out, false), want)
	}
	if _, err := run(t, w, "n8n-nodes-base.removeDuplicates", 2, dates, `[{"d":"nope"}]`); err == nil {
		t.Error("no date is taken for one")
	}
}

func TestItemLists(t *testing.T) {
	runCases(t, "n8n-nodes-base.itemLists", []nodeCase{
		{name: "split", version: 1, inputs: one(`[{"l":[1,2]}]`), params: `{"fieldToSplitOut":"l"}`, want: `[[{"l":1},{"l":2}]]`},
		{name: "concatenate", version: 3, inputs: one(`[{"a":1},{"a":2}]`), params: `{"operation":"concatenateItems","aggregate":"aggregateAllItemData"}`, want: `[[{"data":[{"a":1},{"a":2}]}]]`},
		{name: "older lists of fields", version: 1, inputs: one(`[{"a":1,"b":1},{"a":1,"b":2}]`), want: `[[{"a":1,"b":1}]]`,
			params: `{"operation":"removeDuplicates","compare":"selectedFields","fieldsToCompare":{"fields":[{"fieldName":"a"}]}}`},
		{name: "limit", version: 3.1, inputs: one(`[{"a":1},{"a":2}]`), params: `{"operation":"limit"}`, want: `[[{"a":1}]]`},
		{name: "sort", version: 2.2, inputs: one(`[{"a":2},{"a":1}]`), params: `{"operation":"sort","sortFieldsUi":{"sortField":[{"fieldName":"a"}]}}`, want: `[[{"a":1},{"a":2}]]`},
		{name: "summarize", version: 3, inputs: one(`[{"a":2},{"a":1}]`), params: `{"operation":"summarize","fieldsToSummarize":{"values":[{"aggregation":"sum","field":"a"}]}}`, want: `[[{"sum_a":3}]]`},
		{name: "unknown", version: 3, inputs: one(`[{}]`), params: `{"operation":"zz"}`, fails: true},
	})
}

func TestRenameKeys(t *testing.T) {
	runCases(t, "n8n-nodes-base.renameKeys", []nodeCase{
		{name: "names and paths", version: 1, inputs: one(`[{"a":1,"o":{"b":2}}]`), params: `{"keys":{"key":[{"currentKey":"a","newKey":"x"},{"currentKey":"o.b","newKey":"o.c"}]}}`, want: `[[{"o":{"c":2},"x":1}]]`},
		{name: "patterns", version: 1, inputs: one(`[{"user_id":1,"o":{"User_x":2}}]`), want: `[[{"u_id":1,"o":{"u_x":2}}]]`,
			params: `{"additionalOptions":{"regexReplacement":{"replacements":[{"searchRegex":"^(u)ser_","replaceRegex":"u_","options":{"caseInsensitive":true}}]}}}`},
	})
}

func TestCompareDatasets(t *testing.T) {
	in := one(mergeLeft, mergeRight)
	match := `"mergeByFields":{"values":[{"field1":"id","field2":"id"}]}`
	runCases(t, "n8n-nodes-base.compareDatasets", []nodeCase{
		{name: "both", version: 2.3, inputs: one(`[{"id":1,"v":1},{"id":2,"v":1},{"id":3}]`, `[{"id":2,"v":2},{"id":3},{"id":4}]`), params: `{` + match + `}`,
			want: `[[{"id":1,"v":1}],[{"id":3}],[{"keys":{"id":2},"same":{"id":2},"different":{"v":{"inputA":1,"inputB":2}}}],[{"id":4}]]`},
		{name: "prefer B", version: 2.3, inputs: one(`[{"id":2,"v":1}]`, `[{"id":2,"v":2}]`), params: `{` + match + `,"resolve":"preferInput2"}`, want: `[[],[],[{"id":2,"v":2}],[]]`},
		{name: "skipped", version: 2.3, inputs: one(`[{"id":2,"v":1}]`, `[{"id":2,"v":2}]`), params: `{` + match + `,"options":{"skipFields":"v"}}`, want: `[[],[{"id":2,"v":1}],[],[]]`},
		{name: "no fields", version: 2.3, inputs: in, params: `{}`, fails: true},
	})
}
