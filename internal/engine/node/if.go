package node

import (
	"context"

	"flowgate/internal/workflow"
)

type ifParams struct {
	Conditions          filterParam      `json:"conditions" doc:"What an item must fulfil to go to the first output."`
	LooseTypeValidation bool             `json:"looseTypeValidation" doc:"Convert values of other types instead of failing."`
	Options             conditionOptions `json:"options"`
}

type conditionOptions struct {
	IgnoreCase          bool `json:"ignoreCase" doc:"Compare texts without regard to case."`
	LooseTypeValidation bool `json:"looseTypeValidation" doc:"Convert values of other types instead of failing (version 2.0)."`
}

type ifParams1 struct {
	Conditions       groupedConditions `json:"conditions" doc:"Conditions by type of value."`
	CombineOperation string            `json:"combineOperation" doc:"Whether all conditions must hold or any." default:"all" enum:"all,any"`
}

const exampleFilter = `{"options":{"caseSensitive":true,"leftValue":"","typeValidation":"strict","version":2},"combinator":"and","conditions":[{"id":"c1","leftValue":"={{ $json.amount }}","rightValue":100,"operator":{"type":"number","operation":"gt"}}]}`

// ifType routes items by conditions.
func ifType() *Type {
	const name = "n8n-nodes-base.if"
	return &Type{
		Name: name, DisplayName: "If", Category: workflow.CategoryFlow,
		Description: "Sends each item to the first output when its conditions hold and to the second when they do not.",
		Versions:    []float64{1, 2, 2.1, 2.2, 2.3},
		Params:      ifParams{}, OldParams: []VersionedParams{{2, ifParams1{}}},
		Outputs:  func(*workflow.Node) []workflow.Port { return mainPorts("true", "false") },
		Check:    func(n *workflow.Node) []workflow.Finding { return checkConditions(n) },
		Examples: []workflow.NodeExample{example("Large order?", name, 2.2, `{"conditions":`+exampleFilter+`,"options":{}}`)},
		Run:      runIf,
	}
}

func checkConditions(n *workflow.Node) []workflow.Finding {
	if n.TypeVersion > 0 && n.TypeVersion < 2 {
		return nil
	}
	return checkFilter(n.Parameters.Value("conditions"), "parameters.conditions")
}

// runIf gives what fails to the second output where the error policy
// continues, as the format does: it has no error output of its own.
func runIf(ctx context.Context, c *Call) (Output, error) {
	test := ifTest
	if c.Node.TypeVersion < 2 {
		test = ifTest1
	}
	yes, no, err := split(ctx, c, test)
	if err != nil {
		return Output{}, err
	}
	return Output{Main: [][]workflow.Item{yes, no}}, nil
}

// split parts the items by test. Items that fail count as no where the error
// policy continues.
func split(ctx context.Context, c *Call, test func(ctx context.Context, c *Call, i int) (bool, error)) (yes, no []workflow.Item, err error) {
	yes, no = []workflow.Item{}, []workflow.Item{}
	for i, item := range c.Items() {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		ok, err := test(ctx, c, i)
		if err != nil && (!c.ContinueOnFail() || ctx.Err() != nil) {
			return nil, nil, AtItem(err, i)
		}
		item.Paired = workflow.PairedTo(i)
		if ok {
			yes = append(yes, item)
		} else {
			no = append(no, item)
		}
	}
	return yes, no, nil
}

func ifTest(ctx context.Context, c *Call, i int) (bool, error) {
	p, err := Bind[ifParams](ctx, c, i)
	if err != nil {
		return false, err
	}
	return p.Conditions.holds(ctx, c.rules(p.Options, p.LooseTypeValidation), i)
}

func ifTest1(ctx context.Context, c *Call, i int) (bool, error) {
	p, err := Bind[ifParams1](ctx, c, i)
	if err != nil {
		return false, err
	}
	return p.Conditions.holds(ctx, c.zone(), p.CombineOperation == "any", i)
}

func (c *Call) rules(o conditionOptions, loose bool) rules {
	return rules{ignoreCase: o.IgnoreCase, loose: loose || o.LooseTypeValidation, zone: c.zone()}
}
