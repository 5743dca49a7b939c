package service

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"flowgate/internal/workflow"
)

// Webhook is a webhook trigger of a document, ready to take calls.
type Webhook interface {
	// CredentialKind is the kind of credential that callers are checked
	// against, "" for none.
	CredentialKind() string
	// Admit checks the caller; a response refuses it. Claims are those of the
	// caller's token, nil without one.
	Admit(call workflow.WebhookCall, credential map[string]string) (claims *workflow.Object, refusal *workflow.Response)
	// Origin returns headers for a browser's page, and whether it may call.
	Origin(origin string) (headers [][2]string, ok bool)
	// Preflight answers a browser's question before a call.
	Preflight(origin, headers string) workflow.Response
	// WebhookItem is what the trigger puts out for the call.
	WebhookItem(call workflow.WebhookCall, mode string, claims *workflow.Object) (*workflow.Item, *workflow.Response)
	// Output is the output that calls of a method leave by.
	Output(method string) int
	// Misfit is the answer where the document cannot give one.
	Misfit(d *workflow.Document) *workflow.Response
	// Waits reports whether the caller waits for the execution; otherwise
	// Received is its answer.
	Waits() bool
	Received() workflow.Response
	// Answer is the response of an execution that ended without one.
	Answer(status workflow.Status, items []workflow.Item) workflow.Response
}

// hookDoor is one of the two kinds of address that webhooks have.
type hookDoor struct {
	find func(ctx context.Context, method, path string) (*armedHook, error)
	// none is the answer where no webhook takes the call; methods are those
	// the path is taken with.
	none func(method, path string, methods []string) workflow.Response
	item string        // the mode that the trigger's item tells
	mode workflow.Mode // of the execution
}

// armedHook is a webhook that takes a call.
type armedHook struct {
	*workflow.WebhookTrigger
	// take makes the call the hook's one; CodeNotFound when another was
	// faster. Nil: it takes any number.
	take func(ctx context.Context) error
}

// Webhook starts the workflow whose armed webhook matches the call and
// returns what it answers: at once, or when the workflow responds or ends. The
// execution is recorded before anything is answered. The webhook's own rules
// say who may call.
func (s *Service) Webhook(ctx context.Context, call workflow.WebhookCall) (*workflow.Response, error) {
	return s.answerCall(ctx, s.door(), call)
}

// door is where active workflows are called.
func (s *Service) door() hookDoor {
	return hookDoor{item: "production", mode: workflow.ModeWebhook, none: s.Catalogue.NoWebhook,
		find: func(ctx context.Context, method, path string) (*armedHook, error) {
			hook, err := s.Store.Webhook(ctx, method, path)
			return &armedHook{WebhookTrigger: hook}, err
		}}
}

func (s *Service) answerCall(ctx context.Context, door hookDoor, call workflow.WebhookCall) (*workflow.Response, error) {
	hook, err := door.find(ctx, call.Method, call.Path)
	if err != nil {
		return s.noWebhook(ctx, door, call, err)
	}
	w, t, err := s.webhookOf(ctx, hook.WebhookTrigger)
	if err != nil {
		return nil, err
	}
	origin, mayCall := t.Origin(header(call, "origin"))
	if !mayCall {
		return &workflow.Response{Status: http.StatusForbidden, Headers: origin}, nil
	}
	r, err := s.callWebhook(ctx, door, w, hook, t, call)
	if r != nil {
		r.Headers = append(origin, r.Headers...)
	}
	return r, err
}

func (s *Service) webhookOf(ctx context.Context, hook *workflow.WebhookTrigger) (*workflow.Workflow, Webhook, error) {
	w, err := s.Store.Workflow(ctx, hook.OwnerID, hook.WorkflowID)
	if err != nil {
		return nil, nil, err
	}
	t, err := s.Catalogue.Webhook(ctx, &w.Document, hook.Node)
	return w, t, err
}

// noWebhook answers a call that no webhook takes: what a browser or a client
// asks by OPTIONS, by the webhook it asks about; anything else with 404.
func (s *Service) noWebhook(ctx context.Context, door hookDoor, call workflow.WebhookCall, cause error) (*workflow.Response, error) {
	if workflow.CodeOf(cause) != workflow.CodeNotFound {
		return nil, cause
	}
	var e *workflow.Error
	var methods []string
	if errors.As(cause, &e) {
		methods, _ = e.Details["methods"].([]string)
	}
	if call.Method != http.MethodOptions || len(methods) == 0 {
		r := door.none(call.Method, call.Path, methods)
		return &r, nil
	}
	method := header(call, "access-control-request-method")
	if method == "" {
		method = methods[0]
	}
	hook, err := door.find(ctx, method, call.Path)
	if err != nil { // the browser asks for a method the path is not taken with
		return &workflow.Response{Status: http.StatusNoContent, Headers: allow(methods)}, nil
	}
	_, t, err := s.webhookOf(ctx, hook.WebhookTrigger)
	if err != nil {
		return nil, err
	}
	r := t.Preflight(header(call, "origin"), header(call, "access-control-request-headers"))
	r.Headers = append(allow(methods), r.Headers...)
	return &r, nil
}

