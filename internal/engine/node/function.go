package node

import (
	"context"

	"flowgate/internal/workflow"
)

type functionParams struct {
	FunctionCode string `json:"functionCode" doc:"JavaScript; see the description for its names." expr:"no" hint:"javascript" required:"true"`
	Notice       string `json:"notice" expr:"no"`
}

// functionType is the older form of the Code node for all items.
func functionType() *Type {
	const name = "n8n-nodes-base.function"
	return &Type{
		Name: name, DisplayName: "Function", Category: workflow.CategoryAction,
		Description: "Older form of the Code node: JavaScript that gets all items as `items` and returns a list of items. Write new code in a Code node.",
		Versions:    []float64{1}, Params: functionParams{},
		Examples: []workflow.NodeExample{example("Add a field", name, 1, `{"functionCode":"for (const item of items) { item.json.seen = true; }\nreturn items;"}`)},
		Run:      runFunction,
	}
}

func runFunction(ctx context.Context, c *Call) (Output, error) {
	p, err := Bind[functionParams](ctx, c, 0)
	if err != nil {
		return Output{}, err
	}
	res, err := c.Host.Code(ctx, CodeRequest{Source: p.FunctionCode, Mode: "function", Items: c.Items()})
	if err == nil {
		var items []workflow.Item
		if items, err = functionItems(res); err == nil {
			return Output{Main: [][]workflow.Item{items}, Console: res.Console}, nil
		}
	}
	if !c.ContinueOnFail() || ctx.Err() != nil {
		return Output{Console: res.Console}, err
	}
	item := ErrorItem(err, 0)
	item.Paired = nil
	return Output{Main: [][]workflow.Item{{item}}, Console: res.Console}, nil
}

func functionItems(res CodeResult) ([]workflow.Item, error) {
	list, ok := res.Value.([]any)
	if !ok {
		if res.Undefined {
			return nil, Fail("The function returned nothing; return a list of items.")
		}
		return nil, Fail("The function returned %s; return a list of items.", describe(res.Value))
	}
	items := make([]workflow.Item, 0, len(list))
	for i, e := range list {
		o, ok := e.(*workflow.Object)
		if !ok {
			return nil, Fail("Element %d of the returned list is %s; every element must be {json: {…}}.", i, describe(e))
		}
		item, err := readItem(o)
		if err != nil {
			return nil, atElement(err, i)
		}
		items = append(items, item)
	}
	return items, nil
}

// functionItemType is the older form of the Code node for each item.
func functionItemType() *Type {
	const name = "n8n-nodes-base.functionItem"
	return &Type{
		Name: name, DisplayName: "Function Item", Category: workflow.CategoryAction,
		Description: "Older form of the Code node: JavaScript that gets the fields of one item as `item` and returns them. Write new code in a Code node.",
		Versions:    []float64{1}, Params: functionParams{},
		Examples: []workflow.NodeExample{example("Upper case", name, 1, `{"functionCode":"item.name = item.name.toUpperCase();\nreturn item;"}`)},
		Run:      runFunctionItem,
	}
}

func runFunctionItem(ctx context.Context, c *Call) (Output, error) {
	p, err := Bind[functionParams](ctx, c, 0)
	if err != nil {
		return Output{}, err
	}
	var out Output
	items, err := c.EachItem(ctx, func(i int, in workflow.Item) ([]workflow.Item, error) {
		res, err := c.Host.Code(ctx, CodeRequest{Source: p.FunctionCode, Mode: "functionItem", Index: i, Items: c.Items()})
		out.Console = append(out.Console, res.Console...)
		if err != nil {
			return nil, err
		}
		o, ok := res.Value.(*workflow.Object)
		if !ok {
			return nil, Fail("The function did not return an object for the item; end it with `return item;`.")
		}
		return []workflow.Item{{JSON: o, Binary: in.Binary}}, nil
	})
	out.Main = [][]workflow.Item{items}
	return out, err
}
