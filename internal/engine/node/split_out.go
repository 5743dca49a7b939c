package node

import (
	"context"
	"maps"
	"slices"

	"flowgate/internal/workflow"
)

type splitOutParams struct {
	FieldToSplitOut FieldList       `json:"fieldToSplitOut" doc:"The list field to split, or several with commas between; $binary splits the files." required:"true"`
	Include         string          `json:"include" doc:"Which other fields each new item gets." default:"noOtherFields" enum:"noOtherFields,allOtherFields,selectedOtherFields"`
	FieldsToInclude FieldList       `json:"fieldsToInclude" doc:"The other fields, with commas between." show:"include=selectedOtherFields"`
	Options         splitOutOptions `json:"options"`
}

type splitOutOptions struct {
	DestinationFieldName FieldList `json:"destinationFieldName" doc:"Field that gets the element; absent: objects become the item itself, other elements keep the list's name."`
	DisableDotNotation   bool      `json:"disableDotNotation" doc:"Do not read dots in names as paths."`
	IncludeBinary        bool      `json:"includeBinary" doc:"Give each new item the files of the old one."`
}

// splitOut makes one item of each element of a list.
func splitOut() *Type {
	const name = "n8n-nodes-base.splitOut"
	return &Type{
		Name: name, DisplayName: "Split Out", Category: workflow.CategoryAction,
		Description: "Makes an item of each element of a list field.",
		Versions:    []float64{1}, Params: splitOutParams{},
		Examples: []workflow.NodeExample{example("One item an order line", name, 1, `{"fieldToSplitOut":"lines","options":{}}`)},
		Run:      runSplitOut,
	}
}

func runSplitOut(ctx context.Context, c *Call) (Output, error) {
	items, err := c.EachItem(ctx, func(i int, in workflow.Item) ([]workflow.Item, error) {
		p, err := Bind[splitOutParams](ctx, c, i)
		if err != nil {
			return nil, err
		}
		return p.split(in)
	})
	return Items(items), err
}

func (p *splitOutParams) split(in workflow.Item) ([]workflow.Item, error) {
	if len(p.FieldToSplitOut) == 0 {
		return nil, Fail("There is no field to split; set fieldToSplitOut.")
	}
	dots := !p.Options.DisableDotNotation
	base := p.others(in.JSON, dots)
	var out []workflow.Item
	for n, field := range p.FieldToSplitOut {
		if field == "$binary" {
			out = splitFiles(out, base, in.Binary)
			continue
		}
		v, there := lookup(in.JSON, field, dots)
		if !there {
			continue
		}
		for k, e := range elements(v) {
			if k == len(out) {
				item := workflow.Item{JSON: base.Copy()}
				if p.Options.IncludeBinary {
					item.Binary = in.Binary
				}
				out = append(out, item)
			}
			p.put(out[k].JSON, e, field, n)
		}
	}
	return out, nil
}

// splitFiles gives each file to an item of its own, in the order of their names.
func splitFiles(out []workflow.Item, base *workflow.Object, files map[string]*workflow.Binary) []workflow.Item {
	for k, name := range slices.Sorted(maps.Keys(files)) {
		if k == len(out) {
			out = append(out, workflow.Item{JSON: base.Copy()})
		}
		own := maps.Clone(out[k].Binary)
		if own == nil {
			own = map[string]*workflow.Binary{}
		}
		own[name] = files[name]
		out[k].Binary = own
	}
	return out
}

// others are the fields that every new item gets.
func (p *splitOutParams) others(in *workflow.Object, dots bool) *workflow.Object {
	out := &workflow.Object{}
	switch p.Include {
	case "allOtherFields":
		out = in.Copy()
		for _, field := range p.FieldToSplitOut {
			remove(out, field, dots)
		}
	case "selectedOtherFields":
		for _, field := range p.FieldsToInclude {
			if v, ok := lookup(in, field, dots); ok {
				assign(out, field, v, dots)
			}
		}
	}
	return out
}

// put stores an element in a new item.
func (p *splitOutParams) put(o *workflow.Object, e any, field string, n int) {
	if n < len(p.Options.DestinationFieldName) {
		o.Set(p.Options.DestinationFieldName[n], e)
		return
	}
	if fields, ok := e.(*workflow.Object); ok && p.Include == "noOtherFields" {
		merge(o, fields)
		return
	}
	if p.Include == "noOtherFields" {
		o.Set(field, e)
		return
	}
	assign(o, field, e, !p.Options.DisableDotNotation)
}

// elements are the members of a list or the values of an object; another
// value, null too, is its own only element.
func elements(v any) []any {
	switch v := v.(type) {
	case []any:
		return v
	case *workflow.Object:
		out := make([]any, v.Len())
		for i := range out {
			_, out[i] = v.At(i)
		}
		return out
	}
	return []any{v}
}
