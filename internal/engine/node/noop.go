package node

import (
	"context"

	"flowgate/internal/workflow"
)

const stickyNoteName = "n8n-nodes-base.stickyNote"

// noOp hands on what it gets.
func noOp() *Type {
	const name = "n8n-nodes-base.noOp"
	return &Type{
		Name: name, DisplayName: "No Operation", Category: workflow.CategoryFlow,
		Description: "Hands on its input unchanged; marks a place where branches meet or end.",
		Versions:    []float64{1}, Params: noParams{},
		Examples: []workflow.NodeExample{example("Nothing to do", name, 1, `{}`)},
		Run:      runNoOp,
	}
}

func runNoOp(_ context.Context, c *Call) (Output, error) {
	return Items(passed(c.Items())), nil
}

// passed returns the items paired with their own places in input 0.
func passed(in []workflow.Item) []workflow.Item {
	out := make([]workflow.Item, len(in))
	for i := range in {
		out[i] = in[i]
		out[i].Paired = workflow.PairedTo(i)
	}
	return out
}

type stickyNoteParams struct {
	Content string  `json:"content" doc:"The note, as Markdown." expr:"no" hint:"multiline"`
	Height  float64 `json:"height" expr:"no"`
	Width   float64 `json:"width" expr:"no"`
	Color   any     `json:"color" expr:"no"`
}

// stickyNote is a note on the canvas; it never runs.
func stickyNote() *Type {
	return &Type{
		Name: stickyNoteName, DisplayName: "Sticky Note", Category: workflow.CategoryFlow,
		Description: "A note for readers of the workflow. It has no ports and never runs.",
		Versions:    []float64{1}, Params: stickyNoteParams{},
		Inputs:   func(*workflow.Node) []workflow.Port { return nil },
		Outputs:  func(*workflow.Node) []workflow.Port { return nil },
		Examples: []workflow.NodeExample{example("Note", stickyNoteName, 1, `{"content":"## What this does"}`)},
		Run:      runNoOp,
	}
}
