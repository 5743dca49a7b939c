package node

import (
	"context"
	"net/http"
)

// aheadWindow is how many reading requests are under way at once.
const aheadWindow = 8

// flight is a request sent before its item's turn.
type flight struct {
	done chan struct{}
	data []byte
	err  error
}

func (f *flight) wait(ctx context.Context) ([]byte, error) {
	select {
	case <-f.done:
		return f.data, f.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// reads reports whether a request may be sent before its turn: it changes
// nothing, stands alone, and is not to be spaced out.
func (k *httpCall) reads() bool {
	return (k.method == http.MethodGet || k.method == http.MethodHead) && k.pages == nil && k.interval <= 0
}

// planAhead reads the parameters of the next items. It does so whether or not
// their answers are recorded, so that expressions are always evaluated in one
// order.
func (r *httpRun) planAhead(ctx context.Context, k *httpCall) {
	if !k.reads() {
		return
	}
	for j := k.item + 1; j < min(k.item+aheadWindow, len(r.c.Items())); j++ {
		if r.plans[j] == nil {
			call, err := planHTTP(ctx, r.c, j)
			r.plans[j] = &plannedCall{call: call, err: err}
		}
	}
}

// sendAhead starts the requests of the next items beside the one of k. Their
// answers are recorded when their turn comes, in order.
func (r *httpRun) sendAhead(k *httpCall, auth *httpAuth) {
	if !k.reads() {
		return
	}
	client := r.c.Host.HTTP()
	for j := k.item + 1; j < k.item+aheadWindow; j++ {
		p := r.plans[j]
		if p == nil || p.err != nil || r.ahead[j] != nil {
			continue
		}
		if !p.call.reads() || p.call.auth != k.auth {
			return
		}
		f := &flight{done: make(chan struct{})}
		r.ahead[j] = f
		r.flying.Go(func() {
			defer close(f.done)
			f.data, f.err = sendHTTP(r.ctx, client, p.call, auth)
		})
	}
}
