package auth

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"flowgate/internal/workflow"
)

// userClaims are those of an access token, ours and Supabase's alike.
type userClaims struct {
	jwt.RegisteredClaims
	Email       string      `json:"email,omitempty"`
	Role        string      `json:"role"`
	SessionID   string      `json:"session_id,omitempty"`
	Anonymous   bool        `json:"is_anonymous"`
	ClientID    string      `json:"client_id,omitempty"` // of an OAuth client that acts for the user
	AAL         string      `json:"aal,omitempty"`
	AppMetadata appMetadata `json:"app_metadata"`
	// UserMetadata is what users can change themselves: nothing is allowed for
	// what stands in it.
	UserMetadata json.RawMessage `json:"user_metadata,omitempty"`
}

// appMetadata is what only the operator can change.
type appMetadata struct {
	Provider  string   `json:"provider,omitempty"`
	Providers []string `json:"providers,omitempty"`
	Role      string   `json:"role,omitempty"`
	// EmailVerified is in tokens of projects that write it there themselves.
	// Supabase writes it into user_metadata, where users can change it.
	EmailVerified bool `json:"email_verified,omitempty"`
}

func (c *userClaims) identity() *Identity {
	id := &Identity{Subject: c.Subject, Email: c.Email, Kind: KindUser, SessionID: c.SessionID, ClientID: c.ClientID, EmailConfirmed: c.Email != "" && c.AppMetadata.EmailVerified,
		RateLimitTier: TierStandard, Admin: c.AppMetadata.Role == roleAdmin && !c.Anonymous}
	if c.Anonymous {
		id.Kind = KindAnonymous
	}
	if c.ExpiresAt != nil {
		id.Expires = c.ExpiresAt.Time
	}
	return id
}

const roleAdmin = "admin"

// tokenRules say which tokens are accepted: those of one algorithm, issuer
// and audience that are valid now.
type tokenRules struct {
	alg, issuer, audience string
	key                   jwt.Keyfunc
	now                   func() time.Time
}

func (r tokenRules) options() []jwt.ParserOption {
	return []jwt.ParserOption{jwt.WithValidMethods([]string{r.alg}), jwt.WithIssuer(r.issuer), jwt.WithAudience(r.audience),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(clockLeeway), jwt.WithTimeFunc(r.now), jwt.WithStrictDecoding()}
}

// parseToken checks a token and reads it into claims.
func parseToken(token string, claims jwt.Claims, r tokenRules) error {
	if len(token) > maxCredential {
		return errMalformed(errors.New("too long"))
	}
	_, err := jwt.ParseWithClaims(token, claims, r.key, r.options()...)
	return tokenFault(err, claims)
}

// checkClaims is parseToken but for the signature.
func checkClaims(claims jwt.Claims, r tokenRules) error {
	return tokenFault(jwt.NewValidator(r.options()...).Validate(claims), claims)
}

func tokenFault(err error, claims jwt.Claims) error {
	switch {
	case err == nil:
		if sub, _ := claims.GetSubject(); sub == "" {
			return tokenError(nil, "invalid_token", "the access token names no user")
		}
		return nil
	case errors.Is(err, errProviderDown):
		return providerDown(err)
	case errors.Is(err, jwt.ErrTokenMalformed):
		return errMalformed(err)
	case errors.Is(err, jwt.ErrTokenExpired):
		return tokenError(err, "token_expired", "the access token has expired; sign in again")
	}
	return tokenError(err, "invalid_token", "the access token is not valid here")
}

func errMalformed(err error) error {
	return tokenError(err, "malformed_token", "the access token is not a JWT")
}

func tokenError(err error, reason, message string) error {
	return workflow.Wrap(workflow.CodeUnauthorized, err, message).WithReason(reason)
}
