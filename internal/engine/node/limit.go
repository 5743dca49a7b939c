package node

import (
	"context"

	"flowgate/internal/workflow"
)

type limitParams struct {
	MaxItems int    `json:"maxItems" doc:"How many items to keep." default:"1"`
	Keep     string `json:"keep" doc:"Which end of the list to keep." default:"firstItems" enum:"firstItems,lastItems"`
}

// limit keeps the first or last items.
func limit() *Type {
	const name = "n8n-nodes-base.limit"
	return &Type{
		Name: name, DisplayName: "Limit", Category: workflow.CategoryFlow,
		Description: "Keeps at most a number of items, the first or the last.",
		Versions:    []float64{1}, Params: limitParams{},
		Examples: []workflow.NodeExample{example("First ten", name, 1, `{"maxItems":10}`)},
		Run:      runLimit,
	}
}

func runLimit(ctx context.Context, c *Call) (Output, error) {
	p, err := Bind[limitParams](ctx, c, 0)
	if err != nil {
		return Output{}, err
	}
	return Items(limited(passed(c.Items()), p.MaxItems, p.Keep == "lastItems")), nil
}

func limited(items []workflow.Item, n int, last bool) []workflow.Item {
	n = min(max(n, 0), len(items))
	if last {
		return items[len(items)-n:]
	}
	return items[:n]
}
