package app_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	_ "modernc.org/sqlite" // to change keys as no command does

	"flowgate/internal/app"
	"flowgate/internal/auth"
	"flowgate/internal/config"
	"flowgate/internal/service"
	"flowgate/internal/workflow"
	"flowgate/store/sqlite"
)

// gateway is a whole product in this process, served on a socket.
type gateway struct {
	*app.App
	server *app.Server
	url    string
}

// newGateway opens a product with settings and serves it; local lets in
// callers of the MCP door who present nothing.
func newGateway(t *testing.T, local bool, settings map[string]string) *gateway {
	t.Helper()
	flags := map[string]string{"data_dir": t.TempDir(), "code_in_process": "true", "rate_limit_enabled": "false", "audit_enabled": "false"}
	for k, v := range settings {
		flags[k] = v
	}
	cfg, err := config.Load(config.Source{Flags: flags})
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.Open(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := a.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	var id *auth.Identity
	if local {
		if id, err = a.LocalIdentity(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	g := &gateway{App: a}
	if g.server, err = a.Server(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g.url = "http://" + lis.Addr().String()
	served := make(chan error, 1)
	go func() { served <- g.server.Serve(context.Background(), lis) }()
	t.Cleanup(func() {
		err := g.server.Shutdown(context.Background())
		if ended := <-served; err != nil || !errors.Is(ended, http.ErrServerClosed) {
			t.Error(err, ended)
		}
	})
	return g
}

// matrixCaller is one kind of caller. What it presents is in header, or it
// signs with signer; credential is what it would start stdio with.
type matrixCaller struct {
	name       string
	at         *gateway
	header     http.Header
	signer     *requestSigner
	credential string
	local      bool // starts stdio as the person at this machine
	stranger   bool // is let in, and owns nothing
}

type matrixWorld struct {
	embedded, project, home *gateway
	owner                   *workflow.User
	callers                 []*matrixCaller
}

// newMatrixWorld puts together three products, one with embedded accounts, one
// whose people sign in with a Supabase project, one at home on a developer's
// machine, and everybody who may come along.
func newMatrixWorld(t *testing.T) *matrixWorld {
	t.Helper()
	w := &matrixWorld{}
	w.embedded = newGateway(t, false, map[string]string{"guest_sessions_enabled": "true",
		"mcp_api_keys": `{"ci": {"scopes": ["tools:execute"], "key": "config-key-of-the-ci-0001"}, "reader": {"scopes": ["workflows:read"], "key": "config-key-of-a-reader-01"},
			"off": {"scopes": ["tools:execute"], "active": false, "key": "config-key-switched-off-1"}}`})
	w.home = newGateway(t, true, nil)
	w.add(&matrixCaller{name: "nobody", at: w.embedded})
	w.addPeople(t)
	w.addKeys(t)
	w.addProject(t)
	w.add(&matrixCaller{name: "local person", at: w.home, local: true})
	w.add(&matrixCaller{name: "wrong key at home", at: w.home, header: http.Header{"X-Api-Key": {"wfk_wrong"}}, credential: "wfk_wrong"})
	return w
}

func (w *matrixWorld) add(c *matrixCaller) { w.callers = append(w.callers, c) }

// capabilities are the table, which is the same everywhere.
func (w *matrixWorld) capabilities() []*service.Capability { return w.embedded.Service.Capabilities() }

func bearer(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }

// addPeople are those who come with a token of the embedded sign-in.
func (w *matrixWorld) addPeople(t *testing.T) {
	g := w.embedded
	register := func(email string) (*auth.Session, *workflow.User) {
		n := auth.NewAccount{Email: email, Password: "correct horse"}
		if email == "" {
			n = auth.NewAccount{}
		}
		s, err := g.Accounts.Register(t.Context(), n, email)
		if err != nil {
			t.Fatal(err)
		}
		u, err := g.Store.User(t.Context(), s.User.ID)
		if err != nil {
			t.Fatal(err)
		}
		return s, u
	}
	person := func(name, token string, stranger bool) {
		w.add(&matrixCaller{name: name, at: g, header: bearer(token), credential: token, stranger: stranger})
	}
	owner, u := register("ann@example.org")
	w.owner = u
	person("user", owner.AccessToken, false)
	other, _ := register("bob@example.org")
	person("another user", other.AccessToken, true)
	guest, _ := register("")
	person("guest", guest.AccessToken, true)
	_, admin := register("root@example.org")
	admin.Role = "admin"
	if err := g.Store.UpdateUser(t.Context(), admin); err != nil {
		t.Fatal(err)
	}
	operator, err := g.Accounts.SignIn(t.Context(), admin.Email, "correct horse", "admin")
	if err != nil {
		t.Fatal(err)
	}
	person("operator", operator.AccessToken, true)
	w.addKey(t, "operator's key tools:execute", auth.NewKey{OwnerID: admin.ID, Scopes: []string{auth.ScopeToolsExecute}}).stranger = true
	old, _, err := g.Issuer.UserToken(u, -time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	person("user with an expired token", old, false)
	left, _ := register("left@example.org")
	id, err := g.Authenticator(nil).Authenticate(t.Context(), auth.Presented{Bearer: left.AccessToken, Tier: auth.TierApp})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Accounts.SignOut(t.Context(), id, "local"); err != nil {
		t.Fatal(err)
	}
	person("user who signed out", left.AccessToken, false)
	off, disabled := register("off@example.org")
	w.addKey(t, "key of a disabled user", auth.NewKey{OwnerID: disabled.ID, Scopes: []string{auth.ScopeToolsExecute}})
	disabled.Disabled = true
	if err := g.Store.UpdateUser(t.Context(), disabled); err != nil {
		t.Fatal(err)
	}
	person("disabled user", off.AccessToken, false)
	person("token of nobody's signing", forged(t, u.ID), false)
}

// forged is a token by a key that is not ours.
func forged(t *testing.T, subject string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	text, err := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{"iss": "flowgate", "aud": "authenticated", "sub": subject, "exp": time.Now().Add(time.Hour).Unix()}).SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// addKey makes a key and the caller who sends it.
func (w *matrixWorld) addKey(t *testing.T, name string, n auth.NewKey) *matrixCaller {
	t.Helper()
	n.ClientName = name
	secret, key, err := w.embedded.Keys.Create(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	c := &matrixCaller{name: name, at: w.embedded, header: http.Header{"X-Api-Key": {secret}}, credential: secret}
	if n.Signing {
		c.header, c.credential, c.signer = nil, "", newRequestSigner(t, key.ID, secret)
	}
	w.add(c)
	return c
}

// addKeys are those who come with an API key, of every scope and in every state.
func (w *matrixWorld) addKeys(t *testing.T) {
	execute := []string{auth.ScopeToolsExecute}
	for _, scope := range auth.Scopes() {
		w.addKey(t, "key "+scope, auth.NewKey{OwnerID: w.owner.ID, Scopes: []string{scope}})
	}
	w.addKey(t, "another's key tools:execute", auth.NewKey{OwnerID: "0198a000-0000-7000-8000-0000000000ff", Scopes: execute}).stranger = true
	bare := w.addKey(t, "key without scopes", auth.NewKey{OwnerID: w.owner.ID, Scopes: execute})
	w.changeKey(t, bare, `scopes = '[]'`)
	off := w.addKey(t, "key switched off", auth.NewKey{OwnerID: w.owner.ID, Scopes: execute})
	w.changeKey(t, off, `active = 0`)
	revoked := w.addKey(t, "revoked key", auth.NewKey{OwnerID: w.owner.ID, Scopes: execute})
	if err := w.embedded.Keys.Revoke(t.Context(), "", keyID(revoked)); err != nil {
		t.Fatal(err)
	}
	w.addKey(t, "expired key", auth.NewKey{OwnerID: w.owner.ID, Scopes: execute, ExpiresIn: time.Nanosecond})
	w.addKey(t, "key from elsewhere", auth.NewKey{OwnerID: w.owner.ID, Scopes: execute, AllowedIPs: []string{"192.0.2.0/24"}})
	w.addKey(t, "signed by key tools:execute", auth.NewKey{OwnerID: w.owner.ID, Scopes: execute, Signing: true})
	w.addKey(t, "signed by key workflows:read", auth.NewKey{OwnerID: w.owner.ID, Scopes: []string{auth.ScopeWorkflowsRead}, Signing: true})
	for _, c := range [][2]string{{"config key tools:execute", "config-key-of-the-ci-0001"}, {"config key workflows:read", "config-key-of-a-reader-01"}, {"config key switched off", "config-key-switched-off-1"}} {
		w.add(&matrixCaller{name: c[0], at: w.embedded, header: bearer(c[1]), credential: c[1], stranger: c[0] == "config key tools:execute"})
	}
	execKey := w.find("key tools:execute").credential
	w.add(&matrixCaller{name: "key and a user's token", at: w.embedded, header: http.Header{"X-Api-Key": {execKey}, "Authorization": w.find("user").header["Authorization"]}})
	w.add(&matrixCaller{name: "two keys", at: w.embedded, header: http.Header{"X-Api-Key": {execKey, execKey}}})
}

func (w *matrixWorld) find(name string) *matrixCaller {
	for _, c := range w.callers {
		if c.name == name {
			return c
		}
	}
	return nil
}

// keyID is the id in a key: wfk_<id>_<secret>.
func keyID(c *matrixCaller) string { return c.credential[4:20] }

// changeKey does to a stored key what no command does.
func (w *matrixWorld) changeKey(t *testing.T, c *matrixCaller, set string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(w.embedded.Config.DataDir, sqlite.FileName)+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	res, err := db.ExecContext(t.Context(), "UPDATE api_keys SET "+set+" WHERE id = ?", keyID(c)) //nolint:gosec // set is written above
	if err != nil {
		t.Fatal(err)
	}
	if n, err := res.RowsAffected(); err != nil || n != 1 {
		t.Fatalf("%s: %d keys changed, %v", set, n, err)
	}
}

// addProject are those who come with a token of a Supabase project.
func (w *matrixWorld) addProject(t *testing.T) {
	p := newSupabaseProject(t)
	w.project = newGateway(t, false, map[string]string{"supabase_url": p.URL})
	token := func(name string, claims jwt.MapClaims) {
		text := p.token(t, claims)
		w.add(&matrixCaller{name: name, at: w.project, header: bearer(text), credential: text})
	}
	meta := func(fields map[string]any) jwt.MapClaims { return jwt.MapClaims{"app_metadata": fields} }
	token("Supabase user", nil)
	token("Supabase operator", meta(map[string]any{"role": "admin"}))
	token("Supabase user who calls himself admin", jwt.MapClaims{"user_metadata": map[string]any{"role": "admin"}})
	token("Supabase user who calls himself confirmed", jwt.MapClaims{"sub": "0198a000-0000-7000-8000-00000000bbbb", "user_metadata": map[string]any{"email_verified": true}})
	token("Supabase guest", jwt.MapClaims{"is_anonymous": true, "email": ""})
	token("Supabase user with an expired token", jwt.MapClaims{"exp": time.Now().Add(-time.Hour).Unix()})
	token("Supabase service_role key", jwt.MapClaims{"role": "service_role"})
	token("token of another project", jwt.MapClaims{"iss": "https://other.example/auth/v1"})
	for client, scopes := range map[string][]string{"widened": {auth.ScopeToolsExecute}, "narrow": {auth.ScopeExecutionsRead}} {
		p.grant(t, w.project, client, scopes)
	}
	p.grant(t, w.project, "gone", nil)
	token("new OAuth client", jwt.MapClaims{"client_id": "new"})
	token("OAuth client granted tools:execute", jwt.MapClaims{"client_id": "widened"})
	token("OAuth client granted executions:read", jwt.MapClaims{"client_id": "narrow"})
	token("OAuth client that was shut out", jwt.MapClaims{"client_id": "gone"})
	token("OAuth client of a guest", jwt.MapClaims{"client_id": "new", "is_anonymous": true})
	token("OAuth client of an operator granted tools:execute", jwt.MapClaims{"client_id": "widened", "app_metadata": map[string]any{"role": "admin"}})
	mine, _, err := w.project.Issuer.UserToken(w.owner, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	w.add(&matrixCaller{name: "embedded account where Supabase signs in", at: w.project, header: bearer(mine), credential: mine})
}

// supabaseProject is what the product asks of a project: its public keys.
type supabaseProject struct {
	*httptest.Server
	key *ecdsa.PrivateKey
}

const supabaseUser = "0198a000-0000-7000-8000-00000000aaaa"

func newSupabaseProject(t *testing.T) *supabaseProject {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	enc := base64.RawURLEncoding.EncodeToString
	set, err := json.Marshal(map[string]any{"keys": []map[string]string{{"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "k", "x": enc(point[1:33]), "y": enc(point[33:])}}})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /auth/v1/.well-known/jwks.json", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(set) })
	mux.HandleFunc("GET /auth/v1/user", func(w http.ResponseWriter, r *http.Request) {
		var claims struct {
			jwt.RegisteredClaims
			Email string `json:"email"`
		}
		_, _, _ = jwt.NewParser().ParseUnverified(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), &claims)
		user := map[string]any{"id": claims.Subject, "email": claims.Email}
		if claims.Subject == supabaseUser {
			user["email_confirmed_at"] = time.Now()
		}
		_ = json.NewEncoder(w).Encode(user)
	})
	p := &supabaseProject{Server: httptest.NewServer(mux), key: key}
	t.Cleanup(p.Close)
	return p
}

// token is a user's, but for the claims that differ.
func (p *supabaseProject) token(t *testing.T, claims jwt.MapClaims) string {
	t.Helper()
	all := jwt.MapClaims{"iss": p.URL + "/auth/v1", "aud": "authenticated", "sub": supabaseUser, "email": "ann@example.org", "role": "authenticated",
		"iat": time.Now().Add(-time.Minute).Unix(), "exp": time.Now().Add(time.Hour).Unix(), "is_anonymous": false}
	for k, v := range claims {
		all[k] = v
	}
	signed := jwt.NewWithClaims(jwt.SigningMethodES256, all)
	signed.Header["kid"] = "k"
	text, err := signed.SignedString(p.key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// grant has the user decide on a client, by the App tier: scopes, or none.
func (p *supabaseProject) grant(t *testing.T, g *gateway, client string, scopes []string) {
	t.Helper()
	if _, err := g.Grants.Scopes(t.Context(), supabaseUser, client); err != nil { // it came along
		t.Fatal(err)
	}
	method, body := "DELETE", ""
	if scopes != nil {
		data, _ := json.Marshal(map[string]any{"scopes": scopes})
		method, body = "PUT", string(data)
	}
	c := &matrixCaller{at: g, header: bearer(p.token(t, nil))}
	if r := c.send(t, method, "/api/app/oauth-grants/"+client, body); r.status != http.StatusOK {
		t.Fatalf("%s: %d %s", client, r.status, r.body)
	}
}

// requestSigner signs requests as a client does that knows RFC 9421 only.
type requestSigner struct {
	id  string
	key ed25519.PrivateKey
}

func newRequestSigner(t *testing.T, id, private string) *requestSigner {
	t.Helper()
	block, _ := pem.Decode([]byte(private))
	if block == nil {
		t.Fatal("the private key is not PEM")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return &requestSigner{id: id, key: key.(ed25519.PrivateKey)}
}
