package auth

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"flowgate/internal/workflow"
)

const (
	introspectTimeout = 5 * time.Second
	// introspectLife bounds how long the provider's word on a token is taken
	// without asking again.
	introspectLife = time.Minute
	introspectSize = 4096
	// confirmedLife is how long an address that the project called confirmed is
	// taken for that without asking again.
	confirmedLife = time.Hour
)

// SupabaseOptions say how users' tokens of a Supabase project are checked. URL
// is required.
type SupabaseOptions struct {
	URL       string // of the project, without a slash at the end
	Issuer    string // of its tokens; URL/auth/v1 when ""
	AnonKey   string // sent with questions about tokens
	JWTSecret string // of projects that sign with HS256
	// Unconfirmed lets users in whose email address is not confirmed. Else the
	// project is asked about each user, now and then: what tokens say of it stands
	// where users can write, but for app_metadata.email_verified.
	Unconfirmed bool
	// Guests lets anonymous users in.
	Guests bool
	Client *http.Client // http.DefaultClient when nil
}

// Supabase checks access tokens of a Supabase project: by its published keys,
// by the shared secret, or, for tokens that neither can check, by asking it.
// Safe for concurrent use.
type Supabase struct {
	SupabaseOptions
	keys *keySet
	now  func() time.Time
	life time.Duration // of the provider's word on a token

	mu        sync.Mutex
	known     map[[sha256.Size]byte]introspected
	confirmed map[[2]string]time.Time // user and email to until when it is believed
}

type introspected struct {
	user  *supabaseUser // nil: not valid
	until time.Time
}

// NewSupabase returns the checks of a project. Nothing is asked yet.
func NewSupabase(o SupabaseOptions) *Supabase {
	o.URL = strings.TrimRight(o.URL, "/")
	if o.Issuer == "" {
		o.Issuer = o.URL + "/auth/v1"
	}
	if o.Client == nil {
		o.Client = http.DefaultClient
	}
	s := &Supabase{SupabaseOptions: o, now: time.Now, life: introspectLife, known: map[[sha256.Size]byte]introspected{}, confirmed: map[[2]string]time.Time{}}
	s.keys = &keySet{life: jwksLife, url: o.URL + "/auth/v1/.well-known/jwks.json", client: o.Client, now: func() time.Time { return s.now() }}
	return s
}

// Verify returns the identity behind an access token: the user, with ClientID
// when an OAuth client acts for it.
func (s *Supabase) Verify(ctx context.Context, token string) (*Identity, error) {
	if len(token) > maxCredential {
		return nil, errMalformed(errors.New("too long"))
	}
	var claims userClaims
	unverified, _, err := jwt.NewParser().ParseUnverified(token, &claims)
	if err != nil {
		return nil, errMalformed(err)
	}
	alg := unverified.Method.Alg()
	if alg == "HS256" && s.JWTSecret == "" {
		return s.ask(ctx, token, &claims)
	}
	claims = userClaims{}
	err = parseToken(token, &claims, tokenRules{alg: alg, issuer: s.Issuer, audience: userAudience, now: s.now,
		key: func(t *jwt.Token) (any, error) { return s.key(ctx, t) }})
	if err != nil {
		return nil, err
	}
	id, err := s.identity(&claims)
	if err != nil || id.EmailConfirmed || id.Kind != KindUser || s.Unconfirmed {
		return id, err
	}
	return s.confirmAddress(ctx, token, &claims, id)
}

// confirmAddress lets a user in whose address the project calls confirmed. It is
// asked once an hour at most; about others, whenever their token is not known.
func (s *Supabase) confirmAddress(ctx context.Context, token string, claims *userClaims, id *Identity) (*Identity, error) {
	now, key := s.now(), [2]string{id.Subject, id.Email}
	s.mu.Lock()
	until, ok := s.confirmed[key]
	s.mu.Unlock()
	if ok && now.Before(until) {
		id.EmailConfirmed = true
		return id, nil
	}
	asked, err := s.ask(ctx, token, claims)
	if err != nil || asked.Email != id.Email {
		return asked, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.confirmed) >= introspectSize {
		clear(s.confirmed)
	}
	s.confirmed[key] = now.Add(confirmedLife)
	return asked, nil
}

// key is the one that may have signed t. Each key is for one algorithm, so
// that no token can have a public key taken for a secret.
func (s *Supabase) key(ctx context.Context, t *jwt.Token) (any, error) {
	alg := t.Method.Alg()
	switch alg {
	case "HS256":
		return []byte(s.JWTSecret), nil
	case "ES256", "RS256", "EdDSA":
	default:
		return nil, fmt.Errorf("the algorithm %s is not accepted", alg)
	}
	kid, _ := t.Header["kid"].(string)
	key, ok, err := s.keys.find(ctx, kid, alg)
	if err == nil && !ok {
		err = errors.New("the token's key is not one of the provider's")
	}
	return key, err
}

