package mcp

import (
	"context"
	"errors"
	"sync"
)

// inflight are the requests under way that a message can cancel, by session
// and id: nobody reaches those of another's session.
type inflight struct {
	mu  sync.Mutex
	all map[string]*underWay
}

type underWay struct{ cancel context.CancelCauseFunc }

// errCancelled is why the context of a request ended that its client cancelled.
var errCancelled = errors.New("the client cancelled the request")

// cancelled reports whether ctx is of such a request.
func cancelled(ctx context.Context) bool { return errors.Is(context.Cause(ctx), errCancelled) }

// begin notes a request; done must be called at its end. With key "" nothing
// can cancel it.
func (f *inflight) begin(ctx context.Context, key string) (_ context.Context, done func()) {
	if key == "" {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	mine := &underWay{cancel}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.all == nil {
		f.all = map[string]*underWay{}
	}
	f.all[key] = mine
	return ctx, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.all[key] == mine { // ids should not repeat, but may
			delete(f.all, key)
		}
		cancel(nil)
	}
}

// cancel ends the request under key, if it is still under way.
func (f *inflight) cancel(key string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if call := f.all[key]; call != nil {
		call.cancel(errCancelled)
	}
}
