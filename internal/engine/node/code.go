package node

import (
	"context"
	"errors"

	"flowgate/internal/workflow"
)

type codeParams struct {
	Mode       string `json:"mode" doc:"runOnceForAllItems: the code sees all items and returns a list; runOnceForEachItem: it sees one ($json) and returns one object." default:"runOnceForAllItems" enum:"runOnceForAllItems,runOnceForEachItem" expr:"no"`
	Language   string `json:"language" doc:"Only JavaScript can be run." default:"javaScript" enum:"javaScript,python,pythonNative" expr:"no"`
	JSCode     string `json:"jsCode" doc:"The code; it must return items." expr:"no" hint:"javascript" show:"language=javaScript"`
	PythonCode string `json:"pythonCode" expr:"no" hint:"python" show:"language=python|pythonNative"`
	Notice     string `json:"notice" expr:"no"`
}

// codeType runs JavaScript of the workflow's author.
func codeType() *Type {
	const name = "n8n-nodes-base.code"
	return &Type{
		Name: name, DisplayName: "Code", Category: workflow.CategoryAction,
		Description: "Runs JavaScript, once for all items or once for each. It has no access to files, the network or processes.",
		Versions:    []float64{1, 2}, Params: codeParams{},
		Check: checkCode,
		Docs: "All items at once: `$input.all()` gives `[{json}]`; return an array of `{json: {…}}` or of plain objects, one object, or null for nothing. " +
			"Each item: `$json` is the item; return one object, or null to drop it. Also there: `$('Node name')`, `$now`, `DateTime`, `$jmespath`, `$getWorkflowStaticData`.",
		Examples: []workflow.NodeExample{
			example("Sum", name, 2, `{"jsCode":"const total = $input.all().reduce((n, i) => n + i.json.amount, 0);\nreturn [{ json: { total } }];"}`),
			example("Full name", name, 2, `{"mode":"runOnceForEachItem","jsCode":"return { json: { ...$json, full: `+"`${$json.first} ${$json.last}`"+` } };"}`),
		},
		Run: runCode,
	}
}

func checkCode(n *workflow.Node) []workflow.Finding {
	if lang := textOf(n.Parameters.Value("language")); lang == "python" || lang == "pythonNative" {
		return []workflow.Finding{{Code: FindingUnsupported, Path: "parameters.language",
			Message: "Code nodes in Python cannot be run here.", Hint: "Write the code in JavaScript and set language to javaScript."}}
	}
	return nil
}

func runCode(ctx context.Context, c *Call) (Output, error) {
	p, err := Bind[codeParams](ctx, c, 0)
	if err != nil {
		return Output{}, err
	}
	if p.Language != "javaScript" {
		return Output{}, Fail("The code is in Python, which cannot be run here. Write it in JavaScript and set language to javaScript.")
	}
	if p.Mode == "runOnceForEachItem" {
		return codeEach(ctx, c, p.JSCode)
	}
	return codeAll(ctx, c, p.JSCode)
}

func codeAll(ctx context.Context, c *Call, source string) (Output, error) {
	res, err := c.Host.Code(ctx, CodeRequest{Source: source, Mode: "all", Items: c.Items()})
	out := Output{Console: res.Console}
	if err == nil {
		var items []workflow.Item
		if items, err = codeItems(res); err == nil {
			out.Main = [][]workflow.Item{items}
			return out, nil
		}
	}
	if !c.ContinueOnFail() || ctx.Err() != nil {
		return out, err
	}
	item := ErrorItem(err, 0)
	item.Paired = nil // the fault is of the run, not of an item
	out.Main = [][]workflow.Item{{item}}
	return out, nil
}

func codeEach(ctx context.Context, c *Call, source string) (Output, error) {
	var out Output
	items, err := c.EachItem(ctx, func(i int, in workflow.Item) ([]workflow.Item, error) {
		res, err := c.Host.Code(ctx, CodeRequest{Source: source, Mode: "each", Index: i, Items: c.Items()})
		out.Console = append(out.Console, res.Console...)
		if err != nil || res.Undefined || res.Value == nil {
			return nil, err
		}
		o, ok := res.Value.(*workflow.Object)
		if !ok {
			return nil, Fail("The code returned %s for the item; return one object.", describe(res.Value))
		}
		item, err := codeItem(o, isWrapped(o))
		if err != nil {
			return nil, err
		}
		item.Paired = workflow.PairedTo(i)
		return []workflow.Item{item}, nil
	})
	out.Main = [][]workflow.Item{items}
	return out, err
}

// codeItems reads what code for all items returned.
func codeItems(res CodeResult) ([]workflow.Item, error) {
	if res.Undefined {
		return nil, Fail("The code returned nothing. Return a list of items, an object, or null for no items.")
	}
	var list []any
	switch v := res.Value.(type) {
	case nil:
		return []workflow.Item{}, nil
	case []any:
		list = v
	case *workflow.Object:
		list = []any{v}
	default:
		return nil, Fail("The code returned %s. Return a list of items, an object, or null for no items.", describe(v))
	}
	wrapped := false
	for _, e := range list {
		if o, ok := e.(*workflow.Object); ok && isWrapped(o) {
			wrapped = true
		}
	}
	items := make([]workflow.Item, 0, len(list))
	for i, e := range list {
		o, ok := e.(*workflow.Object)
		if !ok {
			return nil, Fail("Element %d of the returned list is %s; every element must be an object.", i, describe(e))
		}
		item, err := codeItem(o, wrapped)
		if err != nil {
			return nil, atElement(err, i)
		}
		items = append(items, item)
	}
	return items, nil
}

func atElement(err error, i int) error {
	var f *Failure
	if errors.As(err, &f) {
		return Fail("Element %d of the returned list: %s", i, f.Message)
	}
	return err
}

// isWrapped reports whether o is an item, not the fields of one.
func isWrapped(o *workflow.Object) bool {
	if _, ok := o.Get("json"); ok {
		return true
	}
	_, ok := o.Value("binary").(*workflow.Object)
	return ok && o.Len() == 1
}

// codeItem reads an item that code returned: as {json, binary, pairedItem}
// where wrapped, as the fields otherwise.
func codeItem(o *workflow.Object, wrapped bool) (workflow.Item, error) {
	if !wrapped {
		return workflow.Item{JSON: o}, nil
	}
	return readItem(o)
}