// supabaseUser is what the project says of a token's user.
type supabaseUser struct {
	ID               string     `json:"id"`
	Email            string     `json:"email"`
	Role             string     `json:"role"`
	EmailConfirmedAt *time.Time `json:"email_confirmed_at"`
	ConfirmedAt      *time.Time `json:"confirmed_at"`
	Anonymous        bool       `json:"is_anonymous"`
}

// ask has the project check a token that cannot be checked here. Its answer
// is remembered under the token's hash for a while, and never beyond its
// expiry. What claims say is trusted only when the project has accepted them.
func (s *Supabase) ask(ctx context.Context, token string, claims *userClaims) (*Identity, error) {
	now := s.now()
	if err := checkClaims(claims, tokenRules{issuer: s.Issuer, audience: userAudience, now: s.now}); err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(token))
	s.mu.Lock()
	known, ok := s.known[sum]
	s.mu.Unlock()
	if !ok || !now.Before(known.until) {
		user, err := s.introspect(ctx, token)
		if err != nil {
			return nil, err
		}
		known = introspected{user: user, until: s.knownUntil(now, claims.ExpiresAt.Time)}
		s.mu.Lock()
		if len(s.known) >= introspectSize {
			clear(s.known)
		}
		s.known[sum] = known
		s.mu.Unlock()
	}
	if known.user == nil || known.user.ID != claims.Subject {
		return nil, tokenError(nil, "invalid_token", "the access token is not valid here")
	}
	id, err := s.identity(claims)
	if err != nil {
		return nil, err
	}
	return s.asToldBy(known.user, id)
}

// asToldBy is id with what the project says of its user.
func (s *Supabase) asToldBy(user *supabaseUser, id *Identity) (*Identity, error) {
	id.Email, id.EmailConfirmed = user.Email, user.EmailConfirmedAt != nil || user.ConfirmedAt != nil
	if user.Anonymous {
		id.Kind, id.Admin = KindAnonymous, false
	}
	switch {
	case id.Kind == KindAnonymous && !s.Guests:
		return nil, errNoGuests()
	case id.Kind == KindUser && !id.EmailConfirmed && !s.Unconfirmed:
		return nil, tokenError(nil, "email_not_confirmed", "confirm your email address first: follow the link that was sent to it")
	}
	return id, nil
}

func (s *Supabase) knownUntil(now, expires time.Time) time.Time {
	until := now.Add(s.life)
	if expires.Before(until) {
		return expires
	}
	return until
}

// introspect asks who the token is for; nil when the project does not accept it.
func (s *Supabase) introspect(ctx context.Context, token string) (*supabaseUser, error) {
	ctx, cancel := context.WithTimeout(ctx, introspectTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/auth/v1/user", nil)
	if err != nil {
		return nil, authFailed(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	if s.AnonKey != "" {
		req.Header.Set("apikey", s.AnonKey)
	}
	resp, err := s.Client.Do(req)
	if err != nil {
		return nil, providerDown(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, jwksMax))
	switch {
	case err != nil:
		return nil, providerDown(err)
	case resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden:
		return nil, nil //nolint:nilnil // an answer: nobody
	case resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests:
		return nil, providerDown(fmt.Errorf("it answered %s", resp.Status))
	case resp.StatusCode != http.StatusOK:
		return nil, authFailed(fmt.Errorf("it answered %s", resp.Status))
	}
	var user supabaseUser
	if err := json.Unmarshal(data, &user); err != nil || user.ID == "" {
		return nil, authFailed(errors.New("its answer names no user"))
	}
	return &user, nil
}

func authFailed(err error) error {
	return workflow.Wrap(workflow.CodeUnauthorized, err, "the identity provider did not say whose token this is").WithReason("auth_failed")
}

func providerDown(err error) error {
	return workflow.Wrap(workflow.CodeUnavailable, err, "the identity provider cannot be asked just now; try again shortly").WithReason("auth_failed")
}

// identity is the user that claims name.
func (s *Supabase) identity(c *userClaims) (*Identity, error) {
	id := c.identity()
	switch {
	case c.Role != "" && c.Role != userAudience:
		return nil, tokenError(nil, "invalid_token", "this is a key of the project, not a user's access token")
	case id.Kind == KindAnonymous && !s.Guests:
		return nil, errNoGuests()
	}
	return id, nil
}

func errNoGuests() error {
	return workflow.Errorf(workflow.CodeForbidden, "guests are not let in here: sign in; the operator lets them in with guest_sessions_enabled (GUEST_SESSIONS_ENABLED)").WithReason("guests_not_allowed")
}
