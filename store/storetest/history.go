package storetest

import (
	"encoding/json"
	"fmt"

	"flowgate/internal/workflow"
	"flowgate/store"
)

// events returns events with the Seqs from first to last.
func events(id string, first, last int64) []workflow.Event {
	var list []workflow.Event
	for seq := first; seq <= last; seq++ {
		list = append(list, workflow.Event{
			ExecutionID: id, Seq: seq, Type: workflow.EventLog, Level: "info", At: epoch(), Node: "Nöde",
			Message: fmt.Sprintf("<%d> 日志 \u2028 \x00", seq), DurationMS: 0.25, ItemCounts: []int{1, 0}, Data: json.RawMessage(`{"a":[1]}`),
		})
	}
	return list
}

// runs returns runs of a node from first to last.
func runs(node string, first, last int) []workflow.NodeRun {
	var list []workflow.NodeRun
	for run := first; run <= last; run++ {
		item := 3
		list = append(list, workflow.NodeRun{
			Node: node, Run: run, Status: "error", StartedAt: epoch(), DurationMS: 1.5, RetriesDone: 2,
			Error:  &workflow.ExecutionError{Node: node, Message: "no <b>", Item: &item},
			Source: []*workflow.Source{nil, {PreviousNode: "P", PreviousNodeRun: run}},
			Hints:  []string{"hint"}, Console: []string{"line"},
			Main: [][]workflow.Item{nil, {}, {
				{JSON: workflow.NewObject("z", float64(run), "a", "<ü & 你>"), Paired: workflow.PairedTo(1)},
				{JSON: &workflow.Object{}, Binary: map[string]*workflow.Binary{"f": {ID: "1", MimeType: "a/b"}}},
				{JSON: &workflow.Object{}, Paired: &workflow.Pairing{Array: true, Refs: []workflow.Pair{{Item: 1, Input: 2}}}},
				{JSON: &workflow.Object{}, Paired: &workflow.Pairing{Refs: []workflow.Pair{{Item: 1, Input: 2}}}},
				{JSON: &workflow.Object{}, Error: &workflow.ItemError{Message: "bad", Detail: workflow.NewObject("x", nil)}},
			}},
		})
	}
	return list
}

func (w *world) wantEvents(e *workflow.Execution, after int64, limit int, want []workflow.Event) {
	w.Helper()
	got, err := w.Events(w.Context(), e.OwnerID, e.ID, after, limit)
	w.ok(err)
	w.same(fmt.Sprintf("events after %d, at most %d", after, limit), len(got), len(want))
	for i := range got {
		w.same("event", got[i], want[i])
	}
}

func (w *world) wantRuns(e *workflow.Execution, want []workflow.NodeRun, nodes ...string) {
	w.Helper()
	got, err := w.NodeRuns(w.Context(), e.OwnerID, e.ID, nodes...)
	w.ok(err)
	w.same(fmt.Sprint("number of node runs of ", nodes), len(got), len(want))
	for i := range got {
		w.same("node run", got[i], want[i])
	}
}

// reject fails unless exactly the given executions' progress is refused.
func (w *world) reject(batch []store.Progress, want ...string) {
	w.Helper()
	rejected, err := w.SaveProgress(w.Context(), batch)
	w.ok(err)
	w.same("rejected", rejected, want)
}
