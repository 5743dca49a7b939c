package engine

import (
	"context"
	"sync"

	"flowgate/internal/workflow"
)

// roomFor reports whether one more execution fits into the bounds of its owner
// and workflow. Queued ones are claimed exactly; this look may let a few more
// in when several processes look at once.
func (m *Manager) roomFor(ctx context.Context, e *workflow.Execution) bool {
	o := m.opts
	if o.Supervision == nil || o.MaxPerOwner <= 0 && o.MaxPerWorkflow <= 0 {
		return true
	}
	ofOwner, ofWorkflow, err := o.Supervision.RunningExecutions(ctx, e.OwnerID, e.WorkflowID)
	if err != nil {
		return false // recording it tells what is wrong
	}
	return (o.MaxPerOwner <= 0 || ofOwner < o.MaxPerOwner) && (o.MaxPerWorkflow <= 0 || ofWorkflow < o.MaxPerWorkflow)
}

// oneAtATime lets one execution at a time be counted and recorded in this
// process, where there are bounds. The returned function ends the turn.
func (m *Manager) oneAtATime() (done func()) {
	if m.opts.Supervision == nil || m.opts.MaxPerOwner <= 0 && m.opts.MaxPerWorkflow <= 0 {
		return func() {}
	}
	m.bounded.Lock()
	return sync.OnceFunc(m.bounded.Unlock)
}

// claim hands queued executions to this process, within the bounds.
func (m *Manager) claim(ctx context.Context, executor string, limit int) ([]*workflow.Execution, error) {
	if m.opts.Supervision == nil {
		return m.store.ClaimExecutions(ctx, executor, limit)
	}
	return m.opts.Supervision.ClaimWithin(ctx, executor, limit, m.opts.MaxPerOwner, m.opts.MaxPerWorkflow)
}
