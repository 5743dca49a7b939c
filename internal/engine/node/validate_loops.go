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
