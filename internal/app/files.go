package app

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"flowgate/internal/config"
	"flowgate/internal/service"
	"flowgate/internal/workflow"
	"flowgate/store"
	"flowgate/store/disk"
	"flowgate/store/supabase"
)

const (
	// The first sweep comes soon after the start, for what a crash left.
	firstSweep, sweepFilesEvery = 5 * time.Minute, time.Hour

	anothersFiles = "contents of files that nothing refers to are not cleared, since they may be another database's; if they are this one's alone, delete .database beside them"
)

// openFiles opens what keeps the content of users' files.
func (c *Core) openFiles(ctx context.Context) error {
	var contents marked
	var err error
	if c.Config.UsesSupabaseStorage() {
		contents, err = c.openStorage(ctx)
	} else {
		contents, err = c.openFolder(ctx)
	}
	if err != nil {
		return err
	}
	c.Files = &service.Files{Store: c.Store, Contents: contents, MaxBytes: c.Config.FileMaxBytes,
		Quota: store.FileQuota{Bytes: c.Config.FilesMaxBytes, Count: c.Config.FilesMaxCount},
		Mine:  func(ctx context.Context) (bool, error) { return c.claimFiles(ctx, contents) }}
	return nil
}

// openFolder opens the folder of files. Processes that share a database must
// share it, too.
func (c *Core) openFolder(ctx context.Context) (*disk.Folder, error) {
	path := filepath.Join(c.Config.DataDir, filesFolder)
	folder, err := disk.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w; choose another data folder with --data-dir", err)
	}
	if c.Config.DatabaseURL != "" {
		c.Log.WarnContext(ctx, "users' files, and large ones of executions, are kept in a folder: all servers on this database must share DATA_DIR/"+filesFolder+", or each finds its own files only; mount the same volume in all of them", "folder", path)
	}
	return folder, nil
}

// storageOf is the Supabase project's Storage. Nothing else gets the secret key,
// which row-level security does not bind.
func storageOf(cfg *config.Config) (*supabase.Storage, error) {
	return supabase.OpenStorage(supabase.StorageOptions{URL: cfg.SupabaseURL, Key: cfg.SupabaseSecretKey})
}

// openStorage opens the Supabase project's Storage. One that does not answer now
// may later.
func (c *Core) openStorage(ctx context.Context) (marked, error) {
	st, err := storageOf(c.Config)
	if err != nil {
		return nil, fmt.Errorf("supabase_url: %w", err)
	}
	c.storage = st
	c.Watches("supabase_storage", st.Ping)
	asking, cancel := context.WithTimeout(ctx, askProject)
	defer cancel()
	if err := st.Prepare(asking); err != nil {
		c.Log.WarnContext(ctx, "files cannot be kept or had yet (FILES_BACKEND=disk keeps them on this machine): "+workflow.MessageOf(err), "error", err)
	}
	if err := c.guardFiles(ctx); err != nil {
		c.Log.WarnContext(ctx, "the bucket of users' files is open to what the project's own policies let users do in all buckets: "+workflow.MessageOf(err), "error", err)
	}
	earlier, err := c.earlierFolder(ctx)
	if err != nil || earlier == nil {
		return st, err
	}
	return moved{st, earlier}, nil
}

// earlierFolder opens the folder of files that was used before Storage was; nil
// when there is none with something in it.
func (c *Core) earlierFolder(ctx context.Context) (*disk.Folder, error) {
	path := filepath.Join(c.Config.DataDir, filesFolder)
	if some, err := filepath.Glob(filepath.Join(globbed(path), "*", "*")); err != nil || len(some) == 0 {
		return nil, err
	}
	c.Log.WarnContext(ctx, "files that were kept in a folder before are still had from there, by this server; copy what is in it to the bucket, under the same names, then move it away", "folder", path, "bucket", supabase.Bucket)
	return disk.Open(path)
}

func (c *Core) closeFiles() error {
	if c.storage == nil {
		return nil
	}
	return c.storage.Close()
}

// moved keeps contents in one place and finds those that were kept in another
// before. Those are not swept.
type moved struct {
	marked
	earlier store.Contents
}

// Open returns the content, wherever it is.
func (m moved) Open(ctx context.Context, id string) (io.ReadSeekCloser, error) {
	r, err := m.marked.Open(ctx, id)
	if workflow.CodeOf(err) == workflow.CodeNotFound {
		return m.earlier.Open(ctx, id)
	}
	return r, err
}

// Delete removes the content in both places.
func (m moved) Delete(ctx context.Context, id string) error {
	return errors.Join(m.marked.Delete(ctx, id), m.earlier.Delete(ctx, id))
}

// DeleteOf removes an execution's contents in both places.
func (m moved) DeleteOf(ctx context.Context, execution string) error {
	return errors.Join(m.marked.DeleteOf(ctx, execution), m.earlier.DeleteOf(ctx, execution))
}

// sweepFiles deletes now and then what nothing refers to any more.
func (a *App) sweepFiles(ctx context.Context) {
	next := time.NewTimer(firstSweep)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		}
		n, err := a.Files.Sweep(ctx, time.Now())
		if err != nil && ctx.Err() == nil {
			a.Log.Warn("contents of files that nothing refers to were not all deleted; it will be tried again", "error", err)
		}
		if n > 0 {
			a.Log.Info("contents of files that nothing refers to were deleted", "count", n)
		}
		next.Reset(sweepFilesEvery)
	}
}

// marked are contents that say whose they are.
type marked interface {
	store.Contents
	Mark(ctx context.Context) (string, error)
	SetMark(ctx context.Context, mark string) error
}

// claimFiles makes the contents the database's own, for good, when there are none
// or some that the database knows. False: they are another database's, and must
// not be taken for left behind.
func (c *Core) claimFiles(ctx context.Context, contents marked) (bool, error) {
	secret, err := c.Store.Secret(ctx, "folder_of_files", func() ([]byte, error) {
		b := make([]byte, 32)
		rand.Read(b)
		return b, nil
	})
	if err != nil {
		return false, err
	}
	sum := sha256.Sum256(secret)
	own := hex.EncodeToString(sum[:16])
	mark, err := contents.Mark(ctx)
	if err != nil {
		return false, err
	}
	if mark == "" {
		ours, err := c.ours(ctx, contents)
		if err != nil {
			return false, err
		}
		if ours {
			return true, contents.SetMark(ctx, own)
		}
	}
	if mark != own {
		c.Log.WarnContext(ctx, anothersFiles)
	}
	return mark == own, nil
}

var errKnown = errors.New("the database knows it")

// ours reports whether there are no contents, or the database knows some.
func (c *Core) ours(ctx context.Context, contents store.Contents) (bool, error) {
	empty := true
	err := contents.List(ctx, time.Now().Add(time.Hour), func(ids []string) error {
		empty = false
		known, err := c.Store.KnownContents(ctx, service.KeepersOf(ids))
		if err == nil && len(known) > 0 {
			err = errKnown
		}
		return err
	})
	if errors.Is(err, errKnown) {
		return true, nil
	}
	return empty, err
}
