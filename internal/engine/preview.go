package engine

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"time"

	"flowgate/internal/engine/expr"
	"flowgate/internal/workflow"
)

// Preview is a parameter to be resolved as a node of a workflow would see it,
// without running anything.
type Preview struct {
	Owner    string
	Workflow *workflow.Workflow
	Node     string             // "" is no node in particular
	Text     string             // begins with "=" where it is an expression
	Runs     []workflow.NodeRun // of an execution of the workflow, in order
	Items    []workflow.Item    // the node's input; nil is what Runs gave it
	Item     int
	Files    workflow.BinarySource // nil: there are none
}

// Preview returns the value as JSON. A fault of the expression is
// CodeUnrunnable.
func (e *Engine) Preview(ctx context.Context, p Preview) (json.RawMessage, error) {
	session := e.expr.SessionFor(p.Owner)
	defer session.Close()
	d := previewData{p: p, zone: e.location, now: time.Now()}
	if name := p.Workflow.Document.Settings.Timezone; name != "" {
		if zone, err := time.LoadLocation(name); err == nil {
			d.zone = zone
		}
	}
	scope := &expr.Scope{Node: p.Workflow.Document.NodeByName(p.Node), Data: d, Inputs: [][]workflow.Item{p.Items}, Files: p.Files}
	if scope.Node == nil {
		scope.Node = &workflow.Node{Name: "Preview"}
	}
	if p.Items == nil {
		scope.Inputs, scope.Sources = d.input(scope.Node.Name)
	}
	v, err := session.Resolve(ctx, p.Text, p.Item, scope)
	var fault *expr.Error
	switch {
	case errors.As(err, &fault):
		return nil, workflow.Wrap(workflow.CodeUnrunnable, err, fault.Error())
	case err != nil:
		return nil, err
	}
	data, err := workflow.AppendJSON(nil, expr.Plain(v))
	if err != nil {
		return nil, workflow.Wrap(workflow.CodeUnrunnable, err, "The value cannot be written as JSON.")
	}
	return data, nil
}

// previewData is what a preview sees of an execution.
type previewData struct {
	p    Preview
	zone *time.Location
	now  time.Time
}

var _ expr.RunData = previewData{}

// input is what the execution's nodes gave the first input of a node.
func (d previewData) input(node string) ([][]workflow.Item, []*workflow.Source) {
	for from, ports := range d.p.Workflow.Document.Connections {
		for output, targets := range ports["main"] {
			for _, t := range targets {
				if t.Node != node || t.Index != 0 {
					continue
				}
				runs := d.Runs(from)
				if len(runs) == 0 || output >= len(runs[len(runs)-1].Main) {
					continue
				}
				last := runs[len(runs)-1]
				return [][]workflow.Item{last.Main[output]}, []*workflow.Source{{PreviousNode: from, PreviousNodeOutput: output, PreviousNodeRun: last.Run}}
			}
		}
	}
	return nil, nil
}

// Runs returns a node's runs.
func (d previewData) Runs(node string) []workflow.NodeRun {
	var out []workflow.NodeRun
	for _, r := range d.p.Runs {
		if r.Node == node {
			out = append(out, r)
		}
	}
	return out
}

// Document is the workflow.
func (d previewData) Document() *workflow.Document { return &d.p.Workflow.Document }

// Info names no execution: there is none.
func (d previewData) Info() expr.ExecutionInfo {
	w := d.p.Workflow
	return expr.ExecutionInfo{Mode: workflow.ModeManual, WorkflowID: w.ID, WorkflowName: w.Document.Name, Active: w.Active}
}

// Now is the time of the preview.
func (d previewData) Now() time.Time { return d.now }

// Location is the workflow's time zone.
func (d previewData) Location() *time.Location { return d.zone }

// Rand is no source of chance in particular.
func (d previewData) Rand() *rand.Rand { return nil }

// NodeState is none.
func (d previewData) NodeState(string) *workflow.Object { return nil }

// StaticData is the document's.
func (d previewData) StaticData(string, string) *workflow.Object { return nil }
