package durable

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"

	"flowgate/internal/workflow"
)

// renew keeps the lease, and stops the runs when that fails for too long.
func (s *session) renew() {
	ttl := s.rt.opts.TTL
	for sleep(s.ctx, ttl/6) {
		asked := time.Now()
		// One patient attempt: a new one would queue for the database anew.
		ctx, cancel := context.WithTimeout(s.ctx, time.Duration(s.until.Load())-time.Since(s.epoch))
		_, err := s.rt.opts.Leases.RenewLease(ctx, s.lease, ttl)
		cancel()
		switch {
		case err == nil:
			s.extend(asked)
		case workflow.CodeOf(err) == workflow.CodeConflict:
			s.lose("another process holds it")
		default:
			s.rt.log.Warn("durable slot not renewed", "slot", s.lease.Name, "error", err)
		}
		if !s.holds() {
			s.lose("not renewed in time")
		}
	}
}

// watch stops runs that another process cancelled and wakes runs whose wait is over.
func (s *session) watch() {
	for sleep(s.ctx, s.rt.opts.WatchEvery) {
		if !s.holds() {
			s.lose("not renewed in time")
			return
		}
		if err := s.watchOnce(); err != nil && s.ctx.Err() == nil {
			s.rt.log.Warn("durable watch failed", "error", err)
		}
	}
}

func (s *session) watchOnce() error {
	if ids := s.activeSince(time.Now().Add(-s.rt.opts.WatchEvery / 2)); len(ids) > 0 {
		cancelled, err := s.rt.book.cancelled(s.ctx, ids)
		if err != nil {
			return err
		}
		for _, id := range cancelled {
			s.cancel(id)
		}
	}
	due, err := s.rt.book.claimDue(s.ctx)
	if err != nil || len(due) == 0 {
		return err
	}
	return s.wake(due)
}

// wake resumes suspended runs. A wait whose run has not come to rest yet stays.
func (s *session) wake(due []wait) error {
	ids := make([]string, len(due))
	for i, w := range due {
		ids[i] = w.run
	}
	states, err := s.states(s.ctx, ids)
	if err != nil {
		return err
	}
	resting := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return states[id] != dbos.WorkflowStatusCancelled })
	if err := s.resume(resting); err != nil {
		return err
	}
	for _, w := range due {
		keep := s.rt.book.woken
		if st := states[w.run]; st == dbos.WorkflowStatusPending || st == dbos.WorkflowStatusEnqueued {
			keep = s.rt.book.unclaim
		}
		if err := keep(s.ctx, w); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) resume(ids []string) error {
	for part := range slices.Chunk(ids, 500) {
		if _, err := dbos.ResumeWorkflows[outcome](s.lib, part, dbos.WithResumeQueue(queueName)); err != nil {
			return fmt.Errorf("durable: resume: %w", err)
		}
	}
	return nil
}
