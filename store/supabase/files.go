package supabase

import (
	"context"
	"time"

	"flowgate/store"
)

// Files are made and deleted directly, beside their content: over REST anybody
// could announce what is not there.

// fileRow is what is known of a file as the functions give it.
type fileRow struct {
	ID        string    `json:"id"`
	OwnerID   string    `json:"owner_id"`
	Name      string    `json:"name"`
	MimeType  string    `json:"mime_type"`
	Size      int64     `json:"size"`
	SHA256    string    `json:"sha256"`
	CreatedAt time.Time `json:"created_at"`
}

func (r *fileRow) file() (*store.File, error) {
	return &store.File{ID: r.ID, OwnerID: r.OwnerID, Name: r.Name, MimeType: r.MimeType, Size: r.Size, SHA256: r.SHA256, CreatedAt: r.CreatedAt.UTC()}, nil
}

// File returns the owner's file with that id.
func (s *Store) File(ctx context.Context, owner, id string) (*store.File, error) {
	as := s.as(ctx, owner)
	if as == nil {
		return s.Direct.File(ctx, owner, id)
	}
	var out struct{ Row *fileRow }
	if err := s.read(ctx, as, "read the file", "file", map[string]any{"id": id}, &out); err != nil {
		return nil, err
	}
	if out.Row == nil {
		return nil, notFound("file", id)
	}
	return out.Row.file()
}

// ListFiles returns the owner's files, newest first.
func (s *Store) ListFiles(ctx context.Context, owner, query string, page store.Page) ([]*store.File, string, error) {
	as := s.asForList(ctx, owner, page, false)
	if as == nil {
		return s.Direct.ListFiles(ctx, owner, query, page)
	}
	args, err := pageArgs(store.ListOfFiles, page)
	if err != nil {
		return nil, "", err
	}
	if query != "" {
		args["query"] = query
	}
	var out struct{ Rows []*fileRow }
	if err := s.read(ctx, as, "list files", "list_files", args, &out); err != nil {
		return nil, "", err
	}
	list, err := each(out.Rows, (*fileRow).file)
	if err != nil {
		return nil, "", err
	}
	list, next := store.Trim(store.ListOfFiles, list, page.Size(), func(f *store.File) store.Cursor { return store.Cursor{At: f.CreatedAt, ID: f.ID} })
	return list, next, nil
}

// FileUsage returns how much the owner keeps.
func (s *Store) FileUsage(ctx context.Context, owner string) (store.FileUsage, error) {
	as := s.as(ctx, owner)
	if as == nil {
		return s.Direct.FileUsage(ctx, owner)
	}
	var u store.FileUsage
	err := s.read(ctx, as, "count the files", "file_usage", map[string]any{}, &u)
	return u, err
}
