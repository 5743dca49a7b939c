package engine

import (
	"context"
	"errors"
	"slices"

	"flowgate/internal/engine/durable"
	"flowgate/internal/workflow"
)

// Cancel stops a live execution of the owner's. When it returned nil the
// execution ends, whoever computes it and whatever dies: by itself where it is
// computed, else here or by a sweep.
func (m *Manager) Cancel(ctx context.Context, owner, id string) error {
	e, err := m.store.RequestCancel(ctx, owner, id)
	if err != nil {
		return err
	}
	if e.Status.Final() { // it was queued
		m.hub.finish(id)
		return nil
	}
	waited := e.Status == workflow.StatusWaiting
	if err := m.stopRun(ctx, id); err != nil && !waited {
		return workflow.Wrap(workflow.CodeUnavailable, err, "the execution could not be cancelled; try again")
	}
	const tries = 3
	for range tries {
		if !waited { // it may have come to rest meanwhile
			if e, err = m.store.Execution(ctx, owner, id); err != nil {
				return err
			}
			if e.Status.Final() || e.Status == workflow.StatusRunning && m.held(ctx, e) {
				return nil
			}
		}
		if err = m.finishCancelled(ctx, e); workflow.CodeOf(err) != workflow.CodeConflict {
			return err
		}
		waited = false
	}
	return nil // the sweeps go on
}

// stopRun cancels the durable run of an execution. One the journal has not
// heard of is no error: no effect of it is recorded.
func (m *Manager) stopRun(ctx context.Context, id string) error {
	err := m.runtime.Cancel(ctx, id)
	if errors.Is(err, durable.ErrUnknownRun) {
		return nil
	}
	return err
}

// held reports whether a process is at a running execution that was cancelled,
// and so ends it. When in doubt it is; sweeps look again.
func (m *Manager) held(ctx context.Context, e *workflow.Execution) bool {
	if e.Executor == m.runtime.Holder() {
		return m.at(e.ID)
	}
	alive, err := m.runtime.Holders(ctx)
	return err != nil || slices.Contains(alive, e.Executor)
}

// stopCancelled stops executions computed here that were cancelled and have
// not heard of it: the process that was asked could not reach their runs.
func (m *Manager) stopCancelled() {
	m.mu.Lock()
	ids := make([]string, 0, len(m.atWork))
	for id := range m.atWork {
		ids = append(ids, id)
	}
	m.mu.Unlock()
	marked, err := m.store.CancelRequested(m.ctx, ids)
	if err != nil && m.ctx.Err() == nil {
		m.log.Warn("cancelled executions were not looked up; it will be tried again", "error", err)
	}
	for _, id := range marked {
		if err := m.stopRun(m.ctx, id); err != nil && m.ctx.Err() == nil {
			m.log.Warn("a cancelled execution was not stopped; it will be tried again", "execution_id", id, "error", err)
		}
	}
}

// cancelMarked reports whether an execution is marked for cancelling.
func (m *Manager) cancelMarked(ctx context.Context, id string) (bool, error) {
	marked, err := m.store.CancelRequested(context.WithoutCancel(ctx), []string{id})
	return len(marked) > 0, err
}
