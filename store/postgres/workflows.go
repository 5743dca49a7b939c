package postgres

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"flowgate/internal/workflow"
)

// A workflow's document is stored once, as its newest version; static data
// and the active flag, which change without a save, are columns beside it.
const workflowColumns = `w.id, w.owner_id, w.version, w.active, w.created_at, w.updated_at, w.static_data, v.document`

const fromWorkflows = ` FROM workflows w JOIN workflow_versions v ON v.workflow_id = w.id AND v.version = w.version`

const insertVersion = `INSERT INTO workflow_versions (workflow_id, owner_id, version, saved_at, document) VALUES ($1, $2, $3, $4, $5)`

func scanWorkflow(row pgx.Row) (*workflow.Workflow, error) { return scanWorkflowAnd(row) }

func scanWorkflowAnd(row pgx.Row, more ...any) (*workflow.Workflow, error) {
	var w workflow.Workflow
	var static *workflow.Object
	err := row.Scan(append([]any{&w.ID, &w.OwnerID, &w.Version, &w.Active, stamp{&w.CreatedAt}, stamp{&w.UpdatedAt},
		jsonInto{&static}, jsonInto{&w.Document}}, more...)...)
	w.Document.StaticData, w.Document.Active = static, w.Active
	return &w, err
}

// parts is what is stored of a document.
type parts struct {
	document, static []byte
	tags             string // JSON array
	search           string
}

func partsOf(d *workflow.Document) (p parts, err error) {
	if p.document, err = workflow.AppendJSON(nil, d); err != nil {
		return p, err
	}
	if p.static, err = jsonOf(d.StaticData); err != nil {
		return p, err
	}
	tags, err := workflow.AppendJSON(nil, cleanAll(d.Tags))
	p.tags = string(tags)
	p.search = clean(strings.ToLower(d.Name + "\n" + d.Description))
	return p, err
}

// CreateWorkflow stores w as version 1. CreatedAt is now when it is zero. A
// new workflow is inactive, whatever w says; w is made to say so too.
func (s *Store) CreateWorkflow(ctx context.Context, w *workflow.Workflow) error {
	stored := *w
	if stored.CreatedAt.IsZero() {
		stored.CreatedAt = s.stampNow()
	}
	if stored.UpdatedAt.IsZero() {
		stored.UpdatedAt = stored.CreatedAt
	}
	stored.Version, stored.Active, stored.Document.Active = 1, false, false
	p, err := partsOf(&stored.Document)
	if err != nil {
		return err
	}
	err = s.do(ctx, "create the workflow", user(w.OwnerID), func(b *pgx.Batch) {
		b.Queue(`INSERT INTO workflows (id, owner_id, version, active, created_at, updated_at, tags, search, static_data)
			VALUES ($1, $2, 1, false, $3, $4, $5, $6, $7)`, w.ID, w.OwnerID, at(stored.CreatedAt), at(stored.UpdatedAt), p.tags, p.search, p.static)
		b.Queue(insertVersion, w.ID, w.OwnerID, 1, at(stored.UpdatedAt), p.document)
	})
	if violates(err) {
		return workflow.Errorf(workflow.CodeConflict, "There is a workflow with the id %q already.", w.ID)
	}
	if err == nil {
		*w = stored
	}
	return err
}

// Workflow returns the owner's workflow in its newest version.
func (s *Store) Workflow(ctx context.Context, owner, id string) (w *workflow.Workflow, err error) {
	err = s.do(ctx, "read the workflow", user(owner), func(b *pgx.Batch) {
		one(b.Queue(`SELECT `+workflowColumns+fromWorkflows+` WHERE w.id = $1 AND w.owner_id = $2`, id, owner), &w, func(row pgx.Row) (*workflow.Workflow, error) {
			w, err := scanWorkflow(row)
			return w, orNotFound(err, "workflow", id)
		})
	})
	if err != nil {
		return nil, err
	}
	return w, nil
}

