package engine

import (
	"fmt"
	"slices"
	"strings"

	"flowgate/internal/workflow"
)

// Node types the engine knows by name because they decide where it begins.
const (
	typeManualTrigger = "n8n-nodes-base.manualTrigger"
	typeErrorTrigger  = "n8n-nodes-base.errorTrigger"
	typeSubTrigger    = "n8n-nodes-base.executeWorkflowTrigger"
)

// begin chooses the node an execution starts at: the named one, else the
// trigger made for the mode, else the manual trigger, else the first trigger
// that leads somewhere.
func (g *graph) begin(start workflow.Start, mode workflow.Mode) (*vertex, error) {
	if start.Trigger != "" {
		v := g.nodes[start.Trigger]
		switch {
		case v == nil:
			return nil, unrunnable(nil, "The workflow has no node named %q to start at.", start.Trigger)
		case v.node.Disabled:
			return nil, unrunnable(nil, "The workflow cannot start at %q because that node is disabled.", start.Trigger)
		}
		return v, nil
	}
	preferred := []string{typeManualTrigger}
	switch mode {
	case workflow.ModeSubWorkflow:
		preferred = []string{typeSubTrigger, typeManualTrigger}
	case workflow.ModeError:
		preferred = []string{typeErrorTrigger, typeManualTrigger}
	}
	for _, name := range preferred {
		for _, v := range g.order {
			if v.typ != nil && v.typ.Name == name && !v.node.Disabled {
				return v, nil
			}
		}
	}
	if v := g.firstTrigger(); v != nil {
		return v, nil
	}
	return nil, unrunnable(nil, "The workflow has no trigger, so nothing says where to begin. Add one, for instance a Manual Trigger (%s).", typeManualTrigger)
}

func (g *graph) firstTrigger() *vertex {
	var first *vertex
	for _, v := range g.order {
		if v.typ == nil || !v.typ.Trigger || v.node.Disabled {
			continue
		}
		if slices.ContainsFunc(v.outputs, func(e []edge) bool { return len(e) > 0 }) {
			return v
		}
		if first == nil {
			first = v
		}
	}
	return first
}

// checkRunnable refuses a document when a node that could run has a type this
// engine does not know. Disabled nodes pass their items on and pinned ones are
// replaced, whatever their type.
func (g *graph) checkRunnable(start *vertex, pinned func(*vertex) bool) error {
	var unknown []workflow.FieldError
	for _, v := range g.reach(start) {
		if v.typ != nil || v.node.Disabled || pinned(v) {
			continue
		}
		unknown = append(unknown, workflow.FieldError{
			Field:   fmt.Sprintf("nodes[%d].type", v.index),
			Message: fmt.Sprintf("Node %q has the type %q, which is not supported.", v.name(), v.node.Type),
			Hint:    "Replace the node, disable it, or pin its data for a manual run.",
		})
	}
	if unknown == nil {
		return nil
	}
	var list []string
	for _, f := range unknown {
		list = append(list, f.Message)
	}
	return unrunnable(unknown, "The workflow cannot run. %s", strings.Join(list, " "))
}

func unrunnable(fields []workflow.FieldError, format string, args ...any) error {
	err := workflow.Errorf(workflow.CodeUnrunnable, format, args...)
	err.Fields = fields
	return err
}