func allow(methods []string) [][2]string {
	return [][2]string{{"Allow", strings.Join(append([]string{http.MethodOptions}, methods...), ", ")}}
}

func (s *Service) callWebhook(ctx context.Context, door hookDoor, w *workflow.Workflow, hook *armedHook, t Webhook, call workflow.WebhookCall) (*workflow.Response, error) {
	claims, refusal, err := s.admit(ctx, w, hook.Node, t, call)
	if err != nil || refusal != nil {
		return refusal, err
	}
	if r := t.Misfit(&w.Document); r != nil {
		return r, nil
	}
	item, refusal := t.WebhookItem(call, door.item, claims)
	if refusal != nil {
		return refusal, nil
	}
	if hook.take != nil {
		if err := hook.take(ctx); workflow.CodeOf(err) == workflow.CodeNotFound {
			r := door.none(call.Method, call.Path, nil)
			return &r, nil
		} else if err != nil {
			return nil, err
		}
	}
	id, _, err := s.Agent.Execute(ctx, workflow.ExecuteRequest{OwnerID: w.OwnerID, WorkflowID: w.ID, Version: w.Version, Mode: door.mode,
		Start: workflow.Start{Trigger: hook.Node, Items: []workflow.Item{*item}, Output: t.Output(call.Method), Webhook: t.Waits(),
			PinData: !door.mode.Production() && len(w.Document.PinData[hook.Node]) == 0}})
	if err != nil {
		return nil, err
	}
	if !t.Waits() {
		r := t.Received()
		return &r, nil
	}
	return s.awaitResponse(ctx, w.OwnerID, id, t)
}

// admit asks the webhook whether the caller may call. Without the credential
// to check callers against it refuses all of them; why is the owner's to
// know, in the log, and not the caller's.
func (s *Service) admit(ctx context.Context, w *workflow.Workflow, node string, t Webhook, call workflow.WebhookCall) (*workflow.Object, *workflow.Response, error) {
	var credential map[string]string
	if kind := t.CredentialKind(); kind != "" {
		var err error
		credential, err = s.credential(ctx, w, node, kind)
		switch {
		case s.Credentials == nil || ctx.Err() != nil:
			return nil, nil, err
		case err != nil:
			s.Logger.WarnContext(ctx, "a webhook's credential cannot be had; its callers are refused", "workflow_id", w.ID, "node", node, "type", kind, "error", err)
			credential = nil
		}
	}
	claims, refusal := t.Admit(call, credential)
	return claims, refusal, nil
}

func (s *Service) credential(ctx context.Context, w *workflow.Workflow, node, kind string) (map[string]string, error) {
	var ref workflow.CredentialRef
	if n := w.Document.NodeByName(node); n != nil {
		ref = n.Credentials[kind]
	}
	if s.Credentials == nil {
		return nil, workflow.Errorf(workflow.CodeUnavailable,
			"this webhook checks its callers by a stored credential (%s), and this server keeps none; it takes no calls until then", kind)
	}
	return s.Credentials(ctx, w.OwnerID, kind, ref)
}

var errAnswered = errors.New("the workflow has answered")

// awaitResponse returns the workflow's response, or the one that follows from
// its end. A caller that leaves does not stop the execution.
func (s *Service) awaitResponse(ctx context.Context, owner, id string, t Webhook) (*workflow.Response, error) {
	var answer *workflow.Response
	waiting, cancel := s.waiting(ctx, 0)
	defer cancel()
	err := s.Agent.Watch(waiting, owner, id, 0, func(e workflow.Event) error {
		if e.Type != workflow.EventResponse {
			return nil
		}
		answer = &workflow.Response{}
		if err := json.Unmarshal(e.Data, answer); err != nil {
			return err
		}
		return errAnswered
	})
	if answer != nil && errors.Is(err, errAnswered) {
		return answer, nil
	}
	if err != nil && waiting.Err() != nil && ctx.Err() == nil {
		return nil, workflow.Errorf(workflow.CodeUnavailable, "this server is stopping; execution %s goes on without it", id).WithReason("stopping")
	}
	if err != nil {
		return nil, err
	}
	e, err := s.Store.Execution(ctx, owner, id)
	if err != nil {
		return nil, err
	}
	var items []workflow.Item
	if len(e.Result) > 0 {
		if err := json.Unmarshal(e.Result, &items); err != nil {
			return nil, err
		}
	}
	s.withFiles(ctx, owner, items)
	if e.Error != nil {
		s.Logger.WarnContext(ctx, "a webhook's execution failed", "workflow_id", e.WorkflowID, "execution_id", e.ID,
			"status", e.Status, "node", e.Error.Node, "error", e.Error.Message)
	}
	r := t.Answer(e.Status, items)
	return &r, nil
}

// header returns the first header of that name, given in lower case.
func header(call workflow.WebhookCall, name string) string {
	for _, h := range call.Headers {
		if h[0] == name {
			return h[1]
		}
	}
	return ""
}
