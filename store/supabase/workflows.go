package supabase

import (
	"context"
	"encoding/json"
	"math"
	"strings"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store"
)

// workflowRow is a workflow as the functions give it.
type workflowRow struct {
	ID         string    `json:"id"`
	OwnerID    string    `json:"owner_id"`
	Version    int       `json:"version"`
	Active     bool      `json:"active"`
	CreatedAt  time.Time `json:"created_at"`
	UpdatedAt  time.Time `json:"updated_at"`
	StaticData []byte    `json:"static_data"`
	Document   []byte    `json:"document"`
	LastStatus string    `json:"last_status"`
}

func (r *workflowRow) saved() (*workflow.Workflow, error) {
	w := &workflow.Workflow{ID: r.ID, OwnerID: r.OwnerID, Version: r.Version, Active: r.Active, LastStatus: workflow.Status(r.LastStatus),
		CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC()}
	return w, json.Unmarshal(r.Document, &w.Document)
}

func (r *workflowRow) workflow() (*workflow.Workflow, error) {
	w, err := r.saved()
	if err != nil {
		return nil, err
	}
	w.Document.StaticData, w.Document.Active = nil, r.Active
	if len(r.StaticData) > 0 {
		err = json.Unmarshal(r.StaticData, &w.Document.StaticData)
	}
	return w, err
}

// documentArgs are what is stored of a document.
type documentArgs struct {
	ID         string     `json:"id"`
	CreatedAt  *time.Time `json:"created_at,omitempty"`
	UpdatedAt  time.Time  `json:"updated_at"`
	Tags       []string   `json:"tags"`
	Search     string     `json:"search"`
	StaticData []byte     `json:"static_data"`
	Document   []byte     `json:"document"`
	IfVersion  int        `json:"if_version"`
	Active     bool       `json:"active"`
}

func documentOf(w *workflow.Workflow) (a documentArgs, err error) {
	a = documentArgs{ID: w.ID, UpdatedAt: micro(w.UpdatedAt), Active: w.Active, Tags: []string{},
		Search: clean(strings.ToLower(w.Document.Name + "\n" + w.Document.Description))}
	for _, tag := range w.Document.Tags {
		a.Tags = append(a.Tags, clean(tag))
	}
	if a.Document, err = workflow.AppendJSON(nil, &w.Document); err != nil {
		return a, err
	}
	if w.Document.StaticData != nil {
		a.StaticData, err = workflow.AppendJSON(nil, w.Document.StaticData)
	}
	return a, err
}

// CreateWorkflow stores w as version 1, inactive, whatever w says; w is made to
// say so too.
func (s *Store) CreateWorkflow(ctx context.Context, w *workflow.Workflow) error {
	as := s.as(ctx, w.OwnerID)
	if as == nil {
		return s.Direct.CreateWorkflow(ctx, w)
	}
	stored := *w
	if stored.CreatedAt.IsZero() {
		stored.CreatedAt = s.stampNow()
	}
	if stored.UpdatedAt.IsZero() {
		stored.UpdatedAt = stored.CreatedAt
	}
	stored.Version, stored.Active, stored.Document.Active = 1, false, false
	args, err := documentOf(&stored)
	if err != nil {
		return err
	}
	created := micro(stored.CreatedAt)
	args.CreatedAt = &created
	err = s.write(ctx, as, "create the workflow", "create_workflow", args, &struct{}{})
	if conflicts(err) {
		return workflow.Errorf(workflow.CodeConflict, "There is a workflow with the id %q already.", w.ID)
	}
	if err == nil {
		*w = stored
	}
	return err
}

// Workflow returns the owner's workflow in its newest version.
func (s *Store) Workflow(ctx context.Context, owner, id string) (*workflow.Workflow, error) {
	as := s.as(ctx, owner)
	if as == nil {
		return s.Direct.Workflow(ctx, owner, id)
	}
	var out struct{ Row *workflowRow }
	if err := s.read(ctx, as, "read the workflow", "workflow", map[string]any{"id": id}, &out); err != nil {
		return nil, err
	}
	if out.Row == nil {
		return nil, notFound("workflow", id)
	}
	return out.Row.workflow()
}

// UpdateWorkflow saves w's document as the next version and sets w's Version,
// UpdatedAt, CreatedAt and Active to what is stored.
func (s *Store) UpdateWorkflow(ctx context.Context, w *workflow.Workflow, ifVersion int) error {
	as := s.as(ctx, w.OwnerID)
	if as == nil {
		return s.Direct.UpdateWorkflow(ctx, w, ifVersion)
	}
	active := w.Active
	for {
		done, now, err := s.save(ctx, as, w, ifVersion, active)
		if err != nil || done {
			return err
		}
		active = now // it was switched meanwhile
	}
}

