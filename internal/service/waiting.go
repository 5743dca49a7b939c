package service

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"flowgate/internal/workflow"
)

// ResumeExecutionInput answers a waiting execution.
type ResumeExecutionInput struct {
	ExecutionID string           `json:"execution_id"`
	Response    *workflow.Object `json:"response,omitempty" jsonschema:"the answer. To an approval: approved (true or false), comment. To a choice: choice (a name), comment. To a form: its fields by name. To a webhook: the json of the item that goes on"`
	WaitSeconds *int             `json:"wait_seconds,omitempty" jsonschema:"wait this long for the end" default:"2" min:"0" max:"55"`
}

// ResumeExecution answers what an execution waits for, and returns where it
// stands a little later.
func (s *Service) ResumeExecution(ctx context.Context, in ResumeExecutionInput) (*ExecutionView, error) {
	seq, err := s.lastSeq(ctx, owner(ctx), in.ExecutionID)
	if err != nil {
		return nil, err
	}
	if err := s.Agent.Resume(ctx, owner(ctx), in.ExecutionID, in.Response); err != nil {
		return nil, err
	}
	if err := s.awaitAfter(ctx, owner(ctx), in.ExecutionID, seq, seconds(in.WaitSeconds, 2)); err != nil {
		return nil, err
	}
	return s.Execution(ctx, GetExecutionInput{ExecutionID: in.ExecutionID, Detail: "result"})
}

// seconds is a time argument, or its default.
func seconds(given *int, fallback int) time.Duration {
	if given != nil {
		fallback = *given
	}
	return time.Duration(fallback) * time.Second
}

// RetryExecutionInput names a failed execution and where to begin again.
type RetryExecutionInput struct {
	ExecutionID string `json:"execution_id"`
	From        string `json:"from,omitempty" jsonschema:"failed_node: nodes that finished are not run again, their recorded items are used; start: everything is done again" enum:"failed_node,start" default:"failed_node"`
	WaitSeconds *int   `json:"wait_seconds,omitempty" jsonschema:"wait this long for the end" default:"20" min:"0" max:"55"`
}

// RetryExecution starts a failed execution again, as a new one of the same
// version.
func (s *Service) RetryExecution(ctx context.Context, in RetryExecutionInput) (*ExecutionView, error) {
	id, err := s.retry(ctx, in)
	if err != nil {
		return nil, err
	}
	if err := s.await(ctx, owner(ctx), id, seconds(in.WaitSeconds, 20)); err != nil {
		return nil, err
	}
	return s.Execution(ctx, GetExecutionInput{ExecutionID: id, Detail: "result"})
}

func (s *Service) retry(ctx context.Context, in RetryExecutionInput) (string, error) {
	if in.From != "start" {
		return s.Agent.Retry(ctx, owner(ctx), in.ExecutionID)
	}
	e, err := s.Store.Execution(ctx, owner(ctx), in.ExecutionID)
	if err != nil {
		return "", err
	}
	id, _, err := s.Agent.Execute(ctx, workflow.ExecuteRequest{OwnerID: e.OwnerID, WorkflowID: e.WorkflowID, Version: e.WorkflowVersion,
		Mode: workflow.ModeRetry, RetryOf: e.ID})
	return id, err
}

// lastSeq is the number of the newest event stored of an execution.
func (s *Service) lastSeq(ctx context.Context, owner, id string) (int64, error) {
	const batch = 1000
	var last int64
	for {
		events, err := s.Store.Events(ctx, owner, id, last, batch)
		if err != nil {
			return 0, err
		}
		if len(events) > 0 {
			last = events[len(events)-1].Seq
		}
		if len(events) < batch {
			return last, nil
		}
	}
}

// resumeURL is the link under which a waiting execution is answered, "" where
// it has none.
func (s *Service) resumeURL(e *workflow.Execution) string {
	if s.Sign == nil || e.Status != workflow.StatusWaiting || e.WaitingFor == nil {
		return ""
	}
	switch e.WaitingFor.Kind {
	case "time":
		return ""
	case waitsForForm:
		return s.PublicURL + "/form-waiting/" + e.ID + "?signature=" + s.Sign(workflow.PagesOf(e.ID))
	}
	return s.PublicURL + "/webhook-waiting/" + e.ID + "?signature=" + s.Sign(e.ID)
}

// Waiting is what a person or a program behind a resume link is asked.
type Waiting struct {
	ExecutionID string
	Kind        string // "webhook", "approval", "choice", "form"
	Until       *time.Time
	Title       string        `json:"title"`
	Message     string        `json:"message"`     // of an approval
	Description string        `json:"description"` // of a form
	Button      string        `json:"button"`
	Approve     string        `json:"approve"`
	Reject      string        `json:"reject"`
	Comment     bool          `json:"comment"`
	Choices     []Choice      `json:"choices"` // of a choice
	Fields      []FormField   `json:"fields"`
	CSS         string        `json:"css"`
	Follows     bool          `json:"follows"` // another page may come
	Method      string        `json:"method"`  // of a webhook
	Suffix      string        `json:"suffix"`
	Webhook     workflow.Node `json:"webhook"`

	owner, topic string
}

// Choice is one of the ways that a person may choose.
type Choice struct {
	Name  string `json:"name"`
	Label string `json:"label"`
}

