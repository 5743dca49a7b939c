package service

import (
	"context"
	"time"

	"flowgate/store"
)

// SweepAge is how old content is that a sweep may delete. What is younger may
// belong to a file, or an execution, that is being recorded.
const SweepAge = time.Hour

// Sweep deletes contents that no file and no execution has any more: what a
// process left that died between the content and its record, or that could
// not be deleted with it. It returns how many. Where the contents are another
// database's it deletes nothing.
func (fs *Files) Sweep(ctx context.Context, now time.Time) (deleted int, err error) {
	if fs.Mine != nil {
		if mine, err := fs.Mine(ctx); err != nil || !mine {
			return 0, err
		}
	}
	err = fs.Contents.List(ctx, now.Add(-SweepAge), func(ids []string) error {
		n, err := fs.sweep(ctx, ids)
		deleted += n
		return err
	})
	return deleted, err
}

func (fs *Files) sweep(ctx context.Context, ids []string) (deleted int, err error) {
	keepers := KeepersOf(ids)
	list, err := fs.Store.KnownContents(ctx, keepers)
	if err != nil {
		return 0, err
	}
	known := make(map[string]bool, len(list))
	for _, k := range list {
		known[k] = true
	}
	for i, id := range ids {
		if known[keepers[i]] {
			continue
		}
		if err := fs.Contents.Delete(ctx, id); err != nil {
			return deleted, err
		}
		deleted++
	}
	return deleted, nil
}

// KeepersOf are the files, or the executions, that contents belong to.
func KeepersOf(ids []string) []string {
	keepers := make([]string, len(ids))
	for i, id := range ids {
		keepers[i] = id
		if execution, _, ok := store.OfExecution(id); ok {
			keepers[i] = execution
		}
	}
	return keepers
}
