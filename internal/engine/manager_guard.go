package engine

import (
	"context"
	"errors"

	"flowgate/internal/engine/durable"
	"flowgate/internal/workflow"
)

// poisoned counts a process that died while it computed e, and says why e is
// given up when there were too many. An execution that gets further in between
// begins to count anew: it is not to blame for dying machines, nor for another
// that kills them.
func (m *Manager) poisoned(ctx context.Context, e *workflow.Execution, rec *recorder) (*Outcome, error) {
	if m.opts.Supervision == nil {
		return nil, nil
	}
	deaths, err := m.opts.Supervision.NoteDeath(ctx, e.ID, collective)
	if err != nil {
		return nil, err
	}
	if deaths < m.opts.MaxDeaths {
		return nil, rec.suspected(ctx, e, deaths)
	}
	m.log.Error("an execution was given up because processes that computed it died", "execution_id", e.ID, "workflow_id", e.WorkflowID, "deaths", deaths)
	err = workflow.Errorf(workflow.CodeInternal, "The execution was given up: %d times in a row the process that ran it died at the same place, for instance because it ran out of memory. The log's last event shows where.", deaths)
	o := &Outcome{Status: workflow.StatusError, Error: executionError(nil, 0, err)}
	o.Error.Code = "process_died"
	return o, nil
}

// released notes that this process gives an execution up in good order.
func (m *Manager) released(ctx context.Context, e *workflow.Execution) {
	if m.opts.Supervision == nil || !errors.Is(context.Cause(ctx), durable.ErrStopped) {
		return
	}
	if err := m.opts.Supervision.NoteRelease(context.WithoutCancel(ctx), e.ID); err != nil {
		m.log.Warn("an execution's release was not noted; it counts as if the process had died", "execution_id", e.ID, "error", err)
	}
}

// endCancelled ends executions that were cancelled but that nobody computes:
// they came to wait just then, or the process that was told died.
func (m *Manager) endCancelled(ids []string) {
	for _, id := range ids {
		e, err := m.store.ExecutionByID(m.ctx, id)
		if err == nil && e.CancelRequested && !e.Status.Final() {
			if err = m.runtime.Cancel(m.ctx, id); errors.Is(err, durable.ErrUnknownRun) {
				err = nil
			}
			if err == nil {
				err = m.finishCancelled(m.ctx, e)
			}
			if workflow.CodeOf(err) == workflow.CodeConflict {
				err = nil // it went on, or ended, meanwhile
			}
		}
		if err != nil && m.ctx.Err() == nil {
			m.log.Warn("a cancelled execution was not ended; it will be tried again", "execution_id", id, "error", err)
		}
	}
}

func (m *Manager) endCancelledWaits() {
	if m.opts.Supervision == nil {
		return
	}
	ids, err := m.opts.Supervision.CancelledWaits(m.ctx, maxOrphans)
	if err != nil && m.ctx.Err() == nil {
		m.log.Warn("cancelled executions were not looked up; it will be tried again", "error", err)
	}
	m.endCancelled(ids)
}
