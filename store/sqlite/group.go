package sqlite

import (
	"context"
	"database/sql"
	"slices"
	"sync"
)

// group gathers writes that come at the same time into one transaction: while
// one is under way the next fills. Each of them is told when it is committed,
// so nothing is less durable than alone.
type group struct {
	turn    chan struct{} // held by whoever writes
	mu      sync.Mutex
	waiting []*groupWrite
}

// groupWrite is one write. It may be tried twice, and the second time alone.
type groupWrite struct {
	doing string // as fail tells it
	do    func(ctx context.Context, tx *sql.Tx) error
	alone func(ctx context.Context) error // in place of do, where nobody else writes; may be nil
	done  chan struct{}
	err   error
}

// maxGroup bounds what one transaction holds up.
const maxGroup = 64

func newGroup() *group { return &group{turn: make(chan struct{}, 1)} }

// together runs the write with others and returns when it is committed.
// Waiting for the turn ends with ctx.
func (s *Store) together(ctx context.Context, w *groupWrite) error {
	if err := ctx.Err(); err != nil {
		return fail(w.doing, err)
	}
	w.done = make(chan struct{})
	s.group.add(w)
	select {
	case <-w.done:
	case s.group.turn <- struct{}{}:
		s.lead(context.WithoutCancel(ctx), w)
	case <-ctx.Done():
		if s.group.remove(w) {
			return fail(w.doing, ctx.Err())
		}
		<-w.done // it is being written
	}
	return w.err
}

// lead writes what waits, w included, and passes the turn on.
func (s *Store) lead(ctx context.Context, w *groupWrite) {
	defer func() { <-s.group.turn }()
	for !w.isDone() { // once, unless more than a transaction's worth waits before w
		s.writeGroup(ctx, s.group.take())
	}
}

// writeGroup commits the writes at once. Where one fails each is tried alone,
// so that it does not spoil the others.
func (s *Store) writeGroup(ctx context.Context, list []*groupWrite) {
	if len(list) == 1 {
		w := list[0]
		if w.alone != nil {
			w.finish(fail(w.doing, w.alone(ctx)))
		} else {
			w.finish(s.tx(ctx, w.doing, w.do))
		}
		return
	}
	err := s.tx(ctx, list[0].doing, func(ctx context.Context, tx *sql.Tx) error {
		for _, w := range list {
			if err := w.do(ctx, tx); err != nil {
				return err
			}
		}
		return nil
	})
	for _, w := range list {
		if err == nil {
			w.finish(nil)
		} else {
			w.finish(s.tx(ctx, w.doing, w.do))
		}
	}
}

func (w *groupWrite) finish(err error) {
	w.err = err
	close(w.done)
}

func (w *groupWrite) isDone() bool {
	select {
	case <-w.done:
		return true
	default:
		return false
	}
}

func (g *group) add(w *groupWrite) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting = append(g.waiting, w)
}

// take returns the next writes; whoever has the turn calls it.
func (g *group) take() []*groupWrite {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := min(len(g.waiting), maxGroup)
	list := slices.Clone(g.waiting[:n])
	g.waiting = slices.Delete(g.waiting, 0, n)
	return list
}

// remove takes w back; false when it is too late for that.
func (g *group) remove(w *groupWrite) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := slices.Index(g.waiting, w)
	if i >= 0 {
		g.waiting = slices.Delete(g.waiting, i, i+1)
	}
	return i >= 0
}
