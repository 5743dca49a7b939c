// Package disk keeps the content of files in a folder of this machine. Any
// number of processes may share it.
package disk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store"
	"flowgate/store/internal/content"
)

const (
	partial   = ".part-"
	staleTime = 24 * time.Hour // of a part that nobody writes any more
)

// Folder is a folder of contents. Safe for concurrent use.
type Folder struct{ path string }

var _ store.Contents = (*Folder)(nil)

// Open returns the folder at path, making it when it is not there, for its
// owner only. What a process that died left half written is removed.
func Open(path string) (*Folder, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of files: %w", err)
	}
	parts, err := filepath.Glob(filepath.Join(path, partial+"*"))
	if err != nil {
		return nil, err
	}
	for _, p := range parts {
		dropStale(p)
	}
	return &Folder{path: path}, nil
}

func dropStale(part string) {
	if info, err := os.Stat(part); err == nil && time.Since(info.ModTime()) > staleTime {
		_ = os.Remove(part) // another process may have been faster
	}
}

// Write keeps all of r under id.
func (f *Folder) Write(ctx context.Context, id string, r io.Reader, most int64) (out store.Written, err error) {
	path, err := f.pathOf(id)
	if err != nil {
		return out, err
	}
	tmp, err := os.CreateTemp(f.path, partial+"*")
	if err != nil {
		return out, unavailable(err)
	}
	defer func() {
		_ = tmp.Close()
		_ = os.Remove(tmp.Name()) // gone already when it was kept
	}()
	if out, err = content.Copy(ctx, toDisk{tmp}, r, most); err != nil {
		return store.Written{}, err
	}
	if err := errors.Join(tmp.Sync(), tmp.Close()); err != nil {
		return store.Written{}, unavailable(err)
	}
	now := time.Now() // the last byte may have come long ago
	if err := errors.Join(os.Chtimes(tmp.Name(), now, now), f.keep(tmp.Name(), path)); err != nil {
		return store.Written{}, unavailable(err)
	}
	return out, nil
}

// keep moves a file to its place, for good. The folder of an execution may be
// taken away meanwhile, when its last content is deleted.
func (f *Folder) keep(from, path string) error {
	folder := filepath.Dir(path)
	for range 3 {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return err
		}
		err := os.Rename(from, path)
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	for ; folder != f.path; folder = filepath.Dir(folder) {
		if err := syncFolder(folder); err != nil {
			return err
		}
	}
	return syncFolder(f.path)
}

// toDisk tells a full disk from a reader that fails.
type toDisk struct{ io.Writer }

func (d toDisk) Write(p []byte) (int, error) {
	n, err := d.Writer.Write(p)
	if err != nil {
		err = unavailable(err)
	}
	return n, err
}

// Open returns the content.
func (f *Folder) Open(_ context.Context, id string) (io.ReadSeekCloser, error) {
	path, err := f.pathOf(id)
	if err != nil {
		return nil, err
	}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, content.Gone(id)
	}
	if err != nil {
		return nil, unavailable(err)
	}
	return file, nil
}

// Delete removes the content.
func (f *Folder) Delete(_ context.Context, id string) error {
	path, err := f.pathOf(id)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return unavailable(err)
	}
	if _, _, ok := store.OfExecution(id); ok {
		_ = os.Remove(filepath.Dir(path)) // stays while it holds others
	}
	return nil
}

// DeleteOf removes the folder of an execution's contents.
func (f *Folder) DeleteOf(_ context.Context, execution string) error {
	path, err := f.pathOf(execution)
	if err != nil {
		return err
	}
	if err := os.RemoveAll(path); err != nil {
		return unavailable(err)
	}
	return nil
}

func (f *Folder) pathOf(id string) (string, error) {
	name, err := content.Name(id)
	return filepath.Join(f.path, filepath.FromSlash(name)), err
}

func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func unavailable(err error) error {
	return workflow.Wrap(workflow.CodeUnavailable, err, "The folder of files cannot be used at the moment.")
}
