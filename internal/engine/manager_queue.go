package engine

import (
	"context"

	"flowgate/internal/workflow"
)

// record stores e as running here, or as queued when its owner's or its
// workflow's bound is reached.
func (m *Manager) record(ctx context.Context, e *workflow.Execution) (stored *workflow.Execution, existing bool, err error) {
	if m.opts.Supervision == nil {
		return m.store.CreateExecution(ctx, e)
	}
	return m.opts.Supervision.CreateWithin(ctx, e, m.opts.MaxPerOwner, m.opts.MaxPerWorkflow)
}

// claim hands queued executions to this process, within the bounds.
func (m *Manager) claim(ctx context.Context, executor string, limit int) ([]*workflow.Execution, error) {
	if m.opts.Supervision == nil {
		return m.store.ClaimExecutions(ctx, executor, limit)
	}
	return m.opts.Supervision.ClaimWithin(ctx, executor, limit, m.opts.MaxPerOwner, m.opts.MaxPerWorkflow)
}
