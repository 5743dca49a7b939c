package ratelimit_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"flowgate/internal/ratelimit"
	"flowgate/store"
)

var update = flag.Bool("update", false, "write golden files anew")

func TestDocs(t *testing.T) {
	t.Parallel()
	const path = "../../docs/limits.md"
	if *update {
		if err := os.WriteFile(path, []byte(ratelimit.Docs()), 0o644); err != nil { //nolint:gosec // a document
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != ratelimit.Docs() {
		t.Errorf("docs/limits.md is not what the defaults say: go test ./internal/ratelimit -update; %v", err)
	}
}

// clock is a time that tests move.
type clock struct{ at time.Time }

func (c *clock) now() time.Time       { return c.at }
func (c *clock) pass(d time.Duration) { c.at = c.at.Add(d) }
func newClock() *clock                { return &clock{time.Unix(1_800_000_000, 0)} } // a multiple of an hour
func rule(n int64) []store.CounterRule {
	return []store.CounterRule{{Name: "r", Limit: n, Window: time.Hour}}
}

// burst takes until it is refused and returns how often it was not.
func burst(t *testing.T, c store.Counters, s store.Strategy, rules []store.CounterRule) (n int) {
	t.Helper()
	for ; n < 10000; n++ {
		_, refused, err := c.Take(t.Context(), s, "caller", rules)
		if err != nil {
			t.Fatal(err)
		}
		if refused >= 0 {
			return n
		}
	}
	return n
}

// TestEdge sends as much as passes at the end of a window and right after it.
func TestEdge(t *testing.T) {
	t.Parallel()
	for strategy, want := range map[store.Strategy]int{store.SlidingWindow: 0, store.FixedWindow: 100} {
		c := newClock()
		m := ratelimit.NewMemory(c.now, 0)
		c.pass(59*time.Minute + 59*time.Second)
		if n := burst(t, m, strategy, rule(100)); n != 100 {
			t.Errorf("%s: %d passed before the edge", strategy, n)
		}
		c.pass(2 * time.Second)
		if n := burst(t, m, strategy, rule(100)); n != want {
			t.Errorf("%s: %d passed after the edge instead of %d", strategy, n, want)
		}
		c.pass(time.Hour + time.Hour/store.WindowSteps)
		if n := burst(t, m, strategy, rule(100)); n != 100 {
			t.Errorf("%s: %d passed a window later", strategy, n)
		}
	}
}

// TestNoWindowHoldsMore tries at random times and looks at every window there
// was; and a caller who waits as told is admitted.
func TestNoWindowHoldsMore(t *testing.T) {
	t.Parallel()
	const limit = 20
	r := rand.New(rand.NewPCG(1, 2))
	c := newClock()
	m := ratelimit.NewMemory(c.now, 0)
	var passed []time.Time
	for range 5000 {
		c.pass(time.Duration(r.Int64N(int64(3 * time.Minute))))
		states, refused, err := m.Take(t.Context(), store.SlidingWindow, "caller", rule(limit))
		if err != nil {
			t.Fatal(err)
		}
		if refused < 0 {
			passed = append(passed, c.now())
			continue
		}
		if states[0].Remaining != 0 || states[0].Reset <= 0 || states[0].Reset > time.Hour+time.Hour/store.WindowSteps {
			t.Fatalf("refused with %+v", states[0])
		}
		c.pass(states[0].Reset)
		if _, refused, _ := m.Take(t.Context(), store.SlidingWindow, "caller", rule(limit)); refused >= 0 {
			t.Fatal("who waited as told is refused again")
		}
		passed = append(passed, c.now())
	}
	for i := limit; i < len(passed); i++ {
		if passed[i].Sub(passed[i-limit]) < time.Hour {
			t.Fatalf("%d passed within %s", limit+1, passed[i].Sub(passed[i-limit]))
		}
	}
}

// TestAllOrNone: what the specific limit refuses does not eat the general one.
func TestAllOrNone(t *testing.T) {
	t.Parallel()
	l := ratelimit.New(ratelimit.Options{Counters: ratelimit.NewMemory(nil, 0), Rules: map[string]ratelimit.Limit{"s": {N: 3, Window: time.Hour}, "g": {N: 10, Window: time.Hour}}})
	for i := range 20 {
		d, err := l.Take(t.Context(), "x", "standard", "s", "g")
		if err != nil || (d.Refused == nil) != (i < 3) || i >= 3 && (d.Refused.Rule != "s" || d.After < time.Second) {
			t.Fatalf("call %d: %+v, %v", i, d, err)
		}
	}
	d, err := l.Take(t.Context(), "x", "standard", "g")
	if err != nil || d.Quotas[0].Remaining != 6 {
		t.Errorf("the general limit has %+v left, %v", d.Quotas, err)
	}
	for range 6 {
		_, _ = l.Take(t.Context(), "x", "standard", "g")
	}
	if d, _ := l.Take(t.Context(), "x", "standard", "g"); d.Refused == nil || d.Refused.Rule != "g" {
		t.Errorf("got %+v", d)
	}
	if d, _ := l.Take(t.Context(), "y", "standard", "s", "g"); d.Refused != nil {
		t.Error("another caller is refused")
	}
}

func TestTiers(t *testing.T) {
	t.Parallel()
	l := ratelimit.New(ratelimit.Options{Counters: ratelimit.NewMemory(nil, 0), Rules: map[string]ratelimit.Limit{"g": {N: 2, Window: time.Hour}}})
	for tier, want := range map[string]int{"standard": 2, "": 2, "golden": 2, "premium": 20, "unlimited": 50} {
		n := 0
		for range 50 {
			if d, err := l.Take(t.Context(), "of "+tier, tier, "g"); err == nil && d.Refused == nil {
				n++
			}
		}
		if n != want {
			t.Errorf("%q: %d calls passed instead of %d", tier, n, want)
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	rules, tiers, err := ratelimit.Parse([]string{"mcp.invoke=5/1m", " public.docs = off ", "mcp.tool.execute_workflow=7/2d", "tier.premium=3", "webhook.path.a/b=1/1s"})
	if err != nil {
		t.Fatal(err)
	}
	if rules["mcp.invoke"] != (ratelimit.Limit{N: 5, Window: time.Minute}) || rules["public.docs"].N != 0 || tiers["premium"] != 3 ||
		rules["mcp.tool.execute_workflow"] != (ratelimit.Limit{N: 7, Window: 48 * time.Hour}) || rules["webhook.path.a/b"].N != 1 || rules["mcp.general"].N != 50000 {
		t.Errorf("got %v, %v", rules, tiers)
	}
	for _, bad := range []string{"mcp.invoke", "mcp.invok=1/1h", "mcp.invoke=1", "mcp.invoke=0/1h", "mcp.invoke=-1/1h", "mcp.invoke=x/1h", "mcp.invoke=1/1ms", "mcp.invoke=1/99d", "tier.gold=1", "tier.premium=x", "mcp.tool.=1/1h"} {
		if _, _, err := ratelimit.Parse([]string{bad}); err == nil || !strings.Contains(err.Error(), bad) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// TestFlood of addresses: memory stays bounded, and the callers who are known
// keep their counts.
func TestFlood(t *testing.T) {
	t.Parallel()
	m := ratelimit.NewMemory(nil, 1600)
	take := func(subject string) bool {
		_, refused, err := m.Take(t.Context(), store.SlidingWindow, subject, rule(1))
		return err == nil && refused < 0
	}
	if !take("key:k") || !take(ratelimit.Address("192.0.2.1")) {
		t.Fatal("refused at first")
	}
	for i := range 100_000 {
		take(ratelimit.Address(fmt.Sprintf("2001:db8:%x:%x::1", i>>16, i&0xffff)))
	}
	if n := m.Subjects(); n > 1700 {
		t.Errorf("%d subjects are kept", n)
	}
	if take("key:k") {
		t.Error("a flood of addresses made a key's count forgotten")
	}
	if ratelimit.Address("2001:db8::1") != ratelimit.Address("2001:db8::ffff:1") || ratelimit.Address("2001:db8::1") == ratelimit.Address("2001:db8:0:1::1") ||
		ratelimit.Address("::ffff:192.0.2.1") != ratelimit.Address("192.0.2.1") || ratelimit.Address("192.0.2.1") == ratelimit.Address("192.0.2.2") || ratelimit.Address("fe80::1%eth0") != ratelimit.Address("fe80::2") {
		t.Error("addresses are told apart wrongly")
	}
}

func TestFailedAuthenticationsBlock(t *testing.T) {
	t.Parallel()
	c := newClock()
	l := ratelimit.New(ratelimit.Options{Counters: ratelimit.NewMemory(c.now, 0), Now: c.now, Rules: map[string]ratelimit.Limit{"auth.failed": {N: 3, Window: 10 * time.Minute}}})
	for i := range 3 {
		if l.Blocked("192.0.2.1") > 0 {
			t.Fatalf("blocked after %d", i)
		}
		l.Failed(t.Context(), "192.0.2.1")
	}
	left := l.Blocked("192.0.2.1")
	if left <= 0 || left > 11*time.Minute || l.Blocked("192.0.2.2") > 0 {
		t.Fatalf("blocked for %s", left)
	}
	c.pass(left + time.Second)
	if l.Blocked("192.0.2.1") > 0 {
		t.Error("blocked for ever")
	}
	// Where nothing can be counted it is blocked at once.
	closed := ratelimit.New(ratelimit.Options{Counters: broken{}, Rules: map[string]ratelimit.Limit{"auth.failed": {N: 3, Window: time.Minute}}})
	closed.Failed(t.Context(), "192.0.2.1")
	if closed.Blocked("192.0.2.1") <= 0 {
		t.Error("it fails open")
	}
}

type broken struct{}

func (broken) Take(context.Context, store.Strategy, string, []store.CounterRule) ([]store.CounterState, int, error) {
	return nil, -1, errors.New("away")
}

// flaky are shared counters that can go away.
type flaky struct {
	*ratelimit.Memory
	away  atomic.Bool
	asked atomic.Int64
}

func (f *flaky) Take(ctx context.Context, s store.Strategy, subject string, rules []store.CounterRule) ([]store.CounterState, int, error) {
	f.asked.Add(1)
	if f.away.Load() {
		return nil, -1, errors.New("away")
	}
	return f.Memory.Take(ctx, s, subject, rules)
}

// TestAway: without the shared counters each process admits its part, asks
// seldom, and comes back.
func TestAway(t *testing.T) {
	t.Parallel()
	f := &flaky{Memory: ratelimit.NewMemory(nil, 0)}
	s := &ratelimit.Shared{Counters: f, Local: ratelimit.NewMemory(nil, 0), Replicas: 4, Pause: 50 * time.Millisecond}
	f.away.Store(true)
	if n := burst(t, s, store.SlidingWindow, rule(100)); n != 25 || !s.Degraded() || s.CountedLocally() < 26 {
		t.Errorf("%d passed, degraded %v", n, s.Degraded())
	}
	if n := f.asked.Load(); n > 5 {
		t.Errorf("what is away was asked %d times", n)
	}
	f.away.Store(false)
	for deadline := time.Now().Add(10 * time.Second); s.Degraded(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not come back")
		}
		_, _, _ = s.Take(t.Context(), store.SlidingWindow, "probe", rule(1000))
	}
	if n := burst(t, s, store.SlidingWindow, rule(100)); n != 100 {
		t.Errorf("%d passed afterwards", n)
	}
}

func TestManyCallersAtOnce(t *testing.T) {
	t.Parallel()
	m := ratelimit.NewMemory(nil, 0)
	var passed atomic.Int64
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			for range 100 {
				if _, refused, err := m.Take(t.Context(), store.SlidingWindow, "one", rule(1000)); err == nil && refused < 0 {
					passed.Add(1)
				}
			}
		})
	}
	all.Wait()
	if passed.Load() != 1000 {
		t.Errorf("%d passed", passed.Load())
	}
}

func TestHolds(t *testing.T) {
	t.Parallel()
	h := ratelimit.NewHolds(2, 3)
	for i, c := range []struct {
		who  string
		want bool
	}{{"a", true}, {"a", true}, {"a", false}, {"b", true}, {"b", false}} {
		if h.Take(c.who) != c.want {
			t.Errorf("take %d: bounds are not kept", i)
		}
	}
	h.Give("a")
	if !h.Take("b") {
		t.Error("what was given back cannot be had")
	}
}

// BenchmarkTake is what a call pays to be counted in memory by two rules.
func BenchmarkTake(b *testing.B) {
	rules, _, err := ratelimit.Parse([]string{"mcp.invoke=1000000000/1h", "mcp.general=1000000000/1h"})
	if err != nil {
		b.Fatal(err)
	}
	l := ratelimit.New(ratelimit.Options{Counters: ratelimit.NewMemory(nil, 0), Rules: rules})
	for b.Loop() {
		if d, err := l.Take(b.Context(), "key:abcdefghijklmnop", "standard", "mcp.invoke", "mcp.general"); err != nil || d.Refused != nil {
			b.Fatal(d, err)
		}
	}
}

// TestUsed: what a rule admitted and what it refused is counted apart, a rule
// that refuses keeps the others' counts as they are.
func TestUsed(t *testing.T) {
	t.Parallel()
	l := ratelimit.New(ratelimit.Options{Counters: ratelimit.NewMemory(newClock().now, 0),
		Rules: map[string]ratelimit.Limit{"small": {N: 2, Window: time.Hour}, "large": {N: 100, Window: time.Hour}}})
	for range 5 {
		if _, err := l.Take(t.Context(), "caller", "standard", "small", "large"); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]ratelimit.Use{"small": {Admitted: 2, Refused: 3}, "large": {Admitted: 2}, "none": {}} {
		if got := l.Used(name); got != want {
			t.Errorf("%s: %+v, not %+v", name, got, want)
		}
	}
}
