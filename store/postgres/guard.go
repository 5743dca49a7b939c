package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"flowgate/internal/workflow"
)

// asLogin acts as the log-in itself, who owns the schema.
var asLogin = actor{role: "none"}

// GuardFiles has the project's own policies keep everybody but its secret key
// from the bucket of users' files. CodeUnsupported where the database is not that
// of a project with Storage, CodeForbidden where this log-in may not.
func (s *Store) GuardFiles(ctx context.Context) error {
	var guarded *bool
	err := s.do(ctx, "guard the bucket of files", asLogin, func(b *pgx.Batch) {
		b.Queue(`SELECT guard_files()`).QueryRow(func(row pgx.Row) error { return row.Scan(&guarded) })
	})
	switch {
	case err != nil:
		return err
	case guarded == nil:
		return workflow.Errorf(workflow.CodeUnsupported, "The database has no Supabase Storage: see that DATABASE_URL is the database of the project of SUPABASE_URL, and that Storage is switched on there.")
	case !*guarded:
		return workflow.Errorf(workflow.CodeForbidden, "The database's log-in may not make policies on storage.objects and storage.buckets: use the project's own (postgres).")
	}
	return nil
}

// FilesGuarded reports, changing nothing, whether GuardFiles has been of effect.
func (m *Migrator) FilesGuarded(ctx context.Context) (guarded bool, err error) {
	err = m.db.QueryRowContext(ctx, `SELECT count(*) = 2 FROM pg_policies WHERE schemaname = 'storage' AND policyname = 'flowgate_files'`).Scan(&guarded)
	return guarded, fail("look for the policies of the bucket of files", err)
}
