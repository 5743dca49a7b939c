package expr

import (
	"fmt"

	"flowgate/internal/workflow"
)

// maxPairSteps bounds one walk back through the run data.
const maxPairSteps = 200_000

// origin is the place of an item: which output of which run gave it.
type origin struct {
	node               string
	run, output, index int
}

// pairWalk follows items back to where they came from.
type pairWalk struct {
	s      *Session
	target string
	seen   map[origin]bool
	found  []*workflow.Item
	broken string // the first node behind which the trail is lost
}

// paired returns the item of the target node that item i of the scope's input
// was made from, following pairings back over every run on the way.
func (s *Session) paired(target string, i int) (*workflow.Item, *Error) {
	if _, err := s.runs(target); err != nil {
		return nil, err
	}
	sc := s.frame.sc
	src := source(sc.Sources, sc.InputIndex)
	if src == nil {
		return nil, s.unconnected(target)
	}
	w := pairWalk{s: s, target: target, seen: map[origin]bool{}}
	w.from(src, i)
	switch {
	case len(w.found) == 1:
		return w.found[0], nil
	case len(w.found) > 1:
		return nil, failure(KindPairing, fmt.Sprintf("multiple matches found: item %d was made from several items of %q; "+
			"use .first(), .last() or .all()", i, target))
	case w.broken != "" && s.ancestor(target):
		return nil, failure(KindPairing, fmt.Sprintf("item %d cannot be traced back to %q: "+
			"the node %q does not say which items it made its items from", i, target, w.broken))
	}
	return nil, s.unconnected(target)
}

func (s *Session) ancestor(name string) bool {
	doc := s.frame.sc.Data.Document()
	return doc == nil || s.frame.sc.Node == nil || reaches(doc, name, s.frame.sc.Node.Name)
}

func (s *Session) unconnected(target string) *Error {
	return failure(KindReference, fmt.Sprintf("no path leads from the node %q to this one, so it has no matching item here", target))
}

// from visits the item at index of the output that src names, and what it was
// made from. The walk keeps its own stack: a loop may be thousands of runs long.
func (w *pairWalk) from(src *workflow.Source, index int) {
	type step struct {
		src   *workflow.Source
		index int
	}
	stack := []step{{src, index}}
	for len(stack) > 0 && len(w.seen) < maxPairSteps {
		at := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		here := origin{node: at.src.PreviousNode, run: at.src.PreviousNodeRun, output: at.src.PreviousNodeOutput, index: at.index}
		if w.seen[here] {
			continue
		}
		w.seen[here] = true
		run, item := w.item(here)
		switch {
		case item == nil:
			w.lost(here.node)
		case here.node == w.target:
			w.found = append(w.found, item)
		case len(run.Source) == 0:
		case item.Paired == nil || len(item.Paired.Refs) == 0:
			w.lost(here.node)
		default:
			for _, ref := range item.Paired.Refs {
				next := ref.SourceOverwrite
				if next == nil {
					next = source(run.Source, ref.Input)
				}
				if next == nil {
					w.lost(here.node)
					continue
				}
				stack = append(stack, step{next, ref.Item})
			}
		}
	}
}

func (w *pairWalk) lost(node string) {
	if w.broken == "" {
		w.broken = node
	}
}

func (w *pairWalk) item(o origin) (*workflow.NodeRun, *workflow.Item) {
	runs := w.s.frame.sc.Data.Runs(o.node)
	if o.run < 0 || o.run >= len(runs) {
		return nil, nil
	}
	run := &runs[o.run]
	if o.output < 0 || o.output >= len(run.Main) || o.index < 0 || o.index >= len(run.Main[o.output]) {
		return run, nil
	}
	return run, &run.Main[o.output][o.index]
}
