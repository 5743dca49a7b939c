package service

import (
	"context"
	"strings"

	"flowgate/internal/workflow"
)

// WorkflowRef names a workflow.
type WorkflowRef struct {
	WorkflowID string `json:"workflow_id"`
}

// Activation says whether a workflow is armed, and where it listens.
type Activation struct {
	WorkflowID string        `json:"workflow_id"`
	Active     bool          `json:"active"`
	Triggers   []TriggerView `json:"triggers,omitempty" jsonschema:"how the workflow is started from now on"`
}

// ActivateWorkflow arms a workflow's triggers. It refuses documents that
// cannot run, and paths another workflow holds.
func (s *Service) ActivateWorkflow(ctx context.Context, in WorkflowRef) (*Activation, error) {
	w, err := s.Store.Workflow(ctx, owner(ctx), in.WorkflowID)
	if err != nil {
		return nil, err
	}
	if v := s.validate(ctx, &w.Document); !v.Valid {
		return nil, invalidDocument("the workflow cannot be activated: ", v)
	}
	hooks := s.hooks(w)
	schedules, err := s.schedulesOf(w)
	if err != nil {
		return nil, err
	}
	forms := s.formHooks(ctx, w)
	if len(hooks) == 0 && len(schedules) == 0 && len(forms) == 0 && !isTool(&w.Document) {
		return nil, workflow.Errorf(workflow.CodeInvalid,
			"the workflow has no trigger to arm: add a webhook, schedule or form trigger, or set settings.availableInMCP to make it a tool; a manual trigger needs no activation")
	}
	hooks = append(hooks, forms...)
	if err := s.guarded(ctx, w, hooks); err != nil {
		return nil, err
	}
	if err := s.armSchedules(ctx, w); err != nil {
		return nil, err
	}
	if err := s.Store.ActivateWorkflow(ctx, w.OwnerID, w.ID, hooks); err != nil {
		return nil, err
	}
	w.Active = true
	out := &Activation{WorkflowID: w.ID, Active: true, Triggers: s.triggers(w)}
	return out, s.addSchedules(ctx, w, out.Triggers)
}

// DeactivateWorkflow disarms a workflow's triggers.
func (s *Service) DeactivateWorkflow(ctx context.Context, in WorkflowRef) (*Activation, error) {
	if err := s.Store.DeactivateWorkflow(ctx, owner(ctx), in.WorkflowID); err != nil {
		return nil, err
	}
	if err := s.disarmSchedules(ctx, owner(ctx), in.WorkflowID); err != nil {
		return nil, err
	}
	return &Activation{WorkflowID: in.WorkflowID}, nil
}

// ValidateWorkflowInput names a stored workflow or holds a document.
type ValidateWorkflowInput struct {
	WorkflowID  string               `json:"workflow_id,omitempty" jsonschema:"a stored workflow; or give nodes and connections"`
	Name        string               `json:"name,omitempty"`
	Nodes       []workflow.Node      `json:"nodes,omitempty"`
	Connections workflow.Connections `json:"connections,omitempty"`
	Settings    *workflow.Settings   `json:"settings,omitempty"`
}

// ValidateWorkflow judges a document as saving and running would.
func (s *Service) ValidateWorkflow(ctx context.Context, in ValidateWorkflowInput) (*workflow.Validation, error) {
	var doc workflow.Document
	switch {
	case in.Nodes != nil:
		doc = workflow.Document{Name: in.Name, Nodes: in.Nodes, Connections: in.Connections}
		if in.Settings != nil {
			doc.Settings = *in.Settings
		}
	case in.WorkflowID != "":
		w, err := s.Store.Workflow(ctx, owner(ctx), in.WorkflowID)
		if err != nil {
			return nil, err
		}
		doc = w.Document
	default:
		return nil, workflow.Errorf(workflow.CodeInvalid, "give workflow_id, or nodes and connections")
	}
	v := s.validate(ctx, &doc)
	return &v, nil
}

// hooks are the webhooks to arm for w.
func (s *Service) hooks(w *workflow.Workflow) []workflow.WebhookTrigger {
	hooks := s.Catalogue.Webhooks(&w.Document)
	for i := range hooks {
		hooks[i].WorkflowID, hooks[i].OwnerID = w.ID, w.OwnerID
	}
	return hooks
}

func (s *Service) triggers(w *workflow.Workflow) []TriggerView {
	types := s.triggerSet()
	hooks, forms := s.Catalogue.Webhooks(&w.Document), s.Catalogue.Forms(context.Background(), &w.Document)
	var out []TriggerView
	for i := range w.Document.Nodes {
		n := &w.Document.Nodes[i]
		if n.Disabled || !types[n.Type] {
			continue
		}
		t := TriggerView{Node: n.Name, Type: n.Type}
		for _, h := range hooks {
			if h.Node == n.Name {
				t.Methods = append(t.Methods, h.Method)
				t.URL = s.PublicURL + "/webhook/" + h.Path
			}
		}
		for _, f := range forms {
			if f.Node == n.Name {
				t.Methods, t.URL = []string{"GET", "POST"}, s.PublicURL+"/form/"+f.Path
			}
		}
		out = append(out, t)
	}
	return out
}

func (s *Service) triggerTypes(d *workflow.Document) []string {
	types := s.triggerSet()
	var out []string
	for i := range d.Nodes {
		if n := &d.Nodes[i]; !n.Disabled && types[n.Type] {
			out = append(out, n.Type)
		}
	}
	return out
}

// triggerSet is the set of node types that start executions.
func (s *Service) triggerSet() map[string]bool {
	s.triggerOnce.Do(func() {
		s.triggerNames = map[string]bool{}
		for _, t := range s.Catalogue.NodeTypes() {
			if t.Category == workflow.CategoryTrigger {
				s.triggerNames[t.Type] = true
			}
		}
	})
	return s.triggerNames
}

func invalidDocument(prefix string, v workflow.Validation) error {
	err := &workflow.Error{Code: workflow.CodeUnrunnable}
	texts := make([]string, 0, len(v.Errors))
	for _, f := range v.Errors {
		err.Fields = append(err.Fields, workflow.FieldError{Field: f.Path, Message: f.Message, Hint: f.Hint})
		text := f.Message
		if f.Node != "" {
			text = f.Node + ": " + text
		}
		if f.Hint != "" {
			text += " (" + f.Hint + ")"
		}
		texts = append(texts, text)
	}
	err.Message = prefix + strings.Join(texts, "; ")
	return err
}
