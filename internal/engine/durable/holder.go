package durable

import (
	"context"
	"fmt"

	"flowgate/store"
)

// Holder names who holds a slot: its name and fence, such as "flowgate-1#42".
// It never means two processes, not even one after the other.
func Holder(l store.Lease) string { return fmt.Sprintf("%s#%d", l.Name, l.Fence) }

// Holder names the process that makes this call of the Func.
func (r *Run) Holder() string { return Holder(r.s.lease) }

// Holder names this process as it is now, "" while it holds no slot.
func (rt *Runtime) Holder() string {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	if rt.session == nil {
		return ""
	}
	return Holder(rt.session.lease)
}

// Holders names all processes that hold a slot now.
func (rt *Runtime) Holders(ctx context.Context) ([]string, error) {
	leases, err := rt.opts.Leases.ListLeases(ctx, slotPrefix)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, l := range leases {
		if l.ExpiresAt.After(rt.opts.Now()) {
			names = append(names, Holder(l))
		}
	}
	return names, nil
}
