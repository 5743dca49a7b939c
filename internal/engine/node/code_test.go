package node

import (
	"testing"

	"flowgate/internal/workflow"
)

// returns is a host whose code gives a value.
func returns(t *testing.T, value string) *world {
	return &world{code: func(CodeRequest) (CodeResult, error) {
		if value == "" {
			return CodeResult{Undefined: true}, nil
		}
		return CodeResult{Value: js(t, value)}, nil
	}}
}

func TestCodeForAllItems(t *testing.T) {
	for name, c := range map[string]struct{ value, want string }{
		"wrapped":           {`[{"json":{"a":1}}]`, `[[{"a":1}]]`},
		"plain":             {`[{"a":1},{"b":2}]`, `[[{"a":1},{"b":2}]]`},
		"one":               {`{"json":{"a":1}}`, `[[{"a":1}]]`},
		"null":              {`null`, `[[]]`},
		"empty":             {`[]`, `[[]]`},
		"nothing":           {"", ""},
		"scalar":            {`5`, ""},
		"list of scalars":   {`[1]`, ""},
		"mixed":             {`[{"json":{"a":1}},{"b":2}]`, ""},
		"json is no object": {`[{"json":5}]`, ""},
		"unknown key":       {`[{"json":{},"oops":1}]`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := run(t, returns(t, c.value), "n8n-nodes-base.code", 2, `{"jsCode":"x"}`, `[{}]`)
			if (err != nil) != (c.want == "") {
				t.Fatalf("error %v", err)
			}
			if err == nil {
				wants(t, shape(t, out, false), c.want)
			}
		})
	}
}

func TestCodeKeepsPairingAndFiles(t *testing.T) {
	out, err := run(t, returns(t, `[{"json":{},"pairedItem":2,"binary":{"f":{"data":"aGk=","mimeType":"text/plain","fileName":"h.txt"}}},{"json":{},"pairedItem":[{"item":1}]}]`), "n8n-nodes-base.code", 2, `{"jsCode":"x"}`, `[{}]`)
	if err != nil {
		t.Fatal(err)
	}
	wants(t, shape(t, out, true), `[[[{},{"item":2}],[{},[{"item":1}]]]]`)
	if f := out.Main[0][0].Binary["f"]; f == nil || f.Data != "aGk=" || f.FileName != "h.txt" {
		t.Errorf("file: %+v", f)
	}
}

func TestCodeForEachItem(t *testing.T) {
	w := &world{code: func(r CodeRequest) (CodeResult, error) {
		switch r.Index {
		case 0:
			return CodeResult{Value: js(t, `{"json":{"a":1}}`)}, nil
		case 1:
			return CodeResult{}, nil
		}
		return CodeResult{Value: js(t, `{"plain":true}`), Console: []string{"hi"}}, nil
	}}
	out, err := run(t, w, "n8n-nodes-base.code", 2, `{"mode":"runOnceForEachItem","jsCode":"x"}`, `[{},{},{}]`)
	if err != nil {
		t.Fatal(err)
	}
	wants(t, shape(t, out, true), `[[[{"a":1},{"item":0}],[{"plain":true},{"item":2}]]]`)
	if len(out.Console) != 1 {
		t.Errorf("console %q", out.Console)
	}
	if _, err := run(t, returns(t, `[{"json":{}}]`), "n8n-nodes-base.code", 2, `{"mode":"runOnceForEachItem","jsCode":"x"}`, `[{}]`); err == nil {
		t.Error("a list for one item is accepted")
	}
}

func TestCodeInPython(t *testing.T) {
	if _, err := run(t, nil, "n8n-nodes-base.code", 2, `{"language":"python","pythonCode":"x"}`, `[{}]`); err == nil {
		t.Error("no error")
	}
}

func TestFunctions(t *testing.T) {
	out, err := run(t, returns(t, `[{"json":{"a":1}}]`), "n8n-nodes-base.function", 1, `{"functionCode":"x"}`, `[{}]`)
	if err != nil {
		t.Fatal(err)
	}
	wants(t, shape(t, out, false), `[[{"a":1}]]`)
	out, err = run(t, returns(t, `{"a":1}`), "n8n-nodes-base.functionItem", 1, `{"functionCode":"x"}`, `[{},{}]`)
	if err != nil {
		t.Fatal(err)
	}
	wants(t, shape(t, out, true), `[[[{"a":1},{"item":0}],[{"a":1},{"item":1}]]]`)
	if _, err := run(t, returns(t, `{"a":1}`), "n8n-nodes-base.function", 1, `{"functionCode":"x"}`, `[{}]`); err == nil {
		t.Error("an object is accepted where a list is due")
	}
}

func TestSortByCode(t *testing.T) {
	w := &world{code: func(r CodeRequest) (CodeResult, error) {
		return CodeResult{Value: workflow.NewObject("order", []any{2.0, 0.0, 1.0})}, nil
	}}
	out, err := run(t, w, "n8n-nodes-base.sort", 1, `{"type":"code","code":"return 0"}`, `[{"a":1},{"a":2},{"a":3}]`)
	if err != nil {
		t.Fatal(err)
	}
	wants(t, shape(t, out, true), `[[[{"a":3},{"item":2}],[{"a":1},{"item":0}],[{"a":2},{"item":1}]]]`)
}

func TestSortAtRandomKeepsAll(t *testing.T) {
	out, err := run(t, nil, "n8n-nodes-base.sort", 1, `{"type":"random"}`, `[{"a":1},{"a":2},{"a":3}]`)
	if err != nil || len(out.Main[0]) != 3 {
		t.Fatal(err, out)
	}
}
