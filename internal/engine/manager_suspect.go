package engine

import (
	"context"
	"sync"
	"time"

	"flowgate/internal/workflow"
)

const (
	// collective is how many deaths count for all executions that a process
	// computed. Further ones count for those only that were computed in turn.
	collective = 2
	// longestTurn is for how long a suspect keeps the others waiting that does
	// not get further and kills nobody.
	longestTurn = 3 * time.Second
	// firstProbation is how long a process has to have lived before a suspect
	// gets its turn in it, doubled with each further death. So a process that
	// dies of something else, time and again, is not held against those that
	// it was to compute next.
	firstProbation, longestProbation = time.Second, time.Minute
)

// probation is how old a process has to be for the turn of a suspect with
// that many deaths behind it.
func probation(deaths int) time.Duration {
	p := firstProbation
	for ; deaths > collective && p < longestProbation; deaths-- {
		p *= 2
	}
	return min(p, longestProbation)
}

// suspect is an execution that is computed again after a process died while it
// was computed.
type suspect struct {
	last    int64  // number of the newest event that is stored
	cleared func() // ends its turn; may be called again
}

// suspected sees to it that e is judged fairly: until it gets further its events
// are stored at once, and after the second death it is computed in a process that
// has shown that it lives without it, and while no other suspect is, so that the
// one that kills is found and those beside it are not given up with it.
func (r *recorder) suspected(ctx context.Context, e *workflow.Execution, deaths int) error {
	last, err := r.m.lastSeq(ctx, e)
	if err != nil {
		return err
	}
	s := &suspect{last: last, cleared: func() {}}
	if deaths >= collective {
		if s.cleared, err = r.m.awaitTurn(ctx, e.ID, deaths); err != nil {
			return err
		}
	}
	r.mu.Lock()
	r.suspect = s
	r.mu.Unlock()
	return nil
}

// awaitTurn returns when the process is old enough and no other suspect has
// its turn, or ctx has ended. A process that dies meanwhile did not die of this
// one. Its place among those that compute is free for others until then.
func (m *Manager) awaitTurn(ctx context.Context, id string, deaths int) (end func(), err error) {
	<-m.slots
	m.nudge()
	defer func() { m.slots <- struct{}{} }() // soon: computing ends, or is bounded
	if err := (Direct{}).WaitUntil(ctx, "", m.began.Add(probation(deaths))); err != nil {
		return func() {}, nil //nolint:nilerr // the run ends by its context
	}
	select {
	case m.turn <- struct{}{}:
	case <-ctx.Done():
		return func() {}, nil
	}
	end = sync.OnceFunc(func() { <-m.turn })
	if err := m.opts.Supervision.NoteTurn(ctx, id); err != nil {
		end()
		return nil, err
	}
	time.AfterFunc(longestTurn, end)
	return end, nil
}

// heed stores what a suspect has to show, and clears it when it got further.
func (r *recorder) heed(ctx context.Context, seq int64) {
	r.mu.Lock()
	s := r.suspect
	r.mu.Unlock()
	if s == nil {
		return
	}
	if err := r.flush(ctx); err != nil || seq <= s.last { // what is not stored will be tried again
		return
	}
	r.clear()
}

// clear ends that the execution is a suspect.
func (r *recorder) clear() {
	r.mu.Lock()
	s := r.suspect
	r.suspect = nil
	r.mu.Unlock()
	if s != nil {
		s.cleared()
	}
}
