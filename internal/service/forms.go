package service

import (
	"context"
	"encoding/json"
	"strings"

	"flowgate/internal/workflow"
)

// Form is a form that starts a workflow.
type Form struct {
	Node   string
	Path   string          // below /form/
	Asked  json.RawMessage // as the data of a waiting form
	Thanks string          // what is said afterwards; may be empty
}

// formHook is the path that a form is armed under, apart from webhooks' own.
func formHook(path string) string { return "$form/" + path }

// formHooks are what arms w's forms.
func (s *Service) formHooks(ctx context.Context, w *workflow.Workflow) []workflow.WebhookTrigger {
	var out []workflow.WebhookTrigger
	for _, f := range s.Catalogue.Forms(ctx, &w.Document) {
		out = append(out, workflow.WebhookTrigger{Path: formHook(f.Path), Method: "POST", Node: f.Node, WorkflowID: w.ID, OwnerID: w.OwnerID})
	}
	return out
}

// OpenForm is the form of an active workflow at a path below /form/.
type OpenForm struct {
	Waiting
	Thanks string

	form     Form
	workflow *workflow.Workflow
}

// OpenForm looks a form up; CodeNotFound when no active workflow has it.
func (s *Service) OpenForm(ctx context.Context, path string) (*OpenForm, error) {
	path = strings.Trim(path, "/")
	missing := workflow.Errorf(workflow.CodeNotFound, "there is no form at this address; its workflow may be inactive")
	hook, err := s.Store.Webhook(ctx, "POST", formHook(path))
	if workflow.CodeOf(err) == workflow.CodeNotFound {
		return nil, missing
	}
	if err != nil {
		return nil, err
	}
	w, err := s.Store.Workflow(ctx, hook.OwnerID, hook.WorkflowID)
	if err != nil {
		return nil, err
	}
	for _, f := range s.Catalogue.Forms(ctx, &w.Document) {
		if f.Node != hook.Node || f.Path != path {
			continue
		}
		o := &OpenForm{Waiting: Waiting{Kind: "form"}, Thanks: f.Thanks, form: f, workflow: w}
		return o, json.Unmarshal(f.Asked, &o.Waiting)
	}
	return nil, missing
}

// SubmitForm starts the form's workflow with the answer. The execution is
// recorded when it returns.
func (s *Service) SubmitForm(ctx context.Context, o *OpenForm, answer *workflow.Object) error {
	item, err := s.Catalogue.FormItem(o.form.Asked, answer, s.Now().UTC())
	if err != nil {
		return err
	}
	_, _, err = s.Agent.Execute(ctx, workflow.ExecuteRequest{OwnerID: o.workflow.OwnerID, WorkflowID: o.workflow.ID, Version: o.workflow.Version,
		Mode: workflow.ModeWebhook, Start: workflow.Start{Trigger: o.form.Node, Items: []workflow.Item{*item}}})
	return err
}
