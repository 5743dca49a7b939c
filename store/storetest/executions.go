package storetest

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store"
)

var executionTests = map[string]func(w *world){
	"execution round trip": func(w *world) {
		wf := w.workflow(ada)
		want := &workflow.Execution{
			ID: "ex", OwnerID: ada, WorkflowID: wf.ID, WorkflowVersion: 1, Mode: workflow.ModeWebhook,
			Start: workflow.Start{
				Trigger: "Hook", Webhook: true, PinData: true,
				Items: []workflow.Item{{JSON: workflow.NewObject("b", "<ü>", "a", 1.0), Binary: map[string]*workflow.Binary{"f": {Data: "AA==", MimeType: "x/y"}}}},
			},
			ParentID: "parent", RetryOf: "other", IdempotencyKey: "key", Clock: epoch(), Seed: math.MaxUint64 - 1,
			EngineVersion: "7", CreatedAt: epoch().Add(time.Second),
		}
		stored, existing, err := w.CreateExecution(w.Context(), want)
		w.ok(err)
		if existing || stored.Status != workflow.StatusQueued || !stored.StartedAt.IsZero() {
			w.Fatalf("existing %v, %+v", existing, stored)
		}
		got, err := w.Execution(w.Context(), ada, "ex")
		w.ok(err)
		w.same("execution", got, stored)
		want.Status = workflow.StatusQueued
		w.same("execution and what was asked", got, want)
		got, err = w.ExecutionByID(w.Context(), "ex")
		w.ok(err)
		w.same("execution by id", got, stored)
	},
	"execution with an executor runs at once": func(w *world) {
		e := w.execution(w.workflow(ada), heldBy("x"))
		got, err := w.Execution(w.Context(), ada, e.ID)
		w.ok(err)
		if got.Status != workflow.StatusRunning || got.Executor != "x" || got.StartedAt.IsZero() {
			w.Fatalf("got %+v", got)
		}
		if list, err := w.ClaimExecutions(w.Context(), "y", 10); err != nil || len(list) > 0 {
			w.Fatalf("claimed %v, %v", list, err)
		}
	},
	"execution needs a workflow of its owner": func(w *world) {
		wf := w.workflow(ada)
		for _, e := range []*workflow.Execution{
			{ID: "e1", OwnerID: bob, WorkflowID: wf.ID},
			{ID: "e2", OwnerID: ada, WorkflowID: "none"},
			{ID: "e3", OwnerID: bob, WorkflowID: wf.ID, IdempotencyKey: "k"},
		} {
			_, _, err := w.CreateExecution(w.Context(), e)
			w.code(workflow.CodeNotFound, err)
		}
	},
	"execution's id is taken once": func(w *world) {
		e := w.execution(w.workflow(ada))
		_, _, err := w.CreateExecution(w.Context(), e)
		w.code(workflow.CodeConflict, err)
	},
	"execution of another owner is not there": func(w *world) {
		e := w.execution(w.workflow(ada))
		_, err := w.Execution(w.Context(), bob, e.ID)
		w.code(workflow.CodeNotFound, err)
		_, err = w.RequestCancel(w.Context(), bob, e.ID)
		w.code(workflow.CodeNotFound, err)
		_, err = w.NodeRuns(w.Context(), bob, e.ID)
		w.code(workflow.CodeNotFound, err)
		_, err = w.Events(w.Context(), bob, e.ID, 0, 10)
		w.code(workflow.CodeNotFound, err)
		_, err = w.ExecutionByID(w.Context(), "none")
		w.code(workflow.CodeNotFound, err)
		got, err := w.Execution(w.Context(), ada, e.ID)
		w.ok(err)
		w.same("execution afterwards", got, e)
	},
	"idempotency key gives the execution there is": func(w *world) {
		wf, theirs := w.workflow(ada), w.workflow(bob)
		key := func(e *workflow.Execution) { e.IdempotencyKey = "once" }
		e := w.execution(wf, key)
		again := *e
		again.ID = "again"
		stored, existing, err := w.CreateExecution(w.Context(), &again)
		w.ok(err)
		if !existing {
			w.Fatal("a second execution")
		}
		w.same("existing", stored, e)
		_, err = w.Execution(w.Context(), ada, "again")
		w.code(workflow.CodeNotFound, err)
		w.execution(theirs, key) // another owner's key is another key
		w.execution(wf)
		w.execution(wf) // and no key is none
	},
	"idempotency race has one winner": func(w *world) {
		wf := w.workflow(ada)
		var mu sync.Mutex
		ids, created := map[string]bool{}, 0
		together(16, func(i int) {
			stored, existing, err := w.CreateExecution(w.Context(), &workflow.Execution{
				ID: fmt.Sprint("e", i), OwnerID: ada, WorkflowID: wf.ID, IdempotencyKey: "race",
			})
			if err != nil {
				w.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			ids[stored.ID] = true
			if !existing {
				created++
			}
		})
		if len(ids) != 1 || created != 1 {
			w.Fatalf("%d created, ids %v", created, ids)
		}
	},
	"cancel ends a queued execution": func(w *world) {
		e := w.execution(w.workflow(ada))
		got, err := w.RequestCancel(w.Context(), ada, e.ID)
		w.ok(err)
		if got.Status != workflow.StatusCancelled || got.FinishedAt.IsZero() {
			w.Fatalf("got %+v", got)
		}
		stored, err := w.Execution(w.Context(), ada, e.ID)
		w.ok(err)
		w.same("stored", stored, got)
		_, err = w.RequestCancel(w.Context(), ada, e.ID)
		w.code(workflow.CodeConflict, err)
		if list, err := w.ClaimExecutions(w.Context(), "x", 1); err != nil || len(list) > 0 {
			w.Fatalf("claimed %v, %v", list, err)
		}
		if ok, err := w.ClaimExecution(w.Context(), e.ID, "x", ""); err != nil || ok {
			w.Fatalf("claimed %v, %v", ok, err)
		}
	},
	"cancel marks a running execution": func(w *world) {
		wf := w.workflow(ada)
		e, other := w.execution(wf, heldBy("x")), w.execution(wf, heldBy("x"))
		got, err := w.RequestCancel(w.Context(), ada, e.ID)
		w.ok(err)
		if got.Status != workflow.StatusRunning || !got.CancelRequested || !got.FinishedAt.IsZero() {
			w.Fatalf("got %+v", got)
		}
		_, err = w.RequestCancel(w.Context(), ada, e.ID)
		w.ok(err)
		w.save(store.Progress{Execution: e}) // an executor that has not heard of it yet
		marked, err := w.CancelRequested(w.Context(), []string{other.ID, e.ID, "none"})
		w.ok(err)
		w.same("marked", marked, []string{e.ID})
		marked, err = w.CancelRequested(w.Context(), nil)
		if w.ok(err); len(marked) != 0 {
			w.Fatalf("marked %v", marked)
		}
		w.finish(e, workflow.StatusCancelled, epoch())
		_, err = w.RequestCancel(w.Context(), ada, e.ID)
		w.code(workflow.CodeConflict, err)
	},
	"execution is large": func(w *world) {
		big := strings.Repeat("größe ", 1<<18)
		e := w.execution(w.workflow(ada), heldBy("x"), func(e *workflow.Execution) {
			e.Start.Items = []workflow.Item{{JSON: workflow.NewObject("big", big)}}
		})
		e.Result = json.RawMessage(asJSON([]string{big}))
		w.finish(e, workflow.StatusSuccess, epoch())
		got, err := w.Execution(w.Context(), ada, e.ID)
		w.ok(err)
		if string(got.Result) != string(e.Result) || asJSON(got.Start) != asJSON(e.Start) {
			w.Fatal("large data changed")
		}
	},
}
