package sqlite

import (
	"encoding/json"

	"flowgate/internal/workflow"
	"flowgate/store"
)

// flush is one execution's progress, encoded.
type flush struct {
	*store.Progress
	events, runs pieces
	outcome      outcome
}

func encodeFlush(p *store.Progress) (f flush, err error) {
	f.Progress = p
	if f.outcome, err = outcomeOf(p.Execution); err != nil {
		return f, err
	}
	for i := range p.Events {
		err := f.events.add(func(b []byte) ([]byte, error) { return workflow.AppendJSON(b, &p.Events[i]) })
		if err != nil {
			return f, err
		}
	}
	for i := range p.NodeRuns {
		err := f.runs.add(func(b []byte) ([]byte, error) { return appendRun(b, &p.NodeRuns[i]) })
		if err != nil {
			return f, err
		}
	}
	return f, nil
}

// chunk is the row a flush adds to an execution.
type chunk struct {
	firstSeq, lastSeq int64  // of events; lastSeq before fill: the last one stored
	nodes             string // JSON array of the nodes that have runs here
	runsStored        string // the column as it is after this chunk
	events, runs      []byte
}

func (c *chunk) empty() bool { return c.events == nil && c.runs == nil }

// fill takes over what of f is not stored yet. Events are known by their Seq.
// Of node runs the execution's row remembers for each node how many, from run
// 0 without a gap, are stored; a run beyond a gap may be stored twice and is
// passed over when reading.
func (c *chunk) fill(f *flush, runsStored string) error {
	c.fillEvents(f)
	c.nodes, c.runsStored = "[]", runsStored
	if len(f.NodeRuns) == 0 {
		return nil
	}
	stored := map[string]int{}
	if runsStored != "{}" {
		if err := json.Unmarshal([]byte(runsStored), &stored); err != nil {
			return err
		}
	}
	if err := c.fillRuns(f, stored); err != nil {
		return err
	}
	if f.Execution.Status.Final() {
		return nil // nothing will be written after this, so nothing need be remembered
	}
	text, err := workflow.AppendJSON(nil, stored)
	c.runsStored = string(text)
	return err
}

func (c *chunk) fillEvents(f *flush) {
	c.firstSeq = c.lastSeq + 1
	fresh := make([]bool, len(f.Events))
	for i := range f.Events {
		seq := f.Events[i].Seq
		if fresh[i] = seq > c.lastSeq; fresh[i] {
			c.lastSeq = seq
		}
	}
	c.events = f.events.list(fresh)
}

func (c *chunk) fillRuns(f *flush, stored map[string]int) (err error) {
	nodes := make([]string, 0, len(f.NodeRuns))
	fresh := make([]bool, len(f.NodeRuns))
	for i := range f.NodeRuns {
		r := &f.NodeRuns[i]
		if fresh[i] = r.Run >= stored[r.Node]; !fresh[i] {
			continue
		}
		if r.Run == stored[r.Node] {
			stored[r.Node]++
		}
		nodes = append(nodes, r.Node)
	}
	c.runs = f.runs.list(fresh)
	c.nodes, err = jsonText(nodes)
	return err
}
