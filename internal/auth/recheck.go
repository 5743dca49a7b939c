package auth

import (
	"context"
	"sync"
	"time"

	"flowgate/internal/workflow"
)

// recheckLife is how long one look at a person serves all of its streams.
const recheckLife = time.Second

// Recheck reports whether an identity that was authenticated earlier may go
// on: nil as long as it may, and else what Authenticate would say. Streams ask
// it every second, so that they end with the key or the person they are for.
// It is answered from memory for up to a second.
func (a *Authenticator) Recheck(ctx context.Context, id *Identity) error {
	switch {
	case id == nil:
		return workflow.Errorf(workflow.CodeUnauthorized, "sign in first").WithReason("missing_token")
	case id.Kind == KindAPIKey:
		return a.Keys.still(ctx, id.KeyID)
	case id.Kind == KindUser && a.Users != nil:
		return a.people.still(ctx, a.Users, id.Subject)
	}
	return nil
}

// still reports whether the key may be used yet.
func (a *APIKeys) still(ctx context.Context, id string) error {
	key, err := a.lookup(ctx, id)
	if err != nil && workflow.CodeOf(err) != workflow.CodeNotFound {
		return nil // an unreachable store does not end streams
	}
	if key == nil || !key.RevokedAt.IsZero() {
		return workflow.Errorf(workflow.CodeUnauthorized, "the API key was revoked").WithReason("invalid_api_key")
	}
	return a.usable(key)
}

// UserLookup finds people; see store.Users.
type UserLookup interface {
	User(ctx context.Context, id string) (*workflow.User, error)
}

// people remembers for a moment who may go on.
type people struct {
	mu    sync.Mutex
	known map[string]lookedUp
}

type lookedUp struct {
	at  time.Time
	err error
}

func (p *people) still(ctx context.Context, users UserLookup, subject string) error {
	now := time.Now()
	p.mu.Lock()
	if l, ok := p.known[subject]; ok && now.Sub(l.at) < recheckLife {
		p.mu.Unlock()
		return l.err
	}
	p.mu.Unlock()
	u, err := users.User(ctx, subject)
	switch {
	case err != nil:
		err = nil // people of another sign-in are not ours to know; a store that is away ends nothing
	case u.Disabled:
		err = workflow.Errorf(workflow.CodeUnauthorized, "this account is switched off").WithReason("user_disabled")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known == nil || len(p.known) >= keyCacheSize {
		p.known = map[string]lookedUp{}
	}
	p.known[subject] = lookedUp{now, err}
	return err
}
