package service

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/google/jsonschema-go/jsonschema"

	"flowgate/internal/auth"
	"flowgate/internal/workflow"
	"flowgate/store"
)

// toolSetting is the document setting that makes an active workflow a tool of
// its owner's.
const toolSetting = "availableInMCP"

// runPrefix begins the names of tools that are workflows.
const runPrefix = "run_"

const (
	maxRunTools = 100 // of one owner
	maxToolName = 64
	markLength  = 11   // of what tells workflows of one name apart
	maxRunRows  = 1000 // kept compiled
)

// subTrigger is the trigger that declares a workflow's inputs.
const subTrigger = "n8n-nodes-base.executeWorkflowTrigger"

// runRows keeps the rows of workflows that are tools, by workflow and version.
type runRows struct {
	mu   sync.Mutex
	rows map[string]*Capability
}

// isTool reports whether the document asks to be a tool.
func isTool(d *workflow.Document) bool { return d.Settings.Extra.Value(toolSetting) == true }

// RunTools returns the caller's active workflows that are tools, oldest first.
func (s *Service) RunTools(ctx context.Context) ([]*Capability, error) {
	if owner(ctx) == "" {
		return nil, nil
	}
	list, err := s.toolWorkflows(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]*Capability, 0, min(len(list), maxRunTools))
	names := toolNames(list)
	for i, w := range list[:min(len(list), maxRunTools)] {
		c, err := s.runRow(ctx, names[i], w)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// toolWorkflows are all of the caller's workflows that are tools, oldest first.
func (s *Service) toolWorkflows(ctx context.Context) ([]*workflow.Workflow, error) {
	active := true
	var out []*workflow.Workflow
	p := store.Page{Limit: 200}
	for {
		list, _, next, err := s.Store.ListWorkflows(ctx, owner(ctx), store.WorkflowFilter{Active: &active}, p)
		if err != nil {
			return nil, err
		}
		for _, w := range list {
			if isTool(&w.Document) {
				out = append(out, w)
			}
		}
		if p.Cursor = next; next == "" {
			break
		}
	}
	slices.SortFunc(out, func(a, b *workflow.Workflow) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return out, nil
}

// toolNames names the tools that workflows are. A name is never another's by
// turns: those that would share one all carry a mark of their workflow's id.
func toolNames(list []*workflow.Workflow) []string {
	plain, taken := make([]string, len(list)), map[string]int{}
	for i, w := range list {
		plain[i] = runPrefix + toolSlug(w.Document.Name)
		taken[plain[i]]++
	}
	marked := map[string]bool{}
	for i, w := range list {
		if taken[plain[i]] > 1 {
			marked[plain[i]+toolMark(w.ID)] = true
		}
	}
	out := make([]string, len(list))
	for i, w := range list {
		if out[i] = plain[i]; taken[plain[i]] > 1 || marked[plain[i]] {
			out[i] += toolMark(w.ID)
		}
	}
	return out
}

// toolMark tells workflows of one name apart, by their ids alone.
func toolMark(id string) string {
	sum := sha256.Sum256([]byte(id))
	return "_" + hex.EncodeToString(sum[:])[:markLength-1]
}

// toolSlug is a workflow's name as a part of a tool's.
func toolSlug(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "_"):
			b.WriteByte('_')
		}
	}
	slug := strings.Trim(b.String()[:min(b.Len(), maxToolName-len(runPrefix)-markLength)], "_")
	if slug == "" {
		return "workflow"
	}
	return slug
}

// runRow is the row of a workflow that is a tool.
func (s *Service) runRow(ctx context.Context, name string, w *workflow.Workflow) (*Capability, error) {
	key := fmt.Sprintf("%s %s %d", w.ID, name, w.Version)
	s.runs.mu.Lock()
	c := s.runs.rows[key]
	s.runs.mu.Unlock()
	if c != nil {
		return c, nil
	}
	trigger, tree := s.declaredInput(ctx, &w.Document)
	input := compileSchema(tree)
	description := strings.TrimSpace(w.Document.Description)
	if description == "" {
		description = fmt.Sprintf("Runs the workflow %q.", w.Document.Name)
	}
	description = cutRunes(description, 900) + " It is a workflow of the user's: an execution is recorded, and waited for up to 20 seconds; while its status is running or waiting, ask get_execution."
	c = &Capability{Name: name, Title: w.Document.Name, Group: "Your workflows", Scope: auth.ScopeWorkflowsExecute, OpenWorld: true, Destructive: true, waits: true,
		Description: description, Input: input, Output: SchemaOf[ExecutionView]()}
	c.Text = func(result any) string {
		if v, ok := result.(*ExecutionView); ok {
			return textExecution(v)
		}
		return ""
	}
	id := w.ID
	c.call = func(ctx context.Context, args json.RawMessage) (any, error) {
		inputs := &workflow.Object{}
		if err := input.Decode(args, inputs); err != nil {
			return nil, err
		}
		return s.runTool(ctx, id, trigger, inputs)
	}
	if err := c.check(); err != nil {
		return nil, errors.Join(fmt.Errorf("workflow %s as a tool", w.ID), err, input.err)
	}
	s.runs.mu.Lock()
	defer s.runs.mu.Unlock()
	if s.runs.rows == nil || len(s.runs.rows) >= maxRunRows {
		s.runs.rows = map[string]*Capability{}
	}
	s.runs.rows[key] = c
	return c, nil
}

