package expr

import (
	"fmt"

	"flowgate/internal/workflow"
)

// fast evaluates a chunk that is a plain path. ok is false where JavaScript
// has to.
func (s *Session) fast(c *chunk) (v any, ok bool, err error) {
	p := c.path
	if p == nil {
		return nil, false, nil
	}
	var it *workflow.Item
	var e *Error
	switch p.root {
	case rootJSON:
		it = s.current(s.frame.item)
	case rootNode:
		it, e = s.paired(p.node, s.frame.item)
	case rootFirst:
		it, e = s.edge(p.node, -1, -1, false)
	case rootLegacy:
		it, e = s.legacyItem(p.node, s.frame.item)
	}
	if e != nil {
		return nil, false, e
	}
	if it == nil || it.JSON == nil {
		return Undefined, true, nil
	}
	v, ok = p.lookup(it.JSON)
	return v, ok, nil
}

// current returns an item of the scope's input, nil when there is none.
func (s *Session) current(i int) *workflow.Item {
	items := s.frame.sc.Items()
	if i < 0 || i >= len(items) {
		return nil
	}
	return &items[i]
}

// runs returns the finished runs of a node.
func (s *Session) runs(name string) ([]workflow.NodeRun, *Error) {
	sc := s.frame.sc
	if sc == nil || sc.Data == nil {
		return nil, failure(KindReference, fmt.Sprintf("there is no run data to find node %q in", name))
	}
	if runs := sc.Data.Runs(name); len(runs) > 0 {
		return runs, nil
	}
	if doc := sc.Data.Document(); doc == nil || doc.NodeByName(name) == nil {
		return nil, failure(KindReference, fmt.Sprintf("there is no node named %q in the workflow", name))
	}
	return nil, failure(KindUnexecuted, fmt.Sprintf("the node %q has not been executed", name))
}

// items returns the items of one output of one run of a node: by default the
// output that leads to the node that runs, and the latest run.
func (s *Session) items(name string, output, run int) ([]workflow.Item, *Error) {
	runs, err := s.runs(name)
	if err != nil {
		return nil, err
	}
	if run < 0 {
		run = len(runs) - 1
	}
	if run >= len(runs) {
		return nil, failure(KindReference, fmt.Sprintf("the node %q has run %d times: there is no run %d", name, len(runs), run))
	}
	if output < 0 {
		output = s.leads(name)
	}
	if output >= len(runs[run].Main) {
		return nil, nil
	}
	return runs[run].Main[output], nil
}

// edge returns the first or last item of a node's output, nil when it is empty.
func (s *Session) edge(name string, output, run int, last bool) (*workflow.Item, *Error) {
	items, err := s.items(name, output, run)
	if err != nil || len(items) == 0 {
		return nil, err
	}
	if last {
		return &items[len(items)-1], nil
	}
	return &items[0], nil
}

// legacyItem is what $node["name"] means: the item of the same position.
func (s *Session) legacyItem(name string, i int) (*workflow.Item, *Error) {
	items, err := s.items(name, -1, -1)
	if err != nil {
		return nil, err
	}
	if i < 0 || i >= len(items) {
		return nil, failure(KindReference, fmt.Sprintf("the node %q has no item %d", name, i))
	}
	return &items[i], nil
}

// leads is the output of a node that leads to the node that runs, 0 when none
// does: of the shortest way.
func (s *Session) leads(name string) int {
	sc := s.frame.sc
	if src := source(sc.Sources, sc.InputIndex); src != nil && src.PreviousNode == name {
		return src.PreviousNodeOutput
	}
	doc := sc.Data.Document()
	if doc == nil || sc.Node == nil {
		return 0
	}
	for o, targets := range doc.Connections.MainOutputs(name) {
		for _, t := range targets {
			if t.Node == sc.Node.Name || reaches(doc, t.Node, sc.Node.Name) {
				return o
			}
		}
	}
	return 0
}

// reaches reports whether connections lead from one node to another.
func reaches(doc *workflow.Document, from, to string) bool {
	seen := map[string]bool{from: true}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		for _, targets := range doc.Connections.MainOutputs(queue[0]) {
			for _, t := range targets {
				if t.Node == to {
					return true
				}
				if !seen[t.Node] {
					seen[t.Node] = true
					queue = append(queue, t.Node)
				}
			}
		}
	}
	return false
}

func source(list []*workflow.Source, i int) *workflow.Source {
	if i < 0 || i >= len(list) {
		return nil
	}
	return list[i]
}
