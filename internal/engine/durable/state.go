package durable

import (
	"context"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"
)

// State is what the journal knows of a run.
type State int

// The states.
const (
	Unknown State = iota // never entered it, or forgotten
	Live                 // runs, is about to run, or waits
	Ended                // ended, or cancelled for good
)

// States returns the state of each of ids that is not Unknown. A run that was
// begun in another process is Unknown until it enters the journal.
func (rt *Runtime) States(ctx context.Context, ids ...string) (map[string]State, error) {
	s, err := rt.current()
	if err != nil {
		return nil, err
	}
	known, err := s.states(ctx, ids)
	if err != nil {
		return nil, err
	}
	marked, err := rt.book.cancelled(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := make(map[string]State, len(ids))
	for id, st := range known {
		out[id] = Live
		if st == dbos.WorkflowStatusSuccess || st == dbos.WorkflowStatusError {
			out[id] = Ended
		}
	}
	for _, id := range marked {
		if out[id] == Live {
			out[id] = Ended
		}
	}
	for _, id := range ids {
		if out[id] == Unknown && s.begun(id) != nil {
			out[id] = Live
		}
	}
	return out, nil
}

// ForgetAfter is how long ended runs are kept at least; negative: for ever.
func (rt *Runtime) ForgetAfter() time.Duration { return rt.opts.ForgetAfter }

// kept leaves out those of ended runs that Options.Keep wants kept.
func (s *session) kept(ctx context.Context, ended []string) ([]string, error) {
	if s.rt.opts.Keep == nil || len(ended) == 0 {
		return ended, nil
	}
	keep, err := s.rt.opts.Keep(ctx, ended)
	if err != nil || len(keep) == 0 {
		return ended, err
	}
	still := make(map[string]bool, len(keep))
	for _, id := range keep {
		still[id] = true
	}
	var out []string
	for _, id := range ended {
		if !still[id] {
			out = append(out, id)
		}
	}
	return out, nil
}
