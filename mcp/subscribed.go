package mcp

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"time"

	protocol "github.com/mark3labs/mcp-go/mcp"
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
		seen := map[string][sha256.Size]byte{}
		for {
			s.lookAt(ctx, wanted(), seen, func(uri string) {
				params := map[string]any{"uri": uri}
				if meta != nil {
					params["_meta"] = meta
				}
				to.notify(string(protocol.MethodNotificationResourceUpdated), params)
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

// lookAt calls changed for each resource that is not as it was seen. One that
// cannot be read, or not any more, counts as empty.
func (s *Server) lookAt(ctx context.Context, uris []string, seen map[string][sha256.Size]byte, changed func(uri string)) {
	for _, uri := range uris {
		text := ""
		if r := resourceOf(uri); r != nil {
			text, _, _ = s.contents(ctx, r, uri)
		}
		if ctx.Err() != nil {
			return
		}
		now := sha256.Sum256([]byte(text))
		if before, known := seen[uri]; known && before != now {
			changed(uri)
		}
		seen[uri] = now
	}
}
