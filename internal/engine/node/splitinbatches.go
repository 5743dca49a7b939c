package node

import (
	"context"
	"math"

	"flowgate/internal/workflow"
)

const splitInBatchesName = "n8n-nodes-base.splitInBatches"

type batchesParams struct {
	BatchSize int `json:"batchSize" doc:"How many items each round gets." default:"1"`
	Options   struct {
		Reset bool `json:"reset" doc:"Begin anew with the present input, for loops inside loops."`
	} `json:"options"`
}

type batchesParams1 struct {
	BatchSize int `json:"batchSize" doc:"How many items each round gets." default:"10"`
	Options   struct {
		Reset bool `json:"reset" doc:"Begin anew with the present input, for loops inside loops."`
	} `json:"options"`
}

// splitInBatches drives a loop: it hands out its items in batches, and what
// came back when all are done.
func splitInBatches() *Type {
	return &Type{
		Name: splitInBatchesName, DisplayName: "Loop Over Items", Category: workflow.CategoryFlow,
		Description: "Hands out its items in batches through the output loop, whose branch must lead back here; gives everything that came back through the output done.",
		Versions:    []float64{1, 2, 3}, Params: batchesParams{}, OldParams: []VersionedParams{{3, batchesParams1{}}},
		Outputs:  batchOutputs,
		Examples: []workflow.NodeExample{example("Ten at a time", splitInBatchesName, 3, `{"batchSize":10,"options":{}}`)},
		Run:      runSplitInBatches,
	}
}

func batchOutputs(n *workflow.Node) []workflow.Port {
	switch {
	case n.TypeVersion > 0 && n.TypeVersion < 2:
		return mainPorts("loop")
	case n.TypeVersion > 0 && n.TypeVersion < 3:
		return mainPorts("loop", "done")
	}
	return mainPorts("done", "loop")
}

// The loop's state, which expressions see as $node["…"].context. items and
// processedItems hold items as objects; next is how many were handed out.
const (
	stateItems     = "items"
	stateNext      = "next"
	stateProcessed = "processedItems"
	stateSource    = "sourceData"
	stateRun       = "currentRunIndex"
	stateMaxRun    = "maxRunIndex"
	stateNoneLeft  = "noItemsLeft"
	stateDone      = "done"
)

func runSplitInBatches(ctx context.Context, c *Call) (Output, error) {
	size, reset, err := batchSize(ctx, c)
	if err != nil {
		return Output{}, err
	}
	if c.State == nil {
		c.State = &workflow.Object{}
	}
	_, started := c.State.Get(stateItems)
	first := !started || reset
	if first {
		beginBatches(c, size)
	} else {
		continueBatches(c)
	}
	batch, err := nextBatch(c, size, first)
	if err != nil {
		return Output{}, err
	}
	return batchOutput(c, batch)
}

func batchSize(ctx context.Context, c *Call) (int, bool, error) {
	if c.Node.TypeVersion < 3 {
		p, err := Bind[batchesParams1](ctx, c, 0)
		return max(p.BatchSize, 1), p.Options.Reset, err
	}
	p, err := Bind[batchesParams](ctx, c, 0)
	return max(p.BatchSize, 1), p.Options.Reset, err
}

func beginBatches(c *Call, size int) {
	in := c.Items()
	items := make([]any, len(in))
	for i, item := range in {
		item.Paired = workflow.PairedTo(i)
		items[i] = itemObject(item)
	}
	c.State.Set(stateItems, items)
	c.State.Set(stateNext, 0.0)
	c.State.Set(stateProcessed, []any{})
	c.State.Set(stateSource, sourceObject(c))
	c.State.Set(stateRun, 0.0)
	c.State.Set(stateMaxRun, math.Ceil(float64(len(in))/float64(size)))
	c.State.Set(stateDone, false)
}

// continueBatches keeps what came back from the loop's branch.
func continueBatches(c *Call) {
	run, _ := c.State.Value(stateRun).(float64)
	c.State.Set(stateRun, run+1)
	processed, _ := c.State.Value(stateProcessed).([]any)
	source := c.source(0)
	for i, item := range c.Items() {
		item.Paired = &workflow.Pairing{Refs: []workflow.Pair{{Item: i, SourceOverwrite: source}}}
		processed = append(processed, itemObject(item))
	}
	c.State.Set(stateProcessed, processed)
}

func nextBatch(c *Call, size int, first bool) ([]workflow.Item, error) {
	items, _ := c.State.Value(stateItems).([]any)
	next, _ := c.State.Value(stateNext).(float64)
	from := min(int(next), len(items))
	to := min(from+size, len(items))
	batch, err := readItems(items[from:to])
	if err != nil {
		return nil, err
	}
	if !first {
		source := readSource(c.State.Value(stateSource))
		for i := range batch {
			batch[i].Paired = &workflow.Pairing{Refs: []workflow.Pair{{Item: from + i, SourceOverwrite: source}}}
		}
	}
	c.State.Set(stateNext, float64(to))
	c.State.Set(stateNoneLeft, to == len(items))
	if len(batch) == 0 {
		c.State.Set(stateDone, true)
	}
	return batch, nil
}

func batchOutput(c *Call, batch []workflow.Item) (Output, error) {
	none := []workflow.Item{}
	if len(batch) > 0 {
		if c.Node.TypeVersion < 2 {
			return Items(batch), nil
		}
		if c.Node.TypeVersion < 3 {
			return Output{Main: [][]workflow.Item{batch, none}}, nil
		}
		return Output{Main: [][]workflow.Item{none, batch}}, nil
	}
	processed, _ := c.State.Value(stateProcessed).([]any)
	done, err := readItems(processed)
	switch {
	case err != nil:
		return Output{}, err
	case c.Node.TypeVersion < 2:
		return Items(none), nil
	case c.Node.TypeVersion < 3:
		return Output{Main: [][]workflow.Item{none, done}}, nil
	}
	return Output{Main: [][]workflow.Item{done, none}}, nil
}

func readItems(list []any) ([]workflow.Item, error) {
	items := make([]workflow.Item, 0, len(list))
	for _, e := range list {
		o, _ := e.(*workflow.Object)
		item, err := readItem(o)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}

// source is where an input came from, nil where that is not known.
func (c *Call) source(input int) *workflow.Source {
	if input < len(c.Sources) {
		return c.Sources[input]
	}
	return nil
}

func sourceObject(c *Call) any {
	s := c.source(0)
	if s == nil {
		return nil
	}
	return workflow.NewObject("previousNode", s.PreviousNode,
		"previousNodeOutput", float64(s.PreviousNodeOutput), "previousNodeRun", float64(s.PreviousNodeRun))
}

func readSource(v any) *workflow.Source {
	o, ok := v.(*workflow.Object)
	if !ok {
		return nil
	}
	output, _ := o.Value("previousNodeOutput").(float64)
	run, _ := o.Value("previousNodeRun").(float64)
	return &workflow.Source{PreviousNode: textOf(o.Value("previousNode")), PreviousNodeOutput: int(output), PreviousNodeRun: int(run)}
}
