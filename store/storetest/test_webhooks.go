package storetest

import (
	"strings"
	"sync/atomic"
	"time"

	"flowgate/internal/workflow"
)

func (w *world) armTest(owner string, hooks ...workflow.WebhookTrigger) *workflow.Workflow {
	w.Helper()
	wf := w.workflow(owner)
	w.ok(w.ArmTest(w.Context(), owner, wf.ID, hooks, time.Now().Add(time.Hour)))
	return wf
}

var testHookTests = map[string]func(w *world){
	"test webhook takes one call": func(w *world) {
		wf := w.armTest(ada, hook("POST", "orders"), hook("GET", "orders"))
		got, err := w.TestWebhook(w.Context(), "post", "/orders/")
		w.ok(err)
		want := workflow.WebhookTrigger{Path: "orders", Method: "POST", WorkflowID: wf.ID, OwnerID: ada, Node: "Hook orders"}
		w.same("hook", got.WebhookTrigger, want)
		if d := time.Until(got.ExpiresAt); d < 59*time.Minute || d > time.Hour {
			w.Fatalf("expires in %s", d)
		}
		_, err = w.Webhook(w.Context(), "POST", "orders") // it is no production webhook
		w.code(workflow.CodeNotFound, err)
		w.ok(w.TakeTest(w.Context(), got))
		w.code(workflow.CodeNotFound, w.TakeTest(w.Context(), got))
		for _, method := range []string{"POST", "GET"} {
			_, err = w.TestWebhook(w.Context(), method, "orders")
			w.code(workflow.CodeNotFound, err)
		}
	},
	"test webhook is taken by one of many": func(w *world) {
		w.armTest(ada, hook("GET", "one"))
		var won atomic.Int32
		together(8, func(int) {
			t, err := w.TestWebhook(w.Context(), "GET", "one")
			if err == nil {
				err = w.TakeTest(w.Context(), t)
			}
			switch workflow.CodeOf(err) {
			case "":
				won.Add(1)
			case workflow.CodeNotFound:
			default:
				w.Error(err)
			}
		})
		if won.Load() != 1 {
			w.Fatalf("%d won", won.Load())
		}
	},
	"test webhook expires": func(w *world) {
		wf, other := w.workflow(ada), w.workflow(bob)
		w.ok(w.ArmTest(w.Context(), ada, wf.ID, []workflow.WebhookTrigger{hook("GET", "x")}, time.Now().Add(-time.Millisecond)))
		_, err := w.TestWebhook(w.Context(), "GET", "x")
		w.code(workflow.CodeNotFound, err)
		w.ok(w.ArmTest(w.Context(), bob, other.ID, []workflow.WebhookTrigger{hook("GET", "x")}, time.Now().Add(time.Hour)))
		got, err := w.TestWebhook(w.Context(), "GET", "x")
		if w.ok(err); got.WorkflowID != other.ID {
			w.Fatalf("got %+v", got)
		}
	},
	"test webhook path belongs to one workflow": func(w *world) {
		first := w.armTest(ada, hook("GET", "a/:id"))
		other := w.workflow(bob)
		err := w.ArmTest(w.Context(), bob, other.ID, []workflow.WebhookTrigger{hook("GET", "mine"), hook("GET", "a/:name")}, time.Now().Add(time.Hour))
		if e := w.code(workflow.CodeConflict, err); !strings.Contains(e.Message, "a/:name") {
			w.Errorf("%q does not name the path", e.Message)
		}
		_, err = w.TestWebhook(w.Context(), "GET", "mine")
		w.code(workflow.CodeNotFound, err)
		w.ok(w.ArmTest(w.Context(), ada, first.ID, []workflow.WebhookTrigger{hook("GET", "b")}, time.Now().Add(time.Hour)))
		w.ok(w.ArmTest(w.Context(), bob, other.ID, []workflow.WebhookTrigger{hook("GET", "a/:name")}, time.Now().Add(time.Hour)))
		w.code(workflow.CodeNotFound, w.ArmTest(w.Context(), bob, first.ID, nil, time.Now().Add(time.Hour)))
		w.ok(w.DeleteWorkflow(w.Context(), bob, other.ID))
		_, err = w.TestWebhook(w.Context(), "GET", "a/1")
		w.code(workflow.CodeNotFound, err)
	},
	"test webhook patterns": func(w *world) {
		w.armTest(ada, hook("GET", "user/:id"), hook("GET", "user/me"), hook("PUT", "user/me"), hook("GET", "user/:id/posts"))
		for path, pattern := range map[string]string{"user/me": "user/me", "user/7": "user/:id", "user/:": "user/:id", "user/me/posts": "user/:id/posts"} {
			got, err := w.TestWebhook(w.Context(), "GET", path)
			if w.ok(err); got.Path != pattern {
				w.Errorf("%s: found %q, want %q", path, got.Path, pattern)
			}
		}
		_, err := w.TestWebhook(w.Context(), "DELETE", "user/me")
		e := w.code(workflow.CodeNotFound, err)
		w.same("methods", e.Details["methods"].([]string), []string{"GET", "PUT"})
		_, err = w.TestWebhook(w.Context(), "GET", "nobody")
		if e := w.code(workflow.CodeNotFound, err); e.Details["methods"] != nil {
			w.Errorf("methods %v", e.Details)
		}
	},
}
