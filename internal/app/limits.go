package app

import (
	"context"
	"fmt"
	"strings"

	"flowgate/internal/config"
	"flowgate/internal/ratelimit"
	"flowgate/internal/service"
	"flowgate/store"
)

// limits is what counts and bounds callers.
type limits struct {
	shared  *ratelimit.Shared // nil: this process counts alone
	limiter *ratelimit.Limiter

	holds, webhookHolds *ratelimit.Holds
}

// openLimits puts the rate limits together. Redis need not answer yet.
func (a *App) openLimits() error {
	c := a.Config
	o, err := rateLimits(c)
	if err != nil {
		return err
	}
	local := ratelimit.NewMemory(nil, 0)
	o.Counters = local
	if a.Redis != nil && c.RateLimitStorage != "memory" {
		a.limits.shared = &ratelimit.Shared{Counters: a.Redis, Local: local, Replicas: c.RateLimitReplicas, Logger: a.Log, OnLocal: a.Metrics.CountedLocally}
		o.Counters = a.limits.shared
	}
	a.limits.limiter = ratelimit.New(o)
	a.limits.holds, a.limits.webhookHolds = ratelimit.NewHolds(0, 0), ratelimit.NewHolds(0, 0)
	a.limits.hold(c)
	a.OnReload(a.reloadLimits)
	return nil
}

// rateLimits are the limits of a configuration, without what counts them.
func rateLimits(c *config.Config) (ratelimit.Options, error) {
	rules, tiers, err := ratelimit.Parse(c.RateLimits)
	if err != nil {
		return ratelimit.Options{}, fmt.Errorf("rate_limits: %w", err)
	}
	return ratelimit.Options{Strategy: store.Strategy(c.RateLimitStrategy), Rules: rules, Tiers: tiers,
		PublicOff: !c.PublicRateLimitEnabled, Off: !c.RateLimitEnabled}, nil
}

// hold bounds what may be open at once.
func (l *limits) hold(c *config.Config) {
	l.holds.Set(c.MaxOpenPerCaller, 0)
	l.webhookHolds.Set(max(c.MaxWebhookConcurrency/4, 1), c.MaxWebhookConcurrency)
}

func (a *App) reloadLimits(next *config.Config) (func(), error) {
	o, err := rateLimits(next)
	if err != nil {
		return nil, err
	}
	return func() {
		a.limits.limiter.Set(o)
		a.limits.hold(next)
		if a.limits.shared != nil {
			a.limits.shared.SetReplicas(next.RateLimitReplicas)
		}
	}, nil
}

// bound gives the service its limits.
func (a *App) bound(o *service.Options) {
	o.Limits, o.Holds, o.WebhookHolds = a.limits.limiter, a.limits.holds, a.limits.webhookHolds
}

// limitsInForce is what the role admin sees of the limits.
func (a *App) limitsInForce(context.Context) service.OperatorLimits {
	l := &a.limits
	out := service.OperatorLimits{Enabled: l.limiter.Enabled(), Storage: "memory"}
	if l.shared != nil {
		out.Storage, out.Degraded, out.CountedLocally = "redis", l.shared.Degraded(), l.shared.CountedLocally()
	}
	rules, tiers := l.limiter.InForce()
	out.Tiers = tiers
	for _, r := range rules {
		used := l.limiter.Used(r.Name)
		out.Limits = append(out.Limits, service.LimitView{Name: r.Name, Scope: countedBy(r.Name), Limit: r.Limit.N, Window: r.Limit.WindowText(),
			Admitted: used.Admitted, Refused: used.Refused})
	}
	return out
}

// countedBy is whose calls a limit counts together.
func countedBy(rule string) string {
	tier, _, _ := strings.Cut(rule, ".")
	switch {
	case rule == "app.guests":
		return "ip"
	case tier == "app":
		return "user"
	case tier == "mcp":
		return "key"
	case rule == "webhook.workflow", strings.HasPrefix(rule, "webhook.path."):
		return "webhook"
	}
	return "ip"
}
