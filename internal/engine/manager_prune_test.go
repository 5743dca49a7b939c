package engine

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"
)

// finals is a store that holds a number of final executions to delete.
type finals struct {
	ManagerStore
	old, many, asked int
	err              error
}

func (f *finals) PruneExecutions(_ context.Context, _ time.Time, limit int) ([]string, error) {
	return f.take(&f.old, limit)
}

func (f *finals) TrimExecutions(_ context.Context, _, limit int) ([]string, error) {
	return f.take(&f.many, limit)
}

func (f *finals) take(from *int, limit int) ([]string, error) {
	f.asked++
	n := min(*from, limit)
	*from -= n
	return make([]string, n), f.err
}

// TestPruneIsBounded deletes more than one sweep may, over several sweeps.
func TestPruneIsBounded(t *testing.T) {
	t.Parallel()
	f := &finals{old: pruneBatch, many: pruneBatch*pruneBatches*2 + 3}
	m := &Manager{opts: ManagerOptions{Retention: time.Hour, Keep: 10}, store: f, ctx: t.Context(), now: time.Now, log: slog.New(slog.DiscardHandler)}
	if m.prune() || f.old != 0 || f.asked != 2+pruneBatches {
		t.Errorf("one sweep asked %d times, and left %d", f.asked, f.many)
	}
	if m.prune() || f.many != 3 {
		t.Errorf("%d are left", f.many)
	}
	if !m.prune() || f.many != 0 {
		t.Errorf("%d are left", f.many)
	}
	f.err = errors.New("no disk")
	if !m.prune() {
		t.Error("what fails is tried again at once")
	}
}
