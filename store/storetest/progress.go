package storetest

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store"
)

var progressTests = map[string]func(w *world){
	"progress of a short execution": func(w *world) {
		e := w.execution(w.workflow(ada), heldBy("x"))
		w.wantEvents(e, 0, 10, nil)
		w.wantRuns(e, nil)
		until := epoch().Add(time.Hour)
		e.Status, e.LastNode, e.Result = workflow.StatusError, "B", json.RawMessage(`[{"json":{"b":1,"a":2}}]`)
		e.Error = &workflow.ExecutionError{Node: "B", Message: "füll <x>", Code: "c"}
		e.WaitingFor = &workflow.Waiting{Node: "B", Kind: "time", Until: &until}
		e.StartedAt, e.FinishedAt = epoch(), epoch().Add(time.Second)
		log := events(e.ID, 1, 12)
		ran := append(runs("A", 0, 0), runs("B", 0, 1)...)
		w.save(store.Progress{Execution: e, Events: log, NodeRuns: ran})
		got, err := w.Execution(w.Context(), ada, e.ID)
		w.ok(err)
		w.same("execution", got, e)
		w.wantEvents(e, 0, 100, log)
		w.wantEvents(e, 5, 3, log[5:8])
		w.wantEvents(e, 12, 3, nil)
		w.wantRuns(e, ran)
		w.wantRuns(e, ran[1:], "B")
		w.wantRuns(e, ran, "B", "A", "none")
		w.wantRuns(e, nil, "none")
	},
	"progress comes in parts and is read across them": func(w *world) {
		e := w.execution(w.workflow(ada), heldBy("x"))
		w.save(store.Progress{Execution: e, Events: events(e.ID, 1, 4), NodeRuns: runs("A", 0, 0)})
		w.save(store.Progress{Execution: e, Events: events(e.ID, 5, 5)})
		w.save(store.Progress{Execution: e, NodeRuns: runs("B", 0, 2)})
		w.save(store.Progress{Execution: e})
		w.save(store.Progress{Execution: e, Events: events(e.ID, 6, 9), NodeRuns: runs("A", 1, 1)})
		w.wantEvents(e, 0, 0, events(e.ID, 1, 9))
		for after := range int64(10) {
			w.wantEvents(e, after, 2, events(e.ID, after+1, min(after+2, 9)))
		}
		w.wantRuns(e, append(append(runs("A", 0, 0), runs("B", 0, 2)...), runs("A", 1, 1)...))
		w.wantRuns(e, runs("A", 0, 1), "A")
	},
	"progress that is sent again is left as it is": func(w *world) {
		e := w.execution(w.workflow(ada), heldBy("x"))
		first := store.Progress{Execution: e, Events: events(e.ID, 1, 4), NodeRuns: append(runs("A", 0, 1), runs("C", 2, 2)...)}
		w.save(first)
		again := store.Progress{Execution: e, Events: events(e.ID, 1, 6), NodeRuns: append(runs("A", 0, 2), runs("C", 0, 2)...)}
		for i := range again.Events[:4] {
			again.Events[i].Message = "another"
		}
		for i := range again.NodeRuns[:2] {
			again.NodeRuns[i].Status = "another"
		}
		again.NodeRuns[5].Status = "another" // C run 2, which was stored ahead of its turn
		w.save(first)
		w.save(again)
		w.save(again)
		w.wantEvents(e, 0, 0, events(e.ID, 1, 6))
		w.wantRuns(e, runs("A", 0, 2), "A")
		w.wantRuns(e, append(runs("C", 2, 2), runs("C", 0, 1)...), "C")
		got, err := w.NodeRuns(w.Context(), ada, e.ID)
		w.ok(err)
		w.same("runs in all", len(got), 6)
	},
	"progress of a final execution is rejected": func(w *world) {
		e := w.execution(w.workflow(ada), heldBy("x"))
		w.finish(e, workflow.StatusTimeout, epoch())
		before, err := w.Execution(w.Context(), ada, e.ID)
		w.ok(err)
		late := *e
		late.Status = workflow.StatusSuccess
		w.reject([]store.Progress{{Execution: &late, Events: events(e.ID, 1, 1)}}, e.ID)
		got, err := w.Execution(w.Context(), ada, e.ID)
		w.ok(err)
		w.same("execution", got, before)
		w.wantEvents(e, 0, 0, nil)
	},
	"progress of others' executions is rejected, the rest is kept": func(w *world) {
		wf := w.workflow(ada)
		mine, lost, queued := w.execution(wf, heldBy("x")), w.execution(wf, heldBy("x")), w.execution(wf)
		if ok, err := w.ClaimExecution(w.Context(), lost.ID, "y", "x"); err != nil || !ok {
			w.Fatal(ok, err)
		}
		hijack := *queued
		hijack.Executor = "x"
		none := *mine
		none.ID = "none"
		w.reject([]store.Progress{
			{Execution: lost, Events: events(lost.ID, 1, 1)},
			{Execution: mine, Events: events(mine.ID, 1, 1), NodeRuns: runs("A", 0, 0)},
			{Execution: &hijack, NodeRuns: runs("A", 0, 0)},
			{Execution: &none},
		}, lost.ID, queued.ID, "none")
		w.wantEvents(mine, 0, 0, events(mine.ID, 1, 1))
		w.wantRuns(mine, runs("A", 0, 0))
		w.wantEvents(lost, 0, 0, nil)
		w.wantRuns(queued, nil)
		got, err := w.ExecutionByID(w.Context(), queued.ID)
		w.ok(err)
		w.same("queued", got, queued)
	},
	"progress does not change what was recorded at the start": func(w *world) {
		wf := w.workflow(ada)
		early := w.execution(wf, heldBy("x"), func(e *workflow.Execution) { e.Clock, e.Seed, e.EngineVersion = epoch(), 1, "1" })
		late := w.execution(wf, heldBy("x"))
		for _, e := range []*workflow.Execution{early, late} {
			for n := range 2 {
				changed := *e
				changed.Clock, changed.Seed, changed.EngineVersion = epoch().Add(time.Duration(n+1)*time.Hour), uint64(n+2), fmt.Sprint(n+2)
				w.save(store.Progress{Execution: &changed})
			}
		}
		got, err := w.ExecutionByID(w.Context(), early.ID)
		w.ok(err)
		w.same("recorded early", got, early)
		got, err = w.ExecutionByID(w.Context(), late.ID)
		w.ok(err)
		late.Clock, late.Seed, late.EngineVersion = epoch().Add(time.Hour), 2, "2"
		w.same("recorded late", got, late)
	},
	"progress of many batches at once": func(w *world) {
		wf := w.workflow(ada)
		var all []*workflow.Execution
		for range 48 {
			all = append(all, w.execution(wf, heldBy("x")))
		}
		together(6, func(i int) {
			var batch []store.Progress
			for _, e := range all[i*8 : i*8+8] {
				done := *e
				done.Status, done.FinishedAt = workflow.StatusSuccess, epoch()
				batch = append(batch, store.Progress{Execution: &done, Events: events(e.ID, 1, 12), NodeRuns: runs("A", 0, 4)})
			}
			if rejected, err := w.SaveProgress(w.Context(), batch); err != nil || len(rejected) > 0 {
				w.Error(rejected, err)
			}
		})
		for _, e := range all {
			w.wantEvents(e, 0, 0, events(e.ID, 1, 12))
			w.wantRuns(e, runs("A", 0, 4))
		}
		w.reject(nil)
	},
	"progress is large": func(w *world) {
		e := w.execution(w.workflow(ada), heldBy("x"))
		big := runs("A", 0, 0)
		big[0].Main[2][0].JSON = workflow.NewObject("big", strings.Repeat("größe ", 1<<18))
		w.save(store.Progress{Execution: e, NodeRuns: big})
		w.wantRuns(e, big, "A")
	},
}
