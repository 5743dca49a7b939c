package ratelimit

import (
	"context"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"flowgate/store"
)

// Options are what a Limiter is made of. Counters is required.
type Options struct {
	Counters store.Counters
	Strategy store.Strategy // store.SlidingWindow when empty
	Rules    map[string]Limit
	Tiers    Tiers
	// PublicOff leaves the public tier's routes without limits, Off everything.
	PublicOff, Off bool
	Now            func() time.Time
}

// inForce are the rules that a Limiter goes by, until others are set.
type inForce struct {
	Options
	cached sync.Map // of rules by tier and names
}

// Limiter counts callers' calls against the rules. Safe for concurrent use. A
// nil Limiter admits everything.
type Limiter struct {
	counters store.Counters
	clock    func() time.Time
	force    atomic.Pointer[inForce]
	used     sync.Map // *use by rule

	mu      sync.Mutex
	blocked map[string]time.Time // addresses that failed too often, until when
}

// New returns a limiter.
func New(o Options) *Limiter {
	if o.Now == nil {
		o.Now = time.Now
	}
	l := &Limiter{counters: o.Counters, clock: o.Now, blocked: map[string]time.Time{}}
	l.Set(o)
	return l
}

// Set puts other rules in force; o's Counters and Now are not looked at. What
// was counted stays counted, under rules of the same name and window.
func (l *Limiter) Set(o Options) {
	if o.Strategy == "" {
		o.Strategy = store.SlidingWindow
	}
	if o.Tiers == nil {
		o.Tiers = DefaultTiers()
	}
	l.force.Store(&inForce{Options: o})
}

// Enabled reports whether anything is limited.
func (l *Limiter) Enabled() bool { return l != nil && !l.force.Load().Off }

// InForce returns the rules that have a limit, by name, and the tiers.
func (l *Limiter) InForce() ([]Rule, Tiers) {
	if !l.Enabled() {
		return nil, nil
	}
	f := l.force.Load()
	var out []Rule
	for _, name := range slices.Sorted(maps.Keys(f.Rules)) {
		if limit := f.Rules[name]; limit.N > 0 && !(f.PublicOff && strings.HasPrefix(name, publicPrefix)) {
			out = append(out, Rule{Name: name, Limit: limit})
		}
	}
	return out, maps.Clone(f.Tiers)
}

// Use is how many calls a rule has admitted and refused since the process began.
type Use struct{ Admitted, Refused int64 }

type use struct{ admitted, refused atomic.Int64 }

// Used returns what became of the calls that were counted under a rule.
func (l *Limiter) Used(rule string) Use {
	if l == nil {
		return Use{}
	}
	u, ok := l.used.Load(rule)
	if !ok {
		return Use{}
	}
	counts, _ := u.(*use)
	return Use{Admitted: counts.admitted.Load(), Refused: counts.refused.Load()}
}

// count keeps what became of a call; refused is the rule that refuses it, or -1.
func (l *Limiter) count(rules []store.CounterRule, refused int) {
	for i, r := range rules {
		if refused >= 0 && i != refused {
			continue
		}
		u, ok := l.used.Load(r.Name)
		if !ok {
			u, _ = l.used.LoadOrStore(r.Name, &use{})
		}
		switch counts, _ := u.(*use); {
		case refused < 0:
			counts.admitted.Add(1)
		default:
			counts.refused.Add(1)
		}
	}
}

// Quota is how one rule stands after a call.
type Quota struct {
	Rule      string // such as "mcp.invoke"
	Limit     int64
	Window    time.Duration
	Remaining int64
	Reset     time.Duration
}

// Decision says what became of a call. Quotas has the rules it was counted
// against, the most specific first; none when there is no limit.
type Decision struct {
	Quotas  []Quota
	Refused *Quota        // the rule that refuses it; nil: it is admitted
	After   time.Duration // when to try again, if it is refused
}

