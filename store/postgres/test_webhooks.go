package postgres

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"flowgate/internal/workflow"
	"flowgate/store"
	"flowgate/store/internal/hookpath"
)

func scanTestHook(row pgx.Row) (t store.TestWebhook, err error) {
	err = row.Scan(&t.Path, &t.Method, &t.WorkflowID, &t.OwnerID, &t.Node, stamp{&t.ExpiresAt})
	return t, err
}

// ArmTest arms hooks in place of those armed for the workflow. Expired ones
// of others give way: they are removed first, under the role that sees them.
func (s *Store) ArmTest(ctx context.Context, owner, workflowID string, hooks []workflow.WebhookTrigger, expires time.Time) error {
	if err := checkPaths(hooks); err != nil {
		return err
	}
	rows := hookRowsOf(hooks)
	for i := range rows.paths {
		rows.paths[i] = strings.Trim(rows.paths[i], "/")
	}
	var there []string
	var armed []place
	return s.tx(ctx, "arm the test webhook", asAuth, func(b *pgx.Batch) {
		b.Queue(`DELETE FROM test_webhooks WHERE expires_at <= $1`, at(s.stampNow()))
		user(owner).enter(b)
		all(b.Queue(`SELECT id FROM workflows WHERE id = $1 AND owner_id = $2`, workflowID, owner), &there, scanString)
		b.Queue(`DELETE FROM test_webhooks WHERE workflow_id = $1 AND owner_id = $2`, workflowID, owner)
		all(b.Queue(`INSERT INTO test_webhooks (shape, parameters, path, method, node, workflow_id, owner_id, expires_at)
			SELECT h.*, w.id, w.owner_id, $8 FROM unnest($1::text[], $2::int[], $3::text[], $4::text[], $5::text[]) h, workflows w
			WHERE w.id = $6 AND w.owner_id = $7 ON CONFLICT (shape, method) DO NOTHING RETURNING shape, method`,
			rows.shapes, rows.parameters, rows.paths, rows.methods, rows.nodes, workflowID, owner, at(expires)), &armed, scanPlace)
	}, func(*pgx.Batch) error {
		if len(there) == 0 {
			return notFound("workflow", workflowID)
		}
		i, _ := rows.taken(armed)
		if i < 0 {
			return nil
		}
		e := workflow.Errorf(workflow.CodeConflict, "The webhook path %s %q is being tested already. Try again in two minutes, or give node %q another path.",
			rows.methods[i], hooks[i].Path, rows.nodes[i])
		e.Details = map[string]any{"path": hooks[i].Path, "method": rows.methods[i], "node": rows.nodes[i]}
		return e
	})
}

// TestWebhook finds the armed hook for a request, as Webhook does.
func (s *Store) TestWebhook(ctx context.Context, method, path string) (*store.TestWebhook, error) {
	method, path = strings.ToUpper(method), strings.Trim(path, "/")
	var found []store.TestWebhook
	err := s.lookUp(ctx, path, func(b *pgx.Batch) {
		all(b.Queue(`SELECT `+hookColumns+`, expires_at FROM test_webhooks WHERE shape = ANY ($1) AND expires_at > $2`,
			append(hookpath.Matching(path), path), at(s.stampNow())), &found, scanTestHook)
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(found, func(a, b store.TestWebhook) int { return hookpath.Compare(a.Path, b.Path) })
	var others []workflow.WebhookTrigger
	for i := range found {
		if found[i].Method == method {
			return &found[i], nil
		}
		others = append(others, found[i].WebhookTrigger)
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
	var n int64
	err := s.do(ctx, "take the test webhook", asAuth, func(b *pgx.Batch) {
		affected(b.Queue(`DELETE FROM test_webhooks WHERE workflow_id = $1 AND owner_id = $2 AND expires_at = $3 AND expires_at > $4`,
			t.WorkflowID, t.OwnerID, at(t.ExpiresAt), at(s.stampNow())), &n)
	})
	if err == nil && n == 0 {
		return notFound("test webhook", t.Path)
	}
	return err
}
