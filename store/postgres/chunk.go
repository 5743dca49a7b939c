package postgres

import (
	"encoding/json"

	"flowgate/internal/workflow"
	"flowgate/store"
	"flowgate/store/internal/recorded"
)

// flush is one execution's progress, encoded before its transaction begins,
// which then only chooses what is new.
type flush struct {
	*store.Progress
	events, runs [][]byte // each value's JSON
	outcome      outcome
}

func encodeFlush(p *store.Progress) (f flush, err error) {
	f.Progress = p
	if f.outcome, err = outcomeOf(p.Execution); err != nil {
		return f, err
	}
	if f.events, err = encodeAll(p.Events); err != nil {
		return f, err
	}
	f.runs, err = encodeAll(p.NodeRuns)
	return f, err
}

func encodeAll[T any](list []T) (out [][]byte, err error) {
	out = make([][]byte, len(list))
	for i := range list {
		if out[i], err = workflow.AppendJSON(nil, &list[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// array is the JSON array of the values that are fresh, nil when there are none.
func array(values [][]byte, fresh []bool) []byte {
	size := 1
	for i, v := range values {
		if fresh[i] {
			size += len(v) + 1
		}
	}
	if size == 1 {
		return nil
	}
	b := make([]byte, 0, size)
	for i, v := range values {
		if fresh[i] {
			b = append(append(b, ','), v...)
		}
	}
	b[0] = '['
	return append(b, ']')
}

// chunk is the row a flush adds to an execution.
type chunk struct {
	firstSeq, lastSeq int64    // of events; lastSeq before fill: the last one stored
	nodes             []string // that have runs here
	runsStored        []byte   // the column as it is after this chunk
	events, runs      []byte
}

func (c *chunk) empty() bool { return c.events == nil && c.runs == nil }

// fill takes over what of f is not stored yet. Of node runs the execution's
// row remembers how many are, as recorded.Runs counts them.
func (c *chunk) fill(f *flush, runsStored []byte) error {
	fresh, last := recorded.Events(f.Events, c.lastSeq)
	c.firstSeq, c.lastSeq, c.events = c.lastSeq+1, last, array(f.events, fresh)
	c.nodes, c.runsStored = []string{}, runsStored
	if len(f.NodeRuns) == 0 {
		return nil
	}
	stored := map[string]int{}
	if runsStored != nil {
		if err := json.Unmarshal(runsStored, &stored); err != nil {
			return err
		}
	}
	fresh, nodes := recorded.Runs(f.NodeRuns, stored)
	c.runs = array(f.runs, fresh)
	for _, node := range nodes {
		c.nodes = append(c.nodes, clean(node))
	}
	if f.Execution.Status.Final() {
		return nil // nothing will be written after this, so nothing need be remembered
	}
	var err error
	c.runsStored, err = workflow.AppendJSON(nil, stored)
	return err
}
