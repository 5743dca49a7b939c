package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store"
	"flowgate/store/internal/hookpath"
)

var _ store.TestWebhooks = (*Store)(nil)

func scanTestHook(row scanner) (t store.TestWebhook, err error) {
	err = row.Scan(&t.Path, &t.Method, &t.WorkflowID, &t.OwnerID, &t.Node, stamp{&t.ExpiresAt})
	return t, err
}

// ArmTest arms hooks in place of those armed for the workflow. Expired ones
// of others give way.
func (s *Store) ArmTest(ctx context.Context, owner, workflowID string, hooks []workflow.WebhookTrigger, expires time.Time) error {
	for _, h := range hooks {
		if err := hookpath.Check(h.Path); err != nil {
			return err
		}
	}
	return s.tx(ctx, "arm the test webhook", func(ctx context.Context, tx *sql.Tx) error {
		var there int
		err := tx.QueryRowContext(ctx, `SELECT 1 FROM workflows WHERE id = ? AND owner_id = ?`, workflowID, owner).Scan(&there)
		if err != nil {
			return orNotFound(err, "arm the test webhook", "workflow", workflowID)
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM test_webhooks WHERE workflow_id = ? OR expires_at <= ?`,
			workflowID, micros(s.stampNow())); err != nil {
			return err
		}
		for _, h := range hooks {
			h.OwnerID, h.WorkflowID = owner, workflowID
			if err := insertTestHook(ctx, tx, h, expires); err != nil {
				return err
			}
		}
		return nil
	})
}

func insertTestHook(ctx context.Context, tx *sql.Tx, h workflow.WebhookTrigger, expires time.Time) error {
	shape, parameters := hookpath.Shape(h.Path)
	_, err := tx.ExecContext(ctx, `INSERT INTO test_webhooks (shape, parameters, `+hookColumns+`, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		shape, parameters, strings.Trim(h.Path, "/"), strings.ToUpper(h.Method), h.WorkflowID, h.OwnerID, h.Node, micros(expires))
	if !isConstraint(err) {
		return err
	}
	e := workflow.Errorf(workflow.CodeConflict, "The webhook path %s %q is being tested already. Try again in two minutes, or give node %q another path.",
		strings.ToUpper(h.Method), h.Path, h.Node)
	e.Details = map[string]any{"path": h.Path, "method": strings.ToUpper(h.Method), "node": h.Node}
	return e
}

// TestWebhook finds the armed hook for a request, as Webhook does.
func (s *Store) TestWebhook(ctx context.Context, method, path string) (*store.TestWebhook, error) {
	method, path = strings.ToUpper(method), strings.Trim(path, "/")
	shapes, err := jsonText(append(hookpath.Matching(path), path))
	if err != nil {
		return nil, err
	}
	list, err := collect(ctx, s.read, scanTestHook, `SELECT `+hookColumns+`, expires_at FROM test_webhooks
		WHERE shape IN (SELECT value FROM json_each(?)) AND expires_at > ?`, shapes, micros(s.stampNow()))
	if err != nil {
		return nil, fail("look the test webhook up", err)
	}
	slices.SortFunc(list, func(a, b store.TestWebhook) int { return hookpath.Compare(a.Path, b.Path) })
	var others []workflow.WebhookTrigger
	for i := range list {
		if list[i].Method == method {
			return &list[i], nil
		}
		others = append(others, list[i].WebhookTrigger)
	}
	return nil, noTestHook(path, others)
}

func noTestHook(path string, others []workflow.WebhookTrigger) error {
	err := noHook(path, others)
	var e *workflow.Error
	if len(others) == 0 && errors.As(err, &e) {
		e.Message = "No workflow waits for a test call at the webhook path \"" + path + "\"."
	}
	return err
}

// TakeTest disarms what was armed together with t.
func (s *Store) TakeTest(ctx context.Context, t *store.TestWebhook) error {
	res, err := s.write.ExecContext(ctx, `DELETE FROM test_webhooks WHERE workflow_id = ? AND owner_id = ? AND expires_at = ? AND expires_at > ?`,
		t.WorkflowID, t.OwnerID, micros(t.ExpiresAt), micros(s.stampNow()))
	if err != nil {
		return fail("take the test webhook", err)
	}
	return touched(res, "test webhook", t.Path)
}
