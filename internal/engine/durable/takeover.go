package durable

import (
	"fmt"
	"slices"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"

	"flowgate/internal/workflow"
	"flowgate/store"
)

// scan takes over the runs of dead processes, finds own runs that fell through,
// and forgets what ended long ago.
func (s *session) scan() {
	seen := make(map[string]sighting)
	var strays map[string]time.Time
	var swept time.Time
	for sleep(s.ctx, s.rt.opts.ScanEvery) {
		var err error
		if strays, err = s.scanOnce(seen, strays); err == nil && time.Since(swept) > s.rt.opts.ForgetAfter/10 {
			swept, err = time.Now(), s.sweep()
		}
		if err != nil && s.ctx.Err() == nil {
			s.rt.log.Warn("durable scan failed", "error", err)
		}
	}
}

// sighting is a lease as this process first saw it, on its own clock.
type sighting struct {
	lease store.Lease
	at    time.Time
}

func (s *session) scanOnce(seen map[string]sighting, strays map[string]time.Time) (map[string]time.Time, error) {
	rows, err := dbos.GetWorkflowAggregates(s.lib, dbos.GetWorkflowAggregatesInput{
		GroupByExecutorID: true, SelectCount: true, Status: []dbos.WorkflowStatusType{dbos.WorkflowStatusPending}})
	if err != nil {
		return nil, fmt.Errorf("durable: count runs: %w", err)
	}
	leases, err := s.rt.opts.Leases.ListLeases(s.ctx, slotPrefix)
	if err != nil {
		return nil, fmt.Errorf("durable: list slots: %w", err)
	}
	var found map[string]time.Time
	for _, row := range rows {
		owner := row.Group["executor_id"]
		if owner == nil || row.Count == nil {
			continue
		}
		if *owner != s.lease.Name {
			err = s.takeOver(*owner, leases, seen)
		} else if int(*row.Count) > len(s.activeSince(time.Now())) {
			found, err = s.recoverStrays(strays)
		}
		if err != nil {
			return found, err
		}
	}
	return found, nil
}

// takeOver resumes the runs of slot if its holder is gone. Holding the slot's
// lease meanwhile keeps a new process from starting under it.
func (s *session) takeOver(slot string, leases []store.Lease, seen map[string]sighting) error {
	var steal *store.Lease
	if i := slices.IndexFunc(leases, func(l store.Lease) bool { return l.Name == slot }); i >= 0 {
		l := leases[i]
		if was, ok := seen[slot]; !ok || was.lease != l {
			seen[slot] = sighting{l, time.Now()}
		}
		// By its clock or by ours: clocks may differ. The store decides.
		expired := !l.ExpiresAt.After(time.Now()) || time.Since(seen[slot].at) > s.rt.opts.TTL
		if diedHere(l) {
			steal = &l
		} else if !expired {
			return nil
		}
	}
	host, pid := thisProcess()
	want := store.Lease{Name: slot, Holder: s.lease.Holder, Host: host, PID: pid}
	held, err := s.rt.opts.Leases.AcquireLease(s.ctx, want, s.rt.opts.TTL, steal)
	if workflow.CodeOf(err) == workflow.CodeConflict {
		return nil // it lives, or another process was faster
	} else if err != nil {
		return fmt.Errorf("durable: take slot over: %w", err)
	}
	ids, err := s.pending(slot)
	if err == nil {
		err = s.resume(ids)
	}
	s.rt.log.Info("durable runs taken over", "slot", slot, "fence", held.Fence, "count", len(ids))
	if rerr := s.rt.opts.Leases.ReleaseLease(s.ctx, held); err == nil {
		err = rerr
	}
	return err
}

// recoverStrays resumes runs that count as ours but are not in progress, and
// returns them with the time each was first found so, of which before is the
// last answer. Those that this session let go of are resumed when they are found
// twice in a row. Of others, such as those claimed when the database failed, it
// cannot tell: they may be starting, or their end is being written by a
// database that is slow, so that they are given Options.StrayAfter.
func (s *session) recoverStrays(before map[string]time.Time) (map[string]time.Time, error) {
	ids, err := s.pending(s.lease.Name)
	if err != nil {
		return nil, err
	}
	active := s.activeSince(time.Now())
	slices.Sort(active)
	astray := slices.DeleteFunc(ids, func(id string) bool {
		_, ok := slices.BinarySearch(active, id)
		return ok
	})
	found := make(map[string]time.Time, len(astray))
	var again []string
	for _, id := range astray {
		since, twice := before[id]
		if !twice {
			since = time.Now()
		}
		if found[id] = since; twice && (s.isLoose(id) || time.Since(since) > s.rt.opts.StrayAfter) {
			again = append(again, id)
		}
	}
	if len(again) == 0 {
		return found, nil
	}
	s.rt.log.Info("durable runs found astray", "count", len(again))
	if err := s.resume(again); err != nil {
		return found, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range again {
		delete(s.loose, id)
		delete(found, id)
	}
	return found, nil
}

func (s *session) pending(slot string) ([]string, error) {
	list, err := dbos.ListWorkflows(s.lib, dbos.WithFilterStatus(dbos.WorkflowStatusPending), dbos.WithFilterExecutorIDs(slot),
		dbos.WithFilterLoadInput(false), dbos.WithFilterLoadOutput(false))
	if err != nil {
		return nil, fmt.Errorf("durable: list runs: %w", err)
	}
	ids := make([]string, len(list))
	for i, st := range list {
		ids[i] = st.ID
	}
	return ids, nil
}
