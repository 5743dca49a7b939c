package engine

import (
	"encoding/json"
	"testing"

	"flowgate/internal/engine/expr"
	"flowgate/internal/engine/node"
	"flowgate/internal/workflow"
)

// BenchmarkGraph runs five nodes that do next to nothing: what the engine
// itself costs.
func BenchmarkGraph(b *testing.B) {
	engine := New(Options{Registry: fakeTypes()})
	wf := document("v1",
		step{name: "T", typ: "trigger", to: [][]string{{"A"}}},
		step{name: "A", typ: "three", to: [][]string{{"B"}}},
		step{name: "B", typ: "pass", to: [][]string{{"C"}}},
		step{name: "C", typ: "two", to: [][]string{{"D"}, {}}},
		step{name: "D", typ: "pass"})
	benchmark(b, engine, wf)
}

// benchDocument is a trigger, two Set nodes with expressions, an If and a No
// Operation node.
const benchDocument = `{"name":"bench","settings":{"executionOrder":"v1"},"nodes":[
 {"name":"T","type":"n8n-nodes-base.manualTrigger","typeVersion":1,"parameters":{}},
 {"name":"A","type":"n8n-nodes-base.set","typeVersion":3.4,"parameters":{"assignments":{"assignments":[
  {"id":"1","name":"n","value":"={{ 20 + 1 }}","type":"number"},{"id":"2","name":"who","value":"Ann","type":"string"}]},"options":{}}},
 {"name":"B","type":"n8n-nodes-base.if","typeVersion":2.2,"parameters":{"conditions":{"options":{"caseSensitive":true,"typeValidation":"strict","version":2},
  "combinator":"and","conditions":[{"id":"c","leftValue":"={{ $json.n }}","rightValue":20,"operator":{"type":"number","operation":"gt"}}]},"options":{}}},
 {"name":"C","type":"n8n-nodes-base.set","typeVersion":3.4,"parameters":{"includeOtherFields":true,"assignments":{"assignments":[
  {"id":"1","name":"hello","value":"=Hello {{ $json.who }}, {{ $('A').item.json.n }}","type":"string"}]},"options":{}}},
 {"name":"D","type":"n8n-nodes-base.noOp","typeVersion":1,"parameters":{}}],
 "connections":{"T":{"main":[[{"node":"A","type":"main","index":0}]]},"A":{"main":[[{"node":"B","type":"main","index":0}]]},
  "B":{"main":[[{"node":"C","type":"main","index":0}],[]]},"C":{"main":[[{"node":"D","type":"main","index":0}]]}}}`

// BenchmarkDocument runs a document of five real nodes with expressions.
func BenchmarkDocument(b *testing.B) {
	pool := expr.NewPool(expr.Options{})
	defer pool.Close()
	wf := &workflow.Workflow{ID: "bench"}
	if err := json.Unmarshal([]byte(benchDocument), &wf.Document); err != nil {
		b.Fatal(err)
	}
	benchmark(b, New(Options{Registry: node.NewRegistry(node.All(), node.RegistryOptions{}), Expr: pool}), wf)
}

func benchmark(b *testing.B, engine *Engine, wf *workflow.Workflow) {
	b.ReportAllocs()
	for b.Loop() {
		if o := engine.Run(b.Context(), jobOf(wf)); len(o.Order) != 5 || o.Status != workflow.StatusSuccess {
			b.Fatal(o.Order, o.Error)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "runs/s")
}
