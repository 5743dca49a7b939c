package engine

import (
	"slices"
	"strconv"
)

// reach returns every node that can run when start does, attached ones
// included, in the document's order.
func (g *graph) reach(start *vertex) []*vertex {
	seen := map[*vertex]bool{start: true}
	todo := []*vertex{start}
	for len(todo) > 0 {
		v := todo[0]
		todo = todo[1:]
		for _, edges := range v.outputs {
			for _, e := range edges {
				if !seen[e.to] {
					seen[e.to] = true
					todo = append(todo, e.to)
				}
			}
		}
	}
	for grown := true; grown; {
		grown = false
		for _, v := range g.order {
			if !seen[v] && !v.node.Disabled && slices.ContainsFunc(v.serves, func(to *vertex) bool { return seen[to] && !to.node.Disabled }) {
				seen[v], grown = true, true
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(g.order), func(v *vertex) bool { return !seen[v] })
}

// loop names the shortest way from v back to v along main connections, "" when
// there is none.
func (v *vertex) loop() string {
	from := map[*vertex]*vertex{}
	todo := []*vertex{v}
	for len(todo) > 0 {
		next := todo[0]
		todo = todo[1:]
		for _, edges := range next.outputs {
			for _, e := range edges {
				if e.to == v {
					return pathTo(v, next, from)
				}
				if from[e.to] == nil {
					from[e.to] = next
					todo = append(todo, e.to)
				}
			}
		}
	}
	return ""
}

func pathTo(v, last *vertex, from map[*vertex]*vertex) string {
	path := strconv.Quote(v.name())
	for at := last; at != v; at = from[at] {
		path = strconv.Quote(at.name()) + " → " + path
	}
	return strconv.Quote(v.name()) + " → " + path
}

// ancestors returns the nodes whose main outputs lead to v, v not included.
func (v *vertex) ancestors() map[*vertex]bool {
	seen := map[*vertex]bool{}
	todo := []*vertex{v}
	for len(todo) > 0 {
		next := todo[0]
		todo = todo[1:]
		for _, edges := range next.parents {
			for _, e := range edges {
				if e.from != v && !seen[e.from] {
					seen[e.from] = true
					todo = append(todo, e.from)
				}
			}
		}
	}
	return seen
}
