package postgres

import (
	"context"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"flowgate/internal/workflow"
	"flowgate/store/internal/hookpath"
)

const hookColumns = `path, method, workflow_id, owner_id, node`

func scanHook(row pgx.Row) (h workflow.WebhookTrigger, err error) {
	err = row.Scan(&h.Path, &h.Method, &h.WorkflowID, &h.OwnerID, &h.Node)
	return h, err
}

// maxPath is the longest webhook path, in bytes: an index holds no longer ones.
const maxPath = 2000

// ActivateWorkflow arms hooks in place of those the workflow had. Two paths
// that differ only in the names of their parameters are the same path.
func (s *Store) ActivateWorkflow(ctx context.Context, owner, id string, hooks []workflow.WebhookTrigger) error {
	if err := checkPaths(hooks); err != nil {
		return err
	}
	return s.setActive(ctx, owner, id, true, hooks)
}

func checkPaths(hooks []workflow.WebhookTrigger) error {
	for _, h := range hooks {
		if err := hookpath.Check(h.Path); err != nil {
			return err
		}
		if len(h.Path) > maxPath {
			return workflow.Errorf(workflow.CodeInvalid, "The webhook path of node %q is longer than %d bytes; shorten it.", h.Node, maxPath)
		}
	}
	return nil
}

// DeactivateWorkflow disarms the workflow; doing it twice is no error.
func (s *Store) DeactivateWorkflow(ctx context.Context, owner, id string) error {
	return s.setActive(ctx, owner, id, false, nil)
}

func (s *Store) setActive(ctx context.Context, owner, id string, active bool, hooks []workflow.WebhookTrigger) error {
	rows := hookRowsOf(hooks)
	var changed int64
	var armed []place
	return s.tx(ctx, "arm the workflow", user(owner), func(b *pgx.Batch) {
		affected(b.Queue(`UPDATE workflows SET active = $1, updated_at = CASE active WHEN $1 THEN updated_at ELSE $2 END WHERE id = $3 AND owner_id = $4`,
			active, at(s.stampNow()), id, owner), &changed)
		b.Queue(`DELETE FROM webhooks WHERE workflow_id = $1 AND owner_id = $2`, id, owner)
		rows.queue(b, owner, id, false, &armed)
	}, func(*pgx.Batch) error {
		if changed == 0 {
			return notFound("workflow", id)
		}
		return rows.clash(armed)
	})
}

// place is what a hook occupies.
type place struct{ shape, method string }

func scanPlace(row pgx.Row) (p place, err error) {
	err = row.Scan(&p.shape, &p.method)
	return p, err
}

// hookRows are hooks by columns.
type hookRows struct {
	shapes, paths, methods, nodes []string
	parameters                    []int
}

func hookRowsOf(hooks []workflow.WebhookTrigger) (r hookRows) {
	for _, h := range hooks {
		shape, parameters := hookpath.Shape(h.Path)
		r.shapes, r.parameters = append(r.shapes, shape), append(r.parameters, parameters)
		r.paths, r.methods, r.nodes = append(r.paths, h.Path), append(r.methods, strings.ToUpper(h.Method)), append(r.nodes, h.Node)
	}
	return r
}

// queue arms the hooks for a workflow, or for an active one only. armed are
// then those whose place was free.
func (r *hookRows) queue(b *pgx.Batch, owner, id string, active bool, armed *[]place) {
	all(b.Queue(`INSERT INTO webhooks (shape, parameters, path, method, node, workflow_id, owner_id)
		SELECT h.*, w.id, w.owner_id FROM unnest($1::text[], $2::int[], $3::text[], $4::text[], $5::text[]) h, workflows w
		WHERE w.id = $6 AND w.owner_id = $7 AND (w.active OR NOT $8) ON CONFLICT (shape, method) DO NOTHING RETURNING shape, method`,
		r.shapes, r.parameters, r.paths, r.methods, r.nodes, id, owner, active), armed, scanPlace)
}

// taken finds the first hook whose place was not free: -1 for none. within is
// true when another of these hooks has it.
func (r *hookRows) taken(armed []place) (i int, within bool) {
	free := slices.Clone(armed)
	for i := range r.shapes {
		p := place{r.shapes[i], r.methods[i]}
		at := slices.Index(free, p)
		if at < 0 {
			return i, slices.Contains(armed, p)
		}
		free = slices.Delete(free, at, at+1)
	}
	return -1, false
}

// clash is the error for a place that is taken, by a workflow perhaps that
// this user may not even see.
func (r *hookRows) clash(armed []place) error {
	i, within := r.taken(armed)
	if i < 0 {
		return nil
	}
	whose := "another workflow"
	if within {
		whose = "another node of this workflow"
	}
	e := workflow.Errorf(workflow.CodeConflict, "The webhook path %s %q is taken by %s. Give node %q another path.", r.methods[i], r.paths[i], whose, r.nodes[i])
	e.Details = map[string]any{"path": r.paths[i], "method": r.methods[i], "node": r.nodes[i]}
	return e
}

// Webhook finds the armed hook for a request. Of several patterns that match,
// the one with the fewest parameters wins, then the one whose first parameter
// comes latest.
func (s *Store) Webhook(ctx context.Context, method, path string) (*workflow.WebhookTrigger, error) {
	method, path = strings.ToUpper(method), strings.Trim(path, "/")
	var found []workflow.WebhookTrigger
	err := s.lookUp(ctx, path, func(b *pgx.Batch) {
		all(b.Queue(`SELECT `+hookColumns+` FROM webhooks WHERE shape = $1 AND parameters = 0
			UNION ALL SELECT `+hookColumns+` FROM webhooks WHERE shape = ANY ($2) AND parameters > 0`, path, hookpath.Matching(path)), &found, scanHook)
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(found, func(a, b workflow.WebhookTrigger) int { return hookpath.Compare(a.Path, b.Path) })
	if i := slices.IndexFunc(found, func(h workflow.WebhookTrigger) bool { return h.Method == method }); i >= 0 {
		return &found[i], nil
	}
	return nil, noHook(path, found)
}

// lookUp asks for a path; one that cannot be stored is armed for nobody.
func (s *Store) lookUp(ctx context.Context, path string, queue func(b *pgx.Batch)) error {
	const doing = "look the webhook up"
	if err := ctx.Err(); err != nil || len(path) > maxPath {
		return fail(doing, err)
	}
	err := s.do(ctx, doing, asAuth, queue)
	if workflow.CodeOf(err) == workflow.CodeInvalid {
		return nil
	}
	return err
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
