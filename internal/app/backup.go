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
	"strings"
	"time"

	"flowgate/internal/config"
	"flowgate/internal/workflow"
	"flowgate/store/sqlite"
)

// Manifest is the first entry of a backup.
type Manifest struct {
	Format    int       `json:"format"`
	Version   string    `json:"version"` // of the program that made it
	CreatedAt time.Time `json:"created_at"`
	Secrets   bool      `json:"secrets"` // the made secrets are in it
	Files     int       `json:"files"`   // besides the database
}

const (
	manifestName = "manifest.json"
	backupFormat = 1
	filesFolder  = "files" // of users' files, in the data folder
)

// secretNames are the files of the data folder that hold made secrets.
func secretNames() []string { return []string{"api_secret_key", "encryption_key"} }

// Backup writes the data folder as a compressed tar, while any number of
// processes work on it: the database as it is at one moment, then the files.
// Without secrets nothing in it signs or opens anything: those in the database
// are left out, too. progress is told of each entry.
func Backup(ctx context.Context, cfg *config.Config, out io.Writer, secrets bool, progress func(name string)) (*Manifest, error) {
	if cfg.DatabaseURL != "" {
		return nil, workflow.Errorf(workflow.CodeUnsupported, "the data is in PostgreSQL (DATABASE_URL), which is backed up by its own tools: pg_dump --format=custom --file=flowgate.dump \"$DATABASE_URL\"")
	}
	source := filepath.Join(cfg.DataDir, sqlite.FileName)
	if _, err := os.Stat(source); err != nil {
		return nil, fmt.Errorf("there is no database to back up: %w; choose its folder with --data-dir", err)
	}
	tmp, err := os.MkdirTemp(cfg.DataDir, ".backup-*")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	copied := filepath.Join(tmp, sqlite.FileName)
	if err := sqlite.Snapshot(ctx, sqlite.Options{Path: source}, copied); err != nil {
		return nil, err
	}
	if !secrets {
		if err := sqlite.DropSecrets(ctx, copied); err != nil {
			return nil, err
		}
	}
	files, err := dataFiles(cfg.DataDir, secrets)
	if err != nil {
		return nil, err
	}
	m := &Manifest{Format: backupFormat, Version: Version, CreatedAt: time.Now().UTC(), Secrets: secrets, Files: len(files)}
	zip := gzip.NewWriter(out)
	w := tar.NewWriter(zip)
	if err := writeManifest(w, m); err != nil {
		return nil, err
	}
	for _, name := range append([]string{sqlite.FileName}, files...) {
		from := filepath.Join(cfg.DataDir, filepath.FromSlash(name))
		if name == sqlite.FileName {
			from = copied
		}
		if err := errors.Join(ctx.Err(), addFile(w, name, from)); err != nil {
			return nil, err
		}
		progress(name)
	}
	return m, errors.Join(w.Close(), zip.Close())
}

// dataFiles lists what belongs into a backup beside the database, slashes in
// the names: users' files, and the made secrets where they are wanted. Whatever
// else lies in the folder, such as an earlier backup, stays out.
func dataFiles(dir string, secrets bool) ([]string, error) {
	contents, err := filepath.Glob(filepath.Join(globbed(dir), filesFolder, "*", "*"))
	if err != nil {
		return nil, err
	}
	made, err := filepath.Glob(filepath.Join(globbed(dir), filesFolder, "*", "*", "*")) // by executions
	if err != nil {
		return nil, err
	}
	contents = append(contents, made...)
	if secrets {
		for _, name := range secretNames() {
			contents = append(contents, filepath.Join(dir, name))
		}
	}
	var names []string
	for _, path := range contents {
		info, err := os.Lstat(path)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if !info.Mode().IsRegular() || strings.HasPrefix(info.Name(), ".") { // half written
			continue
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return nil, err
		}
		names = append(names, filepath.ToSlash(rel))
	}
	return names, nil
}

// globbed is a path that a pattern takes as it is.
func globbed(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

func writeManifest(w *tar.Writer, m *Manifest) error {
	data, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if err := w.WriteHeader(&tar.Header{Name: manifestName, Mode: 0o600, Size: int64(len(data)), ModTime: m.CreatedAt}); err != nil {
		return err
	}
	_, err = w.Write(data)
	return err
}

func addFile(w *tar.Writer, name, from string) error {
	f, err := os.Open(from)
	if errors.Is(err, os.ErrNotExist) {
		return nil // deleted meanwhile
	}
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: info.Size(), ModTime: info.ModTime()}); err != nil {
		return err
	}
	_, err = io.CopyN(w, f, info.Size()) // no more, should it grow
	return err
}
