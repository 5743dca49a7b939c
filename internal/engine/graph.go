package engine

import (
	"slices"

	"flowgate/internal/engine/node"
	"flowgate/internal/workflow"
)

// maxPort bounds input indices of connections; real nodes have at most a
// dozen.
const maxPort = 255

// graph is a document made ready to run. It is read-only once built.
type graph struct {
	doc   *workflow.Document
	v1    bool // depth-first by position; otherwise breadth-first
	nodes map[string]*vertex
	order []*vertex // as in the document
}

// vertex is a node with its place in the graph.
type vertex struct {
	node    *workflow.Node
	typ     *node.Type // nil when unknown
	outputs [][]edge   // main connections by output
	parents [][]*edge  // main connections by input, with the edge's origin
	serves  []*vertex  // nodes this one is attached to by "ai_…" connections
	index   int        // in the document
}

// edge is a connection: from's output to an input of to.
type edge struct {
	from   *vertex
	output int
	to     *vertex
	input  int
}

// slots is how many inputs have to be looked at before the node may run: up
// to the last connected one.
func (v *vertex) slots() int { return len(v.parents) }

func (v *vertex) name() string { return v.node.Name }

// buildGraph reads the connections, leaving out what leads nowhere. The first
// of several nodes of one name is the one connections mean.
func buildGraph(doc *workflow.Document, registry *node.Registry) *graph {
	g := &graph{doc: doc, v1: doc.Settings.ExecutionOrder == "v1", nodes: make(map[string]*vertex, len(doc.Nodes))}
	for i := range doc.Nodes {
		n := &doc.Nodes[i]
		if g.nodes[n.Name] != nil {
			continue
		}
		typ := registry.Lookup(n.Type)
		v := &vertex{node: n, typ: typ, index: i}
		g.nodes[n.Name] = v
		g.order = append(g.order, v)
	}
	for _, v := range g.order {
		g.connect(v)
	}
	return g
}

func (g *graph) connect(v *vertex) {
	byType := g.doc.Connections[v.name()]
	for output, targets := range byType["main"] {
		v.outputs = append(v.outputs, nil)
		for _, t := range targets {
			to := g.nodes[t.Node]
			if to == nil || t.Index < 0 || t.Index > maxPort || (t.Type != "main" && t.Type != "") {
				continue
			}
			e := edge{from: v, output: output, to: to, input: t.Index}
			v.outputs[output] = append(v.outputs[output], e)
			for len(to.parents) <= t.Index {
				to.parents = append(to.parents, nil)
			}
			to.parents[t.Index] = append(to.parents[t.Index], &e)
		}
	}
	for kind, outputs := range byType {
		if kind != "main" {
			g.attach(v, outputs)
		}
	}
}

func (g *graph) attach(v *vertex, outputs [][]workflow.Target) {
	for _, targets := range outputs {
		for _, t := range targets {
			if to := g.nodes[t.Node]; to != nil && !slices.Contains(v.serves, to) {
				v.serves = append(v.serves, to)
			}
		}
	}
}
