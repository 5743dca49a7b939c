package auth

import (
	"context"
	"time"

	"flowgate/internal/workflow"
)

// Failures limits failed authentications by address.
type Failures interface {
	// Blocked is how long nothing from the address is authenticated; 0: it may.
	Blocked(ip string) time.Duration
	// Failed counts a failure.
	Failed(ctx context.Context, ip string)
}

// blocked refuses whatever is presented from an address that failed too often:
// what it guesses now could be right.
func (a *Authenticator) blocked(ctx context.Context, p Presented) error {
	if a.Failures == nil || !p.anything() {
		return nil
	}
	ip := OriginOf(ctx).IP
	if ip == "" {
		return nil // not from a network
	}
	left := a.Failures.Blocked(ip)
	if left <= 0 {
		return nil
	}
	after := int((left + time.Second - 1) / time.Second)
	err := workflow.Errorf(workflow.CodeRateLimited, "too many credentials from your address were wrong; try again in %d seconds", after)
	err.Details = map[string]any{"retry_after": after, "rule": "auth.failed"}
	return err
}

// failed counts a failure. Sending nothing is none: it is how clients ask what
// is needed. What was right once is none either: whoever forgets to renew a
// token guesses nothing, and may share an address with many.
func (a *Authenticator) failed(ctx context.Context, p Presented, err error) {
	if a.Failures == nil || !p.anything() || workflow.CodeOf(err) != workflow.CodeUnauthorized {
		return
	}
	switch workflow.ReasonOf(err) {
	case "token_expired", "key_expired", "client_disabled":
		return
	}
	if ip := OriginOf(ctx).IP; ip != "" {
		a.Failures.Failed(ctx, ip)
	}
}

func (p Presented) anything() bool { return p.APIKey != "" || p.Bearer != "" || p.Signed != nil }
