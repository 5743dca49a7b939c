package app

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"path/filepath"
	"time"

	"flowgate/internal/service"
	"flowgate/store/disk"
)

const (
	// The first sweep comes soon after the start, for what a crash left.
	firstSweep, sweepFilesEvery = 5 * time.Minute, time.Hour

	anothersFiles = "what is left behind in the folder of files is not cleared, since it may be another database's; if it is this one's alone, delete the file .database in it"
)

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

// claimFiles makes the folder the database's own, for good, when it is new or
// holds something the database knows. False: it is another database's, whose
// files must not be taken for left behind.
func (c *Core) claimFiles(ctx context.Context, folder *disk.Folder) (bool, error) {
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
	mark, err := folder.Mark()
	if err != nil {
		return false, err
	}
	if mark == "" {
		ours, err := c.ours(ctx, folder)
		if err != nil {
			return false, err
		}
		if ours {
			return true, folder.SetMark(own)
		}
	}
	if mark != own {
		c.Log.WarnContext(ctx, anothersFiles, "folder", filepath.Join(c.Config.DataDir, filesFolder))
	}
	return mark == own, nil
}

var errKnown = errors.New("the database knows it")

// ours reports whether a folder without a mark is empty, or the database knows
// something in it.
func (c *Core) ours(ctx context.Context, folder *disk.Folder) (bool, error) {
	empty := true
	err := folder.List(ctx, time.Now().Add(time.Hour), func(ids []string) error {
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
