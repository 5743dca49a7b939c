package service

import (
	"context"
	"slices"
	"strings"

	"github.com/google/uuid"

	"flowgate/internal/workflow"
	"flowgate/store"
)

// SearchWorkflowsInput narrows and pages the list of workflows.
type SearchWorkflowsInput struct {
	Query  string   `json:"query,omitempty" jsonschema:"words in the name or description"`
	Active *bool    `json:"active,omitempty" jsonschema:"only active, or only inactive, workflows"`
	Tags   []string `json:"tags,omitempty" jsonschema:"only workflows with all of these tags"`
	Limit  int      `json:"limit,omitempty" jsonschema:"at most this many" default:"20" min:"1" max:"200"`
	Cursor string   `json:"cursor,omitempty" jsonschema:"next_cursor of the previous page"`
	Sort   string   `json:"sort,omitempty" enum:"newest,oldest,name,name_desc"`
}

// CheckWorkflowCursor is CodeInvalid for a cursor that no page of workflows
// ended with; "" begins at the first.
func CheckWorkflowCursor(cursor string) error {
	if cursor == "" {
		return nil
	}
	_, err := store.ParseCursor(store.ListOfWorkflows, cursor)
	return err
}

// SearchWorkflowsOutput is a page of workflows, newest change first.
type SearchWorkflowsOutput struct {
	Workflows  []WorkflowSummary `json:"workflows"`
	Total      int               `json:"total"`
	NextCursor string            `json:"next_cursor,omitempty" jsonschema:"cursor for the next page; absent on the last"`
}

// SearchWorkflows lists the caller's workflows.
func (s *Service) SearchWorkflows(ctx context.Context, in SearchWorkflowsInput) (*SearchWorkflowsOutput, error) {
	list, total, next, err := s.Store.ListWorkflows(ctx, owner(ctx),
		store.WorkflowFilter{Query: in.Query, Active: in.Active, Tags: in.Tags}, page(in.Limit, in.Cursor, in.Sort))
	if err != nil {
		return nil, err
	}
	out := &SearchWorkflowsOutput{Workflows: make([]WorkflowSummary, 0, len(list)), Total: total, NextCursor: next}
	for _, w := range list {
		out.Workflows = append(out.Workflows, WorkflowSummary{WorkflowID: w.ID, Name: w.Document.Name,
			Description: w.Document.Description, Active: w.Active, Version: w.Version, NodeCount: len(w.Document.Nodes),
			Triggers: s.triggerTypes(&w.Document), Tags: w.Document.Tags, LastStatus: string(w.LastStatus), UpdatedAt: w.UpdatedAt})
	}
	return out, nil
}

// GetWorkflowInput names a workflow and how much of it is wanted.
type GetWorkflowInput struct {
	WorkflowID string   `json:"workflow_id"`
	Detail     string   `json:"detail,omitempty" jsonschema:"summary leaves out node parameters" enum:"summary,full" default:"full"`
	Nodes      []string `json:"nodes,omitempty" jsonschema:"only these nodes, by name"`
	Version    int      `json:"version,omitempty" jsonschema:"an earlier version instead of the newest" min:"1"`
}

// Workflow returns one workflow of the caller's.
func (s *Service) Workflow(ctx context.Context, in GetWorkflowInput) (*WorkflowView, error) {
	var w *workflow.Workflow
	var err error
	if in.Version > 0 {
		w, err = s.Store.WorkflowVersion(ctx, owner(ctx), in.WorkflowID, in.Version)
	} else {
		w, err = s.Store.Workflow(ctx, owner(ctx), in.WorkflowID)
	}
	if err != nil {
		return nil, err
	}
	v, err := s.view(w, in)
	if err != nil {
		return nil, err
	}
	return v, s.addSchedules(ctx, w, v.Triggers)
}

