package node

import (
	"context"
	"testing"

	"flowgate/internal/workflow"
)

// loop runs a loop node by hand: batches come back from node W unchanged.
func loop(t *testing.T, version float64, params string, n int, inputs ...string) []Output {
	t.Helper()
	typ := splitInBatches()
	state := &workflow.Object{}
	var outs []Output
	in, source := items(t, inputs[0]), &workflow.Source{PreviousNode: "G"}
	for run := range n {
		c := &Call{Node: &workflow.Node{TypeVersion: version, Parameters: jsObject(t, params)}, Type: typ, State: state, Run: run,
			Inputs: [][]workflow.Item{in}, Sources: []*workflow.Source{source}}
		c.Eval = literal{c}
		out, err := typ.Run(context.Background(), c)
		if err != nil {
			t.Fatal(err)
		}
		outs = append(outs, out)
		loopPort := 0
		if version >= 3 {
			loopPort = 1
		}
		in, source = out.Main[loopPort], &workflow.Source{PreviousNode: "W", PreviousNodeRun: run}
	}
	return outs
}

func TestSplitInBatches(t *testing.T) {
	outs := loop(t, 3, `{"batchSize":2}`, 3, `[{"i":1},{"i":2},{"i":3}]`)
	wants(t, shape(t, outs[0], true), `[[],[[{"i":1},{"item":0}],[{"i":2},{"item":1}]]]`)
	wants(t, shape(t, outs[1], true), `[[],[[{"i":3},{"item":2,"sourceOverwrite":{"previousNode":"G","previousNodeOutput":0,"previousNodeRun":0}}]]]`)
	wants(t, shape(t, outs[2], true), `[[
		[{"i":1},{"item":0,"sourceOverwrite":{"previousNode":"W","previousNodeOutput":0,"previousNodeRun":0}}],
		[{"i":2},{"item":1,"sourceOverwrite":{"previousNode":"W","previousNodeOutput":0,"previousNodeRun":0}}],
		[{"i":3},{"item":0,"sourceOverwrite":{"previousNode":"W","previousNodeOutput":0,"previousNodeRun":1}}]],[]]`)
}

func TestSplitInBatchesOldVersions(t *testing.T) {
	outs := loop(t, 2, `{"batchSize":1}`, 3, `[{"i":1},{"i":2}]`)
	wants(t, shape(t, outs[0], false), `[[{"i":1}],[]]`)
	wants(t, shape(t, outs[2], false), `[[],[{"i":1},{"i":2}]]`)
	outs = loop(t, 1, `{}`, 2, `[{"i":1},{"i":2}]`)
	wants(t, shape(t, outs[0], false), `[[{"i":1},{"i":2}]]`)
	wants(t, shape(t, outs[1], false), `[[]]`)
}

func TestSplitInBatchesReset(t *testing.T) {
	outs := loop(t, 3, `{"batchSize":5,"options":{"reset":true}}`, 2, `[{"i":1}]`)
	wants(t, shape(t, outs[1], false), `[[],[{"i":1}]]`)
}
