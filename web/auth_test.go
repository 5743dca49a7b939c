package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"flowgate/internal/auth"
)

// newPeople is a world whose people have accounts.
func newPeople(t *testing.T, change func(*auth.AccountOptions)) *world {
	t.Helper()
	return newWorld(t, func(o *Options) {
		a := auth.AccountOptions{Issuer: o.Authenticator.Issuer, Secret: []byte("secret"), SignUp: true, Guests: true}
		a.Store = storeOf(t, o)
		if change != nil {
			change(&a)
		}
		o.Accounts = auth.NewAccounts(a)
		o.Authenticator.Accounts = o.Accounts
		o.CORS.Origins = []string{"http://app.test"}
	})
}

func storeOf(t *testing.T, o *Options) auth.AccountStore {
	t.Helper()
	st, ok := o.Service.Store.(auth.AccountStore)
	if !ok {
		t.Fatal("the store keeps no people")
	}
	return st
}

const credentials = `{"email":"ann@example.org","password":"correct horse","gotrue_meta_security":{}}`

func TestSignInRoutes(t *testing.T) {
	t.Parallel()
	w := newPeople(t, nil)
	up := w.send(t, "POST", "/auth/v1/signup", credentials)
	token, _ := up.json["access_token"].(string)
	refresh, _ := up.json["refresh_token"].(string)
	if up.status != 200 || token == "" || refresh == "" || up.json["token_type"] != "bearer" || up.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("signup: %d %s", up.status, up.body)
	}
	bearer := []string{"Authorization", "Bearer " + token}
	for _, c := range []struct {
		name, method, path, body string
		headers                  []string
		status                   int
		code                     string
	}{
		{"health", "GET", "/auth/v1/health", "", nil, 200, ""},
		{"settings", "GET", "/auth/v1/settings", "", nil, 200, ""},
		{"keys", "GET", "/auth/v1/.well-known/jwks.json", "", nil, 200, ""},
		{"signup twice", "POST", "/auth/v1/signup", credentials, nil, 422, "user_already_exists"},
		{"weak password", "POST", "/auth/v1/signup", `{"email":"b@example.org","password":"x"}`, nil, 422, "weak_password"},
		{"no JSON", "POST", "/auth/v1/signup", `{`, nil, 400, "bad_json"},
		{"wrong types", "POST", "/auth/v1/signup", `{"email":1}`, nil, 400, "bad_json"},
		{"sign in", "POST", "/auth/v1/token?grant_type=password", credentials, nil, 200, ""},
		{"wrong password", "POST", "/auth/v1/token?grant_type=password", strings.Replace(credentials, "horse", "cow", 1), nil, 400, "invalid_credentials"},
		{"no grant", "POST", "/auth/v1/token", credentials, nil, 400, "validation_failed"},
		{"refresh", "POST", "/auth/v1/token?grant_type=refresh_token", `{"refresh_token":"` + refresh + `"}`, nil, 200, ""},
		{"wrong refresh", "POST", "/auth/v1/token?grant_type=refresh_token", `{"refresh_token":"x"}`, nil, 400, "refresh_token_not_found"},
		{"user", "GET", "/auth/v1/user", "", bearer, 200, ""},
		{"nobody", "GET", "/auth/v1/user", "", nil, 401, "no_authorization"},
		{"forged", "GET", "/auth/v1/user", "", []string{"Authorization", "Bearer " + token + "x"}, 403, "bad_jwt"},
		{"change", "PUT", "/auth/v1/user", `{"data":{"a":1}}`, bearer, 200, ""},
		{"change of nobody", "PUT", "/auth/v1/user", `{"data":{"a":1}}`, nil, 401, "no_authorization"},
		{"odd scope", "POST", "/auth/v1/logout?scope=x", "", bearer, 400, "validation_failed"},
		{"guest", "POST", "/auth/v1/signup", `{}`, nil, 200, ""},
		{"profile", "GET", "/api/app/auth/profile", "", bearer, 200, ""},
		{"sign out", "POST", "/auth/v1/logout", "", bearer, 204, ""},
		{"after it", "GET", "/auth/v1/user", "", bearer, 403, "bad_jwt"},
	} {
		r := w.send(t, c.method, c.path, c.body, c.headers...)
		if code, _ := r.json["error_code"].(string); r.status != c.status || code != c.code {
			t.Errorf("%s: %d %s", c.name, r.status, r.body)
		}
		if c.status >= 400 && r.json["msg"] == "" {
			t.Errorf("%s says nothing: %s", c.name, r.body)
		}
	}
	if logs := w.logs.String(); strings.Contains(logs, "correct horse") || strings.Contains(logs, token) || strings.Contains(logs, refresh) {
		t.Error("secrets are logged")
	}
}

