package sqlite

import (
	"context"

	"flowgate/store"
)

const fileColumns = `id, owner_id, name, mime_type, size, sha256, created_at`

var _ store.Files = (*Store)(nil)

func scanFile(row scanner) (*store.File, error) {
	var f store.File
	err := row.Scan(&f.ID, &f.OwnerID, &f.Name, &f.MimeType, &f.Size, &f.SHA256, stamp{&f.CreatedAt})
	return &f, err
}

// CreateFile stores f within the quota; CreatedAt is now when it is zero.
func (s *Store) CreateFile(ctx context.Context, f *store.File, quota store.FileQuota) error {
	if err := f.Check(); err != nil {
		return err
	}
	if f.CreatedAt.IsZero() {
		f.CreatedAt = s.stampNow()
	}
	res, err := s.write.ExecContext(ctx, `INSERT INTO files (`+fileColumns+`)
		SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 FROM (SELECT count(*) AS n, coalesce(sum(size), 0) AS bytes FROM files WHERE owner_id = ?2)
		WHERE (?8 <= 0 OR bytes + ?5 <= ?8) AND (?9 <= 0 OR n < ?9)`,
		f.ID, f.OwnerID, f.Name, f.MimeType, f.Size, f.SHA256, micros(f.CreatedAt), quota.Bytes, quota.Count)
	if err != nil {
		return fail("store the file", err)
	}
	if n, err := res.RowsAffected(); err != nil || n > 0 {
		return err
	}
	return quota.Exceeded()
}

// File returns the owner's file with that id.
func (s *Store) File(ctx context.Context, owner, id string) (*store.File, error) {
	f, err := scanFile(s.read.QueryRowContext(ctx, `SELECT `+fileColumns+` FROM files WHERE id = ? AND owner_id = ?`, id, owner))
	if err != nil {
		return nil, orNotFound(err, "read the file", "file", id)
	}
	return f, nil
}

// ListFiles returns the owner's files, newest first.
func (s *Store) ListFiles(ctx context.Context, owner, query string, page store.Page) ([]*store.File, string, error) {
	var w where
	w.and("owner_id = ?", owner)
	if query != "" {
		w.and("instr(lower(name), lower(?)) > 0", query)
	}
	if err := w.after(store.ListOfFiles, page, "created_at"); err != nil {
		return nil, "", err
	}
	list, err := collect(ctx, s.read, scanFile, `SELECT `+fileColumns+` FROM files`+w.String()+page.Order("created_at", "id")+` LIMIT ?`,
		append(w.args, page.Size()+1)...)
	if err != nil {
		return nil, "", fail("list files", err)
	}
	list, next := store.Trim(page.Of(store.ListOfFiles), list, page.Size(), func(f *store.File) store.Cursor {
		return store.Cursor{At: f.CreatedAt, ID: f.ID}
	})
	return list, next, nil
}

// DeleteFile forgets the owner's file.
func (s *Store) DeleteFile(ctx context.Context, owner, id string) error {
	res, err := s.write.ExecContext(ctx, `DELETE FROM files WHERE id = ? AND owner_id = ?`, id, owner)
	if err != nil {
		return fail("delete the file", err)
	}
	return touched(res, "file", id)
}

// FileUsage returns how much the owner keeps.
func (s *Store) FileUsage(ctx context.Context, owner string) (u store.FileUsage, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT count(*), coalesce(sum(size), 0) FROM files WHERE owner_id = ?`, owner).Scan(&u.Count, &u.Bytes)
	return u, fail("count the files", err)
}

// KnownContents returns which of ids are those of files or executions.
func (s *Store) KnownContents(ctx context.Context, ids []string) ([]string, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	list, err := jsonText(ids)
	if err != nil {
		return nil, err
	}
	known, err := collect(ctx, s.read, scanString, `SELECT id FROM files WHERE id IN (SELECT value FROM json_each(?1))
		UNION SELECT id FROM executions WHERE id IN (SELECT value FROM json_each(?1))`, list)
	return known, fail("look for files and executions", err)
}
