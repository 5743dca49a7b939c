package storetest

import (
	"context"
	"errors"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store"
)

var contextTests = map[string]func(w *world){
	"context that ended stops every call": func(w *world) {
		wf := w.workflow(ada)
		e := w.execution(wf, heldBy("x"))
		k := w.key("k", ada)
		ctx, cancel := context.WithCancel(w.Context())
		cancel()
		none := func() ([]byte, error) { return []byte("x"), nil }
		for name, err := range map[string]error{
			"Ping":               w.Ping(ctx),
			"CreateUser":         w.CreateUser(ctx, &workflow.User{ID: "u"}),
			"User":               second(w.User(ctx, "u")),
			"CreateWorkflow":     w.CreateWorkflow(ctx, &workflow.Workflow{ID: "new", OwnerID: ada}),
			"Workflow":           second(w.Workflow(ctx, ada, wf.ID)),
			"UpdateWorkflow":     w.UpdateWorkflow(ctx, wf, 0),
			"DeleteWorkflow":     w.DeleteWorkflow(ctx, ada, wf.ID),
			"ActivateWorkflow":   w.ActivateWorkflow(ctx, ada, wf.ID, nil),
			"Webhook":            second(w.Webhook(ctx, "GET", "x")),
			"Execution":          second(w.Execution(ctx, ada, e.ID)),
			"RequestCancel":      second(w.RequestCancel(ctx, ada, e.ID)),
			"NodeRuns":           second(w.NodeRuns(ctx, ada, e.ID)),
			"Events":             second(w.Events(ctx, ada, e.ID, 0, 1)),
			"ClaimExecutions":    second(w.ClaimExecutions(ctx, "x", 1)),
			"ClaimExecution":     second(w.ClaimExecution(ctx, e.ID, "x", "")),
			"OrphanedExecutions": second(w.OrphanedExecutions(ctx, nil, 1)),
			"SaveProgress":       second(w.SaveProgress(ctx, []store.Progress{{Execution: e}})),
			"CancelRequested":    second(w.CancelRequested(ctx, []string{e.ID})),
			"PruneExecutions":    second(w.PruneExecutions(ctx, time.Now(), 1)),
			"TrimExecutions":     second(w.TrimExecutions(ctx, 1, 1)),
			"Key":                second(w.Key(ctx, k.ID)),
			"RevokeKey":          w.RevokeKey(ctx, ada, k.ID, epoch()),
			"TouchKeys":          w.TouchKeys(ctx, map[string]time.Time{k.ID: epoch()}),
			"Secret":             second(w.Secret(ctx, "s", none)),
			"AcquireLease":       second(w.AcquireLease(ctx, lease("n", "a"), time.Hour, nil)),
			"RenewLease":         second(w.RenewLease(ctx, lease("n", "a"), time.Hour)),
			"ListLeases":         second(w.ListLeases(ctx, "")),
			"DeactivateWorkflow": w.DeactivateWorkflow(ctx, ada, wf.ID),
		} {
			if !errors.Is(err, context.Canceled) || workflow.CodeOf(err) != workflow.CodeCancelled {
				w.Errorf("%s: got %v, code %q", name, err, workflow.CodeOf(err))
			}
		}
		got, err := w.Workflow(w.Context(), ada, wf.ID)
		w.ok(err)
		w.same("workflow afterwards", got, wf)
	},
	"context that ends amid calls does no harm": func(w *world) {
		wf := w.workflow(ada)
		together(8, func(i int) {
			for n := range 10 {
				ctx, cancel := context.WithTimeout(w.Context(), time.Duration(n)*100*time.Microsecond)
				e := &workflow.Execution{ID: w.id("ex"), OwnerID: ada, WorkflowID: wf.ID, Executor: "x"}
				stored, _, err := w.CreateExecution(ctx, e)
				if err == nil {
					_, err = w.SaveProgress(ctx, []store.Progress{{Execution: stored, Events: events(e.ID, 1, 3)}})
				}
				if err != nil && !errors.Is(err, context.DeadlineExceeded) {
					w.Errorf("goroutine %d: %v (code %q)", i, err, workflow.CodeOf(err))
				}
				cancel()
			}
		})
		w.execution(wf)
		w.workflow(ada)
	},
	"closed store says so": func(w *world) {
		w.ok(w.Ping(w.Context()))
		w.ok(w.Close())
		w.code(workflow.CodeUnavailable, w.Ping(w.Context()))
		_, err := w.User(w.Context(), "u")
		w.code(workflow.CodeUnavailable, err)
		w.code(workflow.CodeUnavailable, w.CreateWorkflow(w.Context(), &workflow.Workflow{ID: "x", OwnerID: ada}))
		w.ok(w.Close())
	},
}

func second[T any](_ T, err error) error { return err }
