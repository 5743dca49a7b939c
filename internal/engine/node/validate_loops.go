package node

import (
	"fmt"
	"strings"

	"flowgate/internal/workflow"
)

// dropsItems are the types with one output that may give fewer items than
// they got, so that a loop through them can end.
var dropsItems = map[string]bool{
	"n8n-nodes-base.filter": true, "n8n-nodes-base.code": true, "n8n-nodes-base.function": true,
	"n8n-nodes-base.functionItem": true, "n8n-nodes-base.removeDuplicates": true, "n8n-nodes-base.itemLists": true,
	"n8n-nodes-base.splitOut": true, "n8n-nodes-base.stopAndError": true, "n8n-nodes-base.httpRequest": true,
	"n8n-nodes-base.executeWorkflow": true,
}

// loops warns of cycles in which no node can let items out or drop them.
func (c *checker) loops(edges []edge) {
	next := map[string][]string{}
	for _, e := range edges {
		if e.kind == "main" {
			next[e.from] = append(next[e.from], e.to)
		}
	}
	for _, group := range cycles(c.doc, next) {
		if c.canEnd(group) {
			continue
		}
		c.warning(workflow.Finding{Code: FindingEndlessLoop, Node: group[0], Path: "connections." + group[0],
			Message: fmt.Sprintf("The loop through %s has no way out.", strings.Join(group, ", ")),
			Hint:    "Put an If, a Filter or a Loop Over Items node into it that ends it."})
	}
}

// openLoops warns of Loop Over Items nodes to which nothing comes back from
// their loop output: only the first batch is handed out.
func (c *checker) openLoops() {
	for i := range c.doc.Nodes {
		n := &c.doc.Nodes[i]
		if n.Disabled || len(c.doc.Connections.MainOutputs(n.Name)) == 0 || c.reg.Lookup(n.Type) == nil || c.reg.Lookup(n.Type).Name != splitInBatchesName {
			continue
		}
		loop, done := 0, 1
		if n.TypeVersion >= 3 {
			loop, done = 1, 0
		}
		if c.comesBack(n.Name, loop) {
			continue
		}
		f := workflow.Finding{Code: FindingOpenLoop, Node: n.Name, Path: fmt.Sprintf("connections.%s.main[%d]", n.Name, loop),
			Message: fmt.Sprintf("No branch of the output loop (%d) leads back here, so only the first batch is handed out.", loop),
			Hint:    "Connect the last node of the loop's branch to this node."}
		if c.comesBack(n.Name, done) {
			f.Message = fmt.Sprintf("The output done (%d) leads back here and the output loop (%d) does not: they are swapped, so only the first batch is handed out.", done, loop)
			f.Hint = fmt.Sprintf("Put the branch that leads back on output %d, and what comes afterwards on output %d.", loop, done)
		}
		c.warning(f)
	}
}

// comesBack reports whether a way leads from an output of a node back to it.
func (c *checker) comesBack(name string, output int) bool {
	outputs := c.doc.Connections.MainOutputs(name)
	if output >= len(outputs) {
		return false
	}
	for _, t := range outputs[output] {
		if t.Node == name || reaches(c.doc, t.Node, func(n *workflow.Node) bool { return n.Name == name }) {
			return true
		}
	}
	return false
}

func (c *checker) canEnd(group []string) bool {
	for _, name := range group {
		n := c.doc.NodeByName(name)
		if n == nil {
			return true
		}
		t := c.reg.Lookup(n.Type)
		if t == nil || dropsItems[n.Type] || countMain(t.OutputPorts(n)) > 1 || n.Type == splitInBatchesName {
			return true
		}
	}
	return false
}

// cycles returns the strongly connected groups of nodes that hold a cycle
// (Tarjan's algorithm).
func cycles(doc *workflow.Document, next map[string][]string) [][]string {
	t := tarjan{next: next, index: map[string]int{}, low: map[string]int{}, on: map[string]bool{}}
	for i := range doc.Nodes {
		if name := doc.Nodes[i].Name; t.index[name] == 0 {
			t.visit(name)
		}
	}
	return t.found
}

type tarjan struct {
	next       map[string][]string
	index, low map[string]int
	on         map[string]bool
	stack      []string
	count      int
	found      [][]string
}

func (t *tarjan) visit(v string) {
	t.count++
	t.index[v], t.low[v] = t.count, t.count
	t.stack, t.on[v] = append(t.stack, v), true
	self := false
	for _, w := range t.next[v] {
		self = self || w == v
		if t.index[w] == 0 {
			t.visit(w)
			t.low[v] = min(t.low[v], t.low[w])
		} else if t.on[w] {
			t.low[v] = min(t.low[v], t.index[w])
		}
	}
	if t.low[v] != t.index[v] {
		return
	}
	var group []string
	for {
		w := t.stack[len(t.stack)-1]
		t.stack, t.on[w] = t.stack[:len(t.stack)-1], false
		group = append([]string{w}, group...)
		if w == v {
			break
		}
	}
	if len(group) > 1 || self {
		t.found = append(t.found, group)
	}
}
