package app

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"flowgate/internal/config"
	"flowgate/internal/workflow"
	"flowgate/store/sqlite"
)

// Restored is what a restore came to.
type Restored struct {
	Manifest
	Before string `json:"before,omitempty"` // where the folder's former content is
}

// Restore makes the data folder what a backup holds. A folder that holds data
// is refused, unless replace is set: what it held is then kept in a hidden
// folder inside. No process may use it. Without the backup's secrets those of
// the folder stay. Nothing is changed before the backup was read to its end
// and checked, and nothing outside of the folder is: it may be a mount point.
func Restore(ctx context.Context, cfg *config.Config, in io.Reader, replace bool, progress func(name string)) (*Restored, error) {
	if cfg.DatabaseURL != "" {
		return nil, workflow.Errorf(workflow.CodeUnsupported, "the data is in PostgreSQL (DATABASE_URL), which is restored by its own tools: pg_restore --clean --dbname=\"$DATABASE_URL\" flowgate.dump")
	}
	dir := cfg.DataDir
	occupied, err := occupied(ctx, dir, replace)
	if err != nil {
		return nil, err
	}
	_, err = os.Stat(dir)
	fresh := errors.Is(err, os.ErrNotExist)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	r, err := restoreInto(ctx, dir, in, occupied, progress)
	if err != nil && fresh {
		_ = os.Remove(dir) // unless there is something in it
	}
	return r, err
}

func restoreInto(ctx context.Context, dir string, in io.Reader, occupied bool, progress func(name string)) (*Restored, error) {
	if err := finishSwap(dir); err != nil {
		return nil, err
	}
	tmp, err := os.MkdirTemp(dir, ".restore-*")
	if err != nil {
		return nil, err
	}
	defer func() {
		if !interrupted(dir) { // else the rest is still needed
			_ = os.RemoveAll(tmp)
		}
	}()
	m, err := unpack(ctx, in, tmp, progress)
	if err != nil {
		return nil, err
	}
	if err := sqlite.Check(ctx, sqlite.Options{Path: filepath.Join(tmp, sqlite.FileName)}); err != nil {
		return nil, fmt.Errorf("the backup's database: %w", err)
	}
	if !m.Secrets {
		if err := keepSecrets(dir, tmp); err != nil {
			return nil, err
		}
	}
	r := &Restored{Manifest: *m}
	s := swap{Unpacked: filepath.Base(tmp), Before: ".before-" + time.Now().UTC().Format("20060102-150405.000")}
	if occupied {
		r.Before = filepath.Join(dir, s.Before)
	}
	return r, s.start(dir)
}

// occupied reports whether the folder holds data, and refuses one that does
// unless it may be replaced and nobody uses it.
func occupied(ctx context.Context, dir string, replace bool) (bool, error) {
	held := interrupted(dir)
	for _, name := range dataNames() {
		there, err := exists(filepath.Join(dir, name))
		if err != nil {
			return false, err
		}
		held = held || there
	}
	if !held {
		return false, nil
	}
	if !replace {
		return true, workflow.Errorf(workflow.CodeConflict, "%s holds data; restore into another folder with --data-dir, or set it aside with --replace", dir)
	}
	path := filepath.Join(dir, sqlite.FileName)
	if _, err := os.Stat(path); err != nil {
		return true, nil
	}
	if err := sqlite.Alone(ctx, sqlite.Options{Path: path}); workflow.CodeOf(err) == workflow.CodeConflict {
		return true, workflow.Wrap(workflow.CodeConflict, err, "a flowgate process uses "+dir+"; stop it first")
	}
	return true, nil // a damaged one may be replaced
}

// unpack writes the entries into dir. Entries that would lie elsewhere, or are
// no plain files, are refused.
func unpack(ctx context.Context, in io.Reader, dir string, progress func(string)) (*Manifest, error) {
	zip, err := gzip.NewReader(in)
	if err != nil {
		return nil, fmt.Errorf("this is no backup: %w", err)
	}
	r := tar.NewReader(zip)
	m, err := readManifest(r)
	if err != nil {
		return nil, err
	}
	for ctx.Err() == nil {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			_, err = io.Copy(io.Discard, zip) // to the checksum
			return m, err
		}
		if err != nil {
			return nil, fmt.Errorf("the backup is damaged: %w", err)
		}
		top, _, _ := strings.Cut(h.Name, "/")
		if h.Typeflag != tar.TypeReg || !filepath.IsLocal(filepath.FromSlash(h.Name)) {
			return nil, workflow.Errorf(workflow.CodeInvalid, "the backup holds %q, which does not belong into a data folder", h.Name)
		}
		if !slices.Contains(dataNames(), top) {
			continue // backups of earlier versions held whatever lay in the folder
		}
		if err := writeEntry(filepath.Join(dir, filepath.FromSlash(h.Name)), r); err != nil {
			return nil, fmt.Errorf("the backup's %s: %w", h.Name, err)
		}
		progress(h.Name)
	}
	return nil, ctx.Err()
}

func readManifest(r *tar.Reader) (*Manifest, error) {
	h, err := r.Next()
	if err != nil || h.Name != manifestName {
		return nil, errors.Join(errors.New("this is no backup: it does not begin with "+manifestName), err)
	}
	m := &Manifest{}
	if err := json.NewDecoder(io.LimitReader(r, 1<<20)).Decode(m); err != nil {
		return nil, fmt.Errorf("the backup's %s: %w", manifestName, err)
	}
	if m.Format != backupFormat {
		return nil, workflow.Errorf(workflow.CodeUnsupported, "the backup has format %d, made by version %s; this program reads format %d", m.Format, m.Version, backupFormat)
	}
	return m, nil
}

func writeEntry(path string, from io.Reader) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	return errors.Join(err, f.Sync(), f.Close())
}

// keepSecrets takes a folder's made secrets along.
func keepSecrets(from, to string) error {
	for _, name := range secretNames() {
		data, err := os.ReadFile(filepath.Join(from, name))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err := errors.Join(err, os.WriteFile(filepath.Join(to, name), data, 0o600)); err != nil {
			return err
		}
	}
	return nil
}
