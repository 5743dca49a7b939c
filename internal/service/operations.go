package service

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"flowgate/internal/workflow"
)

// Operation is one step of a change to a document. Which fields it takes
// depends on op.
type Operation struct {
	Op     string           `json:"op" enum:"add_node,remove_node,rename_node,update_node,connect,disconnect,set_settings,rename_workflow,set_description,set_tags"`
	Node   *workflow.Node   `json:"node,omitempty" jsonschema:"add_node: the new node"`
	Name   string           `json:"name,omitempty" jsonschema:"remove_node, rename_node, update_node: the node; rename_workflow: the new name"`
	To     string           `json:"to,omitempty" jsonschema:"rename_node: the new name; connect, disconnect: the node the connection leads to"`
	From   string           `json:"from,omitempty" jsonschema:"connect, disconnect: the node it comes from"`
	Output int              `json:"output,omitempty" jsonschema:"of from, counted from 0" default:"0" min:"0" max:"100"`
	Input  int              `json:"input,omitempty" jsonschema:"of to, counted from 0" default:"0" min:"0" max:"100"`
	Type   string           `json:"type,omitempty" jsonschema:"of the connection" default:"main"`
	Set    *workflow.Object `json:"set,omitempty" jsonschema:"update_node, set_settings: fields to change, merged into what is there; null removes a field"`
	Text   string           `json:"text,omitempty" jsonschema:"set_description: the description"`
	Tags   []string         `json:"tags,omitempty" jsonschema:"set_tags: all tags from now on"`
}

// applyOperations changes a document by all of the operations in order. With an error,
// which names the operation, the document is of no use any more.
func applyOperations(d *workflow.Document, list []Operation) error {
	if len(list) == 0 {
		return workflow.Errorf(workflow.CodeInvalid, "operations: the list is empty; name at least one operation")
	}
	for i := range list {
		if err := list[i].apply(d); err != nil {
			at := fmt.Sprintf("operations[%d]", i)
			e := workflow.Errorf(workflow.CodeInvalid, "%s (%s): %s; nothing was saved", at, list[i].Op, workflow.MessageOf(err))
			e.Fields = []workflow.FieldError{{Field: at, Message: list[i].Op + ": " + workflow.MessageOf(err)}}
			e.Remedy = "mend this operation and send the whole list again: none of it was done."
			return e
		}
	}
	return nil
}

func (o *Operation) apply(d *workflow.Document) error {
	switch o.Op {
	case "add_node":
		return o.addNode(d)
	case "remove_node":
		return o.removeNode(d)
	case "rename_node":
		return o.renameNode(d)
	case "update_node":
		return o.updateNode(d)
	case "connect":
		return o.connect(d)
	case "disconnect":
		return o.disconnect(d)
	case "set_settings":
		return o.setSettings(d)
	case "rename_workflow":
		if strings.TrimSpace(o.Name) == "" {
			return needs("name", "the new name")
		}
		d.Name = o.Name
	case "set_description":
		d.Description = o.Text
	case "set_tags":
		d.Tags = o.Tags
	}
	return nil
}

func needs(field, what string) error {
	return workflow.Errorf(workflow.CodeInvalid, "%s is missing: %s", field, what)
}

// nodeAt finds the node that a field of the operation names.
func nodeAt(d *workflow.Document, field, name string) (int, error) {
	if name == "" {
		return 0, needs(field, "the name of a node")
	}
	i := slices.IndexFunc(d.Nodes, func(n workflow.Node) bool { return n.Name == name })
	if i < 0 {
		return 0, workflow.Errorf(workflow.CodeInvalid, "%s: there is no node named %q; there are %s", field, name, nodeNames(d))
	}
	return i, nil
}

func (o *Operation) addNode(d *workflow.Document) error {
	switch {
	case o.Node == nil:
		return needs("node", "the node to add")
	case o.Node.Name == "":
		return needs("node.name", "operations after this one, and connections, go by it")
	case d.NodeByName(o.Node.Name) != nil:
		return workflow.Errorf(workflow.CodeInvalid, "node.name: there is a node named %q already; choose another name", o.Node.Name)
	}
	n := *o.Node
	if n.Position == [2]float64{} && len(d.Nodes) > 0 {
		last := d.Nodes[len(d.Nodes)-1].Position
		n.Position = [2]float64{last[0] + 200, last[1]}
	}
	d.Nodes = append(d.Nodes, n)
	return nil
}

func (o *Operation) removeNode(d *workflow.Document) error {
	i, err := nodeAt(d, "name", o.Name)
	if err != nil {
		return err
	}
	d.Nodes = slices.Delete(slices.Clone(d.Nodes), i, i+1)
	delete(d.Connections, o.Name)
	delete(d.PinData, o.Name)
	for from := range d.Connections {
		for kind, outputs := range d.Connections[from] {
			for i := range outputs {
				outputs[i] = slices.DeleteFunc(slices.Clone(outputs[i]), func(t workflow.Target) bool { return t.Node == o.Name })
			}
			trimConnections(d.Connections, from, kind, outputs)
		}
	}
	return nil
}

