package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"flowgate/internal/workflow"
	"flowgate/store"
)

// keyStore keeps keys in memory.
type keyStore struct {
	mu    sync.Mutex
	keys  map[string]workflow.Key
	reads int
}

func (s *keyStore) CreateKey(_ context.Context, k *workflow.Key) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys[k.ID] = *k
	return nil
}

func (s *keyStore) Key(_ context.Context, id string) (*workflow.Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	k, ok := s.keys[id]
	if !ok {
		return nil, workflow.Errorf(workflow.CodeNotFound, "no key")
	}
	return &k, nil
}

func (s *keyStore) ListKeys(context.Context, string, store.Page) ([]*workflow.Key, string, error) {
	return nil, "", nil
}

func (s *keyStore) RevokeKey(_ context.Context, _, id string, at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.keys[id]
	k.RevokedAt = at
	s.keys[id] = k
	return nil
}

func (s *keyStore) RotateKey(_ context.Context, _, id string, hash []byte, until time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.keys[id]
	k.PreviousHash, k.PreviousUntil, k.Hash = k.Hash, until, hash
	s.keys[id] = k
	return nil
}

func (s *keyStore) TouchKeys(_ context.Context, used map[string]time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, at := range used {
		k := s.keys[id]
		k.LastUsedAt = at
		s.keys[id] = k
	}
	return nil
}

// secrets keeps secrets in memory.
type secrets map[string][]byte

func (s secrets) Secret(_ context.Context, name string, make func() ([]byte, error)) ([]byte, error) {
	if s[name] == nil {
		v, err := make()
		if err != nil {
			return nil, err
		}
		s[name] = v
	}
	return s[name], nil
}

func newKeys(t *testing.T) (*APIKeys, *keyStore) {
	t.Helper()
	st := &keyStore{keys: map[string]workflow.Key{}}
	return NewAPIKeys(st, []byte(strings.Repeat("p", 32))), st
}

