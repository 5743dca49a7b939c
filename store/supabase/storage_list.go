package supabase

import (
	"context"
	"io"
	"net/http"
	"path"
	"strings"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store"
	"flowgate/store/internal/content"
)

// listed is an object or, without an id, a folder.
type listed struct {
	ID        *string `json:"id"`
	Name      string  `json:"name"`
	CreatedAt stamp   `json:"created_at"`
}

// stamp is a time as JSON has it, or as PostgreSQL prints it.
type stamp struct{ time.Time }

func (s *stamp) UnmarshalJSON(data []byte) (err error) {
	text := strings.Trim(string(data), `"`)
	if text == "null" {
		return nil
	}
	if s.Time, err = time.Parse(time.RFC3339, text); err != nil {
		s.Time, err = time.Parse("2006-01-02 15:04:05.999999Z07", text)
	}
	return err
}

const listSize = 500

// List calls fn with the ids of what was kept before t, some at a time, in no
// order. Each folder is read to its end first, since what fn deletes moves the
// pages behind it.
func (s *Storage) List(ctx context.Context, t time.Time, fn func(ids []string) error) error {
	return s.walk(ctx, "", func(names []listed) error {
		var ids []string
		for _, e := range names {
			if e.CreatedAt.Before(t) && e.Name != markName {
				ids = append(ids, idOf(e.Name))
			}
		}
		if len(ids) == 0 {
			return nil
		}
		return fn(ids)
	})
}

// DeleteOf removes all contents of an execution.
func (s *Storage) DeleteOf(ctx context.Context, execution string) error {
	folder, err := content.Name(execution)
	if err != nil {
		return err
	}
	return s.walk(ctx, folder, func(objects []listed) error {
		names := make([]string, 0, len(objects))
		for _, e := range objects {
			names = append(names, e.Name)
		}
		return s.remove(ctx, names...)
	})
}

// walk calls fn with the objects in a folder, and in those in it, a page at a time.
func (s *Storage) walk(ctx context.Context, folder string, fn func(objects []listed) error) error {
	all, err := s.entries(ctx, folder)
	if err != nil {
		return err
	}
	var objects []listed
	for _, e := range all {
		if e.ID != nil {
			objects = append(objects, e)
		} else if err := s.walk(ctx, e.Name, fn); err != nil {
			return err
		}
	}
	for len(objects) > 0 {
		n := min(len(objects), listSize)
		if err := fn(objects[:n]); err != nil {
			return err
		}
		objects = objects[n:]
	}
	return nil
}

// entries returns what is in a folder, its folders included, by whole names.
// Some servers list what is in those instead, by whole names.
func (s *Storage) entries(ctx context.Context, folder string) ([]listed, error) {
	var all []listed
	for {
		var page []listed
		err := s.ask(ctx, http.MethodPost, "object/list/"+s.bucket, map[string]any{"prefix": folder, "limit": listSize, "offset": len(all),
			"sortBy": map[string]string{"column": "name", "order": "asc"}}, &page)
		if missing(err) { // the first file makes the bucket
			return nil, nil
		}
		if err != nil {
			return nil, failStorage("list the files", err)
		}
		for _, e := range page {
			if !strings.HasPrefix(e.Name, folder+"/") {
				e.Name = path.Join(folder, e.Name)
			}
			all = append(all, e)
		}
		if len(page) < listSize {
			return all, nil
		}
	}
}

// idOf is whose content has that name.
func idOf(name string) string {
	folder, last := path.Split(name)
	if execution := path.Base(folder); strings.Contains(strings.TrimSuffix(folder, "/"), "/") {
		return store.ExecutionContent(execution, last)
	}
	return last
}

// markName is the object that says whose the bucket is.
const markName = ".database"

// Mark returns what SetMark wrote, "" when it did not.
func (s *Storage) Mark(ctx context.Context) (string, error) {
	if err := s.Prepare(ctx); err != nil {
		return "", err
	}
	o, err := s.open(ctx, markName, markName)
	if workflow.CodeOf(err) == workflow.CodeNotFound {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer o.Close()
	mark, err := io.ReadAll(io.LimitReader(o, small))
	return string(mark), err
}

// SetMark says whose the bucket is.
func (s *Storage) SetMark(ctx context.Context, mark string) error {
	if err := s.Prepare(ctx); err != nil {
		return err
	}
	_, err := s.upload(ctx, markName, strings.NewReader(mark), int64(len(mark)), small)
	return err
}
