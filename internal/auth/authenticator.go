package auth

import (
	"context"
	"strings"

	"flowgate/internal/workflow"
)

// Presented is what a request carries to prove who sends it. Empty fields
// were not sent.
type Presented struct {
	APIKey string // X-API-Key, --api-key
	Bearer string // the token of "Authorization: Bearer"
	Tier   Tier   // the door the request came by
}

// Authenticator turns what a caller presents into an Identity; it is the only
// one, for every door. Safe for concurrent use.
type Authenticator struct {
	// Keys checks API keys.
	Keys *APIKeys
	// Issuer checks users' tokens of the embedded sign-in.
	Issuer *Issuer
	// Local, when set, is who a caller is that presents nothing on the MCP
	// door. Start-up refuses it beyond loopback and in production.
	Local *Identity
	// Failures limits failed authentications by address. Nil: nothing does.
	Failures Failures
	// Audit records failed authentications. Nil: nothing does.
	Audit Refusals
	// Users, when set, is asked whether a person is switched off while streams
	// of theirs are open.
	Users UserLookup

	people people
}

// Authenticate returns who presented p. On the MCP tier that is an API key,
// however it was sent; on the App tier a user's token. Nothing presented is
// an error unless a local identity is configured.
func (a *Authenticator) Authenticate(ctx context.Context, p Presented) (*Identity, error) {
	if p.APIKey == "" && strings.HasPrefix(p.Bearer, keyPrefix) {
		p.APIKey, p.Bearer = p.Bearer, ""
	}
	if err := a.blocked(ctx, p); err != nil {
		a.refused(ctx, p, err)
		return nil, err
	}
	id, err := a.authenticate(ctx, p)
	if err != nil {
		a.refused(ctx, p, err)
		a.failed(ctx, p, err)
		return nil, err
	}
	id.Tier = p.Tier
	return id, nil
}

// Again is Authenticate for somebody it let in, while a request of theirs goes
// on: it counts and records nothing, and what others do at the same address
// does not matter.
func (a *Authenticator) Again(ctx context.Context, p Presented) (*Identity, error) {
	if p.APIKey == "" && strings.HasPrefix(p.Bearer, keyPrefix) {
		p.APIKey, p.Bearer = p.Bearer, ""
	}
	id, err := a.authenticate(ctx, p)
	if err == nil {
		id.Tier = p.Tier
	}
	return id, err
}

func (a *Authenticator) authenticate(ctx context.Context, p Presented) (*Identity, error) {
	switch {
	case p.Tier == TierApp && p.Bearer != "":
		return a.Issuer.VerifyUser(p.Bearer)
	case p.Tier == TierApp && p.APIKey != "":
		return nil, workflow.Errorf(workflow.CodeUnauthorized,
			"API keys open the MCP tier only; send a user's access token as Authorization: Bearer").WithReason("invalid_token")
	case p.Tier == TierApp:
		return nil, workflow.Errorf(workflow.CodeUnauthorized,
			"sign in and send the access token as Authorization: Bearer").WithReason("missing_token")
	case p.APIKey != "":
		return a.Keys.Verify(ctx, p.APIKey)
	case p.Bearer != "":
		return nil, workflow.Errorf(workflow.CodeUnauthorized,
			"the bearer token is not an API key of this server; make one with: flowgate keys create").WithReason("invalid_api_key")
	case a.Local != nil:
		local := *a.Local
		return &local, nil
	}
	return nil, workflow.Errorf(workflow.CodeUnauthorized,
		"an API key is needed: send it as X-API-Key or Authorization: Bearer; make one with: flowgate keys create").WithReason("missing_api_key")
}
