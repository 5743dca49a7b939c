package grpcclient

import (
	"context"
	"sync"
	"time"

	"flowgate/internal/workflow"
)

// Bulkhead says how much each tier of callers may have under way at once.
// What one tier has takes no place of another's, and its conversations and
// followed executions take none of its short calls'.
type Bulkhead struct {
	Calls   int // short calls; 0: 256
	Turns   int // turns of conversations; 0: 64
	Watches int // executions that are followed; 0: 4096
}

// kind is what a call holds its place for.
type kind int

const (
	calls kind = iota
	turns
	watches
)

var kindNames = [...]string{"calls", "conversations", "followed executions"}

// compartment is the places of one tier for one kind of call.
type compartment struct {
	tier string
	kind kind
}

// bulkheads gives out places. Tiers come from a fixed set, so nothing is ever
// removed.
type bulkheads struct {
	size   [len(kindNames)]int
	wait   time.Duration
	mu     sync.Mutex
	places map[compartment]chan struct{}
}

func newBulkheads(b Bulkhead, wait time.Duration) *bulkheads {
	return &bulkheads{size: [...]int{b.Calls, b.Turns, b.Watches}, wait: wait, places: map[compartment]chan struct{}{}}
}

func (b *bulkheads) of(c compartment) chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.places[c] == nil {
		b.places[c] = make(chan struct{}, b.size[c.kind])
	}
	return b.places[c]
}

// enter takes a place of the caller's tier, waiting a moment for one, and
// returns how to give it back. With none it is CodeUnavailable.
func (c *Client) enter(ctx context.Context, k kind) (leave func(), err error) {
	tier := ""
	if c.opts.Tier != nil {
		tier = c.opts.Tier(ctx)
	}
	places := c.bulkheads.of(compartment{tier, k})
	leave = func() { <-places }
	select {
	case places <- struct{}{}:
		return leave, nil
	default:
	}
	timer := time.NewTimer(c.bulkheads.wait)
	defer timer.Stop()
	select {
	case places <- struct{}{}:
		return leave, nil
	case <-ctx.Done():
		return nil, ended(ctx, nil)
	case <-timer.C:
		return nil, workflow.Errorf(workflow.CodeUnavailable, "The workflow agent has its fill of %s of this tier, %d; try again in a moment.", kindNames[k], cap(places)).
			WithReason("agent_busy")
	}
}
