package engine

import (
	"context"
	"hash/fnv"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"
)

// clock is an execution's time. It stands still but for what recorded effects
// say, so that computing the execution again sees the same times.
type clock struct{ now time.Time }

func (c *clock) advance(t time.Time) {
	if t.After(c.now) {
		c.now = t.In(c.now.Location())
	}
}

// source returns the chance of one node run: the same for the same seed,
// path and run, and independent of what other nodes drew.
func source(seed uint64, path string, run int) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(path + "\x00" + strconv.Itoa(run)))
	return rand.New(rand.NewPCG(seed, h.Sum64())) // repeatable on purpose, no secrets come of it
}

// stopwatch cancels a context after a while of working time; waits do not
// count. It is safe for concurrent use.
type stopwatch struct {
	mu      sync.Mutex
	left    time.Duration
	since   time.Time
	timer   *time.Timer
	paused  int
	expired func()
}

func newStopwatch(d time.Duration, cancel context.CancelCauseFunc, cause error) *stopwatch {
	s := &stopwatch{left: d, since: time.Now(), expired: func() { cancel(cause) }}
	s.timer = time.AfterFunc(d, s.expired)
	return s
}

// pause stops the time until resume was called as often.
func (s *stopwatch) pause() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.paused++; s.paused == 1 {
		s.timer.Stop()
		s.left -= time.Since(s.since)
	}
}

func (s *stopwatch) resume() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.paused--; s.paused == 0 {
		s.since = time.Now()
		s.timer = time.AfterFunc(max(s.left, 0), s.expired)
	}
}

// stop ends it; the context is left alone.
func (s *stopwatch) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.timer.Stop()
}

// location is the workflow's time zone, the engine's when it names none or an
// unknown one.
func (x *execution) location() *time.Location {
	name := x.graph.doc.Settings.Timezone
	if name == "" || name == "DEFAULT" {
		return x.engine.location
	}
	if loc, err := time.LoadLocation(name); err == nil {
		return loc
	}
	return x.engine.location
}
