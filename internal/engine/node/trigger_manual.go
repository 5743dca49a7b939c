package node

import (
	"context"

	"flowgate/internal/workflow"
)

// noParams is the parameter struct of types without parameters.
type noParams struct{}

// manualTrigger starts a workflow by hand.
func manualTrigger() *Type {
	const name = "n8n-nodes-base.manualTrigger"
	return &Type{
		Name: name, DisplayName: "Manual Trigger", Category: workflow.CategoryTrigger,
		Aliases:     []string{"n8n-nodes-base.start"},
		Description: "Starts the workflow when a person or a tool runs it. Gives one empty item, or the items it was started with.",
		Versions:    []float64{1}, Trigger: true, Params: noParams{},
		Examples: []workflow.NodeExample{example("When run by hand", name, 1, `{}`)},
		Run:      runTrigger,
	}
}

// runTrigger hands on the items the execution was started with, or one empty
// item.
func runTrigger(_ context.Context, c *Call) (Output, error) {
	if items := c.Items(); len(items) > 0 {
		return Items(items), nil
	}
	return Items([]workflow.Item{{JSON: &workflow.Object{}}}), nil
}
