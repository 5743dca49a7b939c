package planner

import (
	"context"
	"encoding/json"
	"slices"

	"flowgate/internal/workflow"
)

// changeOps are the changes a model may make to a document.
var changeOps = []string{"put_node", "rename_node", "remove_node", "connect", "disconnect", "set_name"}

// changeOp is one change.
type changeOp struct {
	Op      string         `json:"op"`
	Node    *workflow.Node `json:"node"`
	Name    string         `json:"name"`
	NewName string         `json:"new_name"`
	From    string         `json:"from"`
	To      string         `json:"to"`
	Output  int            `json:"output"`
	Input   int            `json:"input"`
	Type    string         `json:"type"`
}

// change ends the plan with the document shown to the model, changed. When
// one change cannot be made none is.
func change(_ context.Context, w *work, args json.RawMessage) (string, *Plan, error) {
	var in struct {
		delivery
		Changes []changeOp `json:"changes"`
	}
	if err := decode(args, &in); err != nil {
		return "", nil, err
	}
	if len(in.Changes) == 0 {
		return "", nil, forModel("changes: Make at least one.")
	}
	before := w.req.Draft
	if before == nil {
		before = w.req.Document
	}
	doc := clone(before)
	for i, c := range in.Changes {
		if err := c.apply(doc); err != nil {
			return "", nil, forModel("changes[%d] (%s): %s Nothing was changed.", i, c.Op, err)
		}
	}
	id := doc.ID
	doc = w.finish(doc, "")
	doc.ID = id
	if err := w.tooLarge(doc); err != nil {
		return "", nil, err
	}
	return "", &Plan{Summary: bounded(in.Summary, maxWords), Document: doc, Notes: texts(in.Notes)}, nil
}

func (c changeOp) apply(doc *workflow.Document) error {
	switch c.Op {
	case "put_node":
		return c.put(doc)
	case "rename_node":
		return c.rename(doc)
	case "remove_node":
		if doc.NodeByName(c.Name) == nil {
			return forModel("There is no node %q.", c.Name)
		}
		doc.Nodes = slices.DeleteFunc(doc.Nodes, func(n workflow.Node) bool { return n.Name == c.Name })
		delete(doc.Connections, c.Name)
		removeTargets(doc, c.Name)
		return nil
	case "connect", "disconnect":
		return c.connect(doc)
	case "set_name":
		if c.Name == "" {
			return forModel("name: is empty.")
		}
		doc.Name = c.Name
		return nil
	}
	return forModel("There is no such op; use one of put_node, rename_node, remove_node, connect, disconnect, set_name.")
}

func (c changeOp) put(doc *workflow.Document) error {
	if c.Node == nil || c.Node.Name == "" || c.Node.Type == "" {
		return forModel("node: Give the whole node, with name and type.")
	}
	old := doc.NodeByName(c.Node.Name)
	if old == nil {
		doc.Nodes = append(doc.Nodes, *c.Node)
		return nil
	}
	n := *c.Node
	n.ID, n.WebhookID = old.ID, old.WebhookID
	if n.Position == [2]float64{} {
		n.Position = old.Position
	}
	*old = n
	return nil
}

func (c changeOp) rename(doc *workflow.Document) error {
	if doc.NodeByName(c.Name) == nil {
		return forModel("There is no node %q.", c.Name)
	}
	if c.NewName == "" || doc.NodeByName(c.NewName) != nil {
		return forModel("new_name: %q is empty or taken.", c.NewName)
	}
	workflow.RenameNode(doc, c.Name, c.NewName)
	return nil
}

// maxPort bounds a node's outputs and inputs.
const maxPort = 64

func (c changeOp) connect(doc *workflow.Document) error {
	if doc.NodeByName(c.From) == nil || doc.NodeByName(c.To) == nil {
		return forModel("from %q and to %q: both have to be nodes.", c.From, c.To)
	}
	if c.Output < 0 || c.Output > maxPort || c.Input < 0 || c.Input > maxPort {
		return forModel("output and input: must be from 0 to %d.", maxPort)
	}
	kind := c.Type
	if kind == "" {
		kind = "main"
	}
	if doc.Connections[c.From] == nil {
		if doc.Connections == nil {
			doc.Connections = workflow.Connections{}
		}
		doc.Connections[c.From] = map[string][][]workflow.Target{}
	}
	outs := doc.Connections[c.From][kind]
	for len(outs) <= c.Output {
		outs = append(outs, []workflow.Target{})
	}
	target := workflow.Target{Node: c.To, Type: kind, Index: c.Input}
	outs[c.Output] = slices.DeleteFunc(outs[c.Output], func(t workflow.Target) bool { return t == target })
	if c.Op == "connect" {
		outs[c.Output] = append(outs[c.Output], target)
	}
	doc.Connections[c.From][kind] = outs
	return nil
}

// removeTargets removes the connections that lead to a node.
func removeTargets(doc *workflow.Document, name string) {
	for _, kinds := range doc.Connections {
		for _, outs := range kinds {
			for i := range outs {
				outs[i] = slices.DeleteFunc(outs[i], func(t workflow.Target) bool { return t.Node == name })
			}
		}
	}
}
