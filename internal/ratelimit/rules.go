// Package ratelimit says how much callers may do, and counts it: by rules of
// the operator's, over counters that one process keeps or that all share.
package ratelimit

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Limit is so many calls in a window; N 0: as many as one likes.
type Limit struct {
	N      int64
	Window time.Duration
}

// String is the limit as the configuration has it.
func (l Limit) String() string {
	if l.N == 0 {
		return "off"
	}
	return fmt.Sprintf("%d/%s", l.N, shortDuration(l.Window))
}

// WindowText is the window as the configuration has it.
func (l Limit) WindowText() string { return shortDuration(l.Window) }

func shortDuration(d time.Duration) string {
	switch {
	case d%(24*time.Hour) == 0:
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	case d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d%time.Minute == 0:
		return fmt.Sprintf("%dm", d/time.Minute)
	}
	return d.String()
}

// Rule is a limit by its name: a scope (public, app, mcp, webhook, auth) and
// what of it.
type Rule struct {
	Name  string
	Limit Limit
	Doc   string // who is counted, doing what
}

// Defaults returns the rules in force where the configuration says nothing.
func Defaults() []Rule {
	hour, minute := time.Hour, time.Minute
	return []Rule{
		{"public.general", Limit{1000, hour}, "an address: public routes without a limit of their own"},
		{"public.default", Limit{100, minute}, "an address: the same routes, in a shorter time"},
		{"public.health", Limit{1000, minute}, "an address: health (/livez and /readyz are never limited)"},
		{"public.info", Limit{60, minute}, "an address: info"},
		{"public.docs", Limit{10, minute}, "an address: documentation"},
		{"app.guest_sessions", Limit{20, 24 * hour}, "a guest: sessions with the workflow agent that it begins"},
		{"app.guest_chat", Limit{30, hour}, "a guest: chat/stream"},
		{"app.guests", Limit{200, 24 * hour}, "an address: sessions that its guests begin, whoever they say they are"},
		{"app.general", Limit{10000, hour}, "a user: everything under /api/app"},
		{"app.chat", Limit{100, hour}, "a user: chat/stream"},
		{"app.sessions", Limit{1000, hour}, "a user: sessions"},
		{"app.workflows", Limit{500, hour}, "a user: workflows, execute apart"},
		{"app.execute", Limit{100, hour}, "a user: workflows' execute"},
		{"app.executions", Limit{200, hour}, "a user: executions"},
		{"mcp.general", Limit{50000, hour}, "a key: everything under /mcp and /api/mcp, open streams included"},
		{"mcp.invoke", Limit{1000, hour}, "a key: calls of any tool"},
		{"mcp.tools_list", Limit{5000, hour}, "a key: lists of tools"},
		{"webhook.workflow", Limit{}, "a webhook's path: calls from anywhere"},
		{"webhook.ip", Limit{}, "an address: calls of any webhook"},
		{"webhook.form", Limit{300, minute}, "an address: forms, of workflows and of executions that wait"},
		{"webhook.waiting", Limit{1000, minute}, "an address: calls and answers that executions wait for"},
		{"auth.failed", Limit{100, 10 * minute}, "an address: credentials that turn out wrong; until it may try again nothing from there is authenticated"},
	}
}

// prefixes begin rules whose name goes on with what they are for.
func prefixes() []Rule {
	return []Rule{
		{Name: "mcp.tool.", Doc: "a key: calls of the one tool, such as mcp.tool.execute_workflow=100/1h"},
		{Name: "webhook.path.", Doc: "calls of the one webhook, such as webhook.path.orders=60/1m"},
	}
}

// Documented returns every rule for documentation, those with an open name
// included.
func Documented() []Rule { return slices.Concat(Defaults(), prefixes()) }

// Tiers multiply limits by the name of a caller's tier; 0: no limits.
type Tiers map[string]int64

// DefaultTiers are those in force where the configuration says nothing.
func DefaultTiers() Tiers { return Tiers{"standard": 1, "premium": 10, "unlimited": 0} }

// Parse returns the rules and tiers that the configured ones make of the
// defaults. Rules are written "mcp.invoke=1000/1h" ("=off": no limit), tiers
// "tier.premium=10". An error names the text at fault.
func Parse(texts []string) (map[string]Limit, Tiers, error) {
	rules, tiers := map[string]Limit{}, DefaultTiers()
	for _, r := range Defaults() {
		rules[r.Name] = r.Limit
	}
	for _, text := range texts {
		name, value, ok := strings.Cut(text, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !ok {
			return nil, nil, fmt.Errorf("%q is not a rule such as mcp.invoke=1000/1h", text)
		}
		if tier, ok := strings.CutPrefix(name, "tier."); ok {
			n, err := strconv.ParseInt(value, 10, 32)
			if _, known := tiers[tier]; !known || err != nil || n < 0 {
				return nil, nil, fmt.Errorf("%q is not a tier such as tier.premium=10; the tiers are standard, premium and unlimited, 0 is without limits", text)
			}
			tiers[tier] = n
			continue
		}
		_, known := rules[name]
		open := slices.ContainsFunc(prefixes(), func(r Rule) bool { return strings.HasPrefix(name, r.Name) && len(name) > len(r.Name) })
		if !known && !open {
			return nil, nil, fmt.Errorf("%q: there is no limit of that name; docs/limits.md lists them", text)
		}
		limit, err := parseLimit(value)
		if err != nil {
			return nil, nil, fmt.Errorf("%q: %w", text, err)
		}
		rules[name] = limit
	}
	return rules, tiers, nil
}

func parseLimit(value string) (Limit, error) {
	if value == "off" {
		return Limit{}, nil
	}
	number, window, ok := strings.Cut(value, "/")
	n, err := strconv.ParseInt(number, 10, 32)
	if !ok || err != nil || n < 1 {
		return Limit{}, fmt.Errorf("the value is not a limit such as 100/1m, or off")
	}
	d, err := time.ParseDuration(window)
	if days, cut := strings.CutSuffix(window, "d"); cut {
		var count int64
		count, err = strconv.ParseInt(days, 10, 16)
		d = time.Duration(count) * 24 * time.Hour
	}
	if err != nil || d < time.Second || d > 31*24*time.Hour {
		return Limit{}, fmt.Errorf("the window is not a length of time from 1s to 31d")
	}
	return Limit{n, d}, nil
}
