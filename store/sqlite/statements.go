package sqlite

import (
	"context"
	"database/sql"
)

// statements are the prepared ones of hot paths. The rest is parsed at each
// use.
type statements struct {
	// on the writing handle
	createExecution *sql.Stmt
	progressState   *sql.Stmt
	insertChunk     *sql.Stmt
	saveExecution   *sql.Stmt

	// on the reading handle
	execution       *sql.Stmt
	executionByID   *sql.Stmt
	executionNumber *sql.Stmt
	anyQueued       *sql.Stmt
	cancelRequested *sql.Stmt
	workflow        *sql.Stmt
	workflowVersion *sql.Stmt
	webhookExact    *sql.Stmt
	webhookPattern  *sql.Stmt
	key             *sql.Stmt
}

// prepare fills in all statements. Closing the handles closes them.
func (p *statements) prepare(ctx context.Context, write, read *sql.DB) error {
	for _, s := range []struct {
		to    **sql.Stmt
		db    *sql.DB
		query string
	}{
		{&p.createExecution, write, createExecution},
		{&p.progressState, write, progressState},
		{&p.insertChunk, write, insertChunk},
		{&p.saveExecution, write, saveExecution},
		{&p.execution, read, `SELECT ` + executionColumns + ` FROM executions WHERE id = ? AND owner_id = ?`},
		{&p.executionByID, read, `SELECT ` + executionColumns + ` FROM executions WHERE id = ?`},
		{&p.executionNumber, read, `SELECT n FROM executions WHERE id = ? AND owner_id = ?`},
		{&p.anyQueued, read, `SELECT EXISTS (SELECT 1 FROM executions WHERE status = 'queued')`},
		{&p.cancelRequested, read, `SELECT id FROM executions WHERE id IN (SELECT value FROM json_each(?)) AND cancel_requested`},
		{&p.workflow, read, workflowUnless},
		{&p.workflowVersion, read, `SELECT w.id, w.owner_id, v.version, w.active, w.created_at, v.saved_at, v.document
			FROM workflows w JOIN workflow_versions v ON v.workflow_id = w.id WHERE w.id = ? AND w.owner_id = ? AND v.version = ?`},
		{&p.webhookExact, read, `SELECT ` + hookColumns + ` FROM webhooks WHERE shape = ? AND parameters = 0`},
		{&p.webhookPattern, read, `SELECT ` + hookColumns + ` FROM webhooks WHERE shape IN (SELECT value FROM json_each(?)) AND parameters > 0`},
		{&p.key, read, `SELECT ` + keyColumns + ` FROM api_keys WHERE id = ?`},
	} {
		stmt, err := s.db.PrepareContext(ctx, s.query) //nolint:sqlclosecheck // Close closes them all
		if err != nil {
			return err
		}
		*s.to = stmt
	}
	return nil
}