func TestSignInRoutesAreNotForStrangersPages(t *testing.T) {
	t.Parallel()
	w := newPeople(t, nil)
	if r := w.send(t, "POST", "/auth/v1/signup", credentials, "Origin", "http://evil.test"); r.status != http.StatusForbidden {
		t.Errorf("another site's page: %d %s", r.status, r.body)
	}
	pre := w.send(t, "OPTIONS", "/auth/v1/signup", "", "Origin", "http://app.test", "Access-Control-Request-Method", "POST")
	allowed := strings.ToLower(pre.header.Get("Access-Control-Allow-Headers"))
	for _, h := range []string{"apikey", "x-client-info", "authorization", "x-supabase-api-version"} {
		if !strings.Contains(allowed, h) {
			t.Errorf("the client may not send %s: %s", h, allowed)
		}
	}
}

func TestNoSignInRoutesWithoutAccounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, path := range []string{"signup", "token", "user", "logout", "settings", "health", ".well-known/jwks.json"} {
		for _, method := range []string{"GET", "POST"} {
			if r := w.send(t, method, "/auth/v1/"+path, ""); r.status != http.StatusNotFound {
				t.Errorf("%s %s: %d", method, path, r.status)
			}
		}
	}
}

func TestSignUpCanBeOff(t *testing.T) {
	t.Parallel()
	w := newPeople(t, func(o *auth.AccountOptions) { o.SignUp = false })
	if r := w.send(t, "POST", "/auth/v1/signup", credentials); r.status != 422 || r.json["error_code"] != "signup_disabled" {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := w.send(t, "GET", "/auth/v1/settings", ""); r.json["disable_signup"] != true {
		t.Errorf("%s", r.body)
	}
}

// TestDuplicateCredentials: what is sent twice, or in two ways, is refused.
func TestDuplicateCredentials(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	key := w.key(t, "tools:execute")
	send := func(path string, set func(http.Header)) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		set(req.Header)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	for name, c := range map[string]struct {
		path string
		set  func(http.Header)
		want int
	}{
		"one key":            {"/api/mcp/tools", func(h http.Header) { h.Set("X-API-Key", key) }, 200},
		"the key both ways":  {"/api/mcp/tools", func(h http.Header) { h.Set("X-API-Key", key); h.Set("Authorization", "Bearer "+key) }, 200},
		"two keys":           {"/api/mcp/tools", func(h http.Header) { h.Add("X-API-Key", key); h.Add("X-API-Key", "x") }, 401},
		"two bearers":        {"/api/mcp/tools", func(h http.Header) { h.Add("Authorization", "Bearer "+key); h.Add("Authorization", "Bearer x") }, 401},
		"different ones":     {"/api/mcp/tools", func(h http.Header) { h.Set("X-API-Key", key); h.Set("Authorization", "Bearer x") }, 401},
		"two tokens":         {"/api/app/workflows", func(h http.Header) { h.Add("Authorization", "Bearer "+w.token); h.Add("Authorization", "Bearer x") }, 401},
		"a list in one":      {"/api/app/workflows", func(h http.Header) { h.Set("Authorization", "Bearer "+w.token+", Bearer x") }, 401},
		"another scheme":     {"/api/app/workflows", func(h http.Header) { h.Set("Authorization", "Basic "+w.token) }, 401},
		"scheme in any case": {"/api/app/workflows", func(h http.Header) { h.Set("Authorization", "bEaReR "+w.token) }, 200},
	} {
		if got := send(c.path, c.set); got != c.want {
			t.Errorf("%s: %d", name, got)
		}
	}
}

// TestKeysOfTheirOwn: people make, see, rotate and revoke their own keys, and
// can give away no more than they have.
func TestKeysOfTheirOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	made := w.app(t, "POST", "/api/app/api-keys", `{"client_name":"laptop","scopes":["workflows:read"],"expires_in":"24h","allowed_ips":["127.0.0.1","::1"]}`)
	key, _ := made.json["key"].(string)
	id, _ := made.json["id"].(string)
	if made.status != 201 || !strings.HasPrefix(key, "wfk_"+id+"_") {
		t.Fatalf("%d %s", made.status, made.body)
	}
	if r := w.send(t, "GET", "/api/mcp/tools", "", "X-API-Key", key); r.status != 200 {
		t.Errorf("the key gives %d %s", r.status, r.body)
	}
	if r := w.app(t, "GET", "/api/app/api-keys", ""); r.status != 200 || strings.Contains(r.body, key) || !strings.Contains(r.body, id) {
		t.Errorf("list: %d %s", r.status, r.body)
	}
	stranger := []string{"Authorization", "Bearer " + w.user(t, "somebody-else", time.Hour)}
	for _, c := range [][2]string{{"POST", "/api/app/api-keys/" + id + "/rotate"}, {"DELETE", "/api/app/api-keys/" + id}} {
		if r := w.send(t, c[0], c[1], "", stranger...); r.status != http.StatusNotFound {
			t.Errorf("a stranger's %s: %d %s", c[0], r.status, r.body)
		}
	}
	rotated := w.app(t, "POST", "/api/app/api-keys/"+id+"/rotate", `{"overlap":"1h"}`)
	next, _ := rotated.json["key"].(string)
	if rotated.status != 200 || next == key || next == "" {
		t.Fatalf("%d %s", rotated.status, rotated.body)
	}
	for _, k := range []string{key, next} {
		if r := w.send(t, "GET", "/api/mcp/tools", "", "X-API-Key", k); r.status != 200 {
			t.Errorf("during the overlap: %d %s", r.status, r.body)
		}
	}
	for name, body := range map[string]string{
		"unknown scope":   `{"client_name":"x","scopes":["everything"]}`,
		"no scope":        `{"client_name":"x","scopes":[]}`,
		"a better tier":   `{"client_name":"x","scopes":["tools:read"],"rate_limit_tier":"unlimited"}`,
		"no name":         `{"client_name":" ","scopes":["tools:read"]}`,
		"odd address":     `{"client_name":"x","scopes":["tools:read"],"allowed_ips":["home"]}`,
		"for the past":    `{"client_name":"x","scopes":["tools:read"],"expires_in":"-1h"}`,
		"somebody else's": `{"client_name":"x","scopes":["tools:read"],"owner_id":"bob"}`,
	} {
		if r := w.app(t, "POST", "/api/app/api-keys", body); r.status != 400 && r.status != 403 {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
	}
	if r := w.app(t, "DELETE", "/api/app/api-keys/"+id, ""); r.status != 200 {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := w.send(t, "GET", "/api/mcp/tools", "", "X-API-Key", next); r.status != 401 {
		t.Errorf("a revoked key: %d", r.status)
	}
	if r := w.send(t, "POST", "/api/mcp/invoke", `{"tool_name":"create_api_key","params":{"client_name":"x","scopes":["tools:execute"]}}`, "X-API-Key", w.key(t, "tools:execute")); r.status != http.StatusNotFound {
		t.Errorf("a key makes keys: %d %s", r.status, r.body)
	}
}

// TestGuestsLetNobodyIn: what outlives a guest's session is not theirs to make.
func TestGuestsLetNobodyIn(t *testing.T) {
	t.Parallel()
	w := newPeople(t, nil)
	r := w.send(t, "POST", "/auth/v1/signup", `{}`)
	token, _ := r.json["access_token"].(string)
	if r := w.send(t, "POST", "/api/app/api-keys", `{"client_name":"x","scopes":["tools:read"]}`, "Authorization", "Bearer "+token); r.status != 403 {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := w.send(t, "GET", "/api/app/workflows", "", "Authorization", "Bearer "+token); r.status != 200 {
		t.Errorf("%d %s", r.status, r.body)
	}
}