// WorkflowVersion returns the document as it was saved under version.
// UpdatedAt is when it was saved; Active is the workflow's of today.
func (s *Store) WorkflowVersion(ctx context.Context, owner, id string, version int) (*workflow.Workflow, error) {
	var w workflow.Workflow
	err := s.do(ctx, "read the workflow's version", user(owner), func(b *pgx.Batch) {
		b.Queue(`SELECT w.id, w.owner_id, v.version, w.active, w.created_at, v.saved_at, v.document
			FROM workflows w JOIN workflow_versions v ON v.workflow_id = w.id WHERE w.id = $1 AND w.owner_id = $2 AND v.version = $3`,
			id, owner, version).QueryRow(func(row pgx.Row) error {
			w = workflow.Workflow{}
			err := row.Scan(&w.ID, &w.OwnerID, &w.Version, &w.Active, stamp{&w.CreatedAt}, stamp{&w.UpdatedAt}, jsonInto{&w.Document})
			return orNotFound(err, "such version of workflow", id)
		})
	})
	if err != nil {
		return nil, err
	}
	return &w, nil
}

// UpdateWorkflow saves w's document as the next version and sets w's Version,
// UpdatedAt, CreatedAt and Active to what is stored. A document without
// static data leaves the stored data as it is.
func (s *Store) UpdateWorkflow(ctx context.Context, w *workflow.Workflow, ifVersion int) error {
	var stored workflow.Workflow
	err := s.tx(ctx, "save the workflow", user(w.OwnerID), func(b *pgx.Batch) {
		stored = *w
		// No lock against those who only refer to the workflow, new executions above all.
		b.Queue(`SELECT version, active, created_at FROM workflows WHERE id = $1 AND owner_id = $2 FOR NO KEY UPDATE`, w.ID, w.OwnerID).
			QueryRow(func(row pgx.Row) error {
				return orNotFound(row.Scan(&stored.Version, &stored.Active, stamp{&stored.CreatedAt}), "workflow", w.ID)
			})
	}, func(b *pgx.Batch) error {
		if ifVersion > 0 && ifVersion != stored.Version {
			return changedMeanwhile(ifVersion, stored.Version)
		}
		stored.Version++
		stored.UpdatedAt, stored.Document.Active = s.stampNow(), stored.Active
		return queueSave(b, &stored)
	})
	if err == nil {
		*w = stored
	}
	return err
}

// UpdateArmed saves w and arms hooks, if it is active, in one transaction. The
// hooks are put in place first, so that their clash is known in time.
func (s *Store) UpdateArmed(ctx context.Context, w *workflow.Workflow, ifVersion int, hooks []workflow.WebhookTrigger) error {
	if err := checkPaths(hooks); err != nil {
		return err
	}
	rows := hookRowsOf(hooks)
	var stored workflow.Workflow
	var armed []place
	err := s.tx(ctx, "save the workflow", user(w.OwnerID), func(b *pgx.Batch) {
		stored = *w
		b.Queue(`SELECT version, active, created_at FROM workflows WHERE id = $1 AND owner_id = $2 FOR NO KEY UPDATE`, w.ID, w.OwnerID).
			QueryRow(func(row pgx.Row) error {
				return orNotFound(row.Scan(&stored.Version, &stored.Active, stamp{&stored.CreatedAt}), "workflow", w.ID)
			})
		b.Queue(`DELETE FROM webhooks h USING workflows w WHERE h.workflow_id = $1 AND h.owner_id = $2 AND w.id = h.workflow_id AND w.active`, w.ID, w.OwnerID)
		rows.queue(b, w.OwnerID, w.ID, true, &armed)
	}, func(b *pgx.Batch) error {
		if ifVersion > 0 && ifVersion != stored.Version {
			return changedMeanwhile(ifVersion, stored.Version)
		}
		if stored.Active {
			if err := rows.clash(armed); err != nil {
				return err
			}
		}
		stored.Version++
		stored.UpdatedAt, stored.Document.Active = s.stampNow(), stored.Active
		return queueSave(b, &stored)
	})
	if err == nil {
		*w = stored
	}
	return err
}

