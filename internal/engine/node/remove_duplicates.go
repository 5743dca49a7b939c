package node

import (
	"context"
	"strconv"
	"strings"

	"flowgate/internal/workflow"
)

type duplicatesParams struct {
	Operation        string            `json:"operation" doc:"What counts: the other items of the input, or those of earlier executions; or forget what these saw." default:"removeDuplicateInputItems" enum:"removeDuplicateInputItems,removeItemsSeenInPreviousExecutions,clearDeduplicationHistory" expr:"no"`
	Compare          string            `json:"compare" doc:"Which fields make items the same." default:"allFields" enum:"allFields,allFieldsExcept,selectedFields"`
	FieldsToExclude  FieldList         `json:"fieldsToExclude" doc:"Fields that do not count, with commas between." show:"compare=allFieldsExcept"`
	FieldsToCompare  FieldList         `json:"fieldsToCompare" doc:"Fields that count, with commas between." show:"compare=selectedFields"`
	Options          duplicatesOptions `json:"options"`
	Logic            string            `json:"logic" doc:"What tells that an earlier execution saw an item: its key, or a number or date that is not above the greatest one." default:"removeItemsWithAlreadySeenKeyValues" enum:"removeItemsWithAlreadySeenKeyValues,removeItemsUpToStoredIncrementalKey,removeItemsUpToStoredDate" show:"operation=removeItemsSeenInPreviousExecutions" expr:"no"`
	DedupeValue      Value             `json:"dedupeValue" doc:"The key, usually an expression." show:"operation=removeItemsSeenInPreviousExecutions&logic=removeItemsWithAlreadySeenKeyValues" example:"={{ $json.id }}"`
	IncrementalValue Value             `json:"incrementalDedupeValue" doc:"The number." show:"logic=removeItemsUpToStoredIncrementalKey" example:"={{ $json.id }}"`
	DateValue        Value             `json:"dateDedupeValue" doc:"The date." show:"logic=removeItemsUpToStoredDate" example:"={{ $json.updated }}"`
	Mode             string            `json:"mode" expr:"no"`
}

type duplicatesOptions struct {
	DisableDotNotation bool   `json:"disableDotNotation" doc:"Do not read dots in names as paths."`
	RemoveOtherFields  bool   `json:"removeOtherFields" doc:"Give only the fields that were compared."`
	Scope              string `json:"scope" doc:"Who remembers what was seen: this node, or all such nodes of the workflow together." default:"node" enum:"node,workflow" expr:"no"`
	HistorySize        int    `json:"historySize" doc:"How many keys are remembered, the newest." default:"10000"`
}

// removeDuplicates keeps the first of items that are the same.
func removeDuplicates() *Type {
	const name = "n8n-nodes-base.removeDuplicates"
	return &Type{
		Name: name, DisplayName: "Remove Duplicates", Category: workflow.CategoryAction,
		Description: "Keeps the first of items that are the same in all or chosen fields, or those that no earlier execution saw.",
		Versions:    []float64{1, 1.1, 2}, Params: duplicatesParams{},
		Outputs: duplicatesOutputs,
		Docs:    "What earlier executions saw is remembered by production executions of active workflows only.",
		Examples: []workflow.NodeExample{
			example("One per e-mail", name, 2, `{"compare":"selectedFields","fieldsToCompare":"email","options":{}}`),
			example("Only what is new", name, 2, `{"operation":"removeItemsSeenInPreviousExecutions","logic":"removeItemsWithAlreadySeenKeyValues","dedupeValue":"={{ $json.id }}","options":{}}`),
		},
		Run: runRemoveDuplicates,
	}
}

func runRemoveDuplicates(ctx context.Context, c *Call) (Output, error) {
	p, err := Bind[duplicatesParams](ctx, c, 0)
	if err != nil {
		return Output{}, err
	}
	switch p.Operation {
	case opSeenBefore:
		return p.unseen(ctx, c)
	case opClearHistory:
		p.clearHistory(c)
		return Items(passed(c.Items())), nil
	}
	items, err := p.unique(passed(c.Items()))
	return Items(items), err
}

func (p *duplicatesParams) unique(in []workflow.Item) ([]workflow.Item, error) {
	dots := !p.Options.DisableDotNotation
	fields, err := p.fields(in, dots)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	out := []workflow.Item{}
	for _, item := range in {
		var b strings.Builder
		for _, f := range fields {
			if v, ok := lookup(item.JSON, f, dots); ok {
				b.WriteString(canonical(v))
			}
			b.WriteByte(0)
		}
		if seen[b.String()] {
			continue
		}
		seen[b.String()] = true
		if p.Options.RemoveOtherFields {
			item.JSON = only(item.JSON, fields, dots)
		}
		out = append(out, item)
	}
	return out, nil
}

func only(in *workflow.Object, fields []string, dots bool) *workflow.Object {
	out := &workflow.Object{}
	for _, f := range fields {
		if v, ok := lookup(in, f, dots); ok {
			assign(out, f, v, dots)
		}
	}
	return out
}

// fields are the names that are compared. Chosen fields must be in all items.
func (p *duplicatesParams) fields(in []workflow.Item, dots bool) ([]string, error) {
	var names []string
	if p.Compare == "selectedFields" {
		if len(p.FieldsToCompare) == 0 {
			return nil, Fail("There is no field to compare; set fieldsToCompare.")
		}
		names = p.FieldsToCompare
	} else {
		excluded := map[string]bool{}
		for _, f := range p.FieldsToExclude {
			excluded[f] = true
		}
		seen := map[string]bool{}
		for _, item := range in {
			for _, name := range fieldNames(item.JSON, dots) {
				if !seen[name] && !excluded[name] {
					seen[name] = true
					names = append(names, name)
				}
			}
		}
	}
	if p.Compare == "allFields" {
		return names, nil
	}
	for _, name := range names {
		for i, item := range in {
			if _, ok := lookup(item.JSON, name, dots); !ok {
				return nil, Fail("Item %d has no field %q, which is to be compared.", i, name)
			}
		}
	}
	return names, nil
}

// fieldNames are the names of an object's fields, with dots as the paths of
// the innermost ones.
func fieldNames(o *workflow.Object, dots bool) []string {
	if !dots {
		return o.Keys()
	}
	var out []string
	for i := range o.Len() {
		k, v := o.At(i)
		out = leafNames(out, k, v)
	}
	return out
}

func leafNames(out []string, path string, v any) []string {
	switch v := v.(type) {
	case *workflow.Object:
		if v.Len() == 0 {
			return append(out, path)
		}
		for i := range v.Len() {
			k, e := v.At(i)
			out = leafNames(out, path+"."+k, e)
		}
		return out
	case []any:
		if len(v) > 0 && isContainer(v[0]) {
			for i, e := range v {
				out = leafNames(out, path+"["+strconv.Itoa(i)+"]", e)
			}
			return out
		}
	}
	return append(out, path)
}
