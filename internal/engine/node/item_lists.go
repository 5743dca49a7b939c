package node

import (
	"context"

	"flowgate/internal/workflow"
)

type itemListsParams struct {
	Resource  string `json:"resource" expr:"no"`
	Operation string `json:"operation" doc:"What to do; the other parameters are those of the node type for it." default:"splitOutItems" enum:"splitOutItems,concatenateItems,aggregateItems,limit,removeDuplicates,sort,summarize" expr:"no"`

	FieldToSplitOut FieldList       `json:"fieldToSplitOut" doc:"The list field to split." show:"operation=splitOutItems"`
	Include         string          `json:"include" doc:"Which other fields to keep."`
	FieldsToInclude FieldList       `json:"fieldsToInclude" doc:"Fields to keep, with commas between."`
	Aggregate       string          `json:"aggregate" show:"operation=concatenateItems|aggregateItems" default:"aggregateIndividualFields" enum:"aggregateIndividualFields,aggregateAllItemData"`
	Fields          aggregateFields `json:"fieldsToAggregate" show:"operation=concatenateItems|aggregateItems"`
	Destination     string          `json:"destinationFieldName" show:"operation=concatenateItems|aggregateItems" default:"data"`
	MaxItems        int             `json:"maxItems" show:"operation=limit" default:"1"`
	Keep            string          `json:"keep" show:"operation=limit" default:"firstItems" enum:"firstItems,lastItems"`
	Compare         string          `json:"compare" show:"operation=removeDuplicates" default:"allFields" enum:"allFields,allFieldsExcept,selectedFields"`
	FieldsToExclude FieldList       `json:"fieldsToExclude"`
	FieldsToCompare FieldList       `json:"fieldsToCompare" show:"operation=removeDuplicates"`
	Type            string          `json:"type" show:"operation=sort" default:"simple" enum:"simple,random,code" expr:"no"`
	SortFields      sortFields      `json:"sortFieldsUi" show:"operation=sort"`
	Code            string          `json:"code" show:"operation=sort" hint:"javascript" expr:"no"`
	Summarize       summarizeFields `json:"fieldsToSummarize" show:"operation=summarize"`
	SplitBy         FieldList       `json:"fieldsToSplitBy" show:"operation=summarize"`

	Options *workflow.Object `json:"options" doc:"Options of the operation's own node type."`
}

// itemLists is the older node for what Split Out, Aggregate, Limit, Remove
// Duplicates, Sort and Summarize do now; it shares their work.
func itemLists() *Type {
	const name = "n8n-nodes-base.itemLists"
	return &Type{
		Name: name, DisplayName: "Item Lists", Category: workflow.CategoryAction,
		Description: "Older node for lists: splits out, concatenates, limits, removes duplicates, sorts and summarizes. Write the single node types in new workflows.",
		Versions:    []float64{1, 2, 2.1, 2.2, 3, 3.1}, Params: itemListsParams{},
		Examples: []workflow.NodeExample{example("Split lines", name, 3.1, `{"operation":"splitOutItems","fieldToSplitOut":"lines","options":{}}`)},
		Run:      runItemLists,
	}
}

func runItemLists(ctx context.Context, c *Call) (Output, error) {
	op := textOf(c.Node.Parameters.Value("operation"))
	switch op {
	case "", "splitOutItems":
		return runSplitOut(ctx, c)
	case "concatenateItems", "aggregateItems":
		return runAggregate(ctx, c)
	case "limit":
		return runLimit(ctx, c)
	case "removeDuplicates":
		p, err := Bind[duplicatesParams1](ctx, c, 0)
		if err != nil {
			return Output{}, err
		}
		items, err := (&duplicatesParams{Compare: p.Compare, FieldsToExclude: p.FieldsToExclude,
			FieldsToCompare: p.FieldsToCompare, Options: p.Options}).unique(passed(c.Items()))
		return Items(items), err
	case "sort":
		return runSort(ctx, c)
	case "summarize":
		return runSummarize(ctx, c)
	}
	return Output{}, badEnum("operation", op, []string{"splitOutItems", "concatenateItems", "limit", "removeDuplicates", "sort", "summarize"})
}

// duplicatesParams1 are the parameters without an operation of their own.
type duplicatesParams1 struct {
	Compare         string            `json:"compare" default:"allFields" enum:"allFields,allFieldsExcept,selectedFields"`
	FieldsToExclude FieldList         `json:"fieldsToExclude" show:"compare=allFieldsExcept"`
	FieldsToCompare FieldList         `json:"fieldsToCompare" show:"compare=selectedFields"`
	Options         duplicatesOptions `json:"options"`
}
