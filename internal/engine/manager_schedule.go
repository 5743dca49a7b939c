package engine

import (
	"context"
	"fmt"
	"time"

	"flowgate/internal/engine/node"
	"flowgate/internal/workflow"
	"flowgate/store"
)

const (
	tickEvery = time.Second
	maxDue    = 100
	// missedAfter is how late a scheduled start may be and still be one: for
	// instance while processes change over.
	missedAfter = time.Minute
	// maxCatchUp bounds the times of one schedule that are late and start
	// one after the other.
	maxCatchUp = 100
)

// Values of ManagerOptions.MissedRuns and of a document's setting missedRuns.
const (
	missedSkip = "skip"
	missedOnce = "once"
)

// scheduleLoop starts workflows by the clock. Every process runs it; the
// execution's key lets each time start one execution only.
func (m *Manager) scheduleLoop() {
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	for {
		select {
		case <-m.taking.Done():
			return
		case <-tick.C:
			m.fireDue(m.taking)
		}
	}
}

// fireDue starts what is due now.
func (m *Manager) fireDue(ctx context.Context) {
	for ctx.Err() == nil {
		due, err := m.opts.Supervision.DueSchedules(ctx, m.now(), maxDue)
		if err != nil {
			if ctx.Err() == nil {
				m.log.Warn("due schedules were not looked up; it will be tried again", "error", err)
			}
			return
		}
		moved := false
		for _, s := range due {
			advanced, err := m.fire(ctx, s)
			if err != nil && ctx.Err() == nil {
				m.log.Warn("a scheduled execution was not started; it will be tried again", "workflow_id", s.WorkflowID, "node", s.Node, "error", err)
			}
			moved = moved || advanced
		}
		if len(due) < maxDue || !moved {
			return
		}
	}
}

// fire starts an execution for each time of s that has come, and moves s on.
// A crash before that finds the executions by their keys.
func (m *Manager) fire(ctx context.Context, s store.Schedule) (advanced bool, err error) {
	w, err := m.store.Workflow(ctx, s.OwnerID, s.WorkflowID)
	if err != nil {
		return false, err
	}
	rules := rulesOf(w.Document.NodeByName(s.Node))
	from, now, loc := s.NextAt, m.now(), m.engine.locationOf(&w.Document)
	next := func(t time.Time) time.Time { return nextOf(rules, t, loc) }
	for range maxCatchUp {
		if s.NextAt.IsZero() || s.NextAt.After(now) {
			break
		}
		if now.Sub(s.NextAt) > missedAfter {
			if err := m.miss(ctx, w, &s, now, next); err != nil {
				return false, err
			}
			continue
		}
		if err := m.fireOnce(ctx, w, s.Node, s.NextAt); err != nil {
			return false, err
		}
		s.LastAt, s.NextAt = s.NextAt, next(s.NextAt)
	}
	return m.opts.Supervision.AdvanceSchedule(ctx, from, s)
}

// fireOnce starts the execution of one time, unless another process did. What
// can never start is no reason to try for ever.
func (m *Manager) fireOnce(ctx context.Context, w *workflow.Workflow, nodeName string, at time.Time) error {
	_, _, err := m.Execute(ctx, workflow.ExecuteRequest{OwnerID: w.OwnerID, WorkflowID: w.ID, Version: w.Version, Mode: workflow.ModeTrigger,
		IdempotencyKey: fmt.Sprintf("schedule/%s/%s/%d", w.ID, nodeName, at.UnixMilli()), Start: workflow.Start{Trigger: nodeName}})
	switch workflow.CodeOf(err) {
	case workflow.CodeUnavailable, workflow.CodeInternal, workflow.CodeCancelled, workflow.CodeTimeout:
		return err
	case "":
		return nil
	}
	m.log.Error("a scheduled execution could not be started", "workflow_id", w.ID, "node", nodeName, "at", at, "error", err)
	return nil
}

// miss passes over the times that are too late, counts them, and makes one up
// where that is wanted.
func (m *Manager) miss(ctx context.Context, w *workflow.Workflow, s *store.Schedule, now time.Time, next func(time.Time) time.Time) error {
	const most = 10_000
	missed := 0
	for missed < most && !s.NextAt.IsZero() && now.Sub(s.NextAt) > missedAfter {
		missed++
		s.MissedAt, s.NextAt = s.NextAt, next(s.NextAt)
	}
	if missed == most { // it fires all the time: go on from now
		s.NextAt = next(now)
	}
	policy := m.opts.MissedRuns
	if own, ok := w.Document.Settings.Extra.Value("missedRuns").(string); ok {
		policy = own
	}
	if policy == missedOnce {
		if err := m.fireOnce(ctx, w, s.Node, s.MissedAt); err != nil {
			return err
		}
		s.LastAt, missed = s.MissedAt, missed-1
	}
	s.Missed += missed
	m.log.Warn("scheduled times passed while no process ran", "workflow_id", w.ID, "node", s.Node, "skipped", missed, "made_up", policy == missedOnce, "last", s.MissedAt)
	return nil
}

// rulesOf reads a node's rules; what cannot be read fires no more.
func rulesOf(n *workflow.Node) []node.Schedule {
	if n == nil || n.Disabled {
		return nil
	}
	rules, err := node.Schedules(n)
	if err != nil {
		return nil
	}
	return rules
}
