package service

import (
	"context"
	"errors"
	"sync"
	"time"

	"flowgate/internal/workflow"
)

const (
	feedKeeps  = 512                    // newest events a feed holds; who is behind reads the store
	followRead = 500                    // events read of the store at once
	gapPause   = 100 * time.Millisecond // until events that are on their way are looked for again
)

// FollowExecution calls fn for each event of one of the caller's executions
// after the cursor, in order, each once: first what is stored, then what
// happens. It returns nil when the execution is final and all was told. ready,
// when not nil, is called once, when what was stored has been told and more
// may come. However many follow an execution, the agent is asked once. The audit
// log has its beginning.
func (s *Service) FollowExecution(ctx context.Context, id string, after int64, ready func() error, fn func(workflow.Event) error) error {
	var e *workflow.Execution
	err := s.Perform(ctx, "follow_execution", FollowInput{ExecutionID: id, After: after}, func(ctx context.Context) (err error) {
		e, err = s.Store.Execution(ctx, owner(ctx), id)
		return err
	})
	if err != nil {
		return err
	}
	f := follower{s: s, owner: e.OwnerID, id: id, seq: after, fn: fn}
	if err := f.stored(ctx); err != nil {
		return err
	}
	if f.over || e.Status.Final() {
		return nil
	}
	if ready != nil {
		if err := ready(); err != nil {
			return err
		}
	}
	return f.live(ctx)
}

// follower is how far one listener has been told.
type follower struct {
	s         *Service
	owner, id string
	seq       int64
	over      bool // the end was told
	fn        func(workflow.Event) error
}

func (f *follower) tell(events []workflow.Event) error {
	for _, e := range events {
		if e.Seq <= f.seq {
			continue
		}
		if e.Type != workflow.EventResponse { // what the workflow's own caller is answered
			if err := f.fn(e); err != nil {
				return err
			}
		}
		f.seq, f.over = e.Seq, e.Type == workflow.EventFinished
	}
	return nil
}

// stored tells what the store has beyond the cursor.
func (f *follower) stored(ctx context.Context) error {
	for !f.over {
		events, err := f.s.Store.Events(ctx, f.owner, f.id, f.seq, followRead)
		if err != nil {
			return err
		}
		if err := f.tell(events); err != nil {
			return err
		}
		if len(events) < followRead {
			return nil
		}
	}
	return nil
}

// live tells what happens, as it happens.
func (f *follower) live(ctx context.Context) error {
	d := f.s.feeds.join(ctx, f.s.Agent, f.owner, f.id, f.seq)
	defer f.s.feeds.leave(d)
	for !f.over {
		n := d.since(f.seq)
		if n.gap { // it is behind what the feed holds: the store has it, or will in a moment
			moved, err := f.catchUp(ctx)
			if err != nil || n.ended && !moved {
				return errors.Join(err, n.err)
			}
			continue
		}
		if err := f.tell(n.events); err != nil {
			return err
		}
		if n.ended && !f.over {
			return n.err
		}
		if len(n.events) > 0 {
			continue
		}
		select {
		case <-n.more:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// catchUp tells what the store has, and reports whether that was anything.
func (f *follower) catchUp(ctx context.Context) (bool, error) {
	before := f.seq
	if err := f.stored(ctx); err != nil || f.seq > before {
		return true, err
	}
	select {
	case <-time.After(gapPause):
		return false, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// feeds are the executions that are followed, one look at the agent for each.
type feeds struct {
	mu   sync.Mutex
	open map[string]*feed
}

// feed holds the newest events of an execution, without gaps.
type feed struct {
	key  string
	stop context.CancelFunc
	done chan struct{} // closed when its look at the agent is over
	refs int           // under feeds.mu

	mu     sync.Mutex
	first  int64 // Seq of events[0], or of the next event to come
	events []workflow.Event
	ended  bool
	err    error
	more   chan struct{} // closed when there is news
}

type feedNews struct {
	events []workflow.Event
	gap    bool
	ended  bool
	err    error
	more   <-chan struct{}
}

// join returns the execution's feed, beginning behind after when there is
// none yet.
func (fs *feeds) join(ctx context.Context, agent Agent, owner, id string, after int64) *feed {
	key := owner + "\x00" + id
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if f := fs.open[key]; f != nil && !f.over() {
		f.refs++
		return f
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	f := &feed{key: key, stop: stop, refs: 1, first: after + 1, done: make(chan struct{}), more: make(chan struct{})}
	if fs.open == nil {
		fs.open = map[string]*feed{}
	}
	fs.open[key] = f
	go func() {
		defer close(f.done)
		f.end(safely(func() error { return agent.Watch(ctx, owner, id, after, f.add) }))
	}()
	return f
}

// leave ends a feed with its last listener, and waits for that.
func (fs *feeds) leave(f *feed) {
	fs.mu.Lock()
	f.refs--
	last := f.refs == 0
	if last && fs.open[f.key] == f {
		delete(fs.open, f.key)
	}
	fs.mu.Unlock()
	if last {
		f.stop()
		<-f.done
	}
}

func (f *feed) add(e workflow.Event) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.events) == 0 {
		f.first = e.Seq
	}
	f.events = append(f.events, e)
	if over := len(f.events) - 2*feedKeeps; over >= 0 {
		f.events = append([]workflow.Event(nil), f.events[feedKeeps:]...)
		f.first = f.events[0].Seq
	}
	close(f.more)
	f.more = make(chan struct{})
	return nil
}

func (f *feed) end(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended, f.err = true, err
	close(f.more)
}

func (f *feed) over() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ended
}

// since returns what the feed has after seq.
func (f *feed) since(seq int64) feedNews {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := feedNews{ended: f.ended, err: f.err, more: f.more}
	if f.first > seq+1 {
		n.gap = true
		return n
	}
	if i := seq + 1 - f.first; i < int64(len(f.events)) {
		n.events = f.events[i:len(f.events):len(f.events)]
	}
	return n
}
