package app

import (
	"fmt"

	"flowgate/internal/ratelimit"
	"flowgate/internal/service"
	"flowgate/store"
)

// limits is what counts and bounds callers.
type limits struct {
	shared  *ratelimit.Shared
	limiter *ratelimit.Limiter
}

// openLimits puts the rate limits together. Redis need not answer yet.
func (a *App) openLimits() (err error) {
	c := a.Config
	rules, tiers, err := ratelimit.Parse(c.RateLimits)
	if err != nil {
		return fmt.Errorf("rate_limits: %w", err)
	}
	if !c.RateLimitEnabled {
		return nil
	}
	local := ratelimit.NewMemory(nil, 0)
	o := ratelimit.Options{Counters: local, Strategy: store.Strategy(c.RateLimitStrategy), Rules: rules, Tiers: tiers,
		PublicOff: !c.PublicRateLimitEnabled}
	if a.Redis != nil && c.RateLimitStorage != "memory" {
		a.limits.shared = &ratelimit.Shared{Counters: a.Redis, Local: local, Replicas: c.RateLimitReplicas, Logger: a.Log}
		o.Counters = a.limits.shared
	}
	a.limits.limiter = ratelimit.New(o)
	return nil
}

// bound gives the service its limits.
func (a *App) bound(o *service.Options) {
	o.Limits = a.limits.limiter
	o.Holds = ratelimit.NewHolds(a.Config.MaxOpenPerCaller, 0)
	o.WebhookHolds = ratelimit.NewHolds(max(a.Config.MaxWebhookConcurrency/4, 1), a.Config.MaxWebhookConcurrency)
}
