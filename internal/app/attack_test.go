package app_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"flowgate/internal/auth"
)

// refusesEverywhere sends a credential to every tier that knows callers: each
// refuses it as not authenticated, and says nothing of its insides.
func refusesEverywhere(t *testing.T, name string, c *matrixCaller) {
	t.Helper()
	for door, r := range map[string]doorReply{
		"app":    c.send(t, "GET", "/api/app/workflows", ""),
		"façade": c.send(t, "POST", "/api/mcp/invoke", `{"tool_name":"search_workflows","params":{}}`),
		"mcp":    c.send(t, "POST", "/mcp", initialize, accept...),
		"old":    c.old(t, "x", callMessage(1, "search_workflows", `{}`)),
	} {
		if r.status != http.StatusUnauthorized && r.status != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("%s, %s: %d %s", name, door, r.status, r.body)
		}
		for _, inside := range []string{"jwt:", "ecdsa", "crypto/", "goroutine", ".go:"} {
			if strings.Contains(r.body, inside) {
				t.Errorf("%s, %s: tells %q: %s", name, door, inside, r.body)
			}
		}
	}
}

// TestForgedTokensOverTheWire are the known attacks on tokens and headers, at a
// product with embedded accounts and at one with a Supabase project.
func TestForgedTokensOverTheWire(t *testing.T) {
	t.Parallel()
	embedded := newGateway(t, false, nil)
	u, err := embedded.User(t.Context(), "ann@example.org")
	if err != nil {
		t.Fatal(err)
	}
	good, _, err := embedded.Issuer.UserToken(u, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if r := (&matrixCaller{at: embedded, header: bearer(good)}).send(t, "GET", "/api/app/workflows", ""); r.status != http.StatusOK {
		t.Fatalf("a good token: %d %s", r.status, r.body)
	}
	p := newSupabaseProject(t)
	project := newGateway(t, false, map[string]string{"supabase_url": p.URL, "jwt_secret_key": "the project's secret of at least 32 bytes"})
	theirs := p.token(t, nil)
	if r := (&matrixCaller{at: project, header: bearer(theirs)}).send(t, "GET", "/api/app/workflows", ""); r.status != http.StatusOK {
		t.Fatalf("a good token of the project: %d %s", r.status, r.body)
	}
	public, err := x509.MarshalPKIXPublicKey(&p.key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	claims := jwt.MapClaims{"iss": p.URL + "/auth/v1", "aud": "authenticated", "sub": supabaseUser, "role": "authenticated", "exp": time.Now().Add(time.Hour).Unix()}
	confused, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(public)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]*matrixCaller{
		"no algorithm":             {at: embedded, header: bearer(withHeader(good, `{"alg":"none"}`, ""))},
		"no algorithm, capitals":   {at: embedded, header: bearer(withHeader(good, `{"alg":"NONE"}`, ""))},
		"tampered":                 {at: embedded, header: bearer(tamper(t, good, u.ID, "0198a000-0000-7000-8000-0000000000ee"))},
		"cut off":                  {at: embedded, header: bearer(good[:len(good)-6])},
		"huge":                     {at: embedded, header: bearer(good + strings.Repeat("A", 100<<10))},
		"the key set in it":        {at: embedded, header: bearer(withHeader(good, `{"alg":"ES256","jwk":{"kty":"EC"},"jku":"https://evil.example/jwks","kid":"../../etc/passwd"}`, "AAAA"))},
		"another issuer's":         {at: embedded, header: bearer(theirs)},
		"the token twice":          {at: embedded, header: http.Header{"Authorization": {"Bearer " + good, "Bearer " + good}}},
		"two tokens in a header":   {at: embedded, header: http.Header{"Authorization": {"Bearer " + good + ", Bearer " + good}}},
		"another scheme":           {at: embedded, header: http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte("ann@example.org:x"))}}},
		"the wrong header":         {at: embedded, header: http.Header{"Cookie": {"access_token=" + good}}},
		"the project's: no alg":    {at: project, header: bearer(withHeader(theirs, `{"alg":"none","kid":"k"}`, ""))},
		"the project's key as MAC": {at: project, header: bearer(confused)},
		"another audience":         {at: project, header: bearer(p.token(t, jwt.MapClaims{"aud": "other"}))},
		"another project's":        {at: project, header: bearer(p.token(t, jwt.MapClaims{"iss": "https://other.example/auth/v1"}))},
		"expired":                  {at: project, header: bearer(p.token(t, jwt.MapClaims{"exp": time.Now().Add(-time.Hour).Unix()}))},
		"of the future":            {at: project, header: bearer(p.token(t, jwt.MapClaims{"iat": time.Now().Add(time.Hour).Unix()}))},
		"not yet valid":            {at: project, header: bearer(p.token(t, jwt.MapClaims{"nbf": time.Now().Add(time.Hour).Unix()}))},
		"without an end":           {at: project, header: bearer(p.token(t, jwt.MapClaims{"exp": nil}))},
		"the service role":         {at: project, header: bearer(p.token(t, jwt.MapClaims{"role": "service_role"}))},
		"changed user":             {at: project, header: bearer(tamper(t, theirs, supabaseUser, "0198a000-0000-7000-8000-0000000000ee"))},
	} {
		refusesEverywhere(t, name, c)
	}
}

