// Package auth answers "who is calling": one Identity in the context, made by
// one Authenticator for every door, from API keys, user tokens or, on a local
// machine, nothing at all.
package auth

import (
	"context"
	"slices"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store"
)

// Kind says how a caller proved who it is.
type Kind string

// The kinds of identity.
const (
	KindUser      Kind = "user"      // a signed-in person, by JWT
	KindAPIKey    Kind = "api_key"   // an LLM client or script
	KindAnonymous Kind = "anonymous" // a guest
	KindLocal     Kind = "local"     // the person at this machine, in development
)

// Tier is the door by which a call came.
type Tier string

// The tiers.
const (
	TierPublic Tier = "public"
	TierApp    Tier = "app"
	TierMCP    Tier = "mcp"
)

// Identity is the caller of a request. Subject owns the rows it may see.
type Identity struct {
	Subject        string
	Email          string
	EmailConfirmed bool
	Kind           Kind
	KeyID          string
	ClientName     string
	Scopes         []string
	Tier           Tier
	RateLimitTier  string // "standard", "premium" or "unlimited"
	Admin          bool
	SessionID      string    // of a signed-in user's session; "" without one
	ClientID       string    // of the OAuth client that acts for the user; "" without one
	Expires        time.Time // when the token that was presented ends; zero: there was none

	caller *store.Caller // with the user's own token, for the store alone; nil without one
}

// Expired refuses who came with a token that has ended by now: streams and
// tickets do not outlive it.
func (id *Identity) Expired(now time.Time) error {
	if id.Expires.IsZero() || now.Before(id.Expires) {
		return nil
	}
	return tokenError(nil, "token_expired", "the access token has expired; sign in again")
}

// The tiers of rate limits, lowest first.
const (
	TierStandard  = "standard"
	TierPremium   = "premium"
	TierUnlimited = "unlimited"
)

// RateLimitTiers returns them, lowest first.
func RateLimitTiers() []string { return []string{TierStandard, TierPremium, TierUnlimited} }

// HasScope reports whether the identity was given exactly this scope.
func (id *Identity) HasScope(scope string) bool {
	return id != nil && slices.Contains(id.Scopes, scope)
}

type contextKey struct{}

// WithIdentity returns ctx carrying id, and for a store that acts by it the
// user's own token where one was presented on the App tier.
func WithIdentity(ctx context.Context, id *Identity) context.Context {
	if id != nil && id.caller != nil {
		ctx = store.WithCaller(ctx, id.caller)
	}
	return context.WithValue(ctx, contextKey{}, id)
}

// FromContext returns the caller, nil when nobody was authenticated.
func FromContext(ctx context.Context) *Identity {
	id, _ := ctx.Value(contextKey{}).(*Identity)
	return id
}

// The scopes.
const (
	ScopeToolsRead        = "tools:read"
	ScopeToolsExecute     = "tools:execute"
	ScopeHealthCheck      = "health:check"
	ScopeWorkflowsRead    = "workflows:read"
	ScopeWorkflowsWrite   = "workflows:write"
	ScopeWorkflowsExecute = "workflows:execute"
	ScopeExecutionsRead   = "executions:read"
	ScopeExecutionsWrite  = "executions:write"
	ScopeAgentChat        = "agent:chat"
	ScopeNodesRead        = "nodes:read"
	ScopeFilesRead        = "files:read"
	ScopeFilesWrite       = "files:write"
	ScopeCredentialsRead  = "credentials:read"
	ScopeCredentialsWrite = "credentials:write"
	ScopeKeysWrite        = "keys:write"
	ScopeAuditRead        = "audit:read"
)

// Scopes returns every scope there is, in the order of documentation.
func Scopes() []string {
	return []string{
		ScopeToolsRead, ScopeToolsExecute, ScopeHealthCheck,
		ScopeWorkflowsRead, ScopeWorkflowsWrite, ScopeWorkflowsExecute,
		ScopeExecutionsRead, ScopeExecutionsWrite, ScopeAgentChat, ScopeNodesRead,
		ScopeFilesRead, ScopeFilesWrite, ScopeCredentialsRead, ScopeCredentialsWrite,
		ScopeKeysWrite, ScopeAuditRead,
	}
}

// CheckScopes returns an error naming the first unknown scope and the known.
func CheckScopes(scopes []string) error {
	if len(scopes) == 0 {
		return workflow.Errorf(workflow.CodeInvalid, "scopes: at least one is needed; known scopes are %v", Scopes())
	}
	for _, s := range scopes {
		if !slices.Contains(Scopes(), s) {
			return workflow.Errorf(workflow.CodeInvalid, "scopes: %q is not a scope; known scopes are %v", s, Scopes())
		}
	}
	return nil
}
