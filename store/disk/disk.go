// Package disk keeps the content of files in a folder of this machine. Any
// number of processes may share it.
package disk

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store"
)

const (
	headSize  = 512
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
	if out, err = copyCounting(ctx, tmp, r, most); err != nil {
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

// copyCounting copies r, looking at what passes by.
func copyCounting(ctx context.Context, w io.Writer, r io.Reader, most int64) (store.Written, error) {
	sum := sha256.New()
	var head bytes.Buffer
	n, err := io.Copy(io.MultiWriter(toDisk{w}, sum), io.TeeReader(io.LimitReader(reader{ctx, r}, most+1), &limited{&head, headSize}))
	switch {
	case err != nil:
		return store.Written{}, err
	case n > most:
		e := workflow.Errorf(workflow.CodeTooLarge, "the file is larger than %d bytes", most)
		e.Details = map[string]any{"limit_bytes": most}
		return store.Written{}, e
	}
	return store.Written{Size: n, SHA256: hex.EncodeToString(sum.Sum(nil)), Head: head.Bytes()}, nil
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

// reader ends with ctx.
type reader struct {
	ctx context.Context //nolint:containedctx // for the length of one copy
	io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}

// limited keeps the beginning of what is written to it.
type limited struct {
	buf  *bytes.Buffer
	most int
}

func (l *limited) Write(p []byte) (int, error) {
	if room := l.most - l.buf.Len(); room > 0 {
		l.buf.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

// Open returns the content.
func (f *Folder) Open(_ context.Context, id string) (io.ReadSeekCloser, error) {
	path, err := f.pathOf(id)
	if err != nil {
		return nil, err
	}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, workflow.Errorf(workflow.CodeNotFound, "The content of the file %q is not there any more.", id)
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

// pathOf is where the content of an id is: what an execution made lies in a
// folder of the execution's. Ids are made here, so others are refused rather
// than mended.
func (f *Folder) pathOf(id string) (string, error) {
	if len(id) < 4 || len(id) > 128 || strings.Trim(id, "0123456789abcdefghijklmnopqrstuvwxyz-") != "" {
		return "", workflow.Errorf(workflow.CodeNotFound, "There is no file %q.", id)
	}
	if execution, sum, ok := store.OfExecution(id); ok {
		folder, err := f.pathOf(execution)
		return filepath.Join(folder, sum), err
	}
	return filepath.Join(f.path, id[len(id)-2:], id), nil
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