// ListVersions returns versions below before, newest first.
func (s *Store) ListVersions(ctx context.Context, owner, id string, before, limit int) (list []*workflow.Workflow, err error) {
	err = s.do(ctx, "list the workflow's versions", user(owner), func(b *pgx.Batch) {
		all(b.Queue(`SELECT w.id, w.owner_id, v.version, w.active, w.created_at, v.saved_at, v.document
			FROM workflows w JOIN workflow_versions v ON v.workflow_id = w.id
			WHERE w.id = $1 AND w.owner_id = $2 AND ($3 = 0 OR v.version < $3) ORDER BY v.version DESC LIMIT $4`, id, owner, before, limit),
			&list, func(row pgx.Row) (*workflow.Workflow, error) {
				var w workflow.Workflow
				err := row.Scan(&w.ID, &w.OwnerID, &w.Version, &w.Active, stamp{&w.CreatedAt}, stamp{&w.UpdatedAt}, jsonInto{&w.Document})
				return &w, err
			})
	})
	return list, err
}

func queueSave(b *pgx.Batch, w *workflow.Workflow) error {
	p, err := partsOf(&w.Document)
	if err != nil {
		return err
	}
	b.Queue(`UPDATE workflows SET version = $1, updated_at = $2, tags = $3, search = $4, static_data = coalesce($5, static_data) WHERE id = $6 AND owner_id = $7`,
		w.Version, at(w.UpdatedAt), p.tags, p.search, p.static, w.ID, w.OwnerID)
	b.Queue(insertVersion, w.ID, w.OwnerID, w.Version, at(w.UpdatedAt), p.document)
	return nil
}

func changedMeanwhile(wanted, stored int) error {
	e := workflow.Errorf(workflow.CodeConflict,
		"The workflow was changed meanwhile: it is at version %d, not %d. Read it again and repeat the change.", stored, wanted)
	e.Details = map[string]any{"version": stored}
	return e
}

// SetStaticData stores data; it is no save and makes no version.
func (s *Store) SetStaticData(ctx context.Context, owner, id string, data *workflow.Object) error {
	static, err := jsonOf(data)
	if err != nil {
		return err
	}
	var n int64
	err = s.do(ctx, "store static data", user(owner), func(b *pgx.Batch) {
		affected(b.Queue(`UPDATE workflows SET static_data = $1 WHERE id = $2 AND owner_id = $3`, static, id, owner), &n)
	})
	if err == nil && n == 0 {
		return notFound("workflow", id)
	}
	return err
}

// DeleteWorkflow removes the workflow with its versions, hooks and
// executions. While executions are live it is CodeConflict. The row's lock
// keeps new executions out, since they refer to it.
func (s *Store) DeleteWorkflow(ctx context.Context, owner, id string) error {
	var live int
	var deleted int64
	err := s.do(ctx, "delete the workflow", user(owner), func(b *pgx.Batch) {
		const isLive = ` FROM executions WHERE workflow_id = $1 AND owner_id = $2 AND status IN ('queued', 'running', 'waiting')`
		b.Queue(`SELECT FROM workflows WHERE id = $1 AND owner_id = $2 FOR UPDATE`, id, owner)
		one(b.Queue(`SELECT count(*)`+isLive, id, owner), &live, scanInt)
		affected(b.Queue(`DELETE FROM workflows WHERE id = $1 AND owner_id = $2 AND NOT EXISTS (SELECT`+isLive+`)`, id, owner), &deleted)
	})
	if err != nil || deleted > 0 {
		return err
	}
	if live > 0 {
		e := workflow.Errorf(workflow.CodeConflict,
			"The workflow has %d executions that are not finished. Cancel them or wait for them, then delete it.", live)
		e.Details = map[string]any{"live_executions": live}
		return e
	}
	return notFound("workflow", id)
}
