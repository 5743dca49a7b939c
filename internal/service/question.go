package service

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"flowgate/internal/auth"
	"flowgate/internal/workflow"
)

// Question is what a person has to answer before a capability acts.
type Question struct {
	Message string
	// Schema is a flat JSON schema of the answer: an object of plain fields.
	Schema *workflow.Object
	// Target is what the answer is about; it counts for nothing else.
	Target string
	// Declined is what to say when the person will not answer.
	Declined string

	apply func(args, answer *workflow.Object)
}

// Arguments returns the call's arguments with the person's answer in them.
func (q *Question) Arguments(args json.RawMessage, answer *workflow.Object) (json.RawMessage, error) {
	o := &workflow.Object{}
	if len(args) > 0 && string(args) != "null" {
		if err := json.Unmarshal(args, o); err != nil {
			return nil, workflow.Wrap(workflow.CodeInvalid, err, "the arguments are not a JSON object")
		}
	}
	if answer == nil {
		answer = &workflow.Object{}
	}
	q.apply(o, answer)
	return json.Marshal(o)
}

// asking makes a row one whose calls a person may have to answer for.
func asking[In any](c *Capability, question func(context.Context, In) (*Question, error)) *Capability {
	c.ask = func(ctx context.Context, args json.RawMessage) (*Question, error) {
		var in In
		if err := c.Input.Decode(args, &in); err != nil {
			return nil, err
		}
		return question(ctx, in)
	}
	return c
}

// Asks reports whether calls of c may have to be answered for by a person.
func (c *Capability) Asks() bool { return c.ask != nil }

// Question returns what a person is to be asked before the call of a
// capability with these arguments, nil when nothing. It authorizes as Call does.
func (s *Service) Question(ctx context.Context, name string, args json.RawMessage) (*Question, error) {
	c, err := s.lookUp(ctx, name)
	if err != nil || c.ask == nil {
		return nil, err
	}
	if err := Authorize(auth.FromContext(ctx), c); err != nil {
		return nil, err
	}
	return c.ask(ctx, args)
}

// questionDeletion asks whether a workflow is to be deleted.
func (s *Service) questionDeletion(ctx context.Context, in DeleteWorkflowInput) (*Question, error) {
	w, err := s.Store.Workflow(ctx, owner(ctx), in.WorkflowID)
	if err != nil {
		return nil, err
	}
	message := fmt.Sprintf("Delete the workflow %q (%d nodes%s), with all of its versions and executions? This cannot be undone.",
		w.Document.Name, len(w.Document.Nodes), ifText(w.Active, ", active"))
	return &Question{Message: message, Target: w.ID + " " + strconv.Itoa(w.Version),
		Declined: "the person does not want it deleted; nothing was done, so do not try again unless they ask for it",
		Schema: answerSchema(workflow.NewObject("confirm", workflow.NewObject("type", "boolean", "title", "Delete it",
			"description", "Whether to delete the workflow for good")), "confirm"),
		apply: func(args, answer *workflow.Object) { args.Set("confirm", answer.Value("confirm") == true) }}, nil
}

// questionResume asks what a waiting execution asks, unless the call brings
// the answer.
func (s *Service) questionResume(ctx context.Context, in ResumeExecutionInput) (*Question, error) {
	if in.Response != nil {
		return nil, nil
	}
	e, err := s.Store.Execution(ctx, owner(ctx), in.ExecutionID)
	if err != nil {
		return nil, err
	}
	if e.Status != workflow.StatusWaiting || e.WaitingFor == nil || e.WaitingFor.Kind != "approval" && e.WaitingFor.Kind != "form" {
		return nil, nil
	}
	asked := &Waiting{Kind: e.WaitingFor.Kind}
	if len(e.WaitingFor.Data) > 0 {
		if err := json.Unmarshal(e.WaitingFor.Data, asked); err != nil {
			return nil, err
		}
	}
	if !asked.askable() {
		return nil, nil
	}
	q := &Question{Target: e.ID + " " + e.WaitingFor.Topic + " " + e.WaitingFor.Node,
		Declined: "the person did not answer; the execution goes on waiting",
		apply:    func(args, answer *workflow.Object) { args.Set("response", answer) }}
	q.Message, q.Schema = asked.asQuestion()
	return q, nil
}

// asQuestion is what is asked as a message and the schema of the answer.
func (w *Waiting) asQuestion() (string, *workflow.Object) {
	message := w.Title
	for _, more := range []string{w.Message, w.Description} {
		if more != "" {
			message += ifText(message != "", ": ") + more
		}
	}
	if message == "" {
		message = "The workflow waits for an answer."
	}
	if w.Kind == "approval" {
		fields := workflow.NewObject("approved", workflow.NewObject("type", "boolean", "title", nonEmpty(w.Approve, "Approve"),
			"description", "Yes: "+nonEmpty(w.Approve, "approve")+". No: "+nonEmpty(w.Reject, "reject")+"."))
		if w.Comment {
			fields.Set("comment", workflow.NewObject("type", "string", "title", "Comment"))
		}
		return message, answerSchema(fields, "approved")
	}
	fields := &workflow.Object{}
	var required []string
	for _, f := range w.Fields {
		if !f.plain() {
			continue
		}
		fields.Set(f.Name, f.schema())
		if f.Required {
			required = append(required, f.Name)
		}
	}
	return message, answerSchema(fields, required...)
}

// plain reports whether a client may ask for the field: not for passwords,
// which the protocol forbids, nor for files.
func (f *FormField) plain() bool {
	switch f.Type {
	case "html", "password", "file", "hiddenField", "hidden":
		return false
	}
	return f.Name != ""
}

// askable reports whether a client may ask for all that has to be filled in.
// Else the person uses the form's own page.
func (w *Waiting) askable() bool {
	return !slices.ContainsFunc(w.Fields, func(f FormField) bool { return f.Required && !f.plain() })
}

// schema describes a field of a form.
func (f *FormField) schema() *workflow.Object {
	kind := "string"
	if f.Type == "number" {
		kind = "number"
	}
	o := workflow.NewObject("type", kind, "title", nonEmpty(f.Label, f.Name))
	options := make([]any, len(f.Options))
	for i, text := range f.Options {
		options[i] = text
	}
	switch {
	case len(options) > 0 && f.Multiple:
		o.Set("type", "array")
		o.Set("items", workflow.NewObject("type", "string", "enum", options))
	case len(options) > 0:
		o.Set("enum", options)
	case f.Type == "email":
		o.Set("format", "email")
	case f.Type == "date":
		o.Set("format", "date")
	}
	if f.Placeholder != "" {
		o.Set("description", f.Placeholder)
	}
	if f.Default != "" && kind == "string" && !f.Multiple {
		o.Set("default", f.Default)
	}
	return o
}

// answerSchema is an object of these fields.
func answerSchema(fields *workflow.Object, required ...string) *workflow.Object {
	o := workflow.NewObject("type", "object", "properties", fields)
	if len(required) > 0 {
		names := make([]any, len(required))
		for i, name := range required {
			names[i] = name
		}
		o.Set("required", names)
	}
	return o
}

func nonEmpty(text, fallback string) string {
	if text == "" {
		return fallback
	}
	return text
}
