package postgres

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"flowgate/internal/workflow"
	"flowgate/store"
)

const lastStatus = `coalesce((SELECT e.status FROM executions e WHERE e.workflow_id = w.id AND e.owner_id = w.owner_id
	ORDER BY e.created_at DESC, e.id DESC LIMIT 1), '')`

// listed scans a workflow of a list, and notes the name it is sorted by.
func listed(names map[string]string) func(pgx.Row) (*workflow.Workflow, error) {
	return func(row pgx.Row) (*workflow.Workflow, error) {
		var name, last string
		w, err := scanWorkflowAnd(row, &name, &last)
		w.LastStatus, names[w.ID] = workflow.Status(last), name
		return w, err
	}
}

// ListWorkflows returns the owner's workflows that pass the filter, newest
// change first or by name, with whole documents, and how many pass it in all.
func (s *Store) ListWorkflows(ctx context.Context, owner string, f store.WorkflowFilter, page store.Page) ([]*workflow.Workflow, int, string, error) {
	w, err := workflowWhere(owner, f)
	if err != nil {
		return nil, 0, "", err
	}
	count, counted := store.Counted(`workflows w`+w.String()), len(w.args)
	by := "updated_at"
	if page.ByName {
		by = "name_key"
	}
	if err := w.after(store.ListOfWorkflows, page, "w.", by); err != nil {
		return nil, 0, "", err
	}
	query := `SELECT ` + workflowColumns + `, w.name_key, ` + lastStatus + fromWorkflows + w.String() + page.Order("w."+by, "w.id") + ` LIMIT ` + w.arg(page.Size()+1)
	var total int
	var list []*workflow.Workflow
	names := map[string]string{}
	err = s.do(ctx, "list workflows", user(owner), func(b *pgx.Batch) {
		one(b.Queue(count, w.args[:counted]...), &total, scanInt)
		all(b.Queue(query, w.args...), &list, listed(names))
	})
	if err != nil {
		return nil, 0, "", err
	}
	list, next := store.Trim(page.Of(store.ListOfWorkflows), list, page.Size(), func(w *workflow.Workflow) store.Cursor {
		return store.Cursor{At: w.UpdatedAt, ID: w.ID, Name: names[w.ID]}
	})
	return list, total, next, nil
}

func workflowWhere(owner string, f store.WorkflowFilter) (*where, error) {
	w := &where{}
	w.and("w.owner_id = ?", owner)
	if q := strings.TrimSpace(f.Query); q != "" {
		w.and("strpos(w.search, ?) > 0", clean(strings.ToLower(q)))
	}
	if f.Active != nil {
		w.and(map[bool]string{true: "w.active", false: "NOT w.active"}[*f.Active]) // in so many words, for its index
	}
	if len(f.Tags) > 0 {
		tags, err := workflow.AppendJSON(nil, cleanAll(f.Tags))
		if err != nil {
			return nil, err
		}
		w.and("w.tags @> ?", string(tags))
	}
	return w, nil
}
