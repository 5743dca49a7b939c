package postgres_test

import (
	"encoding/json"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store"
)

// BenchmarkRead is one call under a user's role; compare with BenchmarkPing,
// the same round trip without role, claims and row.
func BenchmarkRead(b *testing.B) {
	s := open(b, options(b))
	if err := s.CreateWorkflow(b.Context(), &workflow.Workflow{ID: "w", OwnerID: "o"}); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := s.Workflow(b.Context(), "o", "w"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPing is a bare round trip.
func BenchmarkPing(b *testing.B) {
	s := open(b, options(b))
	for b.Loop() {
		if err := s.Ping(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkExecution records executions, from several goroutines, and saves
// all their progress (12 events, 5 node runs, the final status), one by one
// and in batches of eight.
func BenchmarkExecution(b *testing.B) {
	for _, batch := range []int{1, 8} {
		b.Run(fmt.Sprint("batch=", batch), func(b *testing.B) {
			s := open(b, options(b))
			if err := s.CreateWorkflow(b.Context(), &workflow.Workflow{ID: "w", OwnerID: "o"}); err != nil {
				b.Fatal(err)
			}
			var n atomic.Int64
			b.SetParallelism(4)
			b.RunParallel(func(pb *testing.PB) {
				var pending []store.Progress
				for pb.Next() {
					e, _, err := s.CreateExecution(b.Context(), &workflow.Execution{
						ID: fmt.Sprintf("01BENCH%019d", n.Add(1)), OwnerID: "o", WorkflowID: "w", WorkflowVersion: 1,
						Mode: workflow.ModeWebhook, Executor: "x", Clock: time.Now(), Seed: 7, EngineVersion: "1",
					})
					if err != nil {
						b.Error(err)
						return
					}
					if pending = append(pending, shortRun(e)); len(pending) < batch {
						continue
					}
					if rejected, err := s.SaveProgress(b.Context(), pending); err != nil || len(rejected) > 0 {
						b.Error(rejected, err)
						return
					}
					pending = pending[:0]
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "executions/s")
		})
	}
}

// shortRun is the progress of an execution of five nodes.
func shortRun(e *workflow.Execution) store.Progress {
	now := time.Now()
	p := store.Progress{Execution: e}
	for seq := range int64(12) {
		p.Events = append(p.Events, workflow.Event{ExecutionID: e.ID, Seq: seq + 1, Type: workflow.EventNodeFinished, Level: "info", At: now, Node: "Node"})
	}
	for i := range 5 {
		item := workflow.Item{JSON: workflow.NewObject("id", float64(i), "name", "Ada Lovelace", "email", "ada@example.org", "ok", true), Paired: workflow.PairedTo(0)}
		p.NodeRuns = append(p.NodeRuns, workflow.NodeRun{Node: fmt.Sprint("Node ", i), Status: "success", Main: [][]workflow.Item{{item}}, StartedAt: now, DurationMS: 0.4})
	}
	e.Status, e.FinishedAt, e.LastNode = workflow.StatusSuccess, now, "Node 4"
	e.Result = json.RawMessage(`[{"json":{"id":4,"name":"Ada Lovelace","email":"ada@example.org","ok":true}}]`)
	return p
}
