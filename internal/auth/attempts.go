package auth

import (
	"context"
	"sync"
	"time"

	"flowgate/internal/workflow"
)

// Attempts bounds failed sign-ins. It fails closed: where it cannot
// count it refuses.
type Attempts interface {
	// Allow is CodeRateLimited when there were too many failures lately under
	// the key, which names an address or an account.
	Allow(ctx context.Context, key string) error
	// Failed counts a failure under the key.
	Failed(ctx context.Context, key string)
}

const (
	failuresAllowed = 20
	failuresWindow  = 5 * time.Minute
	failuresKeys    = 10_000
)

// LocalAttempts is an Attempts of this process: 20 in five minutes per key. The
// zero value is ready. Safe for concurrent use.
type LocalAttempts struct {
	mu    sync.Mutex
	since map[string]failureCount
	now   func() time.Time
}

type failureCount struct {
	n     int
	begun time.Time
}

// Allow refuses a key that has failed too often.
func (f *LocalAttempts) Allow(_ context.Context, key string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, now := f.since[key], f.time()
	if c.n < failuresAllowed || now.Sub(c.begun) >= failuresWindow {
		return nil
	}
	wait := int(failuresWindow.Seconds()-now.Sub(c.begun).Seconds()) + 1
	err := workflow.Errorf(workflow.CodeRateLimited, "too many failed attempts; try again in %d seconds", wait)
	err.Details = map[string]any{"retry_after": wait}
	return err
}

// Failed counts.
func (f *LocalAttempts) Failed(_ context.Context, key string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.time()
	c := f.since[key]
	if c.n == 0 || now.Sub(c.begun) >= failuresWindow {
		f.makeRoom(now)
		c = failureCount{begun: now}
	}
	c.n++
	f.since[key] = c
}

// makeRoom forgets what is over, and where that is not enough, all: an
// attacker with that many keys is not held up by counting.
func (f *LocalAttempts) makeRoom(now time.Time) {
	if f.since == nil {
		f.since = map[string]failureCount{}
	}
	if len(f.since) < failuresKeys {
		return
	}
	for key, c := range f.since {
		if now.Sub(c.begun) >= failuresWindow {
			delete(f.since, key)
		}
	}
	if len(f.since) >= failuresKeys {
		clear(f.since)
	}
}

func (f *LocalAttempts) time() time.Time {
	if f.now != nil {
		return f.now()
	}
	return time.Now()
}
