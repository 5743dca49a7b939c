package planner_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"flowgate/internal/agent/planner"
	"flowgate/internal/engine/expr"
	"flowgate/internal/engine/node"
	"flowgate/internal/workflow"
)

func registry() *node.Registry {
	return node.NewRegistry(node.All(), node.RegistryOptions{CheckExpression: expr.Check, CheckCode: expr.CheckCode})
}

func offline() *planner.Offline { return planner.NewOffline(registry().Catalogue()) }

// plan plans a wish with answers to its questions.
func plan(t *testing.T, o *planner.Offline, wish string, answers map[string]string) planner.Plan {
	t.Helper()
	p, err := o.Plan(t.Context(), planner.Request{Origin: "create", Wish: []string{wish}, Answers: answers})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// graph writes the connections of a document as types: "webhook > if, if.1 > noOp".
func graph(doc *workflow.Document) string {
	if doc == nil {
		return ""
	}
	name := func(node string) string {
		n := doc.NodeByName(node)
		if n == nil {
			return "?" + node
		}
		return n.Type[strings.LastIndexByte(n.Type, '.')+1:]
	}
	var edges []string
	for from, outs := range doc.Connections {
		for i, out := range outs["main"] {
			for _, to := range out {
				e := name(from)
				if i > 0 {
					e += "." + strconv.Itoa(i)
				}
				edges = append(edges, e+" > "+name(to.Node))
			}
		}
	}
	if len(edges) == 0 {
		for _, n := range doc.Nodes {
			edges = append(edges, name(n.Name))
		}
	}
	slices.Sort(edges)
	return strings.Join(edges, ", ")
}

func validate(reg *node.Registry, doc *workflow.Document) workflow.Validation {
	return node.ValidateDocument(doc, reg, node.ValidateOptions{})
}
