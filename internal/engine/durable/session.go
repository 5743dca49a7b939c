package durable

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"

	"flowgate/store"
)

// session is the time for which a process holds one slot: a lease, the library
// opened under the slot's name, and the runs in progress.
type session struct {
	rt     *Runtime
	lease  store.Lease
	lib    dbos.Context
	direct dbos.Context // lib for runs started here, not resumed

	ctx    context.Context // done, with ErrStopped, when runs must stop
	halt   context.CancelCauseFunc
	until  atomic.Int64 // our lease is safe until then, on epoch's monotonic clock
	epoch  time.Time
	keeper sync.WaitGroup

	mu     sync.Mutex
	ending bool // no run may begin
	active map[string]*Run
	loose  map[string]bool // let go of unfinished: the scan resumes them
	idle   chan struct{}   // closed when ending and no run is active
}

// openSession takes a slot and starts the library and the keepers under it.
func openSession(ctx context.Context, rt *Runtime) (*session, error) {
	s := &session{rt: rt, epoch: time.Now(), active: make(map[string]*Run), loose: make(map[string]bool), idle: make(chan struct{})}
	s.ctx, s.halt = context.WithCancelCause(context.WithoutCancel(ctx))
	asked := time.Now()
	var err error
	if s.lease, err = acquireSlot(ctx, rt.opts); err != nil {
		return nil, err
	}
	s.extend(asked)
	s.keeper.Go(s.renew)
	if s.lib, err = openLibrary(ctx, rt.opts, s.lease.Name, s.execute); err != nil {
		s.halt(ErrStopped)
		s.keeper.Wait()
		s.release()
		return nil, err
	}
	s.direct = dbos.WithValue(s.lib, startedHere{}, true)
	rt.log.Info("durable slot taken", "slot", s.lease.Name, "fence", s.lease.Fence)
	s.keeper.Go(s.watch)
	s.keeper.Go(s.scan)
	return s, nil
}

// extend notes a lease granted to a request made at asked. A quarter of the
// TTL is left for runs to unwind before another process may take them over.
func (s *session) extend(asked time.Time) {
	s.until.Store(int64(asked.Sub(s.epoch) + s.rt.opts.TTL*3/4))
}

// holds is true while no other process can have taken this session's runs.
func (s *session) holds() bool { return int64(time.Since(s.epoch)) < s.until.Load() }

// lose stops all runs, because they may be another process's soon.
func (s *session) lose(why string) {
	if s.ctx.Err() == nil {
		s.rt.log.Error("durable slot lost", "slot", s.lease.Name, "reason", why)
	}
	s.halt(ErrStopped)
}

// drain lets no further run begin and waits for those in progress until ctx ends.
func (s *session) drain(ctx context.Context) {
	s.mu.Lock()
	s.ending = true
	if len(s.active) == 0 {
		s.finish()
	}
	s.mu.Unlock()
	select {
	case <-s.idle:
	case <-ctx.Done():
	case <-s.ctx.Done():
	}
}

// end stops the runs, gives them Options.Grace to record what they are at,
// shuts the library down and gives the slot back.
func (s *session) end() {
	grace, cancel := context.WithTimeout(context.Background(), s.rt.opts.Grace)
	defer cancel()
	s.halt(ErrStopped)
	s.mu.Lock()
	s.ending = true
	if len(s.active) == 0 {
		s.finish()
	}
	s.mu.Unlock()
	select {
	case <-s.idle:
	case <-grace.Done():
		s.mu.Lock()
		s.rt.log.Warn("runs did not stop in time", "count", len(s.active))
		s.mu.Unlock()
	}
	s.keeper.Wait()
	if err := dbos.Shutdown(s.lib, s.rt.opts.Grace); err != nil {
		s.rt.log.Warn("durable library did not shut down cleanly", "error", err)
	}
	s.release()
}

func (s *session) release() {
	ctx, cancel := context.WithTimeout(context.Background(), s.rt.opts.TTL/3)
	defer cancel()
	if err := s.rt.opts.Leases.ReleaseLease(ctx, s.lease); err != nil {
		s.rt.log.Warn("durable slot not given back", "slot", s.lease.Name, "error", err)
	}
}

// states returns the library's state of each known run.
func (s *session) states(ctx context.Context, ids []string) (map[string]dbos.WorkflowStatusType, error) {
	out := make(map[string]dbos.WorkflowStatusType, len(ids))
	err := within(ctx, func() error {
		for part := range slices.Chunk(ids, 500) {
			list, err := dbos.ListWorkflows(s.lib, dbos.WithFilterWorkflowIDs(part...),
				dbos.WithFilterLoadInput(false), dbos.WithFilterLoadOutput(false))
			if err != nil {
				return fmt.Errorf("durable: read runs: %w", err)
			}
			for _, st := range list {
				out[st.ID] = st.Status
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