// save saves w unless it is active otherwise than is thought, which it returns.
func (s *Store) save(ctx context.Context, as *store.Caller, w *workflow.Workflow, ifVersion int, active bool) (done, now bool, err error) {
	stored := *w
	stored.UpdatedAt, stored.Active, stored.Document.Active = s.stampNow(), active, active
	args, err := documentOf(&stored)
	if err != nil {
		return false, false, err
	}
	args.IfVersion = ifVersion
	var out struct {
		Saved     bool      `json:"saved"`
		Version   int       `json:"version"`
		Active    bool      `json:"active"`
		CreatedAt time.Time `json:"created_at"`
	}
	if err := s.write(ctx, as, "save the workflow", "update_workflow", args, &out); err != nil {
		return false, false, err
	}
	switch {
	case out.Saved:
		stored.Version, stored.CreatedAt = out.Version, out.CreatedAt.UTC()
		*w = stored
		return true, active, nil
	case out.Version == 0:
		return false, false, notFound("workflow", w.ID)
	case ifVersion > 0 && ifVersion != out.Version:
		e := workflow.Errorf(workflow.CodeConflict,
			"The workflow was changed meanwhile: it is at version %d, not %d. Read it again and repeat the change.", out.Version, ifVersion)
		e.Details = map[string]any{"version": out.Version}
		return false, false, e
	}
	return false, out.Active, nil
}

// UpdateArmed saves w over REST while it is inactive; the hooks of an active one
// have to be armed with it, in view of everybody's, which is done directly.
func (s *Store) UpdateArmed(ctx context.Context, w *workflow.Workflow, ifVersion int, hooks []workflow.WebhookTrigger) error {
	if as := s.as(ctx, w.OwnerID); as != nil {
		if done, _, err := s.save(ctx, as, w, ifVersion, false); err != nil || done {
			return err
		}
	}
	return s.Direct.UpdateArmed(ctx, w, ifVersion, hooks)
}

// DeleteWorkflow removes the workflow with its versions, hooks and executions.
func (s *Store) DeleteWorkflow(ctx context.Context, owner, id string) error {
	as := s.as(ctx, owner)
	if as == nil {
		return s.Direct.DeleteWorkflow(ctx, owner, id)
	}
	var out struct{ Changed, Live int }
	err := s.write(ctx, as, "delete the workflow", "delete_workflow", map[string]any{"id": id}, &out)
	switch {
	case err != nil || out.Changed > 0:
		return err
	case out.Live == 0:
		return notFound("workflow", id)
	}
	e := workflow.Errorf(workflow.CodeConflict,
		"The workflow has %d executions that are not finished. Cancel them or wait for them, then delete it.", out.Live)
	e.Details = map[string]any{"live_executions": out.Live}
	return e
}

// ListWorkflows returns the owner's workflows that pass the filter, newest
// change first, with whole documents, and how many pass it in all.
func (s *Store) ListWorkflows(ctx context.Context, owner string, f store.WorkflowFilter, page store.Page) ([]*workflow.Workflow, int, string, error) {
	as := s.asForList(ctx, owner, page, f.Active != nil)
	if as == nil {
		return s.Direct.ListWorkflows(ctx, owner, f, page)
	}
	args, err := pageArgs(store.ListOfWorkflows, page)
	if err != nil {
		return nil, 0, "", err
	}
	if q := strings.TrimSpace(f.Query); q != "" {
		args["query"] = clean(strings.ToLower(q))
	}
	if len(f.Tags) > 0 {
		tags := make([]string, len(f.Tags))
		for i, tag := range f.Tags {
			tags[i] = clean(tag)
		}
		args["tags"] = tags
	}
	var out struct {
		Total int
		Rows  []*workflowRow
	}
	if err := s.read(ctx, as, "list workflows", "list_workflows", args, &out); err != nil {
		return nil, 0, "", err
	}
	list, err := each(out.Rows, (*workflowRow).workflow)
	if err != nil {
		return nil, 0, "", err
	}
	list, next := store.Trim(store.ListOfWorkflows, list, page.Size(), func(w *workflow.Workflow) store.Cursor {
		return store.Cursor{At: w.UpdatedAt, ID: w.ID}
	})
	return list, out.Total, next, nil
}

// WorkflowVersion returns the document as it was saved under version.
func (s *Store) WorkflowVersion(ctx context.Context, owner, id string, version int) (*workflow.Workflow, error) {
	as := s.as(ctx, owner)
	if as == nil {
		return s.Direct.WorkflowVersion(ctx, owner, id, version)
	}
	list, err := s.versions(ctx, as, "read the workflow's version", id, version+1, 1)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 || list[0].Version != version {
		return nil, notFound("such version of workflow", id)
	}
	return list[0], nil
}

// ListVersions returns versions below before, newest first.
func (s *Store) ListVersions(ctx context.Context, owner, id string, before, limit int) ([]*workflow.Workflow, error) {
	as := s.as(ctx, owner)
	if as == nil {
		return s.Direct.ListVersions(ctx, owner, id, before, limit)
	}
	if before == 0 {
		before = math.MaxInt32
	}
	return s.versions(ctx, as, "list the workflow's versions", id, before, limit)
}

func (s *Store) versions(ctx context.Context, as *store.Caller, doing, id string, before, limit int) ([]*workflow.Workflow, error) {
	var out struct{ Rows []*workflowRow }
	if err := s.read(ctx, as, doing, "list_versions", map[string]any{"id": id, "before": before, "limit": limit}, &out); err != nil {
		return nil, err
	}
	return each(out.Rows, (*workflowRow).saved)
}
