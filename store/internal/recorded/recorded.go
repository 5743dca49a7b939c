// Package recorded decides what the stores keep of an execution: how it is
// stored at first, and what of its progress is new.
package recorded

import (
	"math"
	"time"

	"flowgate/internal/workflow"
)

// Begun is e as it is stored at first: running when it names its executor,
// else queued, unless it is final. Times that are zero become now.
func Begun(e workflow.Execution, now func() time.Time) workflow.Execution {
	e.CancelRequested = false
	if e.CreatedAt.IsZero() {
		e.CreatedAt = now()
	}
	if e.Status.Final() {
		return e
	}
	if e.Executor == "" {
		e.Status = workflow.StatusQueued
		return e
	}
	e.Status = workflow.StatusRunning
	if e.StartedAt.IsZero() {
		e.StartedAt = now()
	}
	return e
}

// Queued is e when it was to run, and a bound let it queue.
func Queued(e workflow.Execution) workflow.Execution {
	e.Status, e.Executor, e.StartedAt = workflow.StatusQueued, "", time.Time{}
	return e
}

// OrUnbounded is the bound n as a number to compare with; 0 is none.
func OrUnbounded(n int) int {
	if n <= 0 {
		return math.MaxInt32
	}
	return n
}

// Events reports which of list are new where the last event stored is number
// stored, and the number of the last one when they are stored, too.
func Events(list []workflow.Event, stored int64) (fresh []bool, last int64) {
	fresh, last = make([]bool, len(list)), stored
	for i := range list {
		if fresh[i] = list[i].Seq > last; fresh[i] {
			last = list[i].Seq
		}
	}
	return fresh, last
}

// Runs reports which of list are new, and their nodes in order. stored holds
// for each node how many runs, from run 0 without a gap, are stored, and is
// brought up to date; a run beyond a gap may be stored twice, and is passed
// over when reading.
func Runs(list []workflow.NodeRun, stored map[string]int) (fresh []bool, nodes []string) {
	fresh, nodes = make([]bool, len(list)), make([]string, 0, len(list))
	for i := range list {
		r := &list[i]
		if fresh[i] = r.Run >= stored[r.Node]; !fresh[i] {
			continue
		}
		if r.Run == stored[r.Node] {
			stored[r.Node]++
		}
		nodes = append(nodes, r.Node)
	}
	return fresh, nodes
}
