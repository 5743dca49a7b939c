package storetest

import (
	"strings"
	"sync/atomic"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store"
)

var workflowTests = map[string]func(w *world){
	"workflow round trip": func(w *world) {
		wf := w.workflow(ada, func(wf *workflow.Workflow) {
			wf.Document.StaticData = workflow.NewObject("seen", []any{1.0, "二"})
			wf.CreatedAt = epoch()
		})
		if wf.Version != 1 || wf.Active {
			w.Fatalf("created as version %d, active %v", wf.Version, wf.Active)
		}
		got, err := w.Workflow(w.Context(), ada, wf.ID)
		w.ok(err)
		w.same("workflow", got, wf)
		if !got.CreatedAt.Equal(epoch()) || !got.UpdatedAt.Equal(epoch()) {
			w.Fatalf("times %v, %v", got.CreatedAt, got.UpdatedAt)
		}
	},
	"workflow of another owner is not there": func(w *world) {
		wf := w.workflow(ada)
		theirs := *wf
		theirs.OwnerID = bob
		_, err := w.Workflow(w.Context(), bob, wf.ID)
		w.code(workflow.CodeNotFound, err)
		_, err = w.WorkflowVersion(w.Context(), bob, wf.ID, 1)
		w.code(workflow.CodeNotFound, err)
		w.code(workflow.CodeNotFound, w.UpdateWorkflow(w.Context(), &theirs, 0))
		w.code(workflow.CodeNotFound, w.DeleteWorkflow(w.Context(), bob, wf.ID))
		w.code(workflow.CodeNotFound, w.SetStaticData(w.Context(), bob, wf.ID, nil))
		w.code(workflow.CodeNotFound, w.ActivateWorkflow(w.Context(), bob, wf.ID, nil))
		w.code(workflow.CodeNotFound, w.DeactivateWorkflow(w.Context(), bob, wf.ID))
		list, total, _, err := w.ListWorkflows(w.Context(), bob, store.WorkflowFilter{}, store.Page{Limit: 5})
		w.ok(err)
		if len(list) != 0 || total != 0 {
			w.Fatalf("bob sees %d of %d", len(list), total)
		}
		got, err := w.Workflow(w.Context(), ada, wf.ID)
		w.ok(err)
		w.same("workflow afterwards", got, wf)
	},
	"workflow's id is taken once": func(w *world) {
		wf := w.workflow(ada)
		again := *wf
		again.OwnerID = bob
		w.code(workflow.CodeConflict, w.CreateWorkflow(w.Context(), &again))
	},
	"workflow's saves are versions": func(w *world) {
		wf := w.workflow(ada)
		first := wf.Document
		wf.Document = document("renamed")
		w.ok(w.UpdateWorkflow(w.Context(), wf, 1))
		wf.Document = document("again")
		w.ok(w.UpdateWorkflow(w.Context(), wf, 0))
		if wf.Version != 3 {
			w.Fatalf("version %d after two saves", wf.Version)
		}
		for version, want := range map[int]workflow.Document{1: first, 2: document("renamed"), 3: document("again")} {
			got, err := w.WorkflowVersion(w.Context(), ada, wf.ID, version)
			w.ok(err)
			w.same("version", []any{got.Version, got.ID, got.OwnerID, got.Document}, []any{version, wf.ID, ada, want})
		}
		_, err := w.WorkflowVersion(w.Context(), ada, wf.ID, 4)
		w.code(workflow.CodeNotFound, err)
		for _, c := range []struct {
			owner         string
			before, limit int
			want          []int
		}{{ada, 0, 5, []int{3, 2, 1}}, {ada, 3, 1, []int{2}}, {ada, 1, 5, nil}, {bob, 0, 5, nil}} {
			list, err := w.ListVersions(w.Context(), c.owner, wf.ID, c.before, c.limit)
			w.ok(err)
			var got []int
			for _, v := range list {
				one, err := w.WorkflowVersion(w.Context(), ada, wf.ID, v.Version)
				w.ok(err)
				w.same("listed version", v, one)
				got = append(got, v.Version)
			}
			w.same("versions", got, c.want)
		}
	},
	"workflow's lost race is a conflict and changes nothing": func(w *world) {
		wf := w.workflow(ada)
		stale := *wf
		stale.Document = document("stale")
		w.ok(w.UpdateWorkflow(w.Context(), wf, 1))
		w.code(workflow.CodeConflict, w.UpdateWorkflow(w.Context(), &stale, 1))
		if stale.Version != 1 {
			w.Fatalf("a refused save set version %d", stale.Version)
		}
		got, err := w.Workflow(w.Context(), ada, wf.ID)
		w.ok(err)
		w.same("workflow", got, wf)
	},
	"workflow is saved by exactly one of many": func(w *world) {
		wf := w.workflow(ada)
		var won atomic.Int32
		together(8, func(int) {
			mine := *wf
			switch err := w.UpdateWorkflow(w.Context(), &mine, 1); workflow.CodeOf(err) {
			case "":
				won.Add(1)
			case workflow.CodeConflict:
			default:
				w.Error(err)
			}
		})
		if won.Load() != 1 {
			w.Fatalf("%d saves won", won.Load())
		}
	},
	"workflow's static data outlives saves": func(w *world) {
		wf := w.workflow(ada)
		w.ok(w.SetStaticData(w.Context(), ada, wf.ID, workflow.NewObject("last", 7.0)))
		w.ok(w.UpdateWorkflow(w.Context(), wf, 1))
		got, err := w.Workflow(w.Context(), ada, wf.ID)
		w.ok(err)
		w.same("static data", got.Document.StaticData, workflow.NewObject("last", 7.0))
		if got.Version != 2 {
			w.Fatalf("static data made a version: %d", got.Version)
		}
		w.ok(w.SetStaticData(w.Context(), ada, wf.ID, nil))
		got, err = w.Workflow(w.Context(), ada, wf.ID)
		w.ok(err)
		if got.Document.StaticData != nil {
			w.Fatalf("static data %v", asJSON(got.Document.StaticData))
		}
	},
	"workflow is large": func(w *world) {
		wf := w.workflow(ada, func(wf *workflow.Workflow) {
			wf.Document.Nodes[0].Parameters.Set("code", strings.Repeat("größer ", 1<<18))
		})
		got, err := w.Workflow(w.Context(), ada, wf.ID)
		w.ok(err)
		w.same("document", got.Document, wf.Document)
	},
	"workflow goes with what belongs to it": func(w *world) {
		wf := w.workflow(ada)
		hook := workflow.WebhookTrigger{Path: "gone", Method: "GET", Node: "Hook"}
		w.ok(w.ActivateWorkflow(w.Context(), ada, wf.ID, []workflow.WebhookTrigger{hook}))
		e := w.execution(wf, heldBy("x"))
		w.finish(e, workflow.StatusSuccess, epoch())
		w.ok(w.DeleteWorkflow(w.Context(), ada, wf.ID))
		_, err := w.Workflow(w.Context(), ada, wf.ID)
		w.code(workflow.CodeNotFound, err)
		_, err = w.WorkflowVersion(w.Context(), ada, wf.ID, 1)
		w.code(workflow.CodeNotFound, err)
		_, err = w.Webhook(w.Context(), "GET", "gone")
		w.code(workflow.CodeNotFound, err)
		_, err = w.Execution(w.Context(), ada, e.ID)
		w.code(workflow.CodeNotFound, err)
		w.code(workflow.CodeNotFound, w.DeleteWorkflow(w.Context(), ada, wf.ID))
	},
	"workflow with live executions stays": func(w *world) {
		wf := w.workflow(ada)
		e := w.execution(wf)
		refused := w.code(workflow.CodeConflict, w.DeleteWorkflow(w.Context(), ada, wf.ID))
		if !strings.Contains(strings.ToLower(refused.Message), "cancel") {
			w.Fatalf("no remedy in %q", refused.Message)
		}
		_, err := w.RequestCancel(w.Context(), ada, e.ID)
		w.ok(err)
		w.ok(w.DeleteWorkflow(w.Context(), ada, wf.ID))
	},
	"workflow's stamps move with a save": func(w *world) {
		wf := w.workflow(ada, func(wf *workflow.Workflow) { wf.CreatedAt = epoch() })
		w.ok(w.UpdateWorkflow(w.Context(), wf, 0))
		got, err := w.Workflow(w.Context(), ada, wf.ID)
		w.ok(err)
		if !got.CreatedAt.Equal(epoch()) || time.Since(got.UpdatedAt) > time.Hour || got.UpdatedAt.Location() != time.UTC {
			w.Fatalf("times %v, %v", got.CreatedAt, got.UpdatedAt)
		}
	},
}
