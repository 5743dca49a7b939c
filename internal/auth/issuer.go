package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"flowgate/internal/workflow"
	"flowgate/store"
)

const (
	localIssuer   = "flowgate-local"
	userAudience  = "authenticated"
	agentAudience = "flowgate-agent"
	clockLeeway   = 30 * time.Second
)

// Issuer signs and checks the tokens of the embedded sign-in: users' access
// tokens, and the short ones by which the gateway speaks to the agent for a
// user. Its ES256 key is kept in the store, so that every process on the same
// data agrees. Safe for concurrent use.
type Issuer struct {
	key *ecdsa.PrivateKey
	now func() time.Time
}

// NewIssuer loads the signing key from st, making it the first time.
func NewIssuer(ctx context.Context, st store.Secrets) (*Issuer, error) {
	der, err := st.Secret(ctx, "issuer_es256", func() ([]byte, error) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, err
		}
		return x509.MarshalPKCS8PrivateKey(key)
	})
	if err != nil {
		return nil, fmt.Errorf("load the token signing key: %w", err)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("parse the token signing key: %w", err)
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("the token signing key is a %T, not ECDSA", parsed)
	}
	return &Issuer{key: key, now: time.Now}, nil
}

type userClaims struct {
	jwt.RegisteredClaims
	Email string `json:"email,omitempty"`
	Role  string `json:"role"`
	Admin bool   `json:"flowgate_admin,omitempty"`
}

// UserToken returns an access token for u that lasts for ttl.
func (is *Issuer) UserToken(u *workflow.User, ttl time.Duration) (token string, expires time.Time, err error) {
	now := is.now()
	expires = now.Add(ttl)
	token, err = jwt.NewWithClaims(jwt.SigningMethodES256, userClaims{
		RegisteredClaims: jwt.RegisteredClaims{Issuer: localIssuer, Subject: u.ID, Audience: jwt.ClaimStrings{userAudience},
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(expires)},
		Email: u.Email, Role: userAudience, Admin: u.Role == "admin",
	}).SignedString(is.key)
	return token, expires, err
}

// VerifyUser returns the identity behind a user's access token.
func (is *Issuer) VerifyUser(token string) (*Identity, error) {
	var claims userClaims
	if err := is.parse(token, userAudience, &claims); err != nil {
		return nil, err
	}
	return &Identity{Subject: claims.Subject, Email: claims.Email, Kind: KindUser,
		RateLimitTier: "standard", Admin: claims.Admin}, nil
}

// AgentToken returns a token, good for a minute, by which the gateway acts for
// owner at the workflow agent.
func (is *Issuer) AgentToken(owner string) (string, error) {
	now := is.now()
	return jwt.NewWithClaims(jwt.SigningMethodES256, jwt.RegisteredClaims{
		Issuer: localIssuer, Subject: owner, Audience: jwt.ClaimStrings{agentAudience},
		IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(time.Minute)),
	}).SignedString(is.key)
}

// VerifyAgent returns the owner an AgentToken was made for.
func (is *Issuer) VerifyAgent(token string) (owner string, err error) {
	var claims jwt.RegisteredClaims
	if err := is.parse(token, agentAudience, &claims); err != nil {
		return "", err
	}
	return claims.Subject, nil
}

func (is *Issuer) parse(token, audience string, claims jwt.Claims) error {
	_, err := jwt.ParseWithClaims(token, claims, func(*jwt.Token) (any, error) { return &is.key.PublicKey, nil },
		jwt.WithValidMethods([]string{"ES256"}), jwt.WithIssuer(localIssuer), jwt.WithAudience(audience),
		jwt.WithExpirationRequired(), jwt.WithLeeway(clockLeeway), jwt.WithTimeFunc(is.now))
	switch {
	case err == nil:
		if sub, _ := claims.GetSubject(); sub == "" {
			return workflow.Errorf(workflow.CodeUnauthorized, "the access token names no user").WithReason("invalid_token")
		}
		return nil
	case errors.Is(err, jwt.ErrTokenMalformed):
		return tokenError(err, "malformed_token", "the access token is not a JWT")
	case errors.Is(err, jwt.ErrTokenExpired):
		return tokenError(err, "token_expired", "the access token has expired; sign in again")
	}
	return tokenError(err, "invalid_token", "the access token is not valid here")
}

func tokenError(err error, reason, message string) error {
	return workflow.Wrap(workflow.CodeUnauthorized, err, message).WithReason(reason)
}
