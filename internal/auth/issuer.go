package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
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
	jwk jwk // its public half
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
	public, err := publicJWK(&key.PublicKey)
	return &Issuer{key: key, jwk: public, now: time.Now}, err
}

// publicJWK is a key as RFC 7517 has it, its id being its thumbprint (RFC 7638).
func publicJWK(key *ecdsa.PublicKey) (jwk, error) {
	point, err := key.Bytes()
	if err != nil {
		return jwk{}, fmt.Errorf("encode the token signing key: %w", err)
	}
	enc := base64.RawURLEncoding
	k := jwk{Kty: "EC", Use: "sig", Alg: "ES256", Crv: "P-256", X: enc.EncodeToString(point[1:33]), Y: enc.EncodeToString(point[33:])}
	sum := sha256.Sum256(fmt.Appendf(nil, `{"crv":"P-256","kty":"EC","x":%q,"y":%q}`, k.X, k.Y))
	k.Kid = enc.EncodeToString(sum[:])
	return k, nil
}

// JWKS returns the public keys that users' tokens can be checked with, as a
// JSON document.
func (is *Issuer) JWKS() ([]byte, error) {
	return json.Marshal(map[string]any{"keys": []jwk{is.jwk}})
}

func (is *Issuer) sign(claims jwt.Claims) (string, error) {
	t := jwt.NewWithClaims(jwt.SigningMethodES256, claims)
	t.Header["kid"] = is.jwk.Kid
	return t.SignedString(is.key)
}

// UserToken returns an access token for u that lasts for ttl and belongs to no
// sign-in.
func (is *Issuer) UserToken(u *workflow.User, ttl time.Duration) (token string, expires time.Time, err error) {
	return is.sessionToken(u, "", ttl)
}

func (is *Issuer) sessionToken(u *workflow.User, session string, ttl time.Duration) (token string, expires time.Time, err error) {
	now := is.now()
	expires = now.Add(ttl)
	token, err = is.sign(userClaims{
		RegisteredClaims: jwt.RegisteredClaims{Issuer: localIssuer, Subject: u.ID, Audience: jwt.ClaimStrings{userAudience},
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(expires)},
		Email: u.Email, Role: userAudience, SessionID: session, Anonymous: u.Anonymous, AAL: "aal1",
		AppMetadata: appMetadataOf(u), UserMetadata: u.Metadata,
	})
	return token, expires, err
}

func appMetadataOf(u *workflow.User) appMetadata {
	m := appMetadata{Provider: "email", Providers: []string{"email"}}
	if u.Anonymous {
		m = appMetadata{Provider: "anonymous", Providers: []string{}}
	}
	if u.Role == roleAdmin {
		m.Role = roleAdmin
	}
	return m
}

// VerifyUser returns the identity behind a user's access token.
func (is *Issuer) VerifyUser(token string) (*Identity, error) {
	var claims userClaims
	if err := parseToken(token, &claims, is.rules(userAudience)); err != nil {
		return nil, err
	}
	id := claims.identity()
	id.EmailConfirmed = id.Email != "" // embedded accounts send no mail: the address is as it was entered
	return id, nil
}

// AgentToken returns a token, good for a minute, by which the gateway acts for
// owner at the workflow agent.
func (is *Issuer) AgentToken(owner string) (string, error) {
	now := is.now()
	return is.sign(jwt.RegisteredClaims{
		Issuer: localIssuer, Subject: owner, Audience: jwt.ClaimStrings{agentAudience},
		IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(time.Minute)),
	})
}

// VerifyAgent returns the owner an AgentToken was made for.
func (is *Issuer) VerifyAgent(token string) (owner string, err error) {
	var claims jwt.RegisteredClaims
	if err := parseToken(token, &claims, is.rules(agentAudience)); err != nil {
		return "", err
	}
	return claims.Subject, nil
}

func (is *Issuer) rules(audience string) tokenRules {
	return tokenRules{alg: "ES256", issuer: localIssuer, audience: audience, now: is.now,
		key: func(*jwt.Token) (any, error) { return &is.key.PublicKey, nil }}
}