func (s *Service) view(w *workflow.Workflow, in GetWorkflowInput) (*WorkflowView, error) {
	d := w.Document
	nodes := make([]workflow.Node, 0, len(d.Nodes))
	for _, n := range d.Nodes {
		if len(in.Nodes) > 0 && !slices.Contains(in.Nodes, n.Name) {
			continue
		}
		if in.Detail == "summary" {
			n.Parameters = &workflow.Object{}
		}
		nodes = append(nodes, n)
	}
	for _, name := range in.Nodes {
		if d.NodeByName(name) == nil {
			return nil, workflow.Errorf(workflow.CodeNotFound, "nodes: the workflow has no node named %q; it has %s", name, nodeNames(&d))
		}
	}
	tags := d.Tags
	if tags == nil {
		tags = []string{}
	}
	v := &WorkflowView{WorkflowID: w.ID, Name: d.Name, Description: d.Description, Nodes: nodes, Connections: d.Connections,
		Settings: d.Settings, PinData: d.PinData, Tags: tags, Active: w.Active, Version: w.Version, Triggers: s.triggers(w),
		CreatedAt: w.CreatedAt, UpdatedAt: w.UpdatedAt}
	if in.Detail != "summary" && len(in.Nodes) == 0 {
		var err error
		if v.encoded, err = s.encoded.of(w); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// CreateWorkflowInput is a new workflow.
type CreateWorkflowInput struct {
	Name        string               `json:"name" jsonschema:"what people will know it by"`
	Description string               `json:"description,omitempty"`
	Nodes       []workflow.Node      `json:"nodes"`
	Connections workflow.Connections `json:"connections,omitempty"`
	Settings    *workflow.Settings   `json:"settings,omitempty"`
	PinData     workflow.PinData     `json:"pinData,omitempty" jsonschema:"items by node name that replace the node in manual runs"`
	Tags        []string             `json:"tags,omitempty"`
}

// CreateWorkflow saves a new workflow as version 1.
func (s *Service) CreateWorkflow(ctx context.Context, in CreateWorkflowInput) (*Saved, error) {
	doc := workflow.Document{Name: in.Name, Description: in.Description, Nodes: in.Nodes, Connections: in.Connections,
		PinData: in.PinData, Tags: in.Tags, Settings: workflow.Settings{ExecutionOrder: "v1"}}
	if in.Settings != nil {
		doc.Settings = *in.Settings
		if doc.Settings.ExecutionOrder == "" {
			doc.Settings.ExecutionOrder = "v1"
		}
	}
	return s.ImportWorkflow(ctx, doc)
}

// ImportWorkflow saves doc as a new workflow as it is: an imported document
// without an execution order keeps the old order's meaning.
func (s *Service) ImportWorkflow(ctx context.Context, doc workflow.Document) (*Saved, error) {
	if strings.TrimSpace(doc.Name) == "" {
		return nil, workflow.Errorf(workflow.CodeInvalid, "name: give the workflow a name")
	}
	now := s.Now().UTC()
	doc.Active = false
	giveIDs(doc.Nodes)
	s.Catalogue.Normalize(&doc)
	w := &workflow.Workflow{ID: newID(), OwnerID: owner(ctx), Document: doc, Version: 1, CreatedAt: now, UpdatedAt: now}
	w.Document.ID = ""
	if err := s.Store.CreateWorkflow(ctx, w); err != nil {
		return nil, err
	}
	return s.saved(ctx, w), nil
}

// UpdateWorkflowInput changes a workflow: by operations, or by fields that
// replace what is stored.
type UpdateWorkflowInput struct {
	WorkflowID  string               `json:"workflow_id"`
	Version     int                  `json:"version,omitempty" jsonschema:"the version this change is based on; when it is no longer the newest, nothing is saved and the call fails" min:"1"`
	Operations  []Operation          `json:"operations,omitempty" jsonschema:"steps done in this order, all or none; not together with nodes or connections"`
	Name        *string              `json:"name,omitempty"`
	Description *string              `json:"description,omitempty"`
	Nodes       []workflow.Node      `json:"nodes,omitempty" jsonschema:"all nodes of the workflow from now on"`
	Connections workflow.Connections `json:"connections,omitempty" jsonschema:"all connections from now on"`
	Settings    *workflow.Settings   `json:"settings,omitempty"`
	PinData     workflow.PinData     `json:"pinData,omitempty"`
	Tags        []string             `json:"tags,omitempty"`
}

// UpdateWorkflow saves a changed workflow as a new version; all or nothing.
// An active workflow's triggers are armed anew.
func (s *Service) UpdateWorkflow(ctx context.Context, in UpdateWorkflowInput) (*Saved, error) {
	w, err := s.Store.Workflow(ctx, owner(ctx), in.WorkflowID)
	if err != nil {
		return nil, err
	}
	base := in.Version
	if in.Version > 0 && in.Version != w.Version {
		return nil, changedMeanwhile(in.Version, w.Version)
	}
	if in.Operations != nil {
		if in.Nodes != nil || in.Connections != nil {
			return nil, workflow.Errorf(workflow.CodeInvalid, "operations: give either operations, or nodes and connections as a whole")
		}
		if err := applyOperations(&w.Document, in.Operations); err != nil {
			return nil, err
		}
		base = w.Version // operations change what was read, nothing else
	}
	if err := in.replace(&w.Document); err != nil {
		return nil, err
	}
	return s.save(ctx, w, base)
}

func changedMeanwhile(wanted, stored int) error {
	e := workflow.Errorf(workflow.CodeConflict,
		"version: the workflow was changed meanwhile: it is at version %d, not %d", stored, wanted)
	e.Details = map[string]any{"version": stored}
	e.Remedy = "read it again with get_workflow and repeat the change on that version."
	return e
}

// replace puts the fields that are given in place of the document's.
func (in *UpdateWorkflowInput) replace(d *workflow.Document) error {
	if in.Name != nil {
		if strings.TrimSpace(*in.Name) == "" {
			return workflow.Errorf(workflow.CodeInvalid, "name: must not be empty")
		}
		d.Name = *in.Name
	}
	if in.Description != nil {
		d.Description = *in.Description
	}
	if in.Nodes != nil {
		keepCredentials(d, in.Nodes)
		d.Nodes = in.Nodes
	}
	if in.Connections != nil {
		d.Connections = in.Connections
	}
	if in.Settings != nil {
		d.Settings = *in.Settings
	}
	if in.PinData != nil {
		d.PinData = in.PinData
	}
	if in.Tags != nil {
		d.Tags = in.Tags
	}
	return nil
}

// keepCredentials gives nodes that come back without saying anything of
// credentials those that the same nodes had: models leave out what they did
// not ask for. An empty object takes them away.
func keepCredentials(d *workflow.Document, nodes []workflow.Node) {
	for i := range nodes {
		n := &nodes[i]
		if n.Credentials != nil {
			continue
		}
		if old := d.NodeByName(n.Name); old != nil && old.Type == n.Type {
			n.Credentials = old.Credentials
		}
	}
}

// save stores w's document as its next version, if that is based on version
// base (0: whatever is there). An active workflow has to stay runnable, and
// its triggers are armed anew in the same step, or nothing is saved.
func (s *Service) save(ctx context.Context, w *workflow.Workflow, base int) (*Saved, error) {
	giveIDs(w.Document.Nodes)
	s.Catalogue.Normalize(&w.Document)
	w.UpdatedAt = s.Now().UTC()
	if !w.Active {
		if err := s.Store.UpdateWorkflow(ctx, w, base); err != nil {
			return nil, err
		}
		if w.Active { // somebody switched it on meanwhile
			return s.saved(ctx, w), s.arm(ctx, w)
		}
		return s.saved(ctx, w), nil
	}
	if v := s.validate(ctx, &w.Document); !v.Valid {
		return nil, invalidDocument("the workflow is active, so it must stay runnable; deactivate it first, or mend: ", v)
	}
	hooks := s.hooks(w)
	if _, err := s.schedulesOf(w); err != nil {
		return nil, err
	}
	if err := s.guarded(ctx, w, hooks); err != nil {
		return nil, err
	}
	if err := s.Store.UpdateArmed(ctx, w, base, append(hooks, s.formHooks(ctx, w)...)); err != nil {
		return nil, err
	}
	if w.Active { // nobody switched it off meanwhile
		if err := s.armSchedules(ctx, w); err != nil {
			return nil, err
		}
	}
	return s.saved(ctx, w), nil
}

// DeleteWorkflowInput names the workflow to delete.
type DeleteWorkflowInput struct {
	WorkflowID string `json:"workflow_id"`
	Confirm    bool   `json:"confirm,omitempty" jsonschema:"must be true: the workflow, its versions and its executions are deleted for good" default:"false"`
}

// Deleted says what was deleted.
type Deleted struct {
	WorkflowID string `json:"workflow_id"`
	Deleted    bool   `json:"deleted"`
}

// DeleteWorkflow deletes a workflow with its versions and executions.
func (s *Service) DeleteWorkflow(ctx context.Context, in DeleteWorkflowInput) (*Deleted, error) {
	if !in.Confirm {
		w, err := s.Store.Workflow(ctx, owner(ctx), in.WorkflowID)
		if err != nil {
			return nil, err
		}
		e := workflow.Errorf(workflow.CodeInvalid, "confirm: deleting %q cannot be undone, so it needs confirm: true", w.Document.Name)
		e.Remedy = "ask the person; only if they agree, call again with confirm: true."
		return nil, e
	}
	if err := s.Store.DeleteWorkflow(ctx, owner(ctx), in.WorkflowID); err != nil {
		return nil, err
	}
	return &Deleted{WorkflowID: in.WorkflowID, Deleted: true}, nil
}

// arm arms a stored workflow's triggers as its document has them.
func (s *Service) arm(ctx context.Context, w *workflow.Workflow) error {
	if err := s.armSchedules(ctx, w); err != nil {
		return err
	}
	return s.Store.ActivateWorkflow(ctx, w.OwnerID, w.ID, append(s.hooks(w), s.formHooks(ctx, w)...))
}

func (s *Service) saved(ctx context.Context, w *workflow.Workflow) *Saved {
	return &Saved{WorkflowID: w.ID, Name: w.Document.Name, Version: w.Version, Active: w.Active,
		Validation: s.validate(ctx, &w.Document), CreatedAt: w.CreatedAt, UpdatedAt: w.UpdatedAt}
}

func nodeNames(d *workflow.Document) string {
	names := make([]string, len(d.Nodes))
	for i := range d.Nodes {
		names[i] = d.Nodes[i].Name
	}
	return strings.Join(names, ", ")
}

// page is the part of a list that is wanted. sort is "oldest" for the list from
// its other end, "name" or "name_desc" for one by names.
func page(limit int, cursor, sort string) store.Page {
	if limit <= 0 {
		limit = 20
	}
	return store.Page{Limit: min(limit, 200), Cursor: cursor, Oldest: sort == "oldest" || sort == "name", ByName: sort == "name" || sort == "name_desc"}
}

// giveIDs gives nodes without an id a random one: addresses of webhooks
// without a path are made of it, and must not be guessed.
func giveIDs(nodes []workflow.Node) {
	for i := range nodes {
		if nodes[i].ID == "" {
			nodes[i].ID = uuid.NewString()
		}
	}
}

// newID returns an id that sorts by the time it was made.
func newID() string { return uuid.Must(uuid.NewV7()).String() }
