package storetest

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"flowgate/internal/workflow"
	"flowgate/store"
)

var claimTests = map[string]func(w *world){
	"claims are oldest first and at most limit": func(w *world) {
		wf := w.workflow(ada)
		var want []string
		for range 5 {
			want = append(want, w.execution(wf).ID)
		}
		first, err := w.ClaimExecutions(w.Context(), "x", 3)
		w.ok(err)
		rest, err := w.ClaimExecutions(w.Context(), "y", 10)
		w.ok(err)
		none, err := w.ClaimExecutions(w.Context(), "z", 10)
		w.ok(err)
		w.same("claims", []any{executionIDs(first), executionIDs(rest), len(none)}, []any{want[:3], want[3:], 0})
		got, err := w.Execution(w.Context(), ada, want[0])
		w.ok(err)
		w.same("claimed", got, first[0])
		if got.Status != workflow.StatusRunning || got.Executor != "x" || got.StartedAt.IsZero() {
			w.Fatalf("got %+v", got)
		}
	},
	"claims of many give each execution once": func(w *world) {
		wf := w.workflow(ada)
		for range 120 {
			w.execution(wf)
		}
		var mu sync.Mutex
		holders := map[string]string{}
		together(8, func(i int) {
			executor := fmt.Sprint("x", i)
			for {
				list, err := w.ClaimExecutions(w.Context(), executor, 4)
				if err != nil {
					w.Error(err)
				}
				if len(list) == 0 {
					return
				}
				mu.Lock()
				for _, e := range list {
					if holders[e.ID] != "" {
						w.Errorf("%s went to %s and %s", e.ID, holders[e.ID], executor)
					}
					holders[e.ID] = executor
				}
				mu.Unlock()
			}
		})
		if len(holders) != 120 {
			w.Fatalf("%d claimed", len(holders))
		}
	},
	"claim by id": func(w *world) {
		wf := w.workflow(ada)
		queued, held := w.execution(wf), w.execution(wf, heldBy("dead"))
		for _, c := range []struct {
			id, executor, from string
			want               bool
		}{
			{queued.ID, "x", "", true}, // queued
			{queued.ID, "x", "", true}, // held by itself
			{queued.ID, "y", "", false},
			{queued.ID, "y", "dead", false},
			{held.ID, "y", "", false},
			{held.ID, "y", "other", false},
			{held.ID, "y", "dead", true}, // taken over
			{held.ID, "z", "dead", false},
			{"none", "x", "dead", false},
		} {
			got, err := w.ClaimExecution(w.Context(), c.id, c.executor, c.from)
			w.ok(err)
			if got != c.want {
				w.Fatalf("%+v: got %v", c, got)
			}
		}
		got, err := w.ExecutionByID(w.Context(), queued.ID)
		w.ok(err)
		if got.Status != workflow.StatusRunning || got.Executor != "x" || got.StartedAt.IsZero() {
			w.Fatalf("got %+v", got)
		}
		w.finish(got, workflow.StatusSuccess, epoch())
		if ok, err := w.ClaimExecution(w.Context(), queued.ID, "x", "x"); err != nil || ok {
			w.Fatalf("claimed a final one: %v, %v", ok, err)
		}
	},
	"claim keeps a waiting execution waiting": func(w *world) {
		e := w.execution(w.workflow(ada), heldBy("dead"))
		e.Status, e.WaitingFor = workflow.StatusWaiting, &workflow.Waiting{Node: "Wait", Kind: "approval"}
		w.save(store.Progress{Execution: e})
		ok, err := w.ClaimExecution(w.Context(), e.ID, "x", "dead")
		if w.ok(err); !ok {
			w.Fatal("not claimed")
		}
		got, err := w.ExecutionByID(w.Context(), e.ID)
		w.ok(err)
		e.Executor = "x"
		w.same("execution", got, e)
	},
	"claim of a dead executor's work is won by one": func(w *world) {
		e := w.execution(w.workflow(ada), heldBy("dead"))
		var won atomic.Int32
		together(16, func(i int) {
			ok, err := w.ClaimExecution(w.Context(), e.ID, fmt.Sprint("x", i), "dead")
			if err != nil {
				w.Error(err)
			}
			if ok {
				won.Add(1)
			}
		})
		if won.Load() != 1 {
			w.Fatalf("%d won", won.Load())
		}
	},
	"orphaned executions run under nobody who lives": func(w *world) {
		wf := w.workflow(ada)
		w.execution(wf, heldBy("alive"))
		orphan, waiting := w.execution(wf, heldBy("dead")), w.execution(wf, heldBy("dead"))
		waiting.Status = workflow.StatusWaiting
		w.save(store.Progress{Execution: waiting})
		w.finish(w.execution(wf, heldBy("dead")), workflow.StatusError, epoch())
		w.execution(wf)
		other := w.execution(wf, heldBy("gone"))
		got, err := w.OrphanedExecutions(w.Context(), []string{"alive", "well"}, 10)
		w.ok(err)
		slices.Sort(got)
		want := []string{orphan.ID, other.ID}
		slices.Sort(want)
		w.same("orphaned", got, want)
		got, err = w.OrphanedExecutions(w.Context(), []string{"alive"}, 1)
		w.ok(err)
		w.same("bounded", len(got), 1)
	},
	"live executions are those that are not final": func(w *world) {
		wf := w.workflow(ada)
		queued, running, waiting, over := w.execution(wf), w.execution(wf, heldBy("x")), w.execution(wf, heldBy("x")), w.execution(wf, heldBy("x"))
		w.execution(wf) // not asked for
		waiting.Status = workflow.StatusWaiting
		w.save(store.Progress{Execution: waiting})
		w.finish(over, workflow.StatusError, epoch())
		got, err := w.LiveExecutions(w.Context(), []string{queued.ID, running.ID, waiting.ID, over.ID, "none"})
		w.ok(err)
		slices.Sort(got)
		want := []string{queued.ID, running.ID, waiting.ID}
		slices.Sort(want)
		w.same("live", got, want)
		none, err := w.LiveExecutions(w.Context(), nil)
		w.ok(err)
		w.same("of none", len(none), 0)
	},
}
