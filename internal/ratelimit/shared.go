package ratelimit

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"flowgate/store"
)

// Shared counts where all processes do, and while that cannot be reached in
// this process alone, each limit divided by the number of processes: callers
// get less then, never more. Safe for concurrent use.
type Shared struct {
	Counters store.Counters
	Local    *Memory
	Replicas int // processes that share the counters, to begin with; 1 when 0
	Logger   *slog.Logger
	// OnLocal is told of each call that is counted here; nil: nobody is.
	OnLocal func()
	// Patience is how long one call may wait for the counters; 250 ms when 0.
	Patience time.Duration
	// Pause is how long they are left alone after a failure; 1 s when 0.
	Pause time.Duration

	retryAt  atomic.Int64 // unix nanoseconds; 0: they answer
	local    atomic.Int64
	replicas atomic.Int64 // in place of Replicas, once it is set
}

// SetReplicas says how many processes share the counters from now on.
func (s *Shared) SetReplicas(n int) { s.replicas.Store(int64(n)) }

func (s *Shared) sharers() int64 {
	if n := s.replicas.Load(); n > 0 {
		return n
	}
	return max(int64(s.Replicas), 1)
}

var _ store.Counters = (*Shared)(nil)

// Degraded reports whether the counters cannot be reached.
func (s *Shared) Degraded() bool { return s.retryAt.Load() != 0 }

// CountedLocally returns how many calls were counted in this process alone.
func (s *Shared) CountedLocally() int64 { return s.local.Load() }

// Take counts one call against all rules or none.
func (s *Shared) Take(ctx context.Context, strategy store.Strategy, subject string, rules []store.CounterRule) ([]store.CounterState, int, error) {
	if s.mayAsk() {
		asked, cancel := context.WithTimeout(ctx, orDuration(s.Patience, 250*time.Millisecond))
		states, refused, err := s.Counters.Take(asked, strategy, subject, rules)
		cancel()
		if err == nil {
			s.answered()
			return states, refused, nil
		}
		if ctx.Err() != nil {
			return nil, -1, ctx.Err() // the caller left, which says nothing of the counters
		}
		s.failed(err)
	}
	s.local.Add(1)
	if s.OnLocal != nil {
		s.OnLocal()
	}
	return s.Local.Take(ctx, strategy, subject, s.share(rules))
}

// mayAsk reports whether the counters are to be asked: always while they
// answer, else by one caller after each pause.
func (s *Shared) mayAsk() bool {
	at := s.retryAt.Load()
	if at == 0 {
		return true
	}
	now := time.Now()
	if now.UnixNano() < at {
		return false
	}
	return s.retryAt.CompareAndSwap(at, now.Add(orDuration(s.Pause, time.Second)).UnixNano())
}

func (s *Shared) answered() {
	if s.retryAt.Load() != 0 && s.retryAt.Swap(0) != 0 && s.Logger != nil {
		s.Logger.Info("rate limits are counted with all other processes again")
	}
}

func (s *Shared) failed(err error) {
	until := time.Now().Add(orDuration(s.Pause, time.Second)).UnixNano()
	if s.retryAt.Swap(until) == 0 && s.Logger != nil {
		s.Logger.Warn("rate limits are counted in this process alone, each divided by rate_limit_replicas: the shared counters do not answer",
			"replicas", s.sharers(), "error", err)
	}
}

// share is this process's part of the rules.
func (s *Shared) share(rules []store.CounterRule) []store.CounterRule {
	replicas := s.sharers()
	if replicas == 1 {
		return rules
	}
	out := make([]store.CounterRule, len(rules))
	for i, r := range rules {
		r.Limit = max(r.Limit/replicas, 1)
		out[i] = r
	}
	return out
}

func orDuration(d, fallback time.Duration) time.Duration {
	if d <= 0 {
		return fallback
	}
	return d
}
