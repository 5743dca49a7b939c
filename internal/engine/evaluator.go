package engine

import (
	"context"

	"flowgate/internal/engine/expr"
	"flowgate/internal/engine/node"
)

// evaluator resolves the expressions of one node run.
type evaluator struct {
	session *expr.Session
	scope   *expr.Scope
}

var _ node.Evaluator = (*evaluator)(nil)

func (x *execution) evaluator(t task, h *host) *evaluator {
	if x.session == nil {
		x.session = x.engine.expr.SessionFor(x.job.Execution.OwnerID)
		x.sessions = append(x.sessions, x.session)
	}
	return &evaluator{session: x.session, scope: x.scope(t, h)}
}

// Resolve returns raw with its expressions evaluated.
func (ev *evaluator) Resolve(ctx context.Context, raw any, i int, extra map[string]any) (any, error) {
	return ev.session.Resolve(ctx, raw, i, ev.with(extra))
}

// with is the scope with more names.
func (ev *evaluator) with(extra map[string]any) *expr.Scope {
	if len(extra) == 0 {
		return ev.scope
	}
	scope := *ev.scope
	scope.Extra = extra
	return &scope
}

// Code runs user JavaScript with what the node can see: in the engine's code
// runner, or else in this process.
func (h *host) Code(ctx context.Context, req node.CodeRequest) (node.CodeResult, error) {
	if runner := h.x.engine.code; runner != nil {
		return runner.RunCode(ctx, h.eval.scope, req)
	}
	res, err := h.eval.session.Code(ctx, h.eval.scope, expr.CodeRequest(req))
	return node.CodeResult(res), err
}
