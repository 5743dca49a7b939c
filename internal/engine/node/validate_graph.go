package node

import (
	"fmt"
	"sort"
	"strings"

	"flowgate/internal/workflow"
)

// edge is one connection between nodes that are there.
type edge struct {
	from, to, kind string
}

// graph checks connections, triggers, reachability and loops.
func (c *checker) graph() {
	edges := c.connections()
	start := c.triggers()
	if len(c.doc.Nodes) == 0 {
		c.error(workflow.Finding{Code: FindingNoTrigger, Path: "nodes", Message: "The workflow has no nodes.",
			Hint: "Begin with a trigger, for instance n8n-nodes-base.manualTrigger."})
		return
	}
	if len(start) == 0 {
		c.error(workflow.Finding{Code: FindingNoTrigger, Path: "nodes", Message: "The workflow has no trigger, so nothing can start it.",
			Hint: "Add a trigger node, for instance n8n-nodes-base.manualTrigger or n8n-nodes-base.webhook, and connect it."})
		return
	}
	c.unreachable(start, edges)
	c.loops(edges)
	c.openLoops()
}

func (c *checker) connections() []edge {
	var edges []edge
	for _, from := range sortedKeys(c.doc.Connections) {
		source := c.doc.NodeByName(from)
		if source == nil {
			c.error(workflow.Finding{Code: FindingBrokenConnection, Node: from, Path: "connections." + from,
				Message: fmt.Sprintf("Connections leave a node named %q, and there is none.", from), Hint: c.nearNode(from)})
			continue
		}
		for _, kind := range sortedKeys(c.doc.Connections[from]) {
			for out, targets := range c.doc.Connections[from][kind] {
				path := fmt.Sprintf("connections.%s.%s[%d]", from, kind, out)
				c.outputIndex(source, kind, out, len(targets), path)
				for i, t := range targets {
					if c.target(source, t, fmt.Sprintf("%s[%d]", path, i)) {
						edges = append(edges, edge{from: from, to: t.Node, kind: kind})
					}
				}
			}
		}
	}
	return edges
}

func (c *checker) outputIndex(n *workflow.Node, kind string, out, targets int, path string) {
	t := c.reg.Lookup(n.Type)
	if t == nil || kind != "main" || targets == 0 {
		return
	}
	ports := countMain(t.OutputPorts(n))
	if n.ErrorPolicy() == workflow.OnErrorContinueToError {
		ports++
	}
	if out == ports && n.ErrorPolicy() != workflow.OnErrorContinueToError {
		c.warning(workflow.Finding{Code: FindingUnusedErrorOutput, Node: n.Name, Path: path,
			Message: fmt.Sprintf("Output %d is connected, but the node has %s; it would be the error output.", out, plural(ports, "output")),
			Hint:    "Set onError to continueErrorOutput to use it, or remove the connection."})
		return
	}
	if out >= ports {
		c.fault(n, workflow.Finding{Code: FindingBrokenConnection, Path: path,
			Message: fmt.Sprintf("Output %d is connected, but the node has %s.", out, plural(ports, "output")),
			Hint:    "Outputs are counted from 0."})
	}
}

func (c *checker) target(from *workflow.Node, t workflow.Target, path string) bool {
	to := c.doc.NodeByName(t.Node)
	if to == nil {
		c.fault(from, workflow.Finding{Code: FindingBrokenConnection, Path: path,
			Message: fmt.Sprintf("A connection leads to a node named %q, and there is none.", t.Node), Hint: c.nearNode(t.Node)})
		return false
	}
	typ := c.reg.Lookup(to.Type)
	if typ == nil || (t.Type != "" && t.Type != "main") {
		return true
	}
	if ports := countMain(typ.InputPorts(to)); t.Index >= ports {
		f := workflow.Finding{Code: FindingBrokenConnection, Path: path,
			Message: fmt.Sprintf("The connection leads to input %d of %q, which has %s.", t.Index, t.Node, plural(ports, "main input")),
			Hint:    "Inputs are counted from 0."}
		if ports == 0 {
			f.Hint = "A trigger starts the workflow and takes no input."
		}
		c.fault(from, f)
	}
	return true
}

func (c *checker) nearNode(name string) string {
	if near := nearest(name, c.nodeNames()); near != "" {
		return fmt.Sprintf("Did you mean %q?", near)
	}
	return "Remove the connection or add the node."
}

// triggers returns the names of the nodes that can start the workflow. A node
// of an unknown type that looks like a trigger counts.
func (c *checker) triggers() []string {
	var out []string
	for i := range c.doc.Nodes {
		n := &c.doc.Nodes[i]
		if n.Disabled {
			continue
		}
		t := c.reg.Lookup(n.Type)
		if (t != nil && t.Trigger) || (t == nil && strings.Contains(strings.ToLower(n.Type), "trigger")) {
			out = append(out, n.Name)
		}
	}
	return out
}

func (c *checker) unreachable(start []string, edges []edge) {
	reached := map[string]bool{}
	for _, name := range start {
		reached[name] = true
	}
	for changed := true; changed; {
		changed = false
		for _, e := range edges {
			from, to := e.from, e.to
			if e.kind != "main" { // a sub-node serves the node it leads to
				from, to = to, from
			}
			if reached[from] && !reached[to] {
				reached[to], changed = true, true
			}
		}
	}
	for i := range c.doc.Nodes {
		n := &c.doc.Nodes[i]
		if isNote(n) || n.Disabled || reached[n.Name] || n.Name == "" {
			continue
		}
		if t := c.reg.Lookup(n.Type); t != nil && t.Trigger {
			continue
		}
		c.warning(workflow.Finding{Code: FindingUnreachable, Node: n.Name, Path: fmt.Sprintf("nodes[%d]", i),
			Message: "No connection leads here from a trigger, so the node will not run.", Hint: "Connect it, or remove it."})
	}
}

func countMain(ports []workflow.Port) int {
	n := 0
	for _, p := range ports {
		if p.Type == "" || p.Type == "main" {
			n++
		}
	}
	return n
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

func plural(n int, noun string) string {
	switch n {
	case 0:
		return "no " + noun
	case 1:
		return "one " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
