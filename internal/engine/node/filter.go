package node

import (
	"context"

	"flowgate/internal/workflow"
)

type filterParams struct {
	Conditions          filterParam      `json:"conditions" doc:"What an item must fulfil to be kept."`
	LooseTypeValidation bool             `json:"looseTypeValidation" doc:"Convert values of other types instead of failing."`
	Options             conditionOptions `json:"options"`
}

type filterParams1 struct {
	Conditions        groupedConditions `json:"conditions" doc:"Conditions by type of value."`
	CombineConditions string            `json:"combineConditions" doc:"Whether all conditions must hold (AND) or any (OR)." default:"AND" enum:"AND,OR"`
}

// filterType keeps the items that fulfil conditions.
func filterType() *Type {
	const name = "n8n-nodes-base.filter"
	return &Type{
		Name: name, DisplayName: "Filter", Category: workflow.CategoryFlow,
		Description: "Keeps the items whose conditions hold and drops the others.",
		Versions:    []float64{1, 2, 2.1, 2.2, 2.3},
		Params:      filterParams{}, OldParams: []VersionedParams{{2, filterParams1{}}},
		Check:    func(n *workflow.Node) []workflow.Finding { return checkConditions(n) },
		Examples: []workflow.NodeExample{example("Keep large orders", name, 2.2, `{"conditions":`+exampleFilter+`,"options":{}}`)},
		Run:      runFilter,
	}
}

// runFilter also reports what was dropped, as a second output that nothing
// can be connected to. The error output takes its place where there is one.
func runFilter(ctx context.Context, c *Call) (Output, error) {
	test := filterTest
	if c.Node.TypeVersion < 2 {
		test = filterTest1
	}
	kept, dropped, err := split(ctx, c, test)
	if err != nil {
		return Output{}, err
	}
	if c.Node.ErrorPolicy() == workflow.OnErrorContinueToError {
		return Items(kept), nil
	}
	return Output{Main: [][]workflow.Item{kept, dropped}}, nil
}

func filterTest(ctx context.Context, c *Call, i int) (bool, error) {
	p, err := Bind[filterParams](ctx, c, i)
	if err != nil {
		return false, err
	}
	return p.Conditions.holds(ctx, c.rules(p.Options, p.LooseTypeValidation), i)
}

func filterTest1(ctx context.Context, c *Call, i int) (bool, error) {
	p, err := Bind[filterParams1](ctx, c, i)
	if err != nil {
		return false, err
	}
	return p.Conditions.holds(ctx, c.zone(), p.CombineConditions == "OR", i)
}
