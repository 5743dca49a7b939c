package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"strings"

	"flowgate/internal/workflow"
)

// A workflow's document is stored once, as its newest version; static data
// and the active flag, which change without a save, are columns beside it.
const workflowColumns = `w.id, w.owner_id, w.version, w.active, w.created_at, w.updated_at, w.static_data, v.document`

const fromWorkflows = ` FROM workflows w JOIN workflow_versions v ON v.workflow_id = w.id AND v.version = w.version`

// workflowUnless leaves the document out when it is of the version ?3.
const workflowUnless = `SELECT w.id, w.owner_id, w.version, w.active, w.created_at, w.updated_at, w.static_data,
	CASE w.version WHEN ?3 THEN NULL ELSE (SELECT v.document FROM workflow_versions v WHERE v.workflow_id = w.id AND v.version = w.version) END
	FROM workflows w WHERE w.id = ?1 AND w.owner_id = ?2`

func scanWorkflowAnd(row scanner, more ...any) (*workflow.Workflow, error) {
	var w workflow.Workflow
	var static *workflow.Object
	err := row.Scan(append([]any{&w.ID, &w.OwnerID, &w.Version, &w.Active, stamp{&w.CreatedAt}, stamp{&w.UpdatedAt},
		jsonInto{&static}, jsonInto{&w.Document}}, more...)...)
	w.Document.StaticData, w.Document.Active = static, w.Active
	return &w, err
}

// CreateWorkflow stores w as version 1. CreatedAt is now when it is zero. A
// new workflow is inactive, whatever w says; w is made to say so too.
func (s *Store) CreateWorkflow(ctx context.Context, w *workflow.Workflow) error {
	return s.tx(ctx, "create the workflow", func(ctx context.Context, tx *sql.Tx) error {
		stored := *w
		if stored.CreatedAt.IsZero() {
			stored.CreatedAt = s.stampNow()
		}
		if stored.UpdatedAt.IsZero() {
			stored.UpdatedAt = stored.CreatedAt
		}
		stored.Version, stored.Active, stored.Document.Active = 1, false, false
		tags, static, err := workflowParts(&stored)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx,
			`INSERT INTO workflows (id, owner_id, version, active, created_at, updated_at, tags, search, static_data)
			VALUES (?, ?, 1, 0, ?, ?, ?, ?, ?)`,
			w.ID, w.OwnerID, micros(stored.CreatedAt), micros(stored.UpdatedAt), tags, searchText(&w.Document), static)
		if isConstraint(err) {
			return workflow.Errorf(workflow.CodeConflict, "There is a workflow with the id %q already.", w.ID)
		}
		if err == nil {
			err = insertVersion(ctx, tx, &stored)
		}
		if err == nil {
			*w = stored
		}
		return err
	})
}

// Workflow returns the owner's workflow in its newest version.
func (s *Store) Workflow(ctx context.Context, owner, id string) (*workflow.Workflow, error) {
	w, whole, err := s.readWorkflow(ctx, owner, id, s.docs.version(id))
	if err == nil && !whole {
		w, _, err = s.readWorkflow(ctx, owner, id, 0)
	}
	if err != nil {
		return nil, orNotFound(err, "read the workflow", "workflow", id)
	}
	return w, nil
}

// readWorkflow reads a workflow, its document only when it is not of the known
// version; whole says that it could be had.
func (s *Store) readWorkflow(ctx context.Context, owner, id string, known int) (w *workflow.Workflow, whole bool, err error) {
	rows, err := s.hot.workflow.QueryContext(ctx, id, owner, known)
	if err != nil {
		return nil, false, err
	}
	defer rows.Close()
	if !rows.Next() {
		return nil, false, cmp.Or(rows.Err(), sql.ErrNoRows)
	}
	w = &workflow.Workflow{}
	var static *workflow.Object
	var document sql.RawBytes
	if err := rows.Scan(&w.ID, &w.OwnerID, &w.Version, &w.Active, stamp{&w.CreatedAt}, stamp{&w.UpdatedAt}, jsonInto{&static}, &document); err != nil {
		return nil, false, err
	}
	if whole, err = s.docs.decode(w, document); err != nil {
		return nil, false, err
	}
	w.Document.StaticData, w.Document.Active = static, w.Active
	return w, whole, rows.Err()
}

