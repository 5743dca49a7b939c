package ratelimit

import (
	"context"
	"hash/maphash"
	"strings"
	"sync"
	"time"

	"flowgate/store"
)

// Memory counts in this process. Its memory is bounded: beyond MaxSubjects of
// a kind (addresses, and all others) those that called longest ago are
// forgotten, so that a flood of addresses costs no known caller its count. The
// zero value is not usable; NewMemory returns one.
type Memory struct {
	now    func() time.Time
	seed   maphash.Seed
	shards [shards]shard
}

var _ store.Counters = (*Memory)(nil)

const (
	shards = 16
	// MaxSubjects is how many addresses, and how many others, are counted at
	// once: about 20 MB when all of them are.
	MaxSubjects = 65536
)

// shard is a part of the subjects: addresses and others apart.
type shard struct {
	mu    sync.Mutex
	pools [2]pool
}

// pool is a bounded set of subjects, in the order in which they last called.
type pool struct {
	byName map[string]*subject
	root   subject // of the ring; next is the newest
	max    int
}

// subject is whose calls are counted.
type subject struct {
	name       string
	prev, next *subject
	counters   []counter
}

// counter is one rule's count: of each step of the window.
type counter struct {
	rule   string
	window time.Duration
	step   int64 // the newest that is counted, since 1970
	steps  []uint32
}

// NewMemory returns an empty Memory. now is time.Now when nil; maxSubjects
// MaxSubjects when 0.
func NewMemory(now func() time.Time, maxSubjects int) *Memory {
	if now == nil {
		now = time.Now
	}
	if maxSubjects <= 0 {
		maxSubjects = MaxSubjects
	}
	m := &Memory{now: now, seed: maphash.MakeSeed()}
	for i := range m.shards {
		for p := range m.shards[i].pools {
			m.shards[i].pools[p].max = max(maxSubjects/shards, 1)
		}
	}
	return m
}

// Take counts one call against all rules or none.
func (m *Memory) Take(_ context.Context, strategy store.Strategy, name string, rules []store.CounterRule) ([]store.CounterState, int, error) {
	now := m.now()
	s := &m.shards[maphash.String(m.seed, name)%shards]
	which := 0
	if strings.HasPrefix(name, ipPrefix) {
		which = 1
	}
	states := make([]store.CounterState, len(rules))
	s.mu.Lock()
	defer s.mu.Unlock()
	sub := s.pools[which].get(name)
	refused := -1
	for i := range rules {
		c := sub.counter(&rules[i], strategy, now)
		used := c.used()
		states[i].Remaining = max(rules[i].Limit-used, 0)
		if states[i].Remaining == 0 && refused < 0 {
			refused = i
		}
	}
	for i := range rules {
		c := sub.counter(&rules[i], strategy, now)
		if refused < 0 {
			c.steps[c.step%int64(len(c.steps))]++
			states[i].Remaining--
		}
		states[i].Reset = c.reset(now)
	}
	return states, refused, nil
}

// get returns the subject, as the newest; a new one may push out the oldest.
func (p *pool) get(name string) *subject {
	s := p.byName[name]
	switch {
	case s != nil:
		if p.root.next == s {
			return s
		}
		s.prev.next, s.next.prev = s.next, s.prev
	case p.byName == nil:
		p.byName = map[string]*subject{}
		p.root.next, p.root.prev = &p.root, &p.root
		fallthrough
	default:
		if len(p.byName) >= p.max {
			old := p.root.prev
			old.prev.next, old.next.prev = old.next, old.prev
			delete(p.byName, old.name)
		}
		s = &subject{name: strings.Clone(name)}
		p.byName[s.name] = s
	}
	s.prev, s.next = &p.root, p.root.next
	s.prev.next, s.next.prev = s, s
	return s
}

// counter returns the subject's count for the rule, moved on to now.
func (s *subject) counter(r *store.CounterRule, strategy store.Strategy, now time.Time) *counter {
	steps := stepsOf(strategy)
	for i := range s.counters {
		c := &s.counters[i]
		if c.rule == r.Name && c.window == r.Window && len(c.steps) == steps {
			c.move(now)
			return c
		}
	}
	c := counter{rule: r.Name, window: r.Window, steps: make([]uint32, steps)}
	c.step = c.stepAt(now)
	s.counters = append(s.counters, c)
	return &s.counters[len(s.counters)-1]
}

// stepsOf is how many steps are counted together. A sliding window needs one
// more than it has, since the oldest is only partly in it.
func stepsOf(strategy store.Strategy) int {
	if strategy == store.FixedWindow {
		return 1
	}
	return store.WindowSteps + 1
}

// length of one step.
func (c *counter) length() int64 {
	if len(c.steps) == 1 {
		return int64(c.window)
	}
	return max(int64(c.window)/store.WindowSteps, 1)
}

func (c *counter) stepAt(now time.Time) int64 { return now.UnixNano() / c.length() }

// move forgets the steps that have left the window. A clock that goes back
// counts in the newest step.
func (c *counter) move(now time.Time) {
	to := c.stepAt(now)
	if to <= c.step {
		return
	}
	if to-c.step >= int64(len(c.steps)) {
		clear(c.steps)
	} else {
		for n := c.step + 1; n <= to; n++ {
			c.steps[n%int64(len(c.steps))] = 0
		}
	}
	c.step = to
}

func (c *counter) used() (n int64) {
	for _, s := range c.steps {
		n += int64(s)
	}
	return n
}

// reset is how long until the oldest step with a count leaves the window.
func (c *counter) reset(now time.Time) time.Duration {
	n := int64(len(c.steps))
	for step := c.step - n + 1; step <= c.step; step++ {
		if c.steps[((step%n)+n)%n] > 0 {
			return max(time.Duration((step+n)*c.length()-now.UnixNano()), time.Nanosecond)
		}
	}
	return 0
}

// Subjects returns how many are counted.
func (m *Memory) Subjects() (n int) {
	for i := range m.shards {
		s := &m.shards[i]
		s.mu.Lock()
		n += len(s.pools[0].byName) + len(s.pools[1].byName)
		s.mu.Unlock()
	}
	return n
}
