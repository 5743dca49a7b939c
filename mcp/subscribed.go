package mcp

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"runtime/debug"
	"strings"
	"time"

	protocol "github.com/mark3labs/mcp-go/mcp"

	"flowgate/internal/service"
)

// Who subscribes to a resource hears when it changed, on the stream it
// listens on: it is looked at now and then, as its subscriber would read it.

// maxSubscriptions bounds the resources of one session.
const maxSubscriptions = 32

// resourcesOf are those a subscriptions/listen request asks for.
func (m *envelope) resourcesOf() []string {
	var f protocol.SubscriptionFilter
	if json.Unmarshal(m.Params.Notifications, &f) != nil {
		return nil
	}
	return f.ResourceSubscriptions[:min(len(f.ResourceSubscriptions), maxSubscriptions)]
}

// tellUpdates notifies of changed resources among those that wanted returns,
// until stop is called. meta is added to each notification.
func (s *Server) tellUpdates(ctx context.Context, to notifier, wanted func() []string, meta map[string]any) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(s.Watch)
		defer tick.Stop()
		seen := map[string]look{}
		for {
			s.safely("look at subscribed resources", func() {
				s.lookAt(ctx, wanted(), seen, func(uri string) {
					params := map[string]any{"uri": uri}
					if meta != nil {
						params["_meta"] = meta
					}
					to.notify(string(protocol.MethodNotificationResourceUpdated), params)
				})
			})
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() { cancel(); <-ended }
}

// safely does what goes on beside requests: a panic in it is logged, and ends
// that one time only.
func (s *Server) safely(doing string, do func()) {
	defer func() {
		if p := recover(); p != nil {
			s.Logger.Error("mcp: panic", "doing", doing, "panic", p, "stack", string(debug.Stack()))
		}
	}()
	do()
}

// look is what was seen of a resource.
type look struct {
	sum [sha256.Size]byte
	seq int64 // of the last event, of an execution
}

// lookAt calls changed for each resource that is not as it was seen. One that
// cannot be read, or not any more, counts as empty. Nobody asked for the
// look, so that it is in no audit log.
func (s *Server) lookAt(ctx context.Context, uris []string, seen map[string]look, changed func(uri string)) {
	for _, uri := range uris {
		before, known := seen[uri]
		now := s.look(ctx, uri, before.seq)
		if ctx.Err() != nil {
			return
		}
		if known && before != now {
			changed(uri)
		}
		seen[uri] = now
	}
}

// look reads as much of a resource as tells whether it changed: of an
// execution where it stands, and the events after the last that was seen.
func (s *Server) look(ctx context.Context, uri string, seq int64) look {
	r := resourceOf(uri)
	if r == nil {
		return look{}
	}
	live := *r
	if id, ok := strings.CutPrefix(uri, executionScheme); ok {
		live.arguments = func(id string) map[string]any { return map[string]any{"execution_id": id, "detail": "status"} }
		seq = s.lastEvent(ctx, id, seq)
	}
	text, _, _ := s.contents(ctx, &live, uri, s.Service.Peek)
	return look{sha256.Sum256([]byte(text)), seq}
}

// lastEvent is the number of an execution's last event, after one that was seen.
func (s *Server) lastEvent(ctx context.Context, id string, seen int64) int64 {
	for {
		args, _ := json.Marshal(map[string]any{"execution_id": id, "after": seen, "limit": 1000}) // plain values
		out, err := s.Service.Peek(ctx, s.Service.Tool("get_execution_logs"), args)
		logs, ok := out.(*service.GetExecutionLogsOutput)
		if err != nil || !ok || logs.NextAfter <= seen {
			return seen
		}
		seen = logs.NextAfter
	}
}