// UpdateWorkflow saves w's document as the next version and sets w's Version,
// UpdatedAt, CreatedAt and Active to what is stored. A document without
// static data leaves the stored data as it is.
func (s *Store) UpdateWorkflow(ctx context.Context, w *workflow.Workflow, ifVersion int) error {
	return s.tx(ctx, "save the workflow", func(ctx context.Context, tx *sql.Tx) error {
		stored, err := s.saveVersion(ctx, tx, w, ifVersion)
		if err == nil {
			*w = *stored
		}
		return err
	})
}

// UpdateArmed saves w and arms hooks, if it is active, in one transaction.
func (s *Store) UpdateArmed(ctx context.Context, w *workflow.Workflow, ifVersion int, hooks []workflow.WebhookTrigger) error {
	if err := checkHooks(hooks); err != nil {
		return err
	}
	return s.tx(ctx, "save the workflow", func(ctx context.Context, tx *sql.Tx) error {
		stored, err := s.saveVersion(ctx, tx, w, ifVersion)
		if err == nil && stored.Active {
			err = replaceHooks(ctx, tx, w.OwnerID, w.ID, hooks)
		}
		if err == nil {
			*w = *stored
		}
		return err
	})
}

// saveVersion writes w as the next version and returns what is stored then.
func (s *Store) saveVersion(ctx context.Context, tx *sql.Tx, w *workflow.Workflow, ifVersion int) (*workflow.Workflow, error) {
	stored := *w
	err := tx.QueryRowContext(ctx, `SELECT version, active, created_at FROM workflows WHERE id = ? AND owner_id = ?`, w.ID, w.OwnerID).
		Scan(&stored.Version, &stored.Active, stamp{&stored.CreatedAt})
	if err != nil {
		return nil, orNotFound(err, "save the workflow", "workflow", w.ID)
	}
	if ifVersion > 0 && ifVersion != stored.Version {
		return nil, changedMeanwhile(ifVersion, stored.Version)
	}
	stored.Version++
	stored.UpdatedAt, stored.Document.Active = s.stampNow(), stored.Active
	tags, static, err := workflowParts(&stored)
	if err != nil {
		return nil, err
	}
	_, err = tx.ExecContext(ctx,
		`UPDATE workflows SET version = ?, updated_at = ?, tags = ?, search = ?, static_data = coalesce(?, static_data) WHERE id = ?`,
		stored.Version, micros(stored.UpdatedAt), tags, searchText(&w.Document), static, w.ID)
	if err != nil {
		return nil, err
	}
	return &stored, insertVersion(ctx, tx, &stored)
}

func changedMeanwhile(wanted, stored int) error {
	e := workflow.Errorf(workflow.CodeConflict,
		"The workflow was changed meanwhile: it is at version %d, not %d. Read it again and repeat the change.", stored, wanted)
	e.Details = map[string]any{"version": stored}
	return e
}

// insertVersion stores w's document as it is saved now.
func insertVersion(ctx context.Context, tx *sql.Tx, w *workflow.Workflow) error {
	document, err := workflow.AppendJSON(nil, w.Document)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO workflow_versions (workflow_id, version, saved_at, document) VALUES (?, ?, ?, ?)`,
		w.ID, w.Version, micros(w.UpdatedAt), document)
	return err
}

func workflowParts(w *workflow.Workflow) (tags string, static any, err error) {
	if tags, err = jsonText(w.Document.Tags); err != nil {
		return "", nil, err
	}
	static, err = jsonBlob(w.Document.StaticData)
	return tags, static, err
}

// searchText is what a query is looked for in. SQLite itself folds ASCII only.
func searchText(d *workflow.Document) string { return strings.ToLower(d.Name + "\n" + d.Description) }

// SetStaticData stores data; it is no save and makes no version.
func (s *Store) SetStaticData(ctx context.Context, owner, id string, data *workflow.Object) error {
	static, err := jsonBlob(data)
	if err != nil {
		return err
	}
	res, err := s.write.ExecContext(ctx, `UPDATE workflows SET static_data = ? WHERE id = ? AND owner_id = ?`, static, id, owner)
	if err != nil {
		return fail("store static data", err)
	}
	return touched(res, "workflow", id)
}
