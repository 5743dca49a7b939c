package node

import (
	"context"
	"sort"

	"flowgate/internal/workflow"
)

type sortParams struct {
	Type    string      `json:"type" doc:"simple: by fields; random: shuffled; code: by a comparison of your own." default:"simple" enum:"simple,random,code" expr:"no"`
	Fields  sortFields  `json:"sortFieldsUi" doc:"The fields to sort by, the most important first." show:"type=simple"`
	Code    string      `json:"code" doc:"JavaScript that compares the items a and b and returns a number: below 0, 0 or above 0." show:"type=code" hint:"javascript" expr:"no" example:"return a.json.age - b.json.age;"`
	Options sortOptions `json:"options"`
}

type sortFields struct {
	Fields []sortField `json:"sortField" doc:"The fields."`
}

type sortField struct {
	FieldName string `json:"fieldName" doc:"Name or path of the field." required:"true"`
	Order     string `json:"order" default:"ascending" enum:"ascending,descending"`
}

type sortOptions struct {
	DisableDotNotation bool `json:"disableDotNotation" doc:"Do not read dots in names as paths."`
}

// sortType orders items.
func sortType() *Type {
	const name = "n8n-nodes-base.sort"
	return &Type{
		Name: name, DisplayName: "Sort", Category: workflow.CategoryAction,
		Description: "Orders the items by fields, at random, or by JavaScript. Texts are compared without regard to case.",
		Versions:    []float64{1}, Params: sortParams{},
		Examples: []workflow.NodeExample{example("Newest first", name, 1, `{"sortFieldsUi":{"sortField":[{"fieldName":"created","order":"descending"}]},"options":{}}`)},
		Run:      runSort,
	}
}

func runSort(ctx context.Context, c *Call) (Output, error) {
	p, err := Bind[sortParams](ctx, c, 0)
	if err != nil {
		return Output{}, err
	}
	items, err := p.sorted(ctx, c, passed(c.Items()))
	return Items(items), err
}

func (p *sortParams) sorted(ctx context.Context, c *Call, items []workflow.Item) ([]workflow.Item, error) {
	switch p.Type {
	case "random":
		c.Host.Rand().Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
		return items, nil
	case "code":
		return sortByCode(ctx, c, p.Code, items)
	}
	return items, sortByFields(items, p.Fields.Fields, !p.Options.DisableDotNotation)
}

func sortByFields(items []workflow.Item, fields []sortField, dots bool) error {
	if len(fields) == 0 {
		return Fail("There is no field to sort by; add one to sortFieldsUi.sortField.")
	}
	for _, f := range fields {
		if !anyHas(items, f.FieldName, dots) && len(items) > 0 {
			return Fail("No item has a field %q to sort by.", f.FieldName)
		}
	}
	sort.SliceStable(items, func(i, j int) bool {
		for _, f := range fields {
			a, _ := lookup(items[i].JSON, f.FieldName, dots)
			b, _ := lookup(items[j].JSON, f.FieldName, dots)
			d := order(a, b)
			if f.Order == "descending" {
				d = -d
			}
			if d != 0 {
				return d < 0
			}
		}
		return false
	})
	return nil
}

func anyHas(items []workflow.Item, field string, dots bool) bool {
	for i := range items {
		if _, ok := lookup(items[i].JSON, field, dots); ok {
			return true
		}
	}
	return false
}

// sortByCode lets the user's comparison order the places of the items, which
// travel back instead of the items themselves.
func sortByCode(ctx context.Context, c *Call, code string, items []workflow.Item) ([]workflow.Item, error) {
	source := "const compareItems = (a, b) => {\n" + code + "\n};\n" +
		"const list = $input.all();\n" +
		"return { order: list.map((_, i) => i).sort((i, j) => compareItems(list[i], list[j])) };"
	res, err := c.Host.Code(ctx, CodeRequest{Source: source, Mode: "all", Items: c.Items()})
	if err != nil {
		return nil, err
	}
	o, _ := res.Value.(*workflow.Object)
	places, _ := o.Value("order").([]any)
	if len(places) != len(items) {
		return nil, Fail("The code to sort by did not give an order. It must return a number.")
	}
	out := make([]workflow.Item, 0, len(items))
	for _, p := range places {
		n, ok := p.(float64)
		if !ok || n < 0 || int(n) >= len(items) {
			return nil, Fail("The code to sort by did not give an order. It must return a number.")
		}
		out = append(out, items[int(n)])
	}
	return out, nil
}