// withHeader is the token with another header and signature.
func withHeader(token, header, signature string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + strings.Split(token, ".")[1] + "." + signature
}

// tamper changes a token's claims and leaves its signature.
func tamper(t *testing.T, token, from, to string) string {
	t.Helper()
	parts := strings.Split(token, ".")
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || !strings.Contains(string(claims), from) {
		t.Fatalf("%s, %v", claims, err)
	}
	return parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(strings.ReplaceAll(string(claims), from, to))) + "." + parts[2]
}

// TestSignaturesAreGoodOnce replays a signed request: at the same server, and
// at another on the same data.
func TestSignaturesAreGoodOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	settings := map[string]string{"data_dir": dir, "allowed_hosts": "flow.example.org"}
	here, there := newGateway(t, false, settings), newGateway(t, false, settings)
	secret, key, err := here.Keys.Create(t.Context(), auth.NewKey{OwnerID: "ann", ClientName: "t", Scopes: []string{auth.ScopeToolsExecute}, Signing: true})
	if err != nil {
		t.Fatal(err)
	}
	const body = `{"tool_name":"search_workflows","params":{}}`
	signer := newRequestSigner(t, key.ID, secret)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://flow.example.org/api/mcp/invoke", nil)
	if err != nil {
		t.Fatal(err)
	}
	signer.sign(req, body)
	send := func(g *gateway, body string) int { // as a proxy would pass it on
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, g.url+"/api/mcp/invoke", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header, r.Host = req.Header.Clone(), "flow.example.org"
		r.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	if got := send(here, strings.Replace(body, "search_workflows", "delete_workflow", 1)); got != http.StatusUnauthorized {
		t.Errorf("with another body: %d", got)
	}
	if got := send(here, body); got != http.StatusOK {
		t.Fatalf("the first time: %d", got)
	}
	for name, g := range map[string]*gateway{"here": here, "at another server": there} {
		if got := send(g, body); got != http.StatusUnauthorized {
			t.Errorf("again, %s: %d", name, got)
		}
	}
}

// TestRightsDoNotGrow has callers try to make themselves more than they are: by
// keys they make, by fields of their account, by grants of clients.
func TestRightsDoNotGrow(t *testing.T) {
	t.Parallel()
	w := newMatrixWorld(t)
	everything := `{"client_name":"x","scopes":["tools:execute"],"rate_limit_tier":"standard"}`
	for name, want := range map[string]int{"guest": 403, "key keys:write": 401, "key tools:execute": 401, "config key tools:execute": 401, "OAuth client granted tools:execute": 401, "disabled user": 403} {
		c := w.find(name)
		if r := c.send(t, "POST", "/api/app/api-keys", everything); r.status != want {
			t.Errorf("%s makes a key: %d %s", name, r.status, r.body)
		}
		if r := c.send(t, "POST", "/api/mcp/invoke", `{"tool_name":"create_api_key","params":`+everything+`}`); r.status != 404 && r.status != 401 {
			t.Errorf("%s makes a key as a tool: %d %s", name, r.status, r.body)
		}
	}
	user := w.find("user")
	for name, body := range map[string]string{
		"for another":   `{"client_name":"x","scopes":["tools:read"],"owner_id":"somebody"}`,
		"without limit": `{"client_name":"x","scopes":["tools:read"],"rate_limit_tier":"unlimited"}`,
		"an admin's":    `{"client_name":"x","scopes":["admin"]}`,
	} {
		if r := user.send(t, "POST", "/api/app/api-keys", body); r.status != 400 && r.status != 403 {
			t.Errorf("a key %s: %d %s", name, r.status, r.body)
		}
	}
	for _, body := range []string{`{"data":{"role":"admin","app_metadata":{"role":"admin"}}}`, `{"role":"admin","app_metadata":{"role":"admin"}}`} {
		_ = user.send(t, "PUT", "/auth/v1/user", body)
	}
	again, err := w.embedded.Accounts.SignIn(t.Context(), "ann@example.org", "correct horse", "again")
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{again.AccessToken, strings.TrimPrefix(user.header.Get("Authorization"), "Bearer ")} {
		if r := (&matrixCaller{at: w.embedded, header: bearer(token)}).send(t, "GET", "/api/app/admin/health", ""); r.status != 403 {
			t.Errorf("who calls herself admin: %d %s", r.status, r.body)
		}
	}
}

