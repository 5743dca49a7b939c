package mcp

import (
	"context"
	"fmt"
	"sync"

	"flowgate/internal/service"
	"flowgate/internal/workflow"
)

// notifier sends a notification about the request being served, on that
// request's own stream and before its result. False: the client cannot get
// any. The library's own channel belongs to a session and loses those sent
// just before the result, so progress does not go that way.
type notifier interface {
	notify(method string, params map[string]any) bool
}

type notifierKey struct{}

func withNotifier(ctx context.Context, n notifier) context.Context {
	return context.WithValue(ctx, notifierKey{}, n)
}

// progress tells a client that asked for it how an execution goes on, node by
// node, and keeps what it said for the result.
type progress struct {
	request
	ctx context.Context //nolint:containedctx // of the one call this belongs to
	to  notifier

	mu    sync.Mutex
	count int
	nodes []service.NodeRunView
}

// progressOf returns nil when the request asks for neither progress nor
// messages.
func progressOf(ctx context.Context, r request) *progress {
	to, ok := ctx.Value(notifierKey{}).(notifier)
	if !ok || r.progress == nil && !r.wanted(ctx, "emergency") {
		return nil
	}
	return &progress{request: r, ctx: ctx, to: to}
}

// event passes one event on. Progress only ever grows, as the protocol wants.
func (p *progress) event(e workflow.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	text, level := "", "info"
	switch e.Type {
	case workflow.EventNodeStarted:
		text, level = fmt.Sprintf("%s: started", e.Node), "debug"
	case workflow.EventNodeFinished:
		text = fmt.Sprintf("%s: finished after %.0f ms, items per output %v", e.Node, e.DurationMS, e.ItemCounts)
		p.nodes = append(p.nodes, service.NodeRunView{Node: e.Node, Run: e.Run, Status: "success", ItemCounts: e.ItemCounts, DurationMS: e.DurationMS})
	case workflow.EventNodeFailed:
		text, level = fmt.Sprintf("%s: failed: %s", e.Node, e.Message), "error"
		p.nodes = append(p.nodes, service.NodeRunView{Node: e.Node, Run: e.Run, Status: "error", DurationMS: e.DurationMS,
			Error: &workflow.ExecutionError{Node: e.Node, Run: e.Run, Message: e.Message}})
	case workflow.EventWaiting:
		text, level = fmt.Sprintf("%s: waiting", e.Node), "notice"
	default:
		return
	}
	p.count++
	if p.progress != nil {
		p.to.notify("notifications/progress", map[string]any{"progressToken": p.progress, "progress": p.count, "message": text})
	}
	if p.wanted(p.ctx, level) {
		p.to.notify("notifications/message", map[string]any{"level": level, "logger": "workflow",
			"data": map[string]any{"execution_id": e.ExecutionID, "node": e.Node, "event": e.Type, "message": text}})
	}
}

// repeatIn puts what was said into the result, since a client may have
// missed any notification.
func (p *progress) repeatIn(result any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if v, ok := result.(*service.ExecutionView); ok && len(v.Nodes) == 0 {
		v.Nodes = p.nodes
	}
}
