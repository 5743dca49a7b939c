package disk

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"flowgate/store"
)

// listBatch is how many ids List tells at a time.
const listBatch = 500

// List calls fn with the ids of what was kept before t. Parts that nobody
// writes any more are removed on the way.
func (f *Folder) List(ctx context.Context, t time.Time, fn func(ids []string) error) error {
	l := &lister{before: t, fn: fn}
	if err := l.walk(ctx, f.path, ""); err != nil {
		return err
	}
	return l.tell()
}

type lister struct {
	before time.Time
	fn     func(ids []string) error
	ids    []string
}

// walk lists a folder. Names directly below the folder of all are of no
// meaning; below them are files, and folders of executions.
func (l *lister) walk(ctx context.Context, folder, within string) error {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) { // deleted meanwhile
		return nil
	}
	if err != nil {
		return unavailable(err)
	}
	for _, e := range entries {
		if err := errors.Join(ctx.Err(), l.entry(ctx, folder, within, e)); err != nil {
			return err
		}
	}
	return nil
}

func (l *lister) entry(ctx context.Context, folder, within string, e os.DirEntry) error {
	path := filepath.Join(folder, e.Name())
	switch {
	case strings.HasPrefix(e.Name(), partial):
		dropStale(path)
		return nil
	case strings.HasPrefix(e.Name(), "."):
		return nil
	case e.IsDir() && len(e.Name()) == 2 && within == "":
		return l.walk(ctx, path, "")
	case e.IsDir():
		return l.walk(ctx, path, e.Name())
	}
	info, err := e.Info()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return unavailable(err)
	}
	if !info.ModTime().Before(l.before) {
		return nil
	}
	id := e.Name()
	if within != "" {
		id = store.ExecutionContent(within, id)
	}
	if l.ids = append(l.ids, id); len(l.ids) < listBatch {
		return nil
	}
	return l.tell()
}

func (l *lister) tell() error {
	if len(l.ids) == 0 {
		return nil
	}
	ids := l.ids
	l.ids = nil
	return l.fn(ids)
}

// markName is the file that says whose the folder is.
const markName = ".database"

// Mark returns what SetMark wrote, "" when it did not.
func (f *Folder) Mark(context.Context) (string, error) {
	data, err := os.ReadFile(filepath.Join(f.path, markName))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", unavailable(err)
	}
	return string(data), nil
}

// SetMark says whose the folder is.
func (f *Folder) SetMark(_ context.Context, mark string) error {
	tmp, err := os.CreateTemp(f.path, partial+"*")
	if err != nil {
		return unavailable(err)
	}
	defer os.Remove(tmp.Name()) // gone already when it was kept
	_, err = tmp.WriteString(mark)
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), filepath.Join(f.path, markName))
	}
	if err != nil {
		return unavailable(err)
	}
	return nil
}
