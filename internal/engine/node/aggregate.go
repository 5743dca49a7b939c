package node

import (
	"context"
	"fmt"

	"flowgate/internal/workflow"
)

type aggregateParams struct {
	Aggregate       string           `json:"aggregate" doc:"Gather single fields into lists, or whole items into one list." default:"aggregateIndividualFields" enum:"aggregateIndividualFields,aggregateAllItemData"`
	Fields          aggregateFields  `json:"fieldsToAggregate" doc:"The fields to gather." show:"aggregate=aggregateIndividualFields"`
	Destination     string           `json:"destinationFieldName" doc:"Field that gets the list." default:"data" show:"aggregate=aggregateAllItemData"`
	Include         string           `json:"include" doc:"Which fields of the items to gather." default:"allFields" enum:"allFields,specifiedFields,allFieldsExcept" show:"aggregate=aggregateAllItemData"`
	FieldsToInclude FieldList        `json:"fieldsToInclude" doc:"Fields to gather, with commas between." show:"aggregate=aggregateAllItemData&include=specifiedFields"`
	FieldsToExclude FieldList        `json:"fieldsToExclude" doc:"Fields to leave out, with commas between." show:"aggregate=aggregateAllItemData&include=allFieldsExcept"`
	Options         aggregateOptions `json:"options"`
}

type aggregateFields struct {
	Fields []aggregateField `json:"fieldToAggregate" doc:"The fields."`
}

type aggregateField struct {
	Field      string `json:"fieldToAggregate" doc:"Name or path of the field." required:"true"`
	Rename     bool   `json:"renameField" doc:"Whether the list gets another name."`
	OutputName string `json:"outputFieldName" doc:"The list's name." show:"renameField=true"`
}

type aggregateOptions struct {
	DisableDotNotation bool `json:"disableDotNotation" doc:"Do not read dots in names as paths."`
	MergeLists         bool `json:"mergeLists" doc:"Join lists into one instead of a list of lists."`
	KeepMissing        bool `json:"keepMissing" doc:"Put null where an item has no value."`
	IncludeBinaries    bool `json:"includeBinaries" doc:"Keep the files of all items."`
	KeepOnlyUnique     bool `json:"keepOnlyUnique" doc:"Keep only one of files that are the same."`
}

// aggregate gathers items into one.
func aggregate() *Type {
	const name = "n8n-nodes-base.aggregate"
	return &Type{
		Name: name, DisplayName: "Aggregate", Category: workflow.CategoryAction,
		Description: "Gathers all items into one: fields as lists, or the items themselves as a list.",
		Versions:    []float64{1}, Params: aggregateParams{},
		Examples: []workflow.NodeExample{
			example("All items in one", name, 1, `{"aggregate":"aggregateAllItemData","options":{}}`),
			example("List of e-mails", name, 1, `{"fieldsToAggregate":{"fieldToAggregate":[{"fieldToAggregate":"email"}]},"options":{}}`),
		},
		Run: runAggregate,
	}
}

func runAggregate(ctx context.Context, c *Call) (Output, error) {
	p, err := Bind[aggregateParams](ctx, c, 0)
	if err != nil {
		return Output{}, err
	}
	in := c.Items()
	out := workflow.Item{JSON: &workflow.Object{}, Paired: pairedToAll(len(in))}
	if p.Aggregate == "aggregateAllItemData" {
		out.JSON.Set(p.Destination, p.wholeItems(in))
	} else if err := p.singleFields(in, out.JSON); err != nil {
		return Output{}, err
	}
	if p.Options.IncludeBinaries {
		out.Binary = gatherFiles(in, p.Options.KeepOnlyUnique)
	}
	return Items([]workflow.Item{out}), nil
}

func (p *aggregateParams) wholeItems(in []workflow.Item) []any {
	dots := !p.Options.DisableDotNotation
	list := make([]any, 0, len(in))
	for _, item := range in {
		o := item.JSON
		switch p.Include {
		case "specifiedFields":
			o = &workflow.Object{}
			for _, f := range p.FieldsToInclude {
				if v, ok := lookup(item.JSON, f, dots); ok {
					assign(o, f, v, dots)
				}
			}
		case "allFieldsExcept":
			o = item.JSON.Copy()
			for _, f := range p.FieldsToExclude {
				remove(o, f, dots)
			}
		}
		if p.Include != "allFields" && o.Len() == 0 {
			continue
		}
		list = append(list, o)
	}
	return list
}

func (p *aggregateParams) singleFields(in []workflow.Item, out *workflow.Object) error {
	if len(p.Fields.Fields) == 0 {
		return Fail("There is no field to gather; add one to fieldsToAggregate.fieldToAggregate.")
	}
	dots := !p.Options.DisableDotNotation
	taken := map[string]bool{}
	for _, f := range p.Fields.Fields {
		if f.Field == "" {
			return Fail("A field to gather has no name; set fieldsToAggregate.fieldToAggregate[].fieldToAggregate.")
		}
		name := f.Field
		if f.Rename && f.OutputName != "" {
			name = f.OutputName
		} else if keys := splitPath(f.Field); dots && len(keys) > 0 {
			name = keys[len(keys)-1]
		}
		if taken[name] {
			return Fail("Two lists would be named %q; rename one with outputFieldName.", name)
		}
		taken[name] = true
		out.Set(name, p.values(in, f.Field, dots))
	}
	return nil
}

func (p *aggregateParams) values(in []workflow.Item, field string, dots bool) []any {
	list := []any{}
	add := func(v any) {
		if v != nil || p.Options.KeepMissing {
			list = append(list, v)
		}
	}
	for _, item := range in {
		v, _ := lookup(item.JSON, field, dots)
		if inner, ok := v.([]any); ok && p.Options.MergeLists {
			for _, e := range inner {
				add(e)
			}
			continue
		}
		add(v)
	}
	return list
}

// gatherFiles puts the files of all items side by side; names that are taken
// get a number.
func gatherFiles(in []workflow.Item, unique bool) map[string]*workflow.Binary {
	out := map[string]*workflow.Binary{}
	seen := map[workflow.Binary]bool{}
	for _, item := range in {
		for _, name := range sortedKeys(item.Binary) {
			file := item.Binary[name]
			if unique && seen[*file] {
				continue
			}
			seen[*file] = true
			free := name
			for n := 1; out[free] != nil; n++ {
				free = fmt.Sprintf("%s_%d", name, n)
			}
			out[free] = file
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}
