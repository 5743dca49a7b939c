package engine

import (
	"context"
	"slices"
	"time"

	"flowgate/internal/workflow"
)

const (
	watchBatch = 500
	// recheckEvery is how often a silent watcher looks at the store itself.
	recheckEvery = 5 * time.Second
)

// Watch calls fn for each event of the owner's execution after the cursor, in
// order, each once, and returns nil when the execution is final and all its
// events were given. An error of fn ends it, and so does StopWatching.
func (m *Manager) Watch(ctx context.Context, owner, id string, after int64, fn func(workflow.Event) error) error {
	cur := cursor{m: m, owner: owner, id: id, seq: after, fn: fn}
	if events, ok := m.ended.after(owner, id, after); ok {
		_, err := cur.give(ctx, news{events: events})
		return err
	}
	here := m.computes(owner, id)
	if !here {
		if _, err := m.store.Execution(ctx, owner, id); err != nil {
			return err
		}
	}
	w := m.hub.join(owner, id)
	defer m.hub.leave(id, w)
	cur.later = func() { time.AfterFunc(followEvery, func() { w.add(true) }) }
	if over, err := cur.begin(ctx, here); over || err != nil {
		return err
	}
	recheck := time.NewTicker(recheckEvery)
	defer recheck.Stop()
	for {
		var over bool
		var err error
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-m.unwatched:
			return errStopping()
		case <-m.ctx.Done():
			return errStopping()
		case <-recheck.C:
			over, err = cur.catchUp(ctx)
		case <-w.signal:
			over, err = cur.give(ctx, w.take())
		}
		if over || err != nil {
			return err
		}
	}
}

// cursor is how far one watcher has been told.
type cursor struct {
	m     *Manager
	owner string
	id    string
	seq   int64
	fn    func(workflow.Event) error
	later func() // has the store looked at in a moment; nil: there is nothing to come
}

// give passes on live events, and what is missing before them.
func (c *cursor) give(ctx context.Context, n news) (over bool, err error) {
	for _, e := range n.events {
		if e.Seq > c.seq+1 {
			if over, err = c.catchUp(ctx); over || err != nil {
				return over, err
			}
		}
		if e.Seq > c.seq+1 && c.later != nil { // another process's, which has not stored what precedes it yet
			c.later()
			return false, nil
		}
		if e.Seq <= c.seq {
			continue
		}
		if over, err = c.tell(e); over || err != nil {
			return over, err
		}
	}
	if n.look {
		return c.catchUp(ctx)
	}
	return false, nil
}

func (c *cursor) tell(e workflow.Event) (over bool, err error) {
	if err := c.fn(e); err != nil {
		return false, err
	}
	c.seq = e.Seq
	return e.Type == workflow.EventFinished, nil
}

// begin passes on what there is when the watcher has joined: from memory, where
// the execution computes here and nothing is missing before that.
func (c *cursor) begin(ctx context.Context, here bool) (over bool, err error) {
	if here {
		if events, whole := c.m.recent(c.id, c.seq); whole {
			return c.give(ctx, news{events: events})
		}
	}
	return c.catchUp(ctx)
}

// catchUp passes on what is known beyond the cursor: of the store, and of an
// execution in this process what is not stored yet. It is over when the
// execution is final and all was told.
func (c *cursor) catchUp(ctx context.Context) (over bool, err error) {
	e, err := c.m.store.Execution(ctx, c.owner, c.id)
	if err != nil {
		return false, err
	}
	for {
		unsaved := c.m.unsaved(c.id) // before the store: what is written meanwhile comes twice, never not at all
		events, err := c.m.store.Events(ctx, c.owner, c.id, c.seq, watchBatch)
		if err != nil {
			return false, err
		}
		full := len(events) == watchBatch
		if !full {
			events = append(events, unsaved...)
		}
		slices.SortStableFunc(events, func(a, b workflow.Event) int { return int(a.Seq - b.Seq) })
		for _, ev := range events {
			if ev.Seq != c.seq+1 {
				continue
			}
			if over, err := c.tell(ev); over || err != nil {
				return over, err
			}
		}
		if !full {
			return e.Status.Final(), nil
		}
	}
}

// unsaved returns the events of an execution in this process that may not be
// in the store yet, but for its end.
func (m *Manager) unsaved(id string) []workflow.Event {
	m.mu.Lock()
	rec := m.recorders[id]
	m.mu.Unlock()
	if rec == nil {
		return nil
	}
	return rec.unsaved()
}

// computes reports whether the owner's execution is in progress here.
func (m *Manager) computes(owner, id string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.starting[id]; e != nil {
		return e.OwnerID == owner
	}
	rec := m.recorders[id]
	return rec != nil && rec.execution.OwnerID == owner
}

// recent returns the events after seq of an execution in progress here, and
// whether they are all that there are so far; its end comes when it is stored.
func (m *Manager) recent(id string, seq int64) (events []workflow.Event, whole bool) {
	m.mu.Lock()
	rec, starts := m.recorders[id], m.starting[id] != nil
	m.mu.Unlock()
	if rec == nil {
		return nil, starts
	}
	return rec.recent(seq)
}