func TestAPIKeyLife(t *testing.T) {
	t.Parallel()
	keys, st := newKeys(t)
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	keys.now = func() time.Time { return now }
	secret, key, err := keys.Create(t.Context(), NewKey{OwnerID: "ann", ClientName: "laptop", Scopes: []string{ScopeWorkflowsRead}, ExpiresIn: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(st.keys[key.ID].Hash), secret) || !strings.HasPrefix(secret, "wfk_"+key.ID+"_") {
		t.Fatalf("secret %s, stored %+v", secret, st.keys[key.ID])
	}
	id, err := keys.Verify(t.Context(), secret, netip.Addr{})
	if err != nil || id.Subject != "ann" || !id.HasScope(ScopeWorkflowsRead) || id.HasScope(ScopeWorkflowsWrite) || id.Kind != KindAPIKey {
		t.Fatalf("got %+v, %v", id, err)
	}
	if err := keys.Flush(t.Context()); err != nil || !st.keys[key.ID].LastUsedAt.Equal(now) {
		t.Errorf("last use is %s, %v", st.keys[key.ID].LastUsedAt, err)
	}
	for range 10 {
		if _, err := keys.Verify(t.Context(), secret, netip.Addr{}); err != nil {
			t.Fatal(err)
		}
	}
	if st.reads != 1 {
		t.Errorf("the store was asked %d times for one key within its cache's life", st.reads)
	}
	now = now.Add(time.Hour)
	if _, err := keys.Verify(t.Context(), secret, netip.Addr{}); workflow.ReasonOf(err) != "key_expired" {
		t.Errorf("an expired key: %v", err)
	}
}

func TestRevokedKeyDiesWithinTwoSeconds(t *testing.T) {
	t.Parallel()
	keys, st := newKeys(t)
	other := NewAPIKeys(st, keys.pepper) // another process on the same store
	now := time.Now()
	keys.now = func() time.Time { return now }
	other.now = keys.now
	secret, key, err := keys.Create(t.Context(), NewKey{OwnerID: "ann", ClientName: "x", Scopes: []string{ScopeToolsExecute}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Verify(t.Context(), secret, netip.Addr{}); err != nil {
		t.Fatal(err)
	}
	if err := keys.Revoke(t.Context(), "", key.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := keys.Verify(t.Context(), secret, netip.Addr{}); workflow.ReasonOf(err) != "invalid_api_key" {
		t.Errorf("the revoking process still accepts it: %v", err)
	}
	now = now.Add(2 * time.Second)
	if _, err := other.Verify(t.Context(), secret, netip.Addr{}); workflow.ReasonOf(err) != "invalid_api_key" {
		t.Errorf("two seconds later another process still accepts it: %v", err)
	}
}

// TestBadKeysLookAlike holds every kind of wrong key to one error.
func TestBadKeysLookAlike(t *testing.T) {
	t.Parallel()
	keys, st := newKeys(t)
	secret, _, err := keys.Create(t.Context(), NewKey{OwnerID: "ann", ClientName: "x", Scopes: []string{ScopeToolsExecute}})
	if err != nil {
		t.Fatal(err)
	}
	unknown := keyText(newKeyID())
	flipped := []byte(secret)
	flipped[30] ^= 1
	reads := st.reads
	texts := map[string]bool{}
	for name, text := range map[string]string{"empty": "", "short": "wfk_", "foreign": "sk-" + secret, "typo": string(flipped), "unknown": unknown,
		"long": secret + secret, "huge": strings.Repeat("wfk_", 1<<16), "null": secret + "\x00"} {
		id, err := keys.Verify(t.Context(), text, netip.Addr{})
		if id != nil || workflow.ReasonOf(err) != "invalid_api_key" || workflow.CodeOf(err) != workflow.CodeUnauthorized {
			t.Errorf("%s: %+v, %v", name, id, err)
		}
		texts[err.Error()] = true
	}
	if len(texts) != 1 {
		t.Errorf("wrong keys can be told apart: %v", texts)
	}
	if st.reads != reads+1 {
		t.Errorf("mistyped keys reached the store: %d reads", st.reads-reads)
	}
	if used := keys.used; len(used) != 0 {
		t.Errorf("wrong keys count as used: %v", used)
	}
}

func TestCreateRefuses(t *testing.T) {
	t.Parallel()
	keys, _ := newKeys(t)
	for want, n := range map[string]NewKey{
		"name":   {Scopes: []string{ScopeToolsRead}},
		"scopes": {ClientName: "x", Scopes: []string{"admin"}},
		"tier":   {ClientName: "x", Scopes: []string{ScopeToolsRead}, RateLimitTier: "gold"},
		"expire": {ClientName: "x", Scopes: []string{ScopeToolsRead}, ExpiresIn: -1},
	} {
		if _, _, err := keys.Create(t.Context(), n); workflow.CodeOf(err) != workflow.CodeInvalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestUserTokens(t *testing.T) {
	t.Parallel()
	is, err := NewIssuer(t.Context(), secrets{})
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := is.UserToken(&workflow.User{ID: "ann", Email: "ann@example.org"}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	id, err := is.VerifyUser(token)
	if err != nil || id.Subject != "ann" || id.Email != "ann@example.org" || id.Kind != KindUser || id.Admin {
		t.Fatalf("got %+v, %v", id, err)
	}
	agent, err := is.AgentToken("ann")
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	claims := func(change func(jwt.MapClaims)) jwt.MapClaims {
		c := jwt.MapClaims{"iss": localIssuer, "aud": userAudience, "sub": "ann", "exp": time.Now().Add(time.Hour).Unix()}
		change(c)
		return c
	}
	sign := func(m jwt.SigningMethod, key any, c jwt.MapClaims) string {
		s, err := jwt.NewWithClaims(m, c).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	public, err := x509.MarshalPKIXPublicKey(&is.key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + strings.Split(token, ".")[1] + "."
	for name, bad := range map[string]string{
		"an agent's token":    agent,
		"no algorithm":        none,
		"another key":         sign(jwt.SigningMethodES256, foreign, claims(func(jwt.MapClaims) {})),
		"the public key HMAC": sign(jwt.SigningMethodHS256, public, claims(func(jwt.MapClaims) {})),
		"another issuer":      sign(jwt.SigningMethodES256, is.key, claims(func(c jwt.MapClaims) { c["iss"] = "x" })),
		"another audience":    sign(jwt.SigningMethodES256, is.key, claims(func(c jwt.MapClaims) { c["aud"] = "x" })),
		"no expiry":           sign(jwt.SigningMethodES256, is.key, claims(func(c jwt.MapClaims) { delete(c, "exp") })),
		"expired":             sign(jwt.SigningMethodES256, is.key, claims(func(c jwt.MapClaims) { c["exp"] = time.Now().Add(-time.Hour).Unix() })),
		"not yet valid":       sign(jwt.SigningMethodES256, is.key, claims(func(c jwt.MapClaims) { c["nbf"] = time.Now().Add(time.Hour).Unix() })),
		"of the future":       sign(jwt.SigningMethodES256, is.key, claims(func(c jwt.MapClaims) { c["iat"] = time.Now().Add(time.Hour).Unix() })),
		"huge":                token + strings.Repeat("A", 1<<20),
		"nobody":              sign(jwt.SigningMethodES256, is.key, claims(func(c jwt.MapClaims) { delete(c, "sub") })),
		"tampered":            token[:len(token)-4] + "AAAA",
		"no token":            "x",
	} {
		if id, err := is.VerifyUser(bad); err == nil {
			t.Errorf("%s is accepted as %+v", name, id)
		} else if workflow.CodeOf(err) != workflow.CodeUnauthorized {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := is.VerifyAgent(token); err == nil {
		t.Error("a user's token opens the agent")
	}
}

func TestDoors(t *testing.T) {
	t.Parallel()
	keys, _ := newKeys(t)
	is, err := NewIssuer(t.Context(), secrets{})
	if err != nil {
		t.Fatal(err)
	}
	secret, _, err := keys.Create(t.Context(), NewKey{OwnerID: "ann", ClientName: "x", Scopes: []string{ScopeToolsExecute}})
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := is.UserToken(&workflow.User{ID: "bo"}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	local := &Identity{Subject: "me", Kind: KindLocal}
	for _, c := range []struct {
		name   string
		local  *Identity
		p      Presented
		want   string // subject
		reason string
	}{
		{"key to MCP", nil, Presented{APIKey: secret, Tier: TierMCP}, "ann", ""},
		{"key as bearer to MCP", nil, Presented{Bearer: secret, Tier: TierMCP}, "ann", ""},
		{"nothing to MCP", nil, Presented{Tier: TierMCP}, "", "missing_api_key"},
		{"nothing to MCP, locally", local, Presented{Tier: TierMCP}, "me", ""},
		{"a wrong key is not nothing", local, Presented{APIKey: "wfk_x", Tier: TierMCP}, "", "invalid_api_key"},
		{"a user's token to MCP", local, Presented{Bearer: token, Tier: TierMCP}, "", "invalid_api_key"},
		{"token to App", nil, Presented{Bearer: token, Tier: TierApp}, "bo", ""},
		{"nothing to App, locally", local, Presented{Tier: TierApp}, "", "missing_token"},
		{"key to App", nil, Presented{APIKey: secret, Tier: TierApp}, "", "invalid_token"},
		{"key as bearer to App", nil, Presented{Bearer: secret, Tier: TierApp}, "", "invalid_token"},
	} {
		a := &Authenticator{Keys: keys, Issuer: is, Local: c.local}
		id, err := a.Authenticate(t.Context(), c.p)
		switch {
		case c.reason == "" && (err != nil || id.Subject != c.want || id.Tier != c.p.Tier):
			t.Errorf("%s: %+v, %v", c.name, id, err)
		case c.reason != "" && (id != nil || workflow.ReasonOf(err) != c.reason):
			t.Errorf("%s: %+v, %v, expected %s", c.name, id, err, c.reason)
		}
	}
}

func TestAgentTokensAreRememberedForAWhile(t *testing.T) {
	t.Parallel()
	is, err := NewIssuer(t.Context(), secrets{})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	is.now = func() time.Time { return now }
	a := NewAgentTokens(is)
	first, err := a.Token("ann")
	if err != nil {
		t.Fatal(err)
	}
	again, _ := a.Token("ann")
	other, _ := a.Token("bo")
	if first != again || first == other {
		t.Error("tokens are not remembered by owner")
	}
	if owner, err := a.Verify(t.Context(), first); err != nil || owner != "ann" {
		t.Errorf("got %s, %v", owner, err)
	}
	now = now.Add(5 * time.Minute)
	if _, err := a.Verify(t.Context(), first); workflow.ReasonOf(err) != "token_expired" {
		t.Errorf("an old token: %v", err)
	}
}

// FuzzParseKey looks for texts that pass for a key without being one.
func FuzzParseKey(f *testing.F) {
	text := keyText(newKeyID())
	for _, s := range []string{text, "wfk_", "wfk__", strings.ToUpper(text), text[:40]} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, ok := parseKey(s)
		if ok && (len(id) != 16 || !strings.HasPrefix(s, "wfk_"+id+"_") || s[len(s)-8:] != checksum(s[:len(s)-8])) {
			t.Errorf("%q passes as %q", s, id)
		}
	})
}

// FuzzUserToken looks for a token that is accepted without being ours.
func FuzzUserToken(f *testing.F) {
	is, err := NewIssuer(f.Context(), secrets{})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Add("a.b.c")
	f.Fuzz(func(t *testing.T, s string) {
		if id, err := is.VerifyUser(s); err == nil {
			t.Errorf("%q is accepted as %+v", s, id)
		}
	})
}

// wrongs counts failures by address.
type wrongs struct{ n map[string]int }

func (*wrongs) Blocked(string) time.Duration            { return 0 }
func (w *wrongs) Failed(_ context.Context, from string) { w.n[from]++ }

// TestOnlyGuessesCountAsFailures: credentials that were right once, and none at
// all, lock nobody out.
func TestOnlyGuessesCountAsFailures(t *testing.T) {
	t.Parallel()
	keys, _ := newKeys(t)
	counted := &wrongs{n: map[string]int{}}
	a := &Authenticator{Keys: keys, Issuer: newPeople(t, nil).Issuer, Failures: counted}
	ctx := WithOrigin(t.Context(), &Origin{IP: "192.0.2.1"})
	expired, _, err := keys.Create(t.Context(), NewKey{OwnerID: "ann", ClientName: "x", Scopes: []string{ScopeToolsRead}, ExpiresIn: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	keys.now = func() time.Time { return time.Now().Add(2 * time.Hour) }
	for _, c := range []struct {
		what   string
		p      Presented
		reason string
		want   int
	}{
		{"nothing", Presented{Tier: TierMCP}, "missing_api_key", 0},
		{"an expired key", Presented{Tier: TierMCP, APIKey: expired}, "key_expired", 0},
		{"a guess", Presented{Tier: TierMCP, APIKey: "wfk_guess"}, "invalid_api_key", 1},
		{"no token", Presented{Tier: TierApp, Bearer: "guess"}, "malformed_token", 2},
	} {
		if _, err := a.Authenticate(ctx, c.p); workflow.ReasonOf(err) != c.reason || counted.n["192.0.2.1"] != c.want {
			t.Errorf("%s: %v, %d failures counted, want %d", c.what, err, counted.n["192.0.2.1"], c.want)
		}
	}
}