// TestOAuthGrants: a client begins with reading; its person widens that, over
// REST, and shuts it out; strangers see and change nothing of it.
func TestOAuthGrants(t *testing.T) {
	t.Parallel()
	p := newSupabaseProject(t)
	g := newGateway(t, false, map[string]string{"supabase_url": p.URL})
	person := &matrixCaller{at: g, header: bearer(p.token(t, nil))}
	client := &matrixCaller{at: g, header: bearer(p.token(t, jwt.MapClaims{"client_id": "notebook-client"}))}
	stranger := &matrixCaller{at: g, header: bearer(p.token(t, jwt.MapClaims{"sub": "0198a000-0000-7000-8000-00000000cccc", "app_metadata": map[string]any{"email_verified": true}}))}
	call := func(tool string) string {
		return client.modern(t, "tools/call", tool, fmt.Sprintf(`"name":%q,"arguments":%s`, tool, refusedArgument)).rpcOutcome()
	}
	becomes := func(what, read, create string) {
		t.Helper()
		eventually(t, time.Minute, what, func() bool { return call("search_workflows") == read && call("create_workflow") == create })
	}
	if r := person.send(t, "GET", "/api/app/oauth-grants", ""); r.status != 200 || strings.Contains(r.body, "notebook-client") {
		t.Errorf("before it came along: %d %s", r.status, r.body)
	}
	becomes("a new client reads", letIn, "403 insufficient_scope")
	readsOnly := func(when string) {
		t.Helper()
		var list struct {
			Grants []struct {
				ClientID string `json:"client_id"`
				Scopes   []string
			}
		}
		r := person.send(t, "GET", "/api/app/oauth-grants", "")
		if err := json.Unmarshal([]byte(r.body), &list); err != nil || len(list.Grants) != 1 || list.Grants[0].ClientID != "notebook-client" || len(list.Grants[0].Scopes) != len(auth.ReadOnlyScopes()) {
			t.Errorf("the list %s: %d %s, %v", when, r.status, r.body, err)
		}
	}
	readsOnly("at first")
	for name, body := range map[string]string{"an unknown scope": `{"scopes":["everything"]}`, "no scope": `{"scopes":[]}`, "another's": `{"scopes":["tools:read"],"user_id":"x"}`} {
		if r := person.send(t, "PUT", "/api/app/oauth-grants/notebook-client", body); r.status != 400 {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
	}
	for _, other := range []*matrixCaller{stranger, client} {
		if r := other.send(t, "GET", "/api/app/oauth-grants", ""); strings.Contains(r.body, "notebook-client") {
			t.Errorf("a stranger sees %d %s", r.status, r.body)
		}
		_ = other.send(t, "PUT", "/api/app/oauth-grants/notebook-client", `{"scopes":["tools:execute"]}`)
		_ = other.send(t, "DELETE", "/api/app/oauth-grants/notebook-client", "")
	}
	readsOnly("after strangers' calls")
	becomes("strangers change nothing", letIn, "403 insufficient_scope")
	if r := person.send(t, "PUT", "/api/app/oauth-grants/notebook-client", `{"scopes":["workflows:write"]}`); r.status != 200 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	becomes("it may what it was given, and nothing else", "403 insufficient_scope", letIn)
	if r := person.send(t, "DELETE", "/api/app/oauth-grants/notebook-client", ""); r.status != 200 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	becomes("it is shut out", "403 client_disabled", "403 client_disabled")
	if r := person.send(t, "PUT", "/api/app/oauth-grants/notebook-client", `{"scopes":["workflows:read"]}`); r.status != 200 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	becomes("it is let in again", letIn, "403 insufficient_scope")
}