func (o *Operation) renameNode(d *workflow.Document) error {
	if _, err := nodeAt(d, "name", o.Name); err != nil {
		return err
	}
	switch {
	case strings.TrimSpace(o.To) == "":
		return needs("to", "the new name")
	case o.To == o.Name:
		return nil
	case d.NodeByName(o.To) != nil:
		return workflow.Errorf(workflow.CodeInvalid, "to: there is a node named %q already; choose another name", o.To)
	}
	workflow.RenameNode(d, o.Name, o.To)
	return nil
}

// updateNode merges fields into a node as RFC 7386 has it.
func (o *Operation) updateNode(d *workflow.Document) error {
	i, err := nodeAt(d, "name", o.Name)
	if err != nil {
		return err
	}
	if o.Set.Len() == 0 {
		return needs("set", `such as {"parameters": {"url": "https://example.com"}}`)
	}
	if name, ok := o.Set.Get("name"); ok && name != o.Name {
		return workflow.Errorf(workflow.CodeInvalid, "set.name: use rename_node, which changes what refers to the node, too")
	}
	var changed workflow.Node
	if err := merge(d.Nodes[i], o.Set, &changed); err != nil {
		return err
	}
	if changed.Type == "" {
		return workflow.Errorf(workflow.CodeInvalid, "set.type: a node needs a type")
	}
	changed.Name = o.Name
	d.Nodes[i] = changed
	return nil
}

func (o *Operation) setSettings(d *workflow.Document) error {
	if o.Set.Len() == 0 {
		return needs("set", `such as {"timezone": "Europe/Oslo"}`)
	}
	var changed workflow.Settings
	if err := merge(d.Settings, o.Set, &changed); err != nil {
		return err
	}
	d.Settings = changed
	return nil
}

// merge reads into out what old is with the patch applied.
func merge(old any, patch *workflow.Object, out any) error {
	data, err := json.Marshal(old)
	if err != nil {
		return err
	}
	was := &workflow.Object{}
	if err := json.Unmarshal(data, was); err != nil {
		return err
	}
	if data, err = json.Marshal(patched(was, patch)); err != nil {
		return err
	}
	if err := json.Unmarshal(data, out); err != nil {
		return workflow.Errorf(workflow.CodeInvalid, "set: %v", err)
	}
	return nil
}

func patched(was, patch *workflow.Object) *workflow.Object {
	out := was.Copy()
	for i := range patch.Len() {
		key, value := patch.At(i)
		switch value := value.(type) {
		case nil:
			out.Delete(key)
		case *workflow.Object:
			before, _ := out.Value(key).(*workflow.Object)
			if before == nil {
				before = &workflow.Object{}
			}
			out.Set(key, patched(before, value))
		default:
			out.Set(key, value)
		}
	}
	return out
}

// ends checks both ends of a connection.
func (o *Operation) ends(d *workflow.Document) (workflow.Target, string, error) {
	if _, err := nodeAt(d, "from", o.From); err != nil {
		return workflow.Target{}, "", err
	}
	if _, err := nodeAt(d, "to", o.To); err != nil {
		return workflow.Target{}, "", err
	}
	kind := o.Type
	if kind == "" {
		kind = "main"
	}
	return workflow.Target{Node: o.To, Type: kind, Index: o.Input}, kind, nil
}

// connect adds a connection; one that is there already stays one.
func (o *Operation) connect(d *workflow.Document) error {
	target, kind, err := o.ends(d)
	if err != nil {
		return err
	}
	if d.Connections == nil {
		d.Connections = workflow.Connections{}
	}
	if d.Connections[o.From] == nil {
		d.Connections[o.From] = map[string][][]workflow.Target{}
	}
	outputs := d.Connections[o.From][kind]
	for len(outputs) <= o.Output {
		outputs = append(outputs, []workflow.Target{})
	}
	if !slices.Contains(outputs[o.Output], target) {
		outputs[o.Output] = append(slices.Clone(outputs[o.Output]), target)
	}
	d.Connections[o.From][kind] = outputs
	return nil
}

func (o *Operation) disconnect(d *workflow.Document) error {
	target, kind, err := o.ends(d)
	if err != nil {
		return err
	}
	outputs := d.Connections[o.From][kind]
	if o.Output >= len(outputs) || !slices.Contains(outputs[o.Output], target) {
		return workflow.Errorf(workflow.CodeInvalid, "output %d of %q is not connected to input %d of %q", o.Output, o.From, o.Input, o.To)
	}
	outputs[o.Output] = slices.DeleteFunc(slices.Clone(outputs[o.Output]), func(t workflow.Target) bool { return t == target })
	trimConnections(d.Connections, o.From, kind, outputs)
	return nil
}

// trimConnections stores outputs without empty ones at the end.
func trimConnections(c workflow.Connections, from, kind string, outputs [][]workflow.Target) {
	for len(outputs) > 0 && len(outputs[len(outputs)-1]) == 0 {
		outputs = outputs[:len(outputs)-1]
	}
	if len(outputs) > 0 {
		c[from][kind] = outputs
		return
	}
	if delete(c[from], kind); len(c[from]) == 0 {
		delete(c, from)
	}
}
