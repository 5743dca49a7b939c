package mcp

import (
	"context"
	"fmt"
	"sync"

	protocol "github.com/mark3labs/mcp-go/mcp"

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
	token protocol.ProgressToken
	to    notifier

	mu    sync.Mutex
	count int
	nodes []service.NodeRunView
}

// progressOf returns nil when the request asks for no progress.
func progressOf(ctx context.Context, req protocol.CallToolRequest) *progress {
	to, ok := ctx.Value(notifierKey{}).(notifier)
	if !ok || req.Params.Meta == nil || req.Params.Meta.ProgressToken == nil {
		return nil
	}
	return &progress{token: req.Params.Meta.ProgressToken, to: to}
}

// event passes one event on. Progress only ever grows, as the protocol wants.
func (p *progress) event(e workflow.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := ""
	switch e.Type {
	case workflow.EventNodeStarted:
		text = fmt.Sprintf("%s: started", e.Node)
	case workflow.EventNodeFinished:
		text = fmt.Sprintf("%s: finished after %.0f ms, items per output %v", e.Node, e.DurationMS, e.ItemCounts)
		p.nodes = append(p.nodes, service.NodeRunView{Node: e.Node, Run: e.Run, Status: "success", ItemCounts: e.ItemCounts, DurationMS: e.DurationMS})
	case workflow.EventNodeFailed:
		text = fmt.Sprintf("%s: failed: %s", e.Node, e.Message)
		p.nodes = append(p.nodes, service.NodeRunView{Node: e.Node, Run: e.Run, Status: "error", DurationMS: e.DurationMS,
			Error: &workflow.ExecutionError{Node: e.Node, Run: e.Run, Message: e.Message}})
	case workflow.EventWaiting:
		text = fmt.Sprintf("%s: waiting", e.Node)
	default:
		return
	}
	p.count++
	p.to.notify("notifications/progress", map[string]any{"progressToken": p.token, "progress": p.count, "message": text})
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
