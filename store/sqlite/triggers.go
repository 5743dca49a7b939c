package sqlite

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"flowgate/internal/workflow"
	"flowgate/store/internal/hookpath"
)

const hookColumns = `path, method, workflow_id, owner_id, node`

func scanHook(row scanner) (h workflow.WebhookTrigger, err error) {
	err = row.Scan(&h.Path, &h.Method, &h.WorkflowID, &h.OwnerID, &h.Node)
	return h, err
}

// ActivateWorkflow arms hooks in place of those the workflow had. Two paths
// that differ only in the names of their parameters are the same path.
func (s *Store) ActivateWorkflow(ctx context.Context, owner, id string, hooks []workflow.WebhookTrigger) error {
	if err := checkHooks(hooks); err != nil {
		return err
	}
	return s.setActive(ctx, owner, id, true, hooks)
}

func checkHooks(hooks []workflow.WebhookTrigger) error {
	for _, h := range hooks {
		if err := hookpath.Check(h.Path); err != nil {
			return err
		}
	}
	return nil
}

// DeactivateWorkflow disarms the workflow; doing it twice is no error.
func (s *Store) DeactivateWorkflow(ctx context.Context, owner, id string) error {
	return s.setActive(ctx, owner, id, false, nil)
}

func (s *Store) setActive(ctx context.Context, owner, id string, active bool, hooks []workflow.WebhookTrigger) error {
	return s.tx(ctx, "arm the workflow", func(ctx context.Context, tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE workflows SET active = ?1,
			updated_at = CASE active WHEN ?1 THEN updated_at ELSE ?2 END WHERE id = ?3 AND owner_id = ?4`,
			active, micros(s.stampNow()), id, owner)
		if err != nil {
			return err
		}
		if err := touched(res, "workflow", id); err != nil {
			return err
		}
		return replaceHooks(ctx, tx, owner, id, hooks)
	})
}

func replaceHooks(ctx context.Context, tx *sql.Tx, owner, id string, hooks []workflow.WebhookTrigger) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM webhooks WHERE workflow_id = ?`, id); err != nil {
		return err
	}
	for _, h := range hooks {
		h.OwnerID, h.WorkflowID = owner, id
		if err := insertHook(ctx, tx, h); err != nil {
			return err
		}
	}
	return nil
}

func insertHook(ctx context.Context, tx *sql.Tx, h workflow.WebhookTrigger) error {
	shape, parameters := hookpath.Shape(h.Path)
	_, err := tx.ExecContext(ctx, `INSERT INTO webhooks (shape, parameters, `+hookColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		shape, parameters, h.Path, strings.ToUpper(h.Method), h.WorkflowID, h.OwnerID, h.Node)
	if !isConstraint(err) {
		return err
	}
	var holder string
	if err := tx.QueryRowContext(ctx, `SELECT workflow_id FROM webhooks WHERE shape = ? AND method = ?`,
		shape, strings.ToUpper(h.Method)).Scan(&holder); err != nil {
		return err
	}
	whose := "another workflow"
	if holder == h.WorkflowID {
		whose = "another node of this workflow"
	}
	e := workflow.Errorf(workflow.CodeConflict, "The webhook path %s %q is taken by %s. Give node %q another path.",
		strings.ToUpper(h.Method), h.Path, whose, h.Node)
	e.Details = map[string]any{"path": h.Path, "method": strings.ToUpper(h.Method), "node": h.Node}
	return e
}

// Webhook finds the armed hook for a request. Of several patterns that match,
// the one with the fewest parameters wins, then the one whose first parameter
// comes latest.
func (s *Store) Webhook(ctx context.Context, method, path string) (*workflow.WebhookTrigger, error) {
	const doing = "look the webhook up"
	method, path = strings.ToUpper(method), strings.Trim(path, "/")
	exact, err := s.hooks(ctx, s.hot.webhookExact, path)
	if err != nil {
		return nil, fail(doing, err)
	}
	if i := withMethod(exact, method); i >= 0 {
		return &exact[i], nil
	}
	shapes, err := jsonText(hookpath.Matching(path))
	if err != nil {
		return nil, err
	}
	patterns, err := s.hooks(ctx, s.hot.webhookPattern, shapes)
	if err != nil {
		return nil, fail(doing, err)
	}
	slices.SortFunc(patterns, func(a, b workflow.WebhookTrigger) int { return hookpath.Compare(a.Path, b.Path) })
	if i := withMethod(patterns, method); i >= 0 {
		return &patterns[i], nil
	}
	return nil, noHook(path, append(exact, patterns...))
}

func (s *Store) hooks(ctx context.Context, stmt *sql.Stmt, arg string) ([]workflow.WebhookTrigger, error) {
	rows, err := stmt.QueryContext(ctx, arg)
	if err != nil {
		return nil, err
	}
	return readAll(rows, scanHook)
}

func withMethod(hooks []workflow.WebhookTrigger, method string) int {
	return slices.IndexFunc(hooks, func(h workflow.WebhookTrigger) bool { return h.Method == method })
}

func noHook(path string, others []workflow.WebhookTrigger) error {
	if len(others) == 0 {
		return workflow.Errorf(workflow.CodeNotFound, "No active workflow has the webhook path %q.", path)
	}
	var methods []string
	for _, h := range others {
		methods = append(methods, h.Method)
	}
	slices.Sort(methods)
	methods = slices.Compact(methods)
	e := workflow.Errorf(workflow.CodeNotFound, "The webhook path %q is armed for %s only.", path, strings.Join(methods, ", "))
	e.Details = map[string]any{"methods": methods}
	return e
}
