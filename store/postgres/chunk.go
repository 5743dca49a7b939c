package postgres

import (
	"bytes"
	"encoding/json"

	"flowgate/internal/workflow"
	"flowgate/store"
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

// array is the JSON array of values, nil when there are none.
func array(values [][]byte) []byte {
	if len(values) == 0 {
		return nil
	}
	size := 2
	for _, v := range values {
		size += len(v) + 1
	}
	b := append(make([]byte, 0, size), '[')
	b = append(b, bytes.Join(values, []byte{','})...)
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

// fill takes over what of f is not stored yet. Events are known by their Seq.
// Of node runs the execution's row remembers for each node how many, from run
// 0 without a gap, are stored; a run beyond a gap may be stored twice and is
// passed over when reading.
func (c *chunk) fill(f *flush, runsStored []byte) error {
	c.fillEvents(f)
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
	c.fillRuns(f, stored)
	if f.Execution.Status.Final() {
		return nil // nothing will be written after this, so nothing need be remembered
	}
	var err error
	c.runsStored, err = workflow.AppendJSON(nil, stored)
	return err
}

func (c *chunk) fillEvents(f *flush) {
	c.firstSeq = c.lastSeq + 1
	var fresh [][]byte
	for i := range f.Events {
		if seq := f.Events[i].Seq; seq > c.lastSeq {
			c.lastSeq = seq
			fresh = append(fresh, f.events[i])
		}
	}
	c.events = array(fresh)
}

func (c *chunk) fillRuns(f *flush, stored map[string]int) {
	var fresh [][]byte
	for i := range f.NodeRuns {
		r := &f.NodeRuns[i]
		if r.Run < stored[r.Node] {
			continue
		}
		if r.Run == stored[r.Node] {
			stored[r.Node]++
		}
		fresh = append(fresh, f.runs[i])
		c.nodes = append(c.nodes, clean(r.Node))
	}
	c.runs = array(fresh)
}
