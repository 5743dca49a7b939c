package sqlite_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store"
	"flowgate/store/sqlite"
)

// BenchmarkExecution records executions and saves all their progress (12
// events, 5 node runs, the final status), one by one and in batches of eight.
func BenchmarkExecution(b *testing.B) {
	for _, batch := range []int{1, 8} {
		for _, full := range []bool{false, true} {
			b.Run(fmt.Sprintf("batch=%d/full=%v", batch, full), func(b *testing.B) {
				benchmarkExecution(b, batch, sqlite.Options{SyncFull: full})
			})
		}
	}
}

func benchmarkExecution(b *testing.B, batch int, o sqlite.Options) {
	o.Path = filepath.Join(b.TempDir(), sqlite.FileName)
	s, err := sqlite.Open(b.Context(), o)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	w := &workflow.Workflow{ID: "w", OwnerID: "o", Document: workflow.Document{Name: "bench"}}
	if err := s.CreateWorkflow(b.Context(), w); err != nil {
		b.Fatal(err)
	}
	pending := make([]store.Progress, 0, batch)
	n := 0
	for b.Loop() {
		n++
		e, _, err := s.CreateExecution(b.Context(), &workflow.Execution{
			ID: fmt.Sprintf("01BENCH%019d", n), OwnerID: "o", WorkflowID: "w", WorkflowVersion: 1,
			Mode: workflow.ModeWebhook, Executor: "x", Clock: time.Now(), Seed: 7, EngineVersion: "1",
		})
		if err != nil {
			b.Fatal(err)
		}
		if pending = append(pending, shortRun(e)); len(pending) < batch {
			continue
		}
		if rejected, err := s.SaveProgress(b.Context(), pending); err != nil || len(rejected) > 0 {
			b.Fatal(rejected, err)
		}
		pending = pending[:0]
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "executions/s")
}

// shortRun is the progress of an execution of five nodes.
func shortRun(e *workflow.Execution) store.Progress {
	now := time.Now()
	p := store.Progress{Execution: e}
	event := func(kind workflow.EventType, node string) {
		p.Events = append(p.Events, workflow.Event{
			ExecutionID: e.ID, Seq: int64(len(p.Events) + 1), Type: kind, Level: "info", At: now, Node: node,
		})
	}
	event(workflow.EventStarted, "")
	for i := range 5 {
		node := fmt.Sprintf("Node %d", i)
		event(workflow.EventNodeStarted, node)
		event(workflow.EventNodeFinished, node)
		item := workflow.Item{
			JSON:   workflow.NewObject("id", float64(i), "name", "Ada Lovelace", "email", "ada@example.org", "ok", true),
			Paired: workflow.PairedTo(0),
		}
		p.NodeRuns = append(p.NodeRuns, workflow.NodeRun{
			Node: node, Status: "success", Main: [][]workflow.Item{{item}}, StartedAt: now, DurationMS: 0.4,
			Source: []*workflow.Source{{PreviousNode: "Node 0"}},
		})
	}
	event(workflow.EventFinished, "")
	e.Status, e.FinishedAt, e.LastNode = workflow.StatusSuccess, now, "Node 4"
	e.Result = json.RawMessage(`[{"json":{"id":4,"name":"Ada Lovelace","email":"ada@example.org","ok":true}}]`)
	return p
}
