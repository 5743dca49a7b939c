package durable

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"
)

// sweep forgets runs that ended before Options.ForgetAfter.
func (s *session) sweep() error {
	if s.rt.opts.ForgetAfter < 0 {
		return nil
	}
	const batch = 500
	before := time.Now().Add(-s.rt.opts.ForgetAfter)
	for s.ctx.Err() == nil {
		list, err := dbos.ListWorkflows(s.lib, dbos.WithFilterStatus(dbos.WorkflowStatusSuccess, dbos.WorkflowStatusError),
			dbos.WithFilterCompletedBefore(before), dbos.WithFilterLimit(batch),
			dbos.WithFilterLoadInput(false), dbos.WithFilterLoadOutput(false))
		if err != nil {
			return fmt.Errorf("durable: list ended runs: %w", err)
		}
		ids, err := s.rt.book.cancelledBefore(s.ctx, before.UnixMilli(), batch)
		if err != nil {
			return err
		}
		for _, st := range list {
			ids = append(ids, st.ID)
		}
		// Those that are kept come again, so look again only when some went.
		if deleted, err := s.forget(s.ctx, ids); err != nil || len(ids) < batch || deleted == 0 {
			return err
		}
	}
	return nil
}

// forget deletes those of ids that have ended and need not be kept.
func (s *session) forget(ctx context.Context, ids []string) (deleted int, err error) {
	for part := range slices.Chunk(ids, 500) {
		states, err := s.states(ctx, part)
		if err != nil {
			return deleted, err
		}
		marked, err := s.rt.book.cancelled(ctx, part)
		if err != nil {
			return deleted, err
		}
		ended := slices.DeleteFunc(slices.Clone(part), func(id string) bool {
			st := states[id]
			return st != "" && st != dbos.WorkflowStatusSuccess && st != dbos.WorkflowStatusError &&
				!(st == dbos.WorkflowStatusCancelled && slices.Contains(marked, id))
		})
		if ended, err = s.kept(ctx, ended); err != nil {
			return deleted, fmt.Errorf("durable: forget: %w", err)
		}
		if len(ended) == 0 {
			continue
		}
		deleted += len(ended)
		if err := within(ctx, func() error { return dbos.DeleteWorkflows(s.lib, ended) }); err != nil {
			return deleted, fmt.Errorf("durable: forget: %w", err)
		}
		if err := s.rt.book.forget(ctx, ended); err != nil {
			return deleted, fmt.Errorf("durable: forget: %w", err)
		}
	}
	return deleted, nil
}
