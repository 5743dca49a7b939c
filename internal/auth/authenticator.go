package auth

import (
	"context"
	"strings"

	"flowgate/internal/telemetry"
	"flowgate/internal/workflow"
	"flowgate/store"
)

// Authenticator turns what a caller presents into an Identity; it is the only
// one, for every door. Safe for concurrent use.
type Authenticator struct {
	// Keys checks API keys and signed requests.
	Keys *APIKeys
	// Issuer checks users' tokens of the embedded sign-in.
	Issuer *Issuer
	// Accounts, when set, are the people Issuer's tokens are for: ended
	// sessions and disabled users are refused, whatever their tokens and keys say.
	Accounts *Accounts
	// Supabase, when set, checks users' tokens in Issuer's place, and opens the
	// MCP tier to its OAuth clients.
	Supabase *Supabase
	// Grants says what OAuth clients may do; needed with Supabase.
	Grants *Grants
	// Local, when set, is who a caller is that presents nothing on the MCP
	// door. Start-up refuses it beyond loopback and in production.
	Local *Identity
	// Failures limits failed authentications by address. Nil: nothing does.
	Failures Failures
	// Audit records failed authentications. Nil: nothing does.
	Audit Refusals
	// Metrics counts them. Nil: nothing does.
	Metrics *telemetry.Metrics
}

// Authenticate returns who presented p. On the MCP tier that is an API key,
// however it was sent, a signature by one, or an OAuth client's token; on the
// App tier a user's token. Nothing presented is an error unless a local
// identity is configured. A signed request is accepted once.
func (a *Authenticator) Authenticate(ctx context.Context, p Presented) (*Identity, error) {
	if err := a.blocked(ctx, p); err != nil {
		a.Metrics.RateLimited("authentication")
		a.refused(ctx, p, err)
		return nil, err
	}
	id, err := a.check(ctx, p, true)
	if err != nil {
		a.Metrics.AuthFailed(workflow.ReasonOf(err))
		a.refused(ctx, p, err)
		a.failed(ctx, p, err)
	}
	return id, err
}

// Reauthenticate returns who presented p, which was accepted before, if it still is:
// for calls and streams that go on for long. It counts and records nothing, and
// what others do at the same address does not matter.
func (a *Authenticator) Reauthenticate(ctx context.Context, p Presented) (*Identity, error) {
	return a.check(ctx, p, false)
}

func (a *Authenticator) check(ctx context.Context, p Presented, first bool) (*Identity, error) {
	if p.refused != nil {
		return nil, p.refused
	}
	if p.APIKey == "" && p.Tier == TierMCP && !a.forSupabase(p.Bearer) {
		p.APIKey, p.Bearer = p.Bearer, ""
	}
	id, err := a.authenticate(ctx, p, first)
	if err != nil {
		return nil, err
	}
	id.Tier = p.Tier
	if a.Accounts == nil || id.Kind == KindLocal || a.Supabase != nil {
		return id, nil
	}
	if err := a.Accounts.live(ctx, id); err != nil {
		return nil, err
	}
	return id, nil
}

// forSupabase tells access tokens of Supabase from API keys in the same header.
func (a *Authenticator) forSupabase(bearer string) bool {
	return a.Supabase != nil && !strings.HasPrefix(bearer, keyPrefix) && strings.Count(bearer, ".") == 2
}

func (a *Authenticator) authenticate(ctx context.Context, p Presented, first bool) (*Identity, error) {
	switch {
	case p.Tier == TierApp:
		return a.user(ctx, p)
	case p.Signed != nil && (p.APIKey != "" || p.Bearer != ""), p.APIKey != "" && p.Bearer != "" && p.APIKey != p.Bearer:
		return nil, workflow.Errorf(workflow.CodeUnauthorized, "send one credential: X-API-Key, Authorization: Bearer or a signature").WithReason("invalid_api_key")
	case p.Signed != nil:
		return a.Keys.VerifySigned(ctx, p.Signed, p.IP, first)
	case p.APIKey != "":
		return a.Keys.Verify(ctx, p.APIKey, p.IP)
	case p.Bearer != "":
		return a.client(ctx, p.Bearer)
	case a.Local != nil:
		local := *a.Local
		return &local, nil
	}
	return nil, workflow.Errorf(workflow.CodeUnauthorized,
		"an API key is needed: send it as X-API-Key or Authorization: Bearer; make one with: flowgate keys create").WithReason("missing_api_key")
}

// user is the signed-in person of an App request.
func (a *Authenticator) user(ctx context.Context, p Presented) (*Identity, error) {
	switch {
	case strings.HasPrefix(p.Bearer, keyPrefix), p.Bearer == "" && p.APIKey != "":
		return nil, workflow.Errorf(workflow.CodeUnauthorized,
			"API keys open the MCP tier only; send a user's access token as Authorization: Bearer").WithReason("invalid_token")
	case p.Bearer == "":
		return nil, workflow.Errorf(workflow.CodeUnauthorized,
			"sign in and send the access token as Authorization: Bearer").WithReason("missing_token")
	}
	id, err := a.token(ctx, p.Bearer)
	switch {
	case err != nil:
		return nil, err
	case id.ClientID != "":
		return nil, workflow.Errorf(workflow.CodeUnauthorized, "tokens of OAuth clients open the MCP tier only").WithReason("invalid_token")
	case a.Supabase != nil:
		id.caller = store.NewCaller(id.Subject, p.Bearer, id.Expires)
	}
	return id, nil
}

func (a *Authenticator) token(ctx context.Context, token string) (*Identity, error) {
	if a.Supabase != nil {
		return a.Supabase.Verify(ctx, token)
	}
	return a.Issuer.VerifyUser(token)
}

// client is an OAuth client that acts for a user on the MCP tier, within what
// the user granted it.
func (a *Authenticator) client(ctx context.Context, token string) (*Identity, error) {
	id, err := a.Supabase.Verify(ctx, token)
	switch {
	case err != nil:
		return nil, err
	case id.ClientID == "" || id.Kind != KindUser || a.Grants == nil:
		return nil, workflow.Errorf(workflow.CodeUnauthorized,
			"a person's own token opens the App tier only; on the MCP tier use an API key or an OAuth client's token").WithReason("invalid_token")
	}
	if id.Scopes, err = a.Grants.Scopes(ctx, id.Subject, id.ClientID); err != nil {
		return nil, err
	}
	id.ClientName, id.Admin = id.ClientID, false
	return id, nil
}
