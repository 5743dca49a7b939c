package sqlite

import (
	"context"
	"database/sql"
	"strings"

	"flowgate/internal/workflow"
	"flowgate/store"
)

const lastStatus = `coalesce((SELECT e.status FROM executions e WHERE e.workflow_id = w.id AND e.owner_id = w.owner_id
	ORDER BY e.created_at DESC, e.id DESC LIMIT 1), '')`

// listed scans a workflow of a list, and notes the name it is sorted by.
func listed(names map[string]string) func(scanner) (*workflow.Workflow, error) {
	return func(row scanner) (*workflow.Workflow, error) {
		var name string
		var last workflow.Status
		w, err := scanWorkflowAnd(row, &name, &last)
		w.LastStatus, names[w.ID] = last, name
		return w, err
	}
}

// ListWorkflows returns the owner's workflows that pass the filter, newest
// change first or by name, with whole documents, and how many pass it in all.
func (s *Store) ListWorkflows(ctx context.Context, owner string, f store.WorkflowFilter, page store.Page) ([]*workflow.Workflow, int, string, error) {
	const doing = "list workflows"
	w := workflowWhere(owner, f)
	var total int
	count := store.Counted(`workflows w` + w.String())
	if err := s.read.QueryRowContext(ctx, count, w.args...).Scan(&total); err != nil {
		return nil, 0, "", fail(doing, err)
	}
	by := "updated_at"
	if page.ByName {
		by = "name_key"
	}
	if err := w.after(store.ListOfWorkflows, page, by); err != nil {
		return nil, 0, "", err
	}
	names := map[string]string{}
	list, err := collect(ctx, s.read, listed(names),
		`SELECT `+workflowColumns+`, w.name_key, `+lastStatus+fromWorkflows+w.String()+page.Order("w."+by, "w.id")+` LIMIT ?`,
		append(w.args, page.Size()+1)...)
	if err != nil {
		return nil, 0, "", fail(doing, err)
	}
	list, next := store.Trim(page.Of(store.ListOfWorkflows), list, page.Size(), func(w *workflow.Workflow) store.Cursor {
		return store.Cursor{At: w.UpdatedAt, ID: w.ID, Name: names[w.ID]}
	})
	return list, total, next, nil
}

func workflowWhere(owner string, f store.WorkflowFilter) *where {
	w := &where{}
	w.and("w.owner_id = ?", owner)
	if q := strings.TrimSpace(f.Query); q != "" {
		w.and("instr(w.search, ?) > 0", strings.ToLower(q))
	}
	if f.Active != nil {
		w.and(map[bool]string{true: "w.active = 1", false: "w.active = 0"}[*f.Active]) // in so many words, for its index
	}
	for _, tag := range f.Tags {
		w.and("EXISTS (SELECT 1 FROM json_each(w.tags) t WHERE t.value = ?)", tag)
	}
	return w
}

// WorkflowVersion returns the document as it was saved under version.
// UpdatedAt is when it was saved; Active is the workflow's of today.
func (s *Store) WorkflowVersion(ctx context.Context, owner, id string, version int) (*workflow.Workflow, error) {
	var w workflow.Workflow
	err := s.hot.workflowVersion.QueryRowContext(ctx, id, owner, version).
		Scan(&w.ID, &w.OwnerID, &w.Version, &w.Active, stamp{&w.CreatedAt}, stamp{&w.UpdatedAt}, jsonInto{&w.Document})
	if err != nil {
		return nil, orNotFound(err, "read the workflow's version", "such version of workflow", id)
	}
	return &w, nil
}

// ListVersions returns versions below before, newest first.
func (s *Store) ListVersions(ctx context.Context, owner, id string, before, limit int) ([]*workflow.Workflow, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT w.id, w.owner_id, v.version, w.active, w.created_at, v.saved_at, v.document
		FROM workflows w JOIN workflow_versions v ON v.workflow_id = w.id
		WHERE w.id = ?1 AND w.owner_id = ?2 AND (?3 = 0 OR v.version < ?3) ORDER BY v.version DESC LIMIT ?4`, id, owner, before, limit)
	if err != nil {
		return nil, fail("list the workflow's versions", err)
	}
	list, err := readAll(rows, func(row scanner) (*workflow.Workflow, error) {
		var w workflow.Workflow
		err := row.Scan(&w.ID, &w.OwnerID, &w.Version, &w.Active, stamp{&w.CreatedAt}, stamp{&w.UpdatedAt}, jsonInto{&w.Document})
		return &w, err
	})
	if err != nil {
		return nil, fail("list the workflow's versions", err)
	}
	return list, nil
}

// DeleteWorkflow removes the workflow with its versions, hooks and
// executions. While executions are live it is CodeConflict.
func (s *Store) DeleteWorkflow(ctx context.Context, owner, id string) error {
	return s.tx(ctx, "delete the workflow", func(ctx context.Context, tx *sql.Tx) error {
		var live int
		err := tx.QueryRowContext(ctx, `SELECT count(*) FROM executions WHERE workflow_id = ? AND owner_id = ?
			AND status IN ('queued', 'running', 'waiting')`, id, owner).Scan(&live)
		if err != nil {
			return err
		}
		if live > 0 {
			e := workflow.Errorf(workflow.CodeConflict,
				"The workflow has %d executions that are not finished. Cancel them or wait for them, then delete it.", live)
			e.Details = map[string]any{"live_executions": live}
			return e
		}
		res, err := tx.ExecContext(ctx, `DELETE FROM workflows WHERE id = ? AND owner_id = ?`, id, owner)
		if err != nil {
			return err
		}
		return touched(res, "workflow", id)
	})
}
