package service

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"flowgate/internal/workflow"
)

// Form is a form that starts a workflow.
type Form struct {
	Node     string
	Path     string          // below /form/
	Asked    json.RawMessage // as the data of a waiting form
	Thanks   string          // what is said afterwards; may be empty
	Redirect string          // where people are sent afterwards; may be empty
	Waits    bool            // people wait for what the workflow answers
	Guard    workflow.Node   // the form as a webhook, for who may fill it in
}

const formHookPrefix = "$form/"

// formHook is the path that a form is armed under, apart from webhooks' own.
func formHook(path string) string { return formHookPrefix + path }

// formHooks are what arms w's forms.
func (s *Service) formHooks(ctx context.Context, w *workflow.Workflow) []workflow.WebhookTrigger {
	var out []workflow.WebhookTrigger
	for _, f := range s.Catalogue.Forms(ctx, &w.Document) {
		out = append(out, workflow.WebhookTrigger{Path: formHook(f.Path), Method: http.MethodPost, Node: f.Node, WorkflowID: w.ID, OwnerID: w.OwnerID})
	}
	return out
}

// OpenForm is a form at its address, opened for one caller.
type OpenForm struct {
	Waiting
	Thanks, Redirect string

	form     Form
	workflow *workflow.Workflow
	guard    Webhook
	hook     *armedHook
	door     hookDoor
}

// OpenForm looks the form of an active workflow up at the call's path below
// /form/; CodeNotFound when there is none. A response refuses the caller.
func (s *Service) OpenForm(ctx context.Context, call workflow.WebhookCall) (*OpenForm, *workflow.Response, error) {
	return s.openForm(ctx, s.door(), call)
}

// OpenTestForm is OpenForm for a form whose test is armed. The first answer it
// takes disarms it.
func (s *Service) OpenTestForm(ctx context.Context, call workflow.WebhookCall) (*OpenForm, *workflow.Response, error) {
	if s.TestHooks == nil {
		return nil, nil, noForm("")
	}
	return s.openForm(ctx, s.testDoor(), call)
}

func noForm(hint string) error {
	return workflow.Errorf(workflow.CodeNotFound, "there is no form at this address%s", hint)
}

func (s *Service) openForm(ctx context.Context, door hookDoor, call workflow.WebhookCall) (*OpenForm, *workflow.Response, error) {
	path := strings.Trim(call.Path, "/")
	missing := noForm("; its workflow may be inactive, or its test over")
	hook, err := door.find(ctx, http.MethodPost, formHook(path))
	if workflow.CodeOf(err) == workflow.CodeNotFound {
		return nil, nil, missing
	}
	if err != nil {
		return nil, nil, err
	}
	w, err := s.Store.Workflow(ctx, hook.OwnerID, hook.WorkflowID)
	if err != nil {
		return nil, nil, err
	}
	for _, f := range s.Catalogue.Forms(ctx, &w.Document) {
		if f.Node != hook.Node || f.Path != path {
			continue
		}
		guard, err := s.Catalogue.WaitWebhook(ctx, &f.Guard)
		if err != nil {
			return nil, nil, err
		}
		o := &OpenForm{Waiting: Waiting{Kind: waitsForForm}, Thanks: f.Thanks, Redirect: f.Redirect, form: f, workflow: w, guard: guard, hook: hook, door: door}
		_, refusal, err := s.admit(ctx, w, hook.Node, guard, call)
		if err != nil || refusal != nil {
			return nil, unknownPerson(refusal), err
		}
		return o, nil, json.Unmarshal(f.Asked, &o.Waiting)
	}
	return nil, nil, missing
}

// unknownPerson makes a refusal one that has browsers ask for the password,
// again where it was wrong.
func unknownPerson(r *workflow.Response) *workflow.Response {
	if r != nil && r.Status == http.StatusForbidden && r.Header("WWW-Authenticate") != "" {
		r.Status = http.StatusUnauthorized
	}
	return r
}

// SubmitForm starts the form's workflow with the answer. The execution is
// recorded when it returns. Where the form waits for its workflow, it says
// what comes next.
func (s *Service) SubmitForm(ctx context.Context, o *OpenForm, answer *workflow.Object) (*FormStep, error) {
	doc := &o.workflow.Document
	item, err := s.Catalogue.FormItem(doc, o.form.Asked, answer, s.Now().UTC(), o.door.item)
	if err != nil {
		return nil, err
	}
	if r := o.guard.Misfit(doc); r != nil {
		return &FormStep{Response: r}, nil
	}
	if o.hook.take != nil {
		if err := o.hook.take(ctx); workflow.CodeOf(err) == workflow.CodeNotFound {
			return nil, noForm(" any more; the test is over")
		} else if err != nil {
			return nil, err
		}
	}
	id, _, err := s.Agent.Execute(ctx, workflow.ExecuteRequest{OwnerID: o.workflow.OwnerID, WorkflowID: o.workflow.ID, Version: o.workflow.Version,
		Mode: o.door.mode, Start: workflow.Start{Trigger: o.form.Node, Items: []workflow.Item{*item}, Webhook: o.form.Waits,
			PinData: !o.door.mode.Production() && len(doc.PinData[o.form.Node]) == 0}})
	if err != nil {
		return nil, err
	}
	if !o.form.Waits {
		return &FormStep{Ended: true}, nil
	}
	return s.formStep(ctx, o.workflow.OwnerID, id, "", 0)
}
