package auth

import (
	"context"
	"time"

	"flowgate/internal/workflow"
)

// Recheck reports whether an identity that was authenticated earlier may go
// on: nil as long as it may, and else what Authenticate would say. Streams ask
// it every second, so that they end with the token, the key, the session, the
// grant or the person they are for. It is answered from memory for up to a
// second; a store that is away ends nothing.
func (a *Authenticator) Recheck(ctx context.Context, id *Identity) error {
	if id == nil {
		return workflow.Errorf(workflow.CodeUnauthorized, "sign in first").WithReason("missing_token")
	}
	if err := id.Expired(time.Now()); err != nil {
		return err
	}
	err := a.still(ctx, *id)
	if code := workflow.CodeOf(err); code == workflow.CodeUnauthorized || code == workflow.CodeForbidden {
		return err
	}
	return nil
}

func (a *Authenticator) still(ctx context.Context, id Identity) error {
	if id.Kind == KindAPIKey {
		if err := a.Keys.still(ctx, id.KeyID); err != nil {
			return err
		}
	}
	switch {
	case id.ClientID != "" && a.Grants != nil:
		_, err := a.Grants.Scopes(ctx, id.Subject, id.ClientID)
		return err
	case a.Accounts != nil && a.Supabase == nil && id.Kind != KindLocal:
		return a.Accounts.live(ctx, &id)
	}
	return nil
}

// still reports whether the key may be used yet.
func (a *APIKeys) still(ctx context.Context, id string) error {
	key := a.configuredByID(id)
	if key == nil {
		var err error
		if key, err = a.lookup(ctx, id); err != nil {
			return err
		}
	}
	if key == nil || !key.RevokedAt.IsZero() {
		return workflow.Errorf(workflow.CodeUnauthorized, "the API key was revoked").WithReason("invalid_api_key")
	}
	return a.usable(key)
}
