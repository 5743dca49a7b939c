package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"flowgate/store"
)

const fileColumns = `id, owner_id, name, mime_type, size, sha256, created_at`

var _ store.Files = (*Store)(nil)

func scanFile(row pgx.Row) (*store.File, error) {
	var f store.File
	err := row.Scan(&f.ID, &f.OwnerID, &f.Name, &f.MimeType, &f.Size, &f.SHA256, stamp{&f.CreatedAt})
	return &f, err
}

// CreateFile stores f within the quota; CreatedAt is now when it is zero. An
// owner's files are counted one at a time.
func (s *Store) CreateFile(ctx context.Context, f *store.File, quota store.FileQuota) error {
	if err := f.Check(); err != nil {
		return err
	}
	if f.CreatedAt.IsZero() {
		f.CreatedAt = s.stampNow()
	}
	var n int64
	err := s.do(ctx, "store the file", user(f.OwnerID), func(b *pgx.Batch) {
		b.Queue(`SELECT pg_advisory_xact_lock(hashtextextended('flowgate files of ' || $1::text, 0))`, f.OwnerID)
		affected(b.Queue(`INSERT INTO files (`+fileColumns+`)
			SELECT $1::text, $2::text, $3::text, $4::text, $5::bigint, $6::text, $7::timestamptz
			FROM (SELECT count(*) AS n, coalesce(sum(size), 0) AS bytes FROM files WHERE owner_id = $2::text) AS used
			WHERE ($8::bigint <= 0 OR bytes + $5::bigint <= $8::bigint) AND ($9::bigint <= 0 OR n < $9::bigint)`,
			f.ID, f.OwnerID, f.Name, f.MimeType, f.Size, f.SHA256, at(f.CreatedAt), quota.Bytes, quota.Count), &n)
	})
	if err == nil && n == 0 {
		return quota.Exceeded()
	}
	return err
}

// File returns the owner's file with that id.
func (s *Store) File(ctx context.Context, owner, id string) (f *store.File, err error) {
	err = s.do(ctx, "read the file", user(owner), func(b *pgx.Batch) {
		one(b.Queue(`SELECT `+fileColumns+` FROM files WHERE id = $1 AND owner_id = $2`, id, owner), &f, func(row pgx.Row) (*store.File, error) {
			f, err := scanFile(row)
			return f, orNotFound(err, "file", id)
		})
	})
	if err != nil {
		return nil, err
	}
	return f, nil
}

// ListFiles returns the owner's files, newest first.
func (s *Store) ListFiles(ctx context.Context, owner, query string, page store.Page) ([]*store.File, string, error) {
	var w where
	w.and("owner_id = ?", owner)
	if query != "" {
		w.and("strpos(lower(name), lower(?)) > 0", query)
	}
	if err := w.after(store.ListOfFiles, page, "", "created_at"); err != nil {
		return nil, "", err
	}
	var list []*store.File
	q := `SELECT ` + fileColumns + ` FROM files` + w.String() + page.Order("created_at", "id") + ` LIMIT ` + w.arg(page.Size()+1)
	err := s.do(ctx, "list files", user(owner), func(b *pgx.Batch) { all(b.Queue(q, w.args...), &list, scanFile) })
	if err != nil {
		return nil, "", err
	}
	list, next := store.Trim(page.Of(store.ListOfFiles), list, page.Size(), func(f *store.File) store.Cursor {
		return store.Cursor{At: f.CreatedAt, ID: f.ID}
	})
	return list, next, nil
}

// DeleteFile forgets the owner's file.
func (s *Store) DeleteFile(ctx context.Context, owner, id string) error {
	var n int64
	err := s.do(ctx, "delete the file", user(owner), func(b *pgx.Batch) {
		affected(b.Queue(`DELETE FROM files WHERE id = $1 AND owner_id = $2`, id, owner), &n)
	})
	if err == nil && n == 0 {
		return notFound("file", id)
	}
	return err
}

// FileUsage returns how much the owner keeps.
func (s *Store) FileUsage(ctx context.Context, owner string) (u store.FileUsage, err error) {
	err = s.do(ctx, "count the files", user(owner), func(b *pgx.Batch) {
		one(b.Queue(`SELECT count(*), coalesce(sum(size), 0)::bigint FROM files WHERE owner_id = $1`, owner), &u, func(row pgx.Row) (u store.FileUsage, err error) {
			err = row.Scan(&u.Count, &u.Bytes)
			return u, err
		})
	})
	return u, err
}

// KnownContents returns which of ids are those of files or executions.
func (s *Store) KnownContents(ctx context.Context, ids []string) (known []string, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	err = s.do(ctx, "look for files and executions", asEngine, func(b *pgx.Batch) {
		all(b.Queue(`SELECT id FROM files WHERE id = ANY ($1) UNION SELECT id FROM executions WHERE id = ANY ($1)`, ids), &known, scanString)
	})
	return known, err
}