// FormField is a field of a form that is to be filled in.
type FormField struct {
	Name        string   `json:"name"`
	Label       string   `json:"label"`
	Type        string   `json:"type"`
	Required    bool     `json:"required"`
	Placeholder string   `json:"placeholder"`
	Default     string   `json:"default"`
	Options     []string `json:"options"`
	Multiple    bool     `json:"multiple"`
	Accept      string   `json:"accept"` // of a file
	HTML        string   `json:"html"`   // of a text between fields: harmless markup
}

// Waiting looks up what is asked behind a signed link: CodeForbidden for
// another signature, CodeConflict when nothing is asked, or not any more.
// The link of an execution's form pages asks for forms alone, and is the only
// one that does.
func (s *Service) Waiting(ctx context.Context, executionID, signature string, pages bool) (*Waiting, error) {
	subject := executionID
	if pages {
		subject = workflow.PagesOf(executionID)
	}
	if err := s.signed(subject, signature); err != nil {
		return nil, err
	}
	e, err := s.Store.ExecutionByID(ctx, executionID)
	if err != nil {
		return nil, err
	}
	if e.Status != workflow.StatusWaiting || e.WaitingFor == nil || e.WaitingFor.Kind == "time" || (e.WaitingFor.Kind == waitsForForm) != pages {
		return nil, workflow.Errorf(workflow.CodeConflict, "nothing is waiting for an answer here (any more)").WithReason("not_waiting")
	}
	w := &Waiting{ExecutionID: e.ID, Kind: e.WaitingFor.Kind, Until: e.WaitingFor.Until, owner: e.OwnerID, topic: e.WaitingFor.Topic}
	if len(e.WaitingFor.Data) > 0 {
		if err := json.Unmarshal(e.WaitingFor.Data, w); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// signed checks the signature of one of an execution's links.
func (s *Service) signed(subject, signature string) error {
	if s.Sign == nil || subtle.ConstantTimeCompare([]byte(s.Sign(subject)), []byte(signature)) != 1 {
		return workflow.Errorf(workflow.CodeForbidden, "this link is not complete; use it exactly as it was given").WithReason("bad_signature")
	}
	return nil
}

// waitsForForm is the kind of a wait for a form.
const waitsForForm = "form"

// Answer gives a person's answer to what w asks. Where further pages may
// come, it says what comes next.
func (s *Service) Answer(ctx context.Context, w *Waiting, response *workflow.Object) (*FormStep, error) {
	seq := int64(0)
	if w.Follows {
		var err error
		if seq, err = s.lastSeq(ctx, w.owner, w.ExecutionID); err != nil {
			return nil, err
		}
	}
	if err := s.Agent.Resume(ctx, w.owner, w.ExecutionID, response); err != nil {
		return nil, err
	}
	if !w.Follows {
		return &FormStep{Ended: true}, nil
	}
	return s.formStep(ctx, w.owner, w.ExecutionID, w.topic, seq)
}

// AnswerCall ends a wait by an HTTP call, and returns what the caller is
// answered: at once, or when the workflow responds or ends.
func (s *Service) AnswerCall(ctx context.Context, w *Waiting, call workflow.WebhookCall) (*workflow.Response, error) {
	t, err := s.Catalogue.WaitWebhook(ctx, &w.Webhook)
	if err != nil {
		return nil, err
	}
	origin, mayCall := t.Origin(header(call, "origin"))
	switch {
	case call.Method == http.MethodOptions:
		r := t.Preflight(header(call, "origin"), header(call, "access-control-request-headers"))
		return &r, nil
	case !mayCall:
		return &workflow.Response{Status: http.StatusForbidden, Headers: origin}, nil
	case !strings.EqualFold(call.Method, w.Method) || strings.Trim(call.Path, "/") != w.Suffix:
		r := s.Catalogue.NoWebhook(call.Method, call.Path, []string{w.Method})
		return &r, nil
	}
	var credential map[string]string
	if kind := t.CredentialKind(); kind != "" && s.Credentials != nil {
		if credential, err = s.Credentials(ctx, w.owner, kind, w.Webhook.Credentials[kind]); err != nil {
			return nil, err
		}
	}
	claims, refusal := t.Admit(call, credential)
	if refusal != nil {
		return refusal, nil
	}
	item, refusal := t.WebhookItem(call, "production", claims)
	if refusal != nil {
		return refusal, nil
	}
	r, err := s.resumeWith(ctx, w, t, item)
	if r != nil {
		r.Headers = append(origin, r.Headers...)
	}
	return r, err
}

// resumeWith hands the call's item to the execution.
func (s *Service) resumeWith(ctx context.Context, w *Waiting, t Webhook, item *workflow.Item) (*workflow.Response, error) {
	data, err := json.Marshal(item)
	if err != nil {
		return nil, err
	}
	message := &workflow.Object{}
	if err := json.Unmarshal(data, message); err != nil {
		return nil, err
	}
	message.Set("respond", t.Waits())
	seq, err := s.lastSeq(ctx, w.owner, w.ExecutionID)
	if err != nil {
		return nil, err
	}
	if err := s.Agent.Resume(ctx, w.owner, w.ExecutionID, message); err != nil {
		return nil, err
	}
	if !t.Waits() {
		r := t.Received()
		return &r, nil
	}
	return s.responseAfter(ctx, w.owner, w.ExecutionID, seq, t)
}

// responseAfter is awaitResponse for what happens after an event.
func (s *Service) responseAfter(ctx context.Context, owner, id string, after int64, t Webhook) (*workflow.Response, error) {
	var answer *workflow.Response
	err := s.Agent.Watch(ctx, owner, id, after, func(e workflow.Event) error {
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
	r := t.Answer(e.Status, items)
	return &r, nil
}