// Take counts a call of a subject's against the named rules, the most specific
// first; those without a limit are passed over. tier multiplies; an unknown one
// counts as standard. It is all or none: what one rule refuses no other counts.
func (l *Limiter) Take(ctx context.Context, subject, tier string, names ...string) (Decision, error) {
	if l == nil {
		return Decision{}, nil
	}
	f := l.force.Load()
	if f.Off || f.PublicOff && strings.HasPrefix(names[0], publicPrefix) {
		return Decision{}, nil
	}
	rules := f.rules(tier, names)
	if len(rules) == 0 {
		return Decision{}, nil
	}
	states, refused, err := l.counters.Take(ctx, f.Strategy, subject, rules)
	if err != nil {
		return Decision{}, err
	}
	l.count(rules, refused)
	d := Decision{Quotas: make([]Quota, len(rules))}
	for i, r := range rules {
		d.Quotas[i] = Quota{Rule: r.Name, Limit: r.Limit, Window: r.Window, Remaining: states[i].Remaining, Reset: states[i].Reset}
		if d.Quotas[i].Remaining == 0 && refused >= 0 {
			d.After = max(d.After, states[i].Reset)
		}
	}
	if refused >= 0 {
		d.Refused = &d.Quotas[refused]
		d.After = max(d.After, time.Second)
	}
	return d, nil
}

// rules are the counters' rules for names, made once for each tier.
func (f *inForce) rules(tier string, names []string) []store.CounterRule {
	key := tier + "\n" + strings.Join(names, "\n")
	if v, ok := f.cached.Load(key); ok {
		rules, _ := v.([]store.CounterRule)
		return rules
	}
	times, known := f.Tiers[tier]
	if !known {
		times = f.Tiers["standard"]
	}
	var rules []store.CounterRule
	set := false
	for _, name := range names {
		limit, ok := f.Rules[name]
		set = set || ok
		if limit.N > 0 && times > 0 {
			rules = append(rules, store.CounterRule{Name: name, Limit: limit.N * times, Window: limit.Window})
		}
	}
	if set { // the names are the configuration's, and there are few of them
		f.cached.Store(key, slices.Clip(rules))
	}
	return rules
}

// Has reports whether there is a rule of that name with a limit.
func (l *Limiter) Has(name string) bool {
	return l.Enabled() && l.force.Load().Rules[name].N > 0
}

const (
	ipPrefix     = "ip:"
	publicPrefix = "public."
	failedRule   = "auth.failed"
	maxBlocked   = 65536
)

// Address names who is at an address: a whole /64 where it is one of IPv6,
// which is what one subscriber gets.
func Address(ip string) string {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return ipPrefix + "unknown"
	}
	a = a.Unmap().WithZone("")
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return ipPrefix + p.Addr().String()
		}
	}
	return ipPrefix + a.String()
}

// Blocked is how long nothing from the address is authenticated any more; 0:
// it may try.
func (l *Limiter) Blocked(ip string) time.Duration {
	if !l.Enabled() {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.blocked) == 0 {
		return 0
	}
	subject := Address(ip)
	left := l.blocked[subject].Sub(l.clock())
	if left <= 0 {
		delete(l.blocked, subject)
		return 0
	}
	return left
}

// Failed counts a failed authentication from the address. Where too many were,
// or where it cannot be counted, the address is blocked.
func (l *Limiter) Failed(ctx context.Context, ip string) {
	if !l.Has(failedRule) {
		return
	}
	subject := Address(ip)
	d, err := l.Take(ctx, subject, "standard", failedRule)
	after := d.After
	switch {
	case err != nil:
		after = time.Second
	case d.Refused == nil && (len(d.Quotas) == 0 || d.Quotas[0].Remaining > 0):
		return
	case d.Refused == nil:
		after = d.Quotas[0].Reset // the last that may fail has failed
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.blocked) >= maxBlocked {
		now := l.clock()
		for k, until := range l.blocked {
			if !until.After(now) || len(l.blocked) >= maxBlocked {
				delete(l.blocked, k)
			}
		}
	}
	l.blocked[subject] = l.clock().Add(after)
}
