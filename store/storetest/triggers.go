package storetest

import (
	"strings"
	"sync/atomic"

	"flowgate/internal/workflow"
)

func hook(method, path string) workflow.WebhookTrigger {
	return workflow.WebhookTrigger{Method: method, Path: path, Node: "Hook " + path}
}

func (w *world) arm(owner string, hooks ...workflow.WebhookTrigger) *workflow.Workflow {
	w.Helper()
	wf := w.workflow(owner)
	w.ok(w.ActivateWorkflow(w.Context(), owner, wf.ID, hooks))
	return wf
}

func (w *world) finds(method, path, pattern string) {
	w.Helper()
	got, err := w.Webhook(w.Context(), method, path)
	w.ok(err)
	if got.Path != pattern {
		w.Fatalf("%s %s: found %q, want %q", method, path, got.Path, pattern)
	}
}

var triggerTests = map[string]func(w *world){
	"webhook is armed and disarmed": func(w *world) {
		wf := w.arm(ada, hook("POST", "orders/new"))
		got, err := w.Webhook(w.Context(), "POST", "orders/new")
		w.ok(err)
		want := workflow.WebhookTrigger{Path: "orders/new", Method: "POST", WorkflowID: wf.ID, OwnerID: ada, Node: "Hook orders/new"}
		w.same("hook", got, want)
		stored, err := w.Workflow(w.Context(), ada, wf.ID)
		w.ok(err)
		if !stored.Active {
			w.Fatal("not active")
		}
		w.ok(w.UpdateWorkflow(w.Context(), stored, 0)) // a save leaves triggers armed
		w.finds("POST", "orders/new", "orders/new")
		w.ok(w.DeactivateWorkflow(w.Context(), ada, wf.ID))
		w.ok(w.DeactivateWorkflow(w.Context(), ada, wf.ID))
		_, err = w.Webhook(w.Context(), "POST", "orders/new")
		w.code(workflow.CodeNotFound, err)
		if stored, err = w.Workflow(w.Context(), ada, wf.ID); err != nil || stored.Active {
			w.Fatalf("active %v, %v", stored.Active, err)
		}
	},
	"webhook paths change with the document, or neither does": func(w *world) {
		wf, other := w.arm(ada, hook("GET", "mine")), w.arm(bob, hook("GET", "theirs"))
		stale := *wf
		stale.Document = document("stale")
		refused := stale
		w.code(workflow.CodeConflict, w.UpdateArmed(w.Context(), &refused, 0, []workflow.WebhookTrigger{hook("GET", "new"), hook("GET", "theirs")}))
		stored, err := w.Workflow(w.Context(), ada, wf.ID)
		w.ok(err)
		if stored.Version != 1 || refused.Version != 1 || stored.Document.Name == "stale" {
			w.Fatalf("a clash saved version %d, %q", stored.Version, stored.Document.Name)
		}
		w.finds("GET", "mine", "mine")
		_, err = w.Webhook(w.Context(), "GET", "new")
		w.code(workflow.CodeNotFound, err)
		stored.Document = document("moved")
		w.ok(w.UpdateArmed(w.Context(), stored, 1, []workflow.WebhookTrigger{hook("GET", "new")}))
		if stored.Version != 2 || !stored.Active {
			w.Fatalf("saved as version %d, active %v", stored.Version, stored.Active)
		}
		w.finds("GET", "new", "new")
		_, err = w.Webhook(w.Context(), "GET", "mine")
		w.code(workflow.CodeNotFound, err)
		w.code(workflow.CodeConflict, w.UpdateArmed(w.Context(), &stale, 1, nil))
		w.code(workflow.CodeNotFound, w.UpdateArmed(w.Context(), &workflow.Workflow{ID: wf.ID, OwnerID: bob}, 0, nil))
		w.finds("GET", "new", "new")
		w.finds("GET", "theirs", "theirs")
		w.ok(w.DeactivateWorkflow(w.Context(), bob, other.ID))
		idle, err := w.Workflow(w.Context(), bob, other.ID)
		w.ok(err)
		w.ok(w.UpdateArmed(w.Context(), idle, 0, []workflow.WebhookTrigger{hook("GET", "theirs")}))
		_, err = w.Webhook(w.Context(), "GET", "theirs")
		w.code(workflow.CodeNotFound, err)
	},
	"webhook paths replace those before": func(w *world) {
		wf := w.arm(ada, hook("GET", "a"), hook("GET", "b"))
		w.ok(w.ActivateWorkflow(w.Context(), ada, wf.ID, []workflow.WebhookTrigger{hook("GET", "b"), hook("GET", "c")}))
		_, err := w.Webhook(w.Context(), "GET", "a")
		w.code(workflow.CodeNotFound, err)
		w.finds("GET", "b", "b")
		w.finds("GET", "c", "c")
	},
	"webhook path belongs to one workflow": func(w *world) {
		w.arm(ada, hook("GET", "shared"), hook("GET", "user/:id"))
		other := w.workflow(bob)
		for _, h := range []workflow.WebhookTrigger{hook("GET", "shared"), hook("get", "shared"), hook("GET", "user/:name")} {
			mine := []workflow.WebhookTrigger{hook("GET", "mine"), h}
			e := w.code(workflow.CodeConflict, w.ActivateWorkflow(w.Context(), bob, other.ID, mine))
			if !strings.Contains(e.Message, h.Path) {
				w.Errorf("%q does not name %s", e.Message, h.Path)
			}
		}
		_, err := w.Webhook(w.Context(), "GET", "mine") // nothing of a refused activation stays
		w.code(workflow.CodeNotFound, err)
		got, err := w.Workflow(w.Context(), bob, other.ID)
		if w.ok(err); got.Active {
			w.Fatal("active after a refusal")
		}
		w.ok(w.ActivateWorkflow(w.Context(), bob, other.ID, []workflow.WebhookTrigger{hook("POST", "shared")}))
		twice := []workflow.WebhookTrigger{hook("PUT", "x"), hook("PUT", "x")}
		w.code(workflow.CodeConflict, w.ActivateWorkflow(w.Context(), bob, other.ID, twice))
		w.finds("POST", "shared", "shared")
	},
	"webhook path is won by one of many": func(w *world) {
		var all []*workflow.Workflow
		for range 8 {
			all = append(all, w.workflow(ada))
		}
		var won atomic.Int32
		together(8, func(i int) {
			err := w.ActivateWorkflow(w.Context(), ada, all[i].ID, []workflow.WebhookTrigger{hook("GET", "one")})
			switch workflow.CodeOf(err) {
			case "":
				won.Add(1)
			case workflow.CodeConflict:
			default:
				w.Error(err)
			}
		})
		if won.Load() != 1 {
			w.Fatalf("%d won", won.Load())
		}
	},
	"webhook patterns": func(w *world) {
		w.arm(ada, hook("GET", "user/:id"), hook("GET", "user/me"), hook("GET", ":any/me/:x"), hook("GET", "user/:id/:x"),
			hook("GET", "user/:id/posts"), hook("POST", "user/me/posts"), hook("GET", "ünï/:wert"), hook("GET", "a_b/%"))
		for path, pattern := range map[string]string{
			"user/me": "user/me", "/user/me/": "user/me", "user/7": "user/:id", "user/:id": "user/:id", "user/ü 7": "user/:id",
			"user/7/posts": "user/:id/posts", "user/7/likes": "user/:id/:x", "x/me/y": ":any/me/:x",
			"user/me/posts": "user/:id/posts", "user/me/likes": "user/:id/:x", "ünï/ß": "ünï/:wert", "a_b/%": "a_b/%",
		} {
			w.finds("GET", path, pattern)
		}
		for _, path := range []string{"", "user", "user/", "user//posts", "user/7/posts/1", "me/user", "axb/c", "USER/me"} {
			_, err := w.Webhook(w.Context(), "GET", path)
			if e := w.code(workflow.CodeNotFound, err); e.Details["methods"] != nil {
				w.Errorf("%q: methods %v", path, e.Details)
			}
		}
	},
	"webhook of another method names those armed": func(w *world) {
		w.arm(ada, hook("POST", "a/b"), hook("PUT", "a/b"))
		w.arm(bob, hook("POST", "a/:x"), hook("DELETE", "a/:x"))
		w.finds("delete", "a/b", "a/:x")
		_, err := w.Webhook(w.Context(), "GET", "a/b")
		e := w.code(workflow.CodeNotFound, err)
		w.same("methods", e.Details["methods"].([]string), []string{"DELETE", "POST", "PUT"})
	},
	"webhook request with a long path is answered": func(w *world) {
		w.arm(ada, hook("GET", "a/:b/"+strings.Repeat("c/", 100)+"d"))
		w.finds("GET", "a/x/"+strings.Repeat("c/", 100)+"d", "a/:b/"+strings.Repeat("c/", 100)+"d")
		_, err := w.Webhook(w.Context(), "GET", strings.Repeat("x/", 5000))
		w.code(workflow.CodeNotFound, err)
	},
}
