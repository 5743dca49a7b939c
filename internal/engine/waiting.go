package engine

import (
	"slices"

	"flowgate/internal/workflow"
)

// entry is a node that waits for the rest of its inputs. A node has several
// when data came to an input that was filled already: each is one run.
type entry struct {
	task
	filled []bool
}

func (e *entry) count() int {
	n := 0
	for _, f := range e.filled {
		if f {
			n++
		}
	}
	return n
}

// arrive hands items to a node's input and returns the task when the node has
// all it needs.
func (x *execution) arrive(to edge, items []workflow.Item, source *workflow.Source) (task, bool) {
	v := to.to
	if v.slots() <= 1 {
		return task{v: v, inputs: [][]workflow.Item{items}, sources: []*workflow.Source{source}}, true
	}
	e := x.entryFor(v, to.input)
	e.inputs[to.input], e.sources[to.input], e.filled[to.input] = items, source, true
	if slices.Contains(e.filled, false) {
		return task{}, false
	}
	x.drop(e)
	return e.task, true
}

// entryFor finds the oldest entry of v whose input is free, or opens one.
func (x *execution) entryFor(v *vertex, input int) *entry {
	for _, e := range x.waiting {
		if e.v == v && !e.filled[input] {
			return e
		}
	}
	n := v.slots()
	e := &entry{
		task:   task{v: v, inputs: make([][]workflow.Item, n), sources: make([]*workflow.Source, n)},
		filled: make([]bool, n),
	}
	x.waiting = append(x.waiting, e)
	return e
}

func (x *execution) drop(e *entry) {
	x.waiting = slices.DeleteFunc(x.waiting, func(other *entry) bool { return other == e })
}

// release finds a waiting node that may run although some inputs got nothing,
// now that nothing else is left to run. Only order v1 releases. A node whose
// ancestor waits too stays behind it.
func (x *execution) release() (task, bool) {
	if !x.graph.v1 {
		return task{}, false
	}
	tried := map[*vertex]bool{}
	for _, e := range x.waiting {
		if tried[e.v] {
			continue // only its oldest entry may go
		}
		tried[e.v] = true
		if e.count() < e.v.required() || x.behindAnother(e) {
			continue
		}
		x.drop(e)
		return e.task, true
	}
	return task{}, false
}

func (x *execution) behindAnother(e *entry) bool {
	ancestors := e.v.ancestors()
	return slices.ContainsFunc(x.waiting, func(other *entry) bool { return ancestors[other.v] })
}

// required is how many inputs must have data before the node may be released.
func (v *vertex) required() int {
	if v.typ == nil || v.typ.RequiredInputs == nil || v.node.Disabled {
		return 1
	}
	return v.typ.RequiredInputs(v.node)
}

// force is order v0's way to an input nobody filled: the nodes on the way to
// it that have not run are run with one empty item.
func (x *execution) force(v *vertex) {
	for _, e := range x.waiting {
		if e.v != v {
			continue
		}
		for input, edges := range v.parents {
			for _, p := range edges {
				if !e.filled[input] {
					x.forceNode(p.from, map[*vertex]bool{v: true})
				}
			}
		}
		return
	}
}

// forceNode puts the first nodes on the way to v that have not run onto the
// stack. It reports whether v will run by then.
func (x *execution) forceNode(v *vertex, seen map[*vertex]bool) bool {
	if seen[v] || !x.reuse.allows(v) || len(x.runs[v.name()]) > 0 {
		return false
	}
	seen[v] = true
	if x.queued(v) {
		return true
	}
	var ran *edge
	coming := false
	for _, edges := range v.parents {
		for _, p := range edges {
			if len(x.runs[p.from.name()]) > 0 {
				ran = p
			} else if x.forceNode(p.from, seen) {
				coming = true
			}
		}
	}
	if coming || ran == nil || v.typ == nil {
		return coming
	}
	source := &workflow.Source{PreviousNode: ran.from.name(), PreviousNodeOutput: ran.output, PreviousNodeRun: len(x.runs[ran.from.name()]) - 1}
	inputs := make([][]workflow.Item, max(v.slots(), 1))
	sources := make([]*workflow.Source, len(inputs))
	inputs[ran.input], sources[ran.input] = []workflow.Item{{JSON: &workflow.Object{}}}, source
	x.stack = append(x.stack, task{v: v, inputs: inputs, sources: sources})
	return true
}

// queued reports whether v is about to run or waits for inputs.
func (x *execution) queued(v *vertex) bool {
	return slices.ContainsFunc(x.stack, func(t task) bool { return t.v == v }) ||
		slices.ContainsFunc(x.waiting, func(e *entry) bool { return e.v == v })
}