// runTool starts an active workflow as production triggers do, and waits for
// its end.
func (s *Service) runTool(ctx context.Context, id, trigger string, inputs *workflow.Object) (*ExecutionView, error) {
	w, err := s.Store.Workflow(ctx, owner(ctx), id)
	if err != nil {
		return nil, err
	}
	if !w.Active || !isTool(&w.Document) {
		return nil, workflow.Errorf(workflow.CodeNotFound, "the workflow %q is no tool any more; the list of tools has changed", w.Document.Name).WithReason("tool_not_found")
	}
	start, err := s.toolStart(ctx, &w.Document, trigger, inputs)
	if err != nil {
		return nil, err
	}
	execution, _, err := s.Agent.Execute(ctx, workflow.ExecuteRequest{OwnerID: w.OwnerID, WorkflowID: w.ID, Version: w.Version, Mode: workflow.ModeTrigger, Start: start})
	if err != nil {
		return nil, err
	}
	if err := s.await(ctx, w.OwnerID, execution, seconds(nil, 20)); err != nil {
		return nil, err
	}
	return s.Execution(ctx, GetExecutionInput{ExecutionID: execution, Detail: "result"})
}

// toolStart hands the inputs to the trigger as it expects them.
func (s *Service) toolStart(ctx context.Context, d *workflow.Document, trigger string, inputs *workflow.Object) (workflow.Start, error) {
	for _, f := range s.Catalogue.Forms(ctx, d) {
		if f.Node == trigger {
			item, err := s.Catalogue.FormItem(d, f.Asked, inputs, s.Now().UTC(), "production")
			if err != nil {
				return workflow.Start{}, err
			}
			return workflow.Start{Trigger: trigger, Items: []workflow.Item{*item}}, nil
		}
	}
	start, err := s.startOf(d, ExecuteWorkflowInput{Inputs: inputs, TriggerNode: trigger})
	start.PinData = false
	return start, err
}

// declaredInput finds the trigger a tool starts at and what it takes: the
// inputs that a sub-workflow or a form declares, else any object.
func (s *Service) declaredInput(ctx context.Context, d *workflow.Document) (trigger string, input *jsonschema.Schema) {
	for i := range d.Nodes {
		if n := &d.Nodes[i]; n.Type == subTrigger && !n.Disabled {
			return n.Name, subInput(n.Parameters)
		}
	}
	for _, f := range s.Catalogue.Forms(ctx, d) {
		asked := &Waiting{Kind: "form"}
		if json.Unmarshal(f.Asked, asked) != nil {
			continue
		}
		_, answer := asked.asQuestion()
		tree := &jsonschema.Schema{}
		if data, err := json.Marshal(answer); err == nil && json.Unmarshal(data, tree) == nil {
			tree.AdditionalProperties = &jsonschema.Schema{Not: &jsonschema.Schema{}}
			return f.Node, tree
		}
	}
	open := &jsonschema.Schema{Type: "object", Description: "what the workflow's trigger passes on, as one item's json"}
	if n := s.triggerNode(d, ""); n != nil {
		if len(s.hooksAt(d, n.Name)) > 0 {
			open.Description = "the body of the call that the workflow's webhook expects"
		}
		return n.Name, open
	}
	return "", open
}

// subInput is the schema of a sub-workflow's declared inputs.
func subInput(p *workflow.Object) *jsonschema.Schema {
	open := &jsonschema.Schema{Type: "object", Description: "what the workflow's trigger passes on, as one item's json"}
	switch p.Value("inputSource") {
	case "passthrough":
		return open
	case "jsonExample":
		return exampleInput(p.Value("jsonExample"), open)
	}
	list, _ := p.Value("workflowInputs").(*workflow.Object)
	values, _ := list.Value("values").([]any)
	tree := &jsonschema.Schema{Type: "object", Properties: map[string]*jsonschema.Schema{}}
	for _, v := range values {
		o, _ := v.(*workflow.Object)
		name, _ := o.Value("name").(string)
		if name == "" || tree.Properties[name] != nil {
			continue
		}
		kind, _ := o.Value("type").(string)
		field := &jsonschema.Schema{}
		switch kind {
		case "":
			field.Type = "string"
		case "string", "number", "boolean", "array", "object":
			field.Type = kind
		}
		tree.Properties[name] = field
		tree.PropertyOrder, tree.Required = append(tree.PropertyOrder, name), append(tree.Required, name)
	}
	if len(tree.Properties) == 0 {
		return open
	}
	tree.AdditionalProperties = &jsonschema.Schema{Not: &jsonschema.Schema{}}
	return tree
}

// exampleInput reads the schema off an example of an input.
func exampleInput(example any, open *jsonschema.Schema) *jsonschema.Schema {
	if text, ok := example.(string); ok {
		example, _ = workflow.DecodeJSON([]byte(text)) // no example then
	}
	o, _ := example.(*workflow.Object)
	if o.Len() == 0 {
		return open
	}
	tree := &jsonschema.Schema{Type: "object", Properties: map[string]*jsonschema.Schema{}}
	for i := range o.Len() {
		name, value := o.At(i)
		field := &jsonschema.Schema{}
		if kind := workflow.KindOf(value); kind != "null" {
			field.Type = kind
		}
		tree.Properties[name], tree.PropertyOrder = field, append(tree.PropertyOrder, name)
	}
	return tree
}

func cutRunes(text string, most int) string {
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + "…"
	}
	return text
}
