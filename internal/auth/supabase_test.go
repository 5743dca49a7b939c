package auth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"flowgate/internal/workflow"
)

const projectSecret = "the project's secret of at least 32 bytes"

// project is a Supabase project: it publishes keys and knows its tokens.
type project struct {
	*httptest.Server
	ec     *ecdsa.PrivateKey
	rsa    *rsa.PrivateKey
	ed     ed25519.PrivateKey
	keys   []jwk
	status atomic.Int32 // of answers about users; 0: by the token
	down   atomic.Bool
	sets   atomic.Int32 // how often keys were asked for
	asks   atomic.Int32 // how often a user was

	mu    sync.Mutex
	users map[string]string // token to user
}

func newProject(t testing.TB) *project {
	t.Helper()
	p := &project{users: map[string]string{}}
	var err error
	if p.ec, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	if p.rsa, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		t.Fatal(err)
	}
	_, p.ed, _ = ed25519.GenerateKey(rand.Reader)
	ec, err := publicJWK(&p.ec.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	ec.Kid = "ec"
	enc := base64.RawURLEncoding.EncodeToString
	p.keys = []jwk{ec, {Kty: "RSA", Kid: "rsa", N: enc(p.rsa.N.Bytes()), E: enc(big.NewInt(int64(p.rsa.E)).Bytes())},
		{Kty: "OKP", Crv: "Ed25519", Kid: "ed", X: enc(p.ed.Public().(ed25519.PublicKey))}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /auth/v1/.well-known/jwks.json", func(w http.ResponseWriter, _ *http.Request) {
		p.sets.Add(1)
		if p.down.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": append([]jwk{{Kty: "oct", Kid: "oct"}}, p.keys...)})
	})
	mux.HandleFunc("GET /auth/v1/user", func(w http.ResponseWriter, r *http.Request) {
		p.asks.Add(1)
		p.mu.Lock()
		user := p.users[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
		p.mu.Unlock()
		switch status := int(p.status.Load()); {
		case p.down.Load():
			w.WriteHeader(http.StatusServiceUnavailable)
		case r.Header.Get("apikey") != "anon":
			w.WriteHeader(http.StatusUnauthorized)
		case status != 0:
			w.WriteHeader(status)
		case user == "":
			w.WriteHeader(http.StatusForbidden)
		default:
			_, _ = w.Write([]byte(user))
		}
	})
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

func (p *project) claims(change func(jwt.MapClaims)) jwt.MapClaims {
	c := jwt.MapClaims{"iss": p.URL + "/auth/v1", "aud": "authenticated", "sub": "ann", "email": "ann@example.org", "role": "authenticated",
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(), "is_anonymous": false,
		"app_metadata": map[string]any{"email_verified": true}} // as projects write it that want nobody to ask
	if change != nil {
		change(c)
	}
	return c
}

func signed(t testing.TB, m jwt.SigningMethod, kid string, key any, c jwt.Claims) string {
	t.Helper()
	token := jwt.NewWithClaims(m, c)
	token.Header["kid"] = kid
	text, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (p *project) token(t testing.TB, change func(jwt.MapClaims)) string {
	t.Helper()
	return signed(t, jwt.SigningMethodES256, "ec", p.ec, p.claims(change))
}

func (p *project) checks(change func(*SupabaseOptions)) *Supabase {
	o := SupabaseOptions{URL: p.URL + "/", AnonKey: "anon"}
	if change != nil {
		change(&o)
	}
	return NewSupabase(o)
}

func TestSupabaseTokens(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	s := p.checks(func(o *SupabaseOptions) { o.JWTSecret = projectSecret })
	for name, token := range map[string]string{
		"ES256": p.token(t, nil),
		"RS256": signed(t, jwt.SigningMethodRS256, "rsa", p.rsa, p.claims(nil)),
		"EdDSA": signed(t, jwt.SigningMethodEdDSA, "ed", p.ed, p.claims(nil)),
		"HS256": signed(t, jwt.SigningMethodHS256, "", []byte(projectSecret), p.claims(nil)),
	} {
		id, err := s.Verify(t.Context(), token)
		if err != nil || id.Subject != "ann" || id.Email != "ann@example.org" || id.Kind != KindUser || id.Admin || !id.EmailConfirmed {
			t.Errorf("%s: %+v, %v", name, id, err)
		}
	}
	if n := p.sets.Load(); n != 1 {
		t.Errorf("keys were asked for %d times", n)
	}
	if p.asks.Load() != 0 {
		t.Error("the project was asked about a token that can be checked here")
	}
	id, err := s.Verify(t.Context(), p.token(t, func(c jwt.MapClaims) {
		c["app_metadata"] = map[string]any{"role": "admin", "email_verified": true}
		c["client_id"] = "c1"
	}))
	if err != nil || !id.Admin || id.ClientID != "c1" {
		t.Errorf("got %+v, %v", id, err)
	}
	id, err = s.Verify(t.Context(), p.token(t, func(c jwt.MapClaims) {
		c["user_metadata"] = map[string]any{"role": "admin", "app_metadata": map[string]any{"role": "admin"}}
	}))
	if err != nil || id.Admin {
		t.Errorf("what users write themselves makes admins: %+v, %v", id, err)
	}
}

// TestForgedSupabaseTokens are the known attacks on JWTs, each refused with
// its code.
func TestForgedSupabaseTokens(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	s := p.checks(func(o *SupabaseOptions) { o.JWTSecret = projectSecret })
	asHMAC := func(public crypto.PublicKey) []byte {
		der, err := x509.MarshalPKIXPublicKey(public)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	other := newProject(t)
	good := p.token(t, nil)
	parts := strings.Split(good, ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","kid":"ec"}`)) + "." + parts[1] + "."
	claim := func(name string, value any) func(jwt.MapClaims) { return func(c jwt.MapClaims) { c[name] = value } }
	payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
	tampered := parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(payload), `"sub":"ann"`, `"sub":"bob"`, 1))) + "." + parts[2]
	for name, c := range map[string]struct{ token, reason string }{
		"no algorithm":              {none, "invalid_token"},
		"the EC key as secret":      {signed(t, jwt.SigningMethodHS256, "ec", asHMAC(&p.ec.PublicKey), p.claims(nil)), "invalid_token"},
		"the RSA key as secret":     {signed(t, jwt.SigningMethodHS256, "rsa", asHMAC(&p.rsa.PublicKey), p.claims(nil)), "invalid_token"},
		"HS512":                     {signed(t, jwt.SigningMethodHS512, "", []byte(projectSecret), p.claims(nil)), "invalid_token"},
		"PS256":                     {signed(t, jwt.SigningMethodPS256, "rsa", p.rsa, p.claims(nil)), "invalid_token"},
		"another secret":            {signed(t, jwt.SigningMethodHS256, "", []byte("another secret of at least 32 bytes."), p.claims(nil)), "invalid_token"},
		"an empty secret":           {signed(t, jwt.SigningMethodHS256, "", []byte(""), p.claims(nil)), "invalid_token"},
		"another key":               {signed(t, jwt.SigningMethodES256, "ec", other.ec, p.claims(nil)), "invalid_token"},
		"an unknown key":            {signed(t, jwt.SigningMethodES256, "nope", p.ec, p.claims(nil)), "invalid_token"},
		"a key of another kind":     {signed(t, jwt.SigningMethodES256, "rsa", p.ec, p.claims(nil)), "invalid_token"},
		"the symmetric key's id":    {signed(t, jwt.SigningMethodES256, "oct", p.ec, p.claims(nil)), "invalid_token"},
		"another issuer":            {p.token(t, claim("iss", other.URL+"/auth/v1")), "invalid_token"},
		"no issuer":                 {p.token(t, func(c jwt.MapClaims) { delete(c, "iss") }), "invalid_token"},
		"another audience":          {p.token(t, claim("aud", "other")), "invalid_token"},
		"no expiry":                 {p.token(t, func(c jwt.MapClaims) { delete(c, "exp") }), "invalid_token"},
		"expired":                   {p.token(t, claim("exp", time.Now().Add(-time.Hour).Unix())), "token_expired"},
		"not yet valid":             {p.token(t, claim("nbf", time.Now().Add(time.Hour).Unix())), "invalid_token"},
		"issued in the future":      {p.token(t, claim("iat", time.Now().Add(time.Hour).Unix())), "invalid_token"},
		"nobody":                    {p.token(t, func(c jwt.MapClaims) { delete(c, "sub") }), "invalid_token"},
		"the service role":          {p.token(t, claim("role", "service_role")), "invalid_token"},
		"the anon key":              {p.token(t, claim("role", "anon")), "invalid_token"},
		"tampered":                  {tampered, "invalid_token"},
		"cut off":                   {good[:len(good)-10], "invalid_token"},
		"no signature":              {parts[0] + "." + parts[1] + ".", "invalid_token"},
		"huge":                      {good + strings.Repeat("A", 1<<20), "malformed_token"},
		"no JWT":                    {"x", "malformed_token"},
		"empty parts":               {"..", "malformed_token"},
		"four parts":                {good + ".x", "malformed_token"},
		"a guest":                   {p.token(t, claim("is_anonymous", true)), "guests_not_allowed"},
		"claims of the wrong types": {p.token(t, claim("app_metadata", "admin")), "malformed_token"},
	} {
		id, err := s.Verify(t.Context(), c.token)
		if id != nil || workflow.ReasonOf(err) != c.reason {
			t.Errorf("%s: %+v, %v, expected %s", name, id, err, c.reason)
		}
	}
	open := p.checks(func(o *SupabaseOptions) { o.Guests, o.Unconfirmed = true, true })
	if id, err := open.Verify(t.Context(), p.token(t, claim("is_anonymous", true))); err != nil || id.Kind != KindAnonymous {
		t.Errorf("a guest where guests are let in: %+v, %v", id, err)
	}
}

// TestConfirmedAddresses: whether an address is confirmed is the project's to
// say, or the operator's in app_metadata; users can write the rest.
func TestConfirmedAddresses(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	s := p.checks(nil)
	now := time.Now()
	s.now = func() time.Time { return now }
	token := func(user, mail, says string) string {
		text := p.token(t, func(c jwt.MapClaims) {
			c["sub"], c["email"], c["app_metadata"] = user, mail, map[string]any{}
			c["user_metadata"], c["jti"] = map[string]any{"email_verified": true, "app_metadata": map[string]any{"email_verified": true}}, says
		})
		p.mu.Lock()
		defer p.mu.Unlock()
		p.users[text] = says
		return text
	}
	const at = `"email_confirmed_at":"2026-01-02T03:04:05Z"`
	eve := token("eve", "eve@example.org", `{"id":"eve","email":"eve@example.org"}`)
	for range 2 {
		if id, err := s.Verify(t.Context(), eve); workflow.ReasonOf(err) != "email_not_confirmed" {
			t.Errorf("who says so herself: %+v, %v", id, err)
		}
	}
	if n := p.asks.Load(); n != 1 {
		t.Errorf("the project was asked %d times about one token", n)
	}
	good := token("bea", "bea@example.org", `{"id":"bea","email":"bea@example.org",`+at+`}`)
	if id, err := s.Verify(t.Context(), good); err != nil || !id.EmailConfirmed || id.Subject != "bea" {
		t.Errorf("whom the project confirms: %+v, %v", id, err)
	}
	next := token("bea", "bea@example.org", `{"id":"bea"}`)
	p.down.Store(true)
	if id, err := s.Verify(t.Context(), next); err != nil || !id.EmailConfirmed {
		t.Errorf("her next token, the project being away: %+v, %v", id, err)
	}
	if _, err := s.Verify(t.Context(), token("cy", "cy@example.org", "")); workflow.CodeOf(err) != workflow.CodeUnavailable {
		t.Errorf("somebody nobody has asked about, the project being away: %v", err)
	}
	p.down.Store(false)
	moved := token("bea", "other@example.org", `{"id":"bea","email":"other@example.org"}`)
	if _, err := s.Verify(t.Context(), moved); workflow.ReasonOf(err) != "email_not_confirmed" {
		t.Errorf("another address of hers: %v", err)
	}
	now = now.Add(confirmedLife)
	if _, err := s.Verify(t.Context(), p.token(t, func(c jwt.MapClaims) { c["sub"], c["exp"], c["app_metadata"] = "bea", now.Add(time.Hour).Unix(), nil })); workflow.ReasonOf(err) != "invalid_token" {
		t.Errorf("an hour later, when the project has ended the session: %v", err)
	}
	open, asks := p.checks(func(o *SupabaseOptions) { o.Unconfirmed = true }), p.asks.Load()
	if id, err := open.Verify(t.Context(), token("eve", "eve@example.org", "")); err != nil || id.EmailConfirmed || p.asks.Load() != asks {
		t.Errorf("where that is not required: %+v, %v; asked %d times", id, err, p.asks.Load()-asks)
	}
}

// TestKeySetIsAskedForWithinBounds: unknown keys cannot make this server
// hammer the project, new keys are found, and old ones serve while it is down.
func TestKeySetIsAskedForWithinBounds(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	s := p.checks(nil)
	now := time.Now()
	s.now = func() time.Time { return now }
	verify := func(token string) error { _, err := s.Verify(t.Context(), token); return err }
	good := p.token(t, nil)
	if err := verify(good); err != nil {
		t.Fatal(err)
	}
	for range 50 {
		if err := verify(signed(t, jwt.SigningMethodES256, "unknown", p.ec, p.claims(nil))); workflow.ReasonOf(err) != "invalid_token" {
			t.Fatal(err)
		}
	}
	if n := p.sets.Load(); n != 1 {
		t.Errorf("50 tokens with unknown keys made %d questions", n)
	}
	next, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	k, _ := publicJWK(&next.PublicKey)
	k.Kid = "next"
	p.mu.Lock()
	p.keys = append(p.keys, k)
	p.mu.Unlock()
	now = now.Add(jwksPause)
	if err := verify(signed(t, jwt.SigningMethodES256, "next", next, p.claims(nil))); err != nil {
		t.Errorf("a new key: %v", err)
	}
	p.down.Store(true)
	now = now.Add(jwksLife + time.Second)
	if err := verify(good); err != nil {
		t.Errorf("while the project is down known keys do not serve: %v", err)
	}
	if err := verify(signed(t, jwt.SigningMethodES256, "unknown", p.ec, p.claims(nil))); workflow.CodeOf(err) != workflow.CodeUnavailable || workflow.ReasonOf(err) != "auth_failed" {
		t.Errorf("an unknown key while the project is down: %v", err)
	}
	fresh := p.checks(nil)
	if _, err := fresh.Verify(t.Context(), good); workflow.CodeOf(err) != workflow.CodeUnavailable || workflow.ReasonOf(err) != "auth_failed" {
		t.Errorf("without ever having had keys: %v", err)
	}
}

// TestKnownKeysDoNotWait: while the project takes its time about its keys, for
// somebody's unknown one or since those here are old, only who needs the answer
// waits for it.
func TestKnownKeysDoNotWait(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	s := p.checks(nil)
	var later atomic.Int64
	begin := time.Now()
	s.now = func() time.Time { return begin.Add(time.Duration(later.Load())) }
	good, unknown := p.token(t, nil), signed(t, jwt.SigningMethodES256, "unknown", p.ec, p.claims(nil))
	if _, err := s.Verify(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	for _, age := range []time.Duration{jwksPause, jwksLife + time.Second} {
		later.Store(int64(age))
		asked := p.sets.Load()
		p.mu.Lock() // the project does not answer
		waits := make(chan error, 1)
		go func() { _, err := s.Verify(t.Context(), unknown); waits <- err }()
		for p.sets.Load() == asked {
			time.Sleep(time.Millisecond)
		}
		if _, err := s.Verify(t.Context(), good); err != nil {
			t.Errorf("after %s: %v", age, err)
		}
		select {
		case err := <-waits:
			t.Errorf("after %s an unknown key was told of before there was an answer: %v", age, err)
		default:
		}
		p.mu.Unlock()
		if err := <-waits; workflow.ReasonOf(err) != "invalid_token" {
			t.Errorf("after %s: %v", age, err)
		}
	}
	later.Store(int64(4 * jwksLife))
	p.down.Store(true)
	asked := p.sets.Load()
	if _, err := s.Verify(t.Context(), good); err != nil || p.sets.Load() == asked {
		t.Errorf("keys that are long too old serve unasked: %v", err)
	}
}

// TestIntrospection: a token that nothing here can check is the project's to
// judge, and its answer is kept for a while, never beyond the token's life.
func TestIntrospection(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	s := p.checks(nil)
	now := time.Now()
	s.now = func() time.Time { return now }
	token := func(change func(jwt.MapClaims)) string {
		return signed(t, jwt.SigningMethodHS256, "", []byte(projectSecret), p.claims(change))
	}
	known := func(token, user string) string {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.users[token] = user
		return token
	}
	const ann = `{"id":"ann","email":"ann@example.org","email_confirmed_at":"2026-01-02T03:04:05Z"}`
	good := known(token(nil), ann)
	for range 5 {
		id, err := s.Verify(t.Context(), good)
		if err != nil || id.Subject != "ann" || !id.EmailConfirmed {
			t.Fatalf("got %+v, %v", id, err)
		}
	}
	if n := p.asks.Load(); n != 1 {
		t.Errorf("the project was asked %d times", n)
	}
	known(good, "") // signed out
	now = now.Add(introspectLife)
	if _, err := s.Verify(t.Context(), good); workflow.ReasonOf(err) != "invalid_token" {
		t.Errorf("a minute after it ended: %v", err)
	}
	short := known(token(func(c jwt.MapClaims) { c["exp"] = now.Add(10 * time.Second).Unix() }), ann)
	if _, err := s.Verify(t.Context(), short); err != nil {
		t.Fatal(err)
	}
	now = now.Add(10*time.Second + clockLeeway + time.Second)
	if _, err := s.Verify(t.Context(), short); workflow.ReasonOf(err) != "token_expired" {
		t.Errorf("beyond its expiry: %v", err)
	}
	for name, c := range map[string]struct{ token, reason string }{
		"forged":         {token(func(c jwt.MapClaims) { c["x"] = 1 }), "invalid_token"},
		"somebody else":  {known(token(func(c jwt.MapClaims) { c["sub"] = "bob" }), ann), "invalid_token"},
		"another issuer": {known(token(func(c jwt.MapClaims) { c["iss"] = "x" }), ann), "invalid_token"},
		"not confirmed":  {known(token(func(c jwt.MapClaims) { c["y"] = 1 }), `{"id":"ann","email":"a@b.c"}`), "email_not_confirmed"},
		"a guest":        {known(token(func(c jwt.MapClaims) { c["z"] = 1 }), `{"id":"ann","is_anonymous":true}`), "guests_not_allowed"},
		"no answer":      {known(token(func(c jwt.MapClaims) { c["w"] = 1 }), `{}`), "auth_failed"},
	} {
		if _, err := s.Verify(t.Context(), c.token); workflow.CodeOf(err) == "" || workflow.ReasonOf(err) != c.reason {
			t.Errorf("%s: %v, expected %s", name, err, c.reason)
		}
	}
	for status, code := range map[int32]workflow.Code{404: workflow.CodeUnauthorized, 429: workflow.CodeUnavailable, 500: workflow.CodeUnavailable} {
		p.status.Store(status)
		_, err := s.Verify(t.Context(), token(func(c jwt.MapClaims) { c["s"] = status }))
		if workflow.ReasonOf(err) != "auth_failed" || workflow.CodeOf(err) != code {
			t.Errorf("status %d: %v", status, err)
		}
	}
	p.Close()
	if _, err := s.Verify(t.Context(), token(func(c jwt.MapClaims) { c["d"] = 1 })); workflow.CodeOf(err) != workflow.CodeUnavailable || workflow.ReasonOf(err) != "auth_failed" {
		t.Errorf("nobody to ask: %v", err)
	}
}

// TestRememberFor: the bound holds where it is the shorter, 0 forbids to
// remember, and a token is never known beyond its end.
func TestRememberFor(t *testing.T) {
	t.Parallel()
	for bound, asks := range map[time.Duration]int64{time.Hour: 1, 10 * time.Second: 2, 0: 3} {
		p := newProject(t)
		s := p.checks(nil)
		now := time.Now()
		s.now = func() time.Time { return now }
		RememberFor(bound, nil, nil, nil, s)
		token := signed(t, jwt.SigningMethodHS256, "", []byte(projectSecret), p.claims(nil))
		p.mu.Lock()
		p.users[token] = `{"id":"ann","email":"ann@example.org","email_confirmed_at":"2026-01-02T03:04:05Z"}`
		p.mu.Unlock()
		for _, pass := range []time.Duration{0, time.Second, 15 * time.Second} {
			now = now.Add(pass)
			if _, err := s.Verify(t.Context(), token); err != nil {
				t.Fatal(err)
			}
		}
		if n := p.asks.Load(); int64(n) != asks {
			t.Errorf("%s: the project was asked %d times instead of %d", bound, n, asks)
		}
	}
	s := NewSupabase(SupabaseOptions{URL: "http://127.0.0.1:1"})
	now := time.Now()
	if until := s.knownUntil(now, now.Add(time.Second)); until.After(now.Add(time.Second)) {
		t.Errorf("known until %s after the token's end", until.Sub(now))
	}
}

func TestIntrospectionIsBounded(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	s := p.checks(nil)
	for i := range introspectSize {
		s.known[[32]byte{byte(i), byte(i >> 8)}] = introspected{until: time.Now().Add(time.Hour)}
	}
	_, _ = s.Verify(t.Context(), signed(t, jwt.SigningMethodHS256, "", []byte("x"), p.claims(nil)))
	if len(s.known) != 1 {
		t.Errorf("%d answers are kept", len(s.known))
	}
}

// TestSupabaseDoors: people's tokens open the App tier, their OAuth clients'
// the MCP tier, as far as they were granted it.
func TestSupabaseDoors(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	w := newPeople(t, nil)
	now := time.Now()
	grants := NewGrants(w.store)
	grants.now = func() time.Time { return now }
	a := &Authenticator{Keys: w.keys, Issuer: w.Issuer, Supabase: p.checks(func(o *SupabaseOptions) { o.Guests = true }), Grants: grants, Accounts: w.Accounts}
	person := p.token(t, func(c jwt.MapClaims) { c["app_metadata"] = map[string]any{"role": "admin", "email_verified": true} })
	client := p.token(t, func(c jwt.MapClaims) {
		c["client_id"] = "c1"
		c["app_metadata"] = map[string]any{"role": "admin", "email_verified": true}
	})
	guest := p.token(t, func(c jwt.MapClaims) { c["client_id"] = "c1"; c["is_anonymous"] = true })
	local, _, err := w.Issuer.UserToken(&workflow.User{ID: "ann"}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	check := func(token string, tier Tier, reason string) *Identity {
		t.Helper()
		id, err := a.Authenticate(t.Context(), Presented{Bearer: token, Tier: tier})
		if got := workflow.ReasonOf(err); err != nil && got != reason || err == nil && reason != "" {
			t.Errorf("got %+v, %v, expected %q", id, err, reason)
		}
		return id
	}
	if id := check(person, TierApp, ""); id == nil || !id.Admin {
		t.Errorf("got %+v", id)
	}
	check(person, TierMCP, "invalid_token")
	check(client, TierApp, "invalid_token")
	check(guest, TierMCP, "invalid_token")
	check(local, TierApp, "invalid_token")
	check(local, TierMCP, "invalid_token")
	id := check(client, TierMCP, "")
	if id == nil || id.Subject != "ann" || id.ClientID != "c1" || id.Admin || !id.HasScope(ScopeWorkflowsRead) || id.HasScope(ScopeWorkflowsWrite) || id.HasScope(ScopeToolsExecute) {
		t.Fatalf("a new client is %+v", id)
	}
	g, err := w.store.Grant(t.Context(), "ann", "c1")
	if err != nil {
		t.Fatal(err)
	}
	g.Scopes = []string{ScopeToolsExecute}
	if err := w.store.UpdateGrant(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	now = now.Add(2 * time.Second)
	if id := check(client, TierMCP, ""); id == nil || !id.HasScope(ScopeToolsExecute) {
		t.Errorf("after it was widened: %+v", id)
	}
	g.RevokedAt = now
	if err := w.store.UpdateGrant(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	now = now.Add(2 * time.Second)
	check(client, TierMCP, "client_disabled")
}

// FuzzSupabaseToken looks for a token that is accepted without being the
// project's.
func FuzzSupabaseToken(f *testing.F) {
	s := NewSupabase(SupabaseOptions{URL: "http://127.0.0.1:1", JWTSecret: projectSecret})
	s.keys.keys, s.keys.fetched = map[string]publicKey{}, time.Now().Add(time.Hour)
	s.keys.asked = time.Now().Add(time.Hour)
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Add("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.AAAA")
	f.Add("eyJhbGciOiJFUzI1NiIsImtpZCI6ImEifQ.eyJzdWIiOiJhIn0.AAAA")
	f.Add("a.b.c")
	f.Fuzz(func(t *testing.T, token string) {
		if id, err := s.Verify(t.Context(), token); err == nil {
			t.Errorf("%q is accepted as %+v", token, id)
		}
	})
}

// FuzzKeySet looks for sets that cannot be dealt with.
func FuzzKeySet(f *testing.F) {
	f.Add([]byte(`{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA","kid":"a"},{"kty":"RSA","n":"AQAB","e":"AQAB"},{"kty":"OKP","crv":"Ed25519","x":"AA"}]}`))
	f.Add([]byte(`{"keys":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		keys, err := parseKeySet(data)
		if err != nil {
			return
		}
		for _, k := range keys {
			if k.key == nil || k.alg == "" {
				t.Errorf("%q gives %+v", data, k)
			}
		}
	})
}
