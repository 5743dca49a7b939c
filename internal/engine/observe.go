package engine

import (
	"context"
	"errors"
	"time"

	"flowgate/internal/telemetry"
	"flowgate/internal/workflow"
	"flowgate/store"
)

// kind is the node's type as metrics have it: one of the catalogue's.
func (v *vertex) kind() string {
	if v.typ == nil {
		return "other"
	}
	return v.node.Type
}

// span begins the span of a node run.
func (x *execution) span(ctx context.Context, v *vertex) (context.Context, telemetry.Span) {
	if !x.engine.tracer.On() {
		return ctx, telemetry.Span{}
	}
	ctx, span := x.engine.tracer.Start(ctx, "node "+v.kind(), telemetry.Internal)
	span.Text("flowgate.node.name", v.name())
	span.Text("flowgate.node.type", v.kind())
	return ctx, span
}

// observe records a finished node run.
func (x *execution) observe(v *vertex, r *workflow.NodeRun, span telemetry.Span) {
	x.engine.metrics.Node(v.kind(), r.Status, time.Duration(r.DurationMS*float64(time.Millisecond)))
	if r.Error != nil {
		span.Fail("node_failed")
	}
	span.End()
}

// remember keeps under which span an execution was asked for, since its run
// does not have the caller's context.
func (m *Manager) remember(ctx context.Context, id string) {
	if m.engine.tracer.On() {
		m.callers.Store(id, m.engine.tracer.Link(ctx))
	}
}

// compute computes an execution as far as it goes, counted and traced.
func (m *Manager) compute(ctx context.Context, e *workflow.Execution, job Job) Outcome {
	defer m.engine.metrics.Computing()()
	if !m.engine.tracer.On() {
		return m.engine.Run(ctx, job)
	}
	if caller, ok := m.callers.LoadAndDelete(e.ID); ok {
		ctx = caller.(telemetry.Link).Context(ctx)
	}
	ctx, span := m.engine.tracer.Start(ctx, "execution", telemetry.Consumer)
	span.Text("flowgate.execution.id", e.ID)
	span.Text("flowgate.workflow.id", e.WorkflowID)
	span.Text("flowgate.execution.mode", string(e.Mode))
	defer span.End()
	return m.engine.Run(ctx, job)
}

// noteBegin records that an execution begins.
func (m *Manager) noteBegin(e *workflow.Execution) {
	m.engine.metrics.ExecutionBegan(string(e.Mode), e.StartedAt.Sub(e.CreatedAt))
}

// finished records an execution's stored end.
func (m *Manager) finished(e *workflow.Execution) {
	from := e.StartedAt
	if from.IsZero() {
		from = e.CreatedAt
	}
	m.engine.metrics.ExecutionEnded(string(e.Status), e.FinishedAt.Sub(from))
}

// storeFailed counts err when it is the database's.
func (m *Manager) storeFailed(err error) {
	var f *store.Failure
	if code := workflow.CodeOf(err); errors.As(err, &f) && (code == workflow.CodeUnavailable || code == workflow.CodeInternal) {
		m.engine.metrics.StoreError(f.Backend, string(code))
	}
}
