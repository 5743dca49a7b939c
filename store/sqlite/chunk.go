package sqlite

import (
	"encoding/json"

	"flowgate/internal/workflow"
	"flowgate/store"
	"flowgate/store/internal/recorded"
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

// fill takes over what of f is not stored yet. Of node runs the execution's
// row remembers how many are, as recorded.Runs counts them.
func (c *chunk) fill(f *flush, runsStored string) error {
	fresh, last := recorded.Events(f.Events, c.lastSeq)
	c.firstSeq, c.lastSeq, c.events = c.lastSeq+1, last, f.events.list(fresh)
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
	fresh, nodes := recorded.Runs(f.NodeRuns, stored)
	c.runs = f.runs.list(fresh)
	var err error
	if c.nodes, err = jsonText(nodes); err != nil {
		return err
	}
	if f.Execution.Status.Final() {
		return nil // nothing will be written after this, so nothing need be remembered
	}
	text, err := workflow.AppendJSON(nil, stored)
	c.runsStored = string(text)
	return err
}
