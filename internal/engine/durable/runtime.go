package durable

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Runtime runs durable runs in this process, beside other processes on the
// same database. Its methods are safe for concurrent use.
type Runtime struct {
	opts Options
	log  *slog.Logger
	book *book

	mu      sync.Mutex
	session *session // nil while no slot is held
	closed  bool

	closing context.Context // done when Close begins to stop runs
	stop    context.CancelFunc
	done    chan struct{} // closed when the keeper has ended
}

// Open takes a slot, resumes what its last holder left, and begins to look
// after other processes' runs. ctx bounds the opening only; Close ends it all.
func Open(ctx context.Context, opts Options) (*Runtime, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	rt := &Runtime{
		opts: opts, log: opts.Logger, done: make(chan struct{}),
		book: &book{lite: opts.SQLite, pg: opts.Postgres, now: func() int64 { return opts.Now().UnixMilli() }},
	}
	rt.closing, rt.stop = context.WithCancel(context.WithoutCancel(ctx))
	if err := rt.book.create(ctx); err != nil {
		return nil, err
	}
	s, err := openSession(ctx, rt)
	if err != nil {
		return nil, err
	}
	rt.session = s
	go rt.keep(s)
	return rt, nil
}

// keep replaces a session whose lease was lost by a new one, until Close.
func (rt *Runtime) keep(s *session) {
	defer close(rt.done)
	for {
		select {
		case <-s.ctx.Done():
		case <-rt.closing.Done():
		}
		rt.set(nil)
		s.end()
		for s = nil; s == nil; {
			if rt.closing.Err() != nil {
				return
			}
			var err error
			if s, err = openSession(rt.closing, rt); err != nil {
				rt.log.Error("no durable slot", "error", err)
				sleep(rt.closing, rt.opts.TTL/9)
			}
		}
		rt.set(s)
	}
}

func (rt *Runtime) set(s *session) {
	rt.mu.Lock()
	rt.session = s
	rt.mu.Unlock()
}

func (rt *Runtime) current() (*session, error) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	switch {
	case rt.closed:
		return nil, ErrClosed
	case rt.session == nil:
		return nil, ErrUnavailable
	}
	return rt.session, nil
}

// Executor names the slot this process holds now, such as "flowgate-1"; "" while
// it holds none. It changes when the lease is lost.
func (rt *Runtime) Executor() string {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	if rt.session == nil {
		return ""
	}
	return rt.session.lease.Name
}

// Close stops starting and resuming, waits for running runs until ctx ends,
// stops the rest with ErrStopped, and gives the slot back, so that other
// processes take its runs over at once. It may be called again.
func (rt *Runtime) Close(ctx context.Context) error {
	rt.mu.Lock()
	rt.closed = true
	s := rt.session
	rt.mu.Unlock()
	if s != nil {
		s.drain(ctx)
	}
	rt.stop()
	<-rt.done // bounded: session.end is
	return nil
}

// sleep waits for d or until ctx is done; true when d has passed.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
