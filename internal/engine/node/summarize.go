package node

import (
	"context"
	"strings"

	"flowgate/internal/workflow"
)

type summarizeParams struct {
	Fields  summarizeFields  `json:"fieldsToSummarize" doc:"What to compute."`
	SplitBy FieldList        `json:"fieldsToSplitBy" doc:"Fields to group by, with commas between."`
	Options summarizeOptions `json:"options"`
}

type summarizeFields struct {
	Values []summarizeField `json:"values" doc:"One computation each."`
}

type summarizeField struct {
	Aggregation     string `json:"aggregation" doc:"What to compute of the field." default:"count" enum:"append,average,concatenate,count,countUnique,max,min,sum"`
	Field           string `json:"field" doc:"Name or path of the field." required:"true"`
	IncludeEmpty    bool   `json:"includeEmpty" doc:"Count empty values too." show:"aggregation=append|concatenate|count|countUnique"`
	SeparateBy      string `json:"separateBy" doc:"What stands between texts; other means customSeparator." default:"," show:"aggregation=concatenate"`
	CustomSeparator string `json:"customSeparator" show:"aggregation=concatenate&separateBy=other"`
}

type summarizeOptions struct {
	ContinueIfFieldNotFound bool   `json:"continueIfFieldNotFound" doc:"Do not fail when no item has a field."`
	DisableDotNotation      bool   `json:"disableDotNotation" doc:"Do not read dots in names as paths."`
	OutputFormat            string `json:"outputFormat" doc:"One item a group, or all groups in one item." default:"separateItems" enum:"separateItems,singleItem"`
	SkipEmptySplitFields    bool   `json:"skipEmptySplitFields" doc:"Leave out items without a value to group by."`
}

// summarize computes figures over groups of items.
func summarize() *Type {
	const name = "n8n-nodes-base.summarize"
	return &Type{
		Name: name, DisplayName: "Summarize", Category: workflow.CategoryAction,
		Description: "Computes counts, sums, averages, extremes and lists of fields, over all items or by group.",
		Versions:    []float64{1, 1.1}, Params: summarizeParams{},
		Examples: []workflow.NodeExample{example("Revenue by country", name, 1.1, `{"fieldsToSummarize":{"values":[{"aggregation":"sum","field":"amount"}]},"fieldsToSplitBy":"country","options":{}}`)},
		Run:      runSummarize,
	}
}

// group is a set of items that agree in the fields to split by.
type group struct {
	value   any  // of the last split field
	missing bool // no item of the group has that field
	members []int
	inner   []*group
}

func runSummarize(ctx context.Context, c *Call) (Output, error) {
	p, err := Bind[summarizeParams](ctx, c, 0)
	if err != nil {
		return Output{}, err
	}
	in := c.Items()
	if err := p.check(c, in); err != nil {
		return Output{}, err
	}
	all := &group{members: make([]int, len(in))}
	for i := range in {
		all.members[i] = i
	}
	p.divide(all, in, p.SplitBy)
	if p.Options.OutputFormat == "singleItem" || len(p.SplitBy) == 0 {
		item := workflow.Item{JSON: p.nested(all, in, len(p.SplitBy)), Paired: pairedToAll(len(in))}
		return Items([]workflow.Item{item}), nil
	}
	out := []workflow.Item{}
	p.flat(all, in, nil, &out)
	return Items(out), nil
}

func (p *summarizeParams) check(c *Call, in []workflow.Item) error {
	if len(p.Fields.Values) == 0 {
		return Fail("There is nothing to compute; add an entry to fieldsToSummarize.values.")
	}
	dots := !p.Options.DisableDotNotation
	for _, f := range p.Fields.Values {
		if f.Field == "" {
			return Fail("An entry of fieldsToSummarize.values has no field.")
		}
		if c.Node.TypeVersion < 1.1 && !p.Options.ContinueIfFieldNotFound && !anyHas(in, f.Field, dots) {
			return Fail("No item has a field %q to summarize.", f.Field)
		}
	}
	return nil
}

// divide groups g's members by the first of fields, then inside by the rest.
func (p *summarizeParams) divide(g *group, in []workflow.Item, fields []string) {
	if len(fields) == 0 {
		return
	}
	index := map[string]*group{}
	for _, i := range g.members {
		v, ok := lookup(in[i].JSON, fields[0], !p.Options.DisableDotNotation)
		if p.Options.SkipEmptySplitFields && isEmptyValue(v) {
			continue
		}
		key := canonical(v)
		if !ok {
			key = "missing"
		}
		sub := index[key]
		if sub == nil {
			sub = &group{value: v, missing: !ok}
			index[key] = sub
			g.inner = append(g.inner, sub)
		}
		sub.members = append(sub.members, i)
	}
	for _, sub := range g.inner {
		p.divide(sub, in, fields[1:])
	}
}

// flat adds one item a group of the deepest level.
func (p *summarizeParams) flat(g *group, in []workflow.Item, path []*group, out *[]workflow.Item) {
	if len(path) == len(p.SplitBy) {
		item := workflow.Item{JSON: p.figures(g, in), Paired: pairedToList(g.members)}
		for n := len(path) - 1; n >= 0; n-- {
			if !path[n].missing {
				item.JSON.Set(flatName(p.SplitBy[n]), path[n].value)
			}
		}
		*out = append(*out, item)
		return
	}
	for _, sub := range g.inner {
		p.flat(sub, in, append(path[:len(path):len(path)], sub), out)
	}
}

// nested puts the groups into one object, a level each split field.
func (p *summarizeParams) nested(g *group, in []workflow.Item, levels int) *workflow.Object {
	if levels == 0 {
		return p.figures(g, in)
	}
	o := &workflow.Object{}
	for _, sub := range g.inner {
		name := jsText(sub.value)
		if sub.missing {
			name = "undefined"
		}
		o.Set(name, p.nested(sub, in, levels-1))
	}
	return o
}

// flatName is the output name of a field: paths are written with _.
func flatName(field string) string {
	return strings.NewReplacer("]", "", "[", "_", ".", "_", `"`, "", "'", "").Replace(field)
}
