package service

import (
	"context"
	"net/http"
	"strings"
	"time"

	"flowgate/internal/workflow"
)

// testWindow is how long a test webhook waits for its call.
const testWindow = 2 * time.Minute

// TestArmed says where a workflow takes one test call, and until when.
type TestArmed struct {
	WorkflowID string        `json:"workflow_id"`
	ExpiresAt  time.Time     `json:"expires_at"`
	Triggers   []TriggerView `json:"triggers" jsonschema:"the addresses; the first call of any of them is the test"`
}

// ArmTestWebhook has the workflow's webhooks and forms take one call between
// them at their test addresses, in any process of this installation. The execution is
// a manual one of the newest version; the workflow need not be active.
func (s *Service) ArmTestWebhook(ctx context.Context, in WorkflowRef) (*TestArmed, error) {
	if s.TestHooks == nil {
		return nil, workflow.Errorf(workflow.CodeUnsupported, "this server arms no test webhooks")
	}
	w, err := s.Store.Workflow(ctx, owner(ctx), in.WorkflowID)
	if err != nil {
		return nil, err
	}
	if v := s.validate(ctx, &w.Document); !v.Valid {
		return nil, invalidDocument("the workflow cannot be tested: ", v)
	}
	hooks := append(s.hooks(w), s.formHooks(ctx, w)...)
	if len(hooks) == 0 {
		return nil, workflow.Errorf(workflow.CodeInvalid, "the workflow has no webhook or form to test: add a webhook or form trigger, or run the workflow by hand")
	}
	if err := s.guarded(ctx, w, hooks); err != nil {
		return nil, err
	}
	out := &TestArmed{WorkflowID: w.ID, ExpiresAt: s.Now().UTC().Add(testWindow).Truncate(time.Millisecond)}
	if err := s.TestHooks.ArmTest(ctx, w.OwnerID, w.ID, hooks, out.ExpiresAt); err != nil {
		return nil, err
	}
	for _, h := range hooks {
		if n := len(out.Triggers); n > 0 && out.Triggers[n-1].Node == h.Node {
			out.Triggers[n-1].Methods = append(out.Triggers[n-1].Methods, h.Method)
			continue
		}
		t := TriggerView{Node: h.Node, Type: w.Document.NodeByName(h.Node).Type, Methods: []string{h.Method}, URL: s.PublicURL + "/webhook-test/" + h.Path}
		if path, isForm := strings.CutPrefix(h.Path, formHookPrefix); isForm {
			t.Methods, t.URL = []string{http.MethodGet, http.MethodPost}, s.PublicURL+"/form-test/"+path
		}
		out.Triggers = append(out.Triggers, t)
	}
	return out, nil
}

// TestWebhook is Webhook for test addresses: the first call that the webhook
// admits is the test, and disarms it. Preflights and refused calls do not.
func (s *Service) TestWebhook(ctx context.Context, call workflow.WebhookCall) (*workflow.Response, error) {
	if s.TestHooks == nil {
		r := noTest(call.Method, call.Path, nil)
		return &r, nil
	}
	return s.answerCall(ctx, s.testDoor(), call)
}

// testDoor is where workflows are called whose test is armed.
func (s *Service) testDoor() hookDoor {
	return hookDoor{item: "test", mode: workflow.ModeManual, none: noTest,
		find: func(ctx context.Context, method, path string) (*armedHook, error) {
			t, err := s.TestHooks.TestWebhook(ctx, method, path)
			if err != nil {
				return nil, err
			}
			return &armedHook{WebhookTrigger: &t.WebhookTrigger, take: func(ctx context.Context) error { return s.TestHooks.TakeTest(ctx, t) }}, nil
		}}
}

func noTest(method, _ string, methods []string) workflow.Response {
	message := "No webhook waits for a test call at this address"
	hint := "Arm the workflow's test first (POST /api/app/workflows/{workflow_id}/test-webhook); it takes one call, within two minutes."
	if len(methods) > 0 {
		message, hint = "The webhook that waits for a test call does not take "+method+" requests", "It takes "+strings.Join(methods, " and ")+"."
	}
	body, err := workflow.NewObject("code", 404.0, "message", message, "hint", hint).MarshalJSON()
	if err != nil { // texts always encode
		body = []byte(`{"code":404}`)
	}
	return workflow.Response{Status: http.StatusNotFound, Headers: [][2]string{{"Content-Type", "application/json; charset=utf-8"}}, Body: body}
}
