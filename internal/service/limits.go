package service

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"flowgate/internal/auth"
	"flowgate/internal/ratelimit"
	"flowgate/internal/workflow"
)

// LimitCaller counts a request of the caller in ctx against the named rules,
// the most specific first, and tells in h, unless it is nil, how they stand. An
// error is the refusal: CodeRateLimited with Details retry_after, in seconds.
// The person at this machine has no limits.
func (s *Service) LimitCaller(ctx context.Context, h http.Header, rules ...string) error {
	id := auth.FromContext(ctx)
	if s.Limits == nil || id == nil || id.Kind == auth.KindLocal {
		return nil
	}
	return s.limit(ctx, h, holder(id), id.RateLimitTier, rules...)
}

// LimitAddress is LimitCaller for requests of whoever is at an address.
func (s *Service) LimitAddress(ctx context.Context, h http.Header, rules ...string) error {
	if s.Limits == nil {
		return nil
	}
	return s.limit(ctx, h, ratelimit.Address(auth.OriginOf(ctx).IP), "standard", rules...)
}

// LimitWebhook counts a call of the webhook at path, for the path and for the
// address it comes from.
func (s *Service) LimitWebhook(ctx context.Context, h http.Header, path string) error {
	if s.Limits == nil {
		return nil
	}
	rule := "webhook.workflow"
	if own := "webhook.path." + path; s.Limits.Has(own) {
		rule = own
	}
	if err := s.limit(ctx, h, "webhook:"+path, "standard", rule); err != nil {
		return err
	}
	return s.LimitAddress(ctx, h, "webhook.ip")
}

// ToolRules are the rules that a call of the tool counts against.
func (s *Service) ToolRules(tool string) []string {
	if own := "mcp.tool." + tool; s.Limits.Has(own) {
		return []string{own, "mcp.invoke", "mcp.general"}
	}
	return toolRules
}

var toolRules = []string{"mcp.invoke", "mcp.general"} //nolint:gochecknoglobals // a constant, if Go had such

// holder names who holds and is counted: a key, or a user.
func holder(id *auth.Identity) string {
	if id.KeyID != "" {
		return "key:" + id.KeyID
	}
	return string(id.Kind) + ":" + id.Subject
}

func (s *Service) limit(ctx context.Context, h http.Header, subject, tier string, rules ...string) error {
	d, err := s.Limits.Take(ctx, subject, tier, rules...)
	if err != nil {
		return workflow.Wrap(workflow.CodeUnavailable, err, "the request could not be counted against its limit; try again in a few seconds")
	}
	if h != nil {
		tellQuotas(h, d)
	}
	if d.Refused == nil {
		return nil
	}
	after := int((d.After + time.Second - 1) / time.Second)
	refusal := workflow.Errorf(workflow.CodeRateLimited, "the limit %s of %d requests in %s is used up; try again in %d seconds",
		d.Refused.Rule, d.Refused.Limit, d.Refused.Window, after)
	refusal.Details = map[string]any{"retry_after": after, "limit": d.Refused.Limit, "window_seconds": int64(d.Refused.Window / time.Second), "rule": d.Refused.Rule}
	s.limited(ctx, d.Refused.Rule, refusal)
	return refusal
}

// limited notes a refusal by a limit: in the metrics by its scope, which is how
// its name begins.
func (s *Service) limited(ctx context.Context, rule string, refusal error) {
	scope, _, _ := strings.Cut(rule, ".")
	s.Metrics.RateLimited(scope)
	s.Refused(ctx, rule, nil, refusal)
}

// tellQuotas writes the RateLimit and RateLimit-Policy fields
// (draft-ietf-httpapi-ratelimit-headers-10: items of a structured list, named
// by their rule) and the older X-RateLimit ones, of the rule with the least
// left and the time in seconds since 1970 when some of it comes back.
func tellQuotas(h http.Header, d ratelimit.Decision) {
	if len(d.Quotas) == 0 {
		return
	}
	var policyBuf, stateBuf [128]byte
	policy, state := policyBuf[:0], stateBuf[:0]
	least := 0
	for i := range d.Quotas {
		q := &d.Quotas[i]
		if i > 0 {
			policy, state = append(policy, ", "...), append(state, ", "...)
		}
		policy = append(appendName(policy, q.Rule), ";q="...)
		policy = append(strconv.AppendInt(policy, q.Limit, 10), ";w="...)
		policy = strconv.AppendInt(policy, int64(q.Window/time.Second), 10)
		state = append(appendName(state, q.Rule), ";r="...)
		state = append(strconv.AppendInt(state, q.Remaining, 10), ";t="...)
		state = strconv.AppendInt(state, wholeSeconds(q.Reset), 10)
		if q.Remaining < d.Quotas[least].Remaining {
			least = i
		}
	}
	q := &d.Quotas[least]
	h["Ratelimit-Policy"] = []string{string(policy)}
	h["Ratelimit"] = []string{string(state)}
	h["X-Ratelimit-Limit"] = []string{strconv.FormatInt(q.Limit, 10)}
	h["X-Ratelimit-Remaining"] = []string{strconv.FormatInt(q.Remaining, 10)}
	h["X-Ratelimit-Reset"] = []string{strconv.FormatInt(time.Now().Unix()+wholeSeconds(q.Reset), 10)}
}

// appendName adds a rule's name as a structured field's string.
func appendName(b []byte, rule string) []byte {
	b = append(b, '"')
	for i := range len(rule) {
		if c := rule[i]; c >= ' ' && c < 0x7f && c != '"' && c != '\\' {
			b = append(b, c)
		}
	}
	return append(b, '"')
}

func wholeSeconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

// Hold notes that the caller in ctx holds a stream or a waiting call open,
// until release is called. CodeRateLimited where it holds too many.
func (s *Service) Hold(ctx context.Context) (release func(), err error) {
	id := auth.FromContext(ctx)
	if s.Holds == nil || id == nil || id.RateLimitTier == "unlimited" {
		return func() {}, nil
	}
	who := holder(id)
	if !s.Holds.Take(who) {
		return nil, s.tooMany(ctx, "open", "you have too many streams and waiting calls open; close some, or do not wait")
	}
	return func() { s.Holds.Give(who) }, nil
}

// HoldWebhook is Hold for a call of the webhook at path.
func (s *Service) HoldWebhook(ctx context.Context, path string) (release func(), err error) {
	if !s.WebhookHolds.Take(path) {
		return nil, s.tooMany(ctx, "webhook.open", "too many calls of webhooks are under way; try again in a few seconds")
	}
	return func() { s.WebhookHolds.Give(path) }, nil
}

func (s *Service) tooMany(ctx context.Context, rule, message string) error {
	err := workflow.Errorf(workflow.CodeRateLimited, "%s", message).WithReason("too_many_open")
	err.Details = map[string]any{"retry_after": 5, "rule": rule}
	s.limited(ctx, rule, err)
	return err
}

// bounded makes the call, as one that is held open where it may wait.
func (s *Service) bounded(ctx context.Context, c *Capability, args json.RawMessage, do func(context.Context) (any, error)) (any, error) {
	if c.waits {
		release, err := s.Hold(ctx)
		if err != nil {
			return nil, err
		}
		defer release()
	}
	return s.recorded(ctx, c, args, do)
}
