package service

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	validator "github.com/santhosh-tekuri/jsonschema/v6"

	"flowgate/internal/auth"
	"flowgate/internal/seal"
	"flowgate/internal/workflow"
	"flowgate/store"
	"flowgate/store/sqlite"
)

func testKey(first byte) seal.Key {
	secret := make([]byte, seal.KeySize)
	for i := range secret {
		secret[i] = first + byte(i)
	}
	return seal.Key{Secret: secret}
}

// newVault is a service that keeps credentials, and the context of ada.
func newVault(t *testing.T, keys ...seal.Key) (*Service, context.Context) {
	t.Helper()
	st, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "t.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	if len(keys) == 0 {
		keys = []seal.Key{testKey(1)}
	}
	box, err := seal.New(keys...)
	if err != nil {
		t.Fatal(err)
	}
	dialer := &net.Dialer{}
	s, err := New(Options{Store: st, Vault: &Vault{Store: st, Box: box}, HTTP: http.DefaultClient, Dial: dialer.DialContext})
	if err != nil {
		t.Fatal(err)
	}
	return s, as(t, "ada")
}

func as(t *testing.T, who string) context.Context {
	return auth.WithIdentity(t.Context(), &auth.Identity{Subject: who, Kind: auth.KindLocal})
}

func (s *Service) mustCreate(t *testing.T, ctx context.Context, kind string, values map[string]any) *CredentialView {
	t.Helper()
	c, err := s.CreateCredential(ctx, CreateCredentialInput{Name: "my " + kind, Type: kind, Values: values})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCredentialKinds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kind   string
		values map[string]any
		fault  string
	}{
		"header":                {"httpHeaderAuth", map[string]any{"name": "X-A", "value": "v"}, ""},
		"header name":           {"httpHeaderAuth", map[string]any{"name": "X A", "value": "v"}, "name of a header"},
		"missing":               {"httpHeaderAuth", map[string]any{"name": "X-A"}, "values.value is missing"},
		"empty":                 {"httpHeaderAuth", map[string]any{"name": "X-A", "value": ""}, "values.value is missing"},
		"unknown field":         {"httpBasicAuth", map[string]any{"user": "u", "password": "p", "pass": "p"}, "values.pass is not a field of httpBasicAuth (known are user, password)"},
		"alias":                 {"httpBearer", map[string]any{"token": "t"}, ""},
		"letter case":           {"httpheaderauth", map[string]any{}, "did you mean httpHeaderAuth?"},
		"no type":               {"my type!", map[string]any{}, "known are httpHeaderAuth"},
		"number":                {"smtp", map[string]any{"host": "h", "port": 25.0, "secure": false}, ""},
		"bad number":            {"smtp", map[string]any{"host": "h", "port": 2.5}, "values.port must be a whole number"},
		"bad boolean":           {"smtp", map[string]any{"host": "h", "secure": "yes"}, "values.secure must be true or false"},
		"option":                {"jwtAuth", map[string]any{"algorithm": "none", "secret": "s"}, "values.algorithm must be one of HS256"},
		"jwt without secret":    {"jwtAuth", map[string]any{}, "secret is missing"},
		"jwt with a bad key":    {"jwtAuth", map[string]any{"algorithm": "ES256", "publicKey": "-----BEGIN PUBLIC KEY-----\nxx\n-----END PUBLIC KEY-----"}, "publicKey is not a key for ES256"},
		"oauth":                 {"oAuth2Api", map[string]any{"accessTokenUrl": "https://a.test/t", "clientId": "c", "clientSecret": "s"}, ""},
		"oauth without address": {"oAuth2Api", map[string]any{"clientId": "c", "clientSecret": "s"}, "accessTokenUrl, clientId and clientSecret are needed"},
		"address":               {"mcpServer", map[string]any{"url": "ftp://a.test"}, "values.url must be an address"},
		"secret in the address": {"mcpServer", map[string]any{"url": "https://u:p@a.test"}, "values.url must be an address"},
		"half a header":         {"mcpServer", map[string]any{"url": "https://a.test", "headerName": "X-A"}, "go together"},
		"database":              {"databaseUrl", map[string]any{"url": "postgres://u:p@h/n"}, ""},
		"bad database":          {"databaseUrl", map[string]any{"url": "h"}, "url is not an address"},
		"custom":                {"httpCustomAuth", map[string]any{"json": map[string]any{"headers": map[string]any{}}}, ""},
		"bad custom":            {"httpCustomAuth", map[string]any{"json": "[]"}, "values.json must be a JSON object"},
		"two lines":             {"httpBearerAuth", map[string]any{"token": "a\r\nX: y"}, "must be one line"},
		"long":                  {"httpBearerAuth", map[string]any{"token": strings.Repeat("x", maxValue+1)}, "longer than 64 KiB"},
		"a service's own":       {"slackApi", map[string]any{"accessToken": "x", "signing-secret": "y"}, ""},
		"a service's nothing":   {"slackApi", map[string]any{}, "at least one value"},
		"a service's bad name":  {"slackApi", map[string]any{"a b": "x"}, "is not a field"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, ctx := newVault(t)
			_, err := s.CreateCredential(ctx, CreateCredentialInput{Name: "n", Type: c.kind, Values: c.values})
			if (c.fault == "") != (err == nil) || err != nil && (workflow.CodeOf(err) != workflow.CodeInvalid || !strings.Contains(err.Error(), c.fault)) {
				t.Errorf("got %v, expected %q", err, c.fault)
			}
		})
	}
}

// TestCredentialSchemas holds every kind's schema to compile and to name
// every field.
func TestCredentialSchemas(t *testing.T) {
	t.Parallel()
	for _, k := range credentialKinds() {
		doc, err := validator.UnmarshalJSON(bytes.NewReader(k.Schema))
		if err != nil {
			t.Fatalf("%s: %v", k.Type, err)
		}
		c := validator.NewCompiler()
		if err := c.AddResource("s.json", doc); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Compile("s.json"); err != nil {
			t.Errorf("%s: %v", k.Type, err)
		}
		var tree struct {
			Properties map[string]struct {
				Type      string
				WriteOnly bool
			}
		}
		if err := json.Unmarshal(k.Schema, &tree); err != nil || len(tree.Properties) != len(k.Fields) {
			t.Errorf("%s: %d properties for %d fields", k.Type, len(tree.Properties), len(k.Fields))
		}
		for _, f := range k.Fields {
			if p := tree.Properties[f.Name]; p.Type == "" || p.WriteOnly != f.Secret {
				t.Errorf("%s.%s: %+v", k.Type, f.Name, p)
			}
			if f.Title == "" || f.Default != "" && f.fault(f.Default) != "" {
				t.Errorf("%s.%s: no title, or a bad default", k.Type, f.Name)
			}
		}
	}
}

func TestCredentialIsChangedFieldByField(t *testing.T) {
	t.Parallel()
	s, ctx := newVault(t)
	c := s.mustCreate(t, ctx, "mcpServer", map[string]any{"url": "https://a.test", "token": "t1", "headerName": "X-A", "headerValue": "v1"})
	fields := func() map[string]string {
		t.Helper()
		v, err := s.Vault.Fields(ctx, "ada", "mcpServer", workflow.CredentialRef{ID: c.CredentialID})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	change := func(values map[string]any) error {
		_, err := s.UpdateCredential(ctx, UpdateCredentialInput{CredentialID: c.CredentialID, Values: values})
		return err
	}
	if err := change(map[string]any{"token": "t2"}); err != nil {
		t.Fatal(err)
	}
	if v := fields(); v["token"] != "t2" || v["headerValue"] != "v1" || v["url"] != "https://a.test" {
		t.Errorf("%v", v)
	}
	if err := change(map[string]any{"headerName": "", "headerValue": nil}); err != nil || len(fields()) != 2 {
		t.Errorf("%v, %v", err, fields())
	}
	// The secret does not follow the address unless it is given again.
	if err := change(map[string]any{"url": "https://evil.test"}); err == nil || !strings.Contains(err.Error(), "values.token has to be given again") {
		t.Errorf("got %v", err)
	}
	if err := change(map[string]any{"url": "https://b.test", "token": "t3"}); err != nil || fields()["url"] != "https://b.test" {
		t.Errorf("%v, %v", err, fields())
	}
	if err := change(map[string]any{"url": "https://b.test"}); err != nil {
		t.Errorf("the same address: %v", err)
	}
	name := "renamed"
	if v, err := s.UpdateCredential(ctx, UpdateCredentialInput{CredentialID: c.CredentialID, Name: &name}); err != nil || v.Name != name || fields()["token"] != "t3" {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestVaultFindsByIDThenName(t *testing.T) {
	t.Parallel()
	s, ctx := newVault(t)
	c := s.mustCreate(t, ctx, "httpBearerAuth", map[string]any{"token": "t"})
	for _, f := range []struct {
		owner, kind string
		ref         workflow.CredentialRef
		found       bool
	}{
		{"ada", "httpBearerAuth", workflow.CredentialRef{ID: c.CredentialID}, true},
		{"ada", "httpBearer", workflow.CredentialRef{ID: "x", Name: c.Name}, true},
		{"ada", "httpBasicAuth", workflow.CredentialRef{ID: c.CredentialID, Name: c.Name}, false},
		{"bob", "httpBearerAuth", workflow.CredentialRef{ID: c.CredentialID, Name: c.Name}, false},
		{"", "httpBearerAuth", workflow.CredentialRef{ID: c.CredentialID, Name: c.Name}, false},
		{"ada", "httpBearerAuth", workflow.CredentialRef{}, false},
	} {
		v, err := s.Vault.Fields(ctx, f.owner, f.kind, f.ref)
		if f.found != (err == nil && v["token"] == "t") || !f.found && workflow.CodeOf(err) != workflow.CodeNotFound {
			t.Errorf("%+v: %v, %v", f, v, err)
		}
	}
}

// TestSealedRowsDoNotMove has a row's values put into another row: they do
// not open there.
func TestSealedRowsDoNotMove(t *testing.T) {
	t.Parallel()
	s, ctx := newVault(t)
	mine := s.mustCreate(t, ctx, "httpBearerAuth", map[string]any{"token": "t"})
	row, err := s.Vault.Store.Credential(ctx, "ada", mine.CredentialID)
	if err != nil {
		t.Fatal(err)
	}
	stolen := &store.Credential{ID: "other", OwnerID: "bob", Name: "n", Type: row.Type, Sealed: row.Sealed}
	if err := s.Vault.Store.CreateCredential(ctx, stolen); err != nil {
		t.Fatal(err)
	}
	if v, err := s.Vault.Fields(ctx, "bob", row.Type, workflow.CredentialRef{ID: "other"}); err == nil || workflow.ReasonOf(err) != "sealed_credential" {
		t.Errorf("got %v, %v", v, err)
	}
}

func TestRotate(t *testing.T) {
	t.Parallel()
	s, ctx := newVault(t, testKey(1))
	for _, kind := range []string{"slackApi", "notionApi", "otherThing"} {
		s.mustCreate(t, ctx, kind, map[string]any{"token": "t-" + kind})
	}
	lost := &store.Credential{ID: "zz", OwnerID: "bob", Name: "n", Type: "slackApi", Sealed: []byte("garbage")}
	if err := s.Vault.Store.CreateCredential(ctx, lost); err != nil {
		t.Fatal(err)
	}
	box, err := seal.New(testKey(9), testKey(1))
	if err != nil {
		t.Fatal(err)
	}
	s.Vault.Box = box
	if r, err := s.Vault.Rotate(ctx, nil); r.Renewed != 3 || r.Unopened != 1 || err != nil {
		t.Errorf("%+v, %v", r, err)
	}
	if r, err := s.Vault.Rotate(ctx, nil); r.Renewed != 0 || err != nil {
		t.Errorf("again: %+v, %v", r, err)
	}
	if s.Vault.Box, err = seal.New(testKey(9)); err != nil {
		t.Fatal(err)
	}
	if v, err := s.Vault.Fields(ctx, "ada", "notionApi", workflow.CredentialRef{Name: "my notionApi"}); err != nil || v["token"] != "t-notionApi" {
		t.Errorf("%v, %v", v, err)
	}
}

// TestCredentialsAreTried tries each kind that says where its service is.
func TestCredentialsAreTried(t *testing.T) {
	t.Parallel()
	var sent []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		sent = append(sent, r.Method+" "+r.URL.Path+" "+r.Header.Get("Authorization")+r.Header.Get("X-Api-Key")+r.Header.Get("X-A"))
		switch {
		case r.URL.Path == "/moved":
			http.Redirect(w, r, "https://evil.test/", http.StatusFound)
		case r.URL.Path == "/token" && user == "c" && password == "good":
			_, _ = w.Write([]byte(`{"access_token":"a"}`))
		case r.URL.Path == "/token":
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`{"error":"invalid_client","error_description":"` + password + `"}`))
		case strings.Contains(sent[len(sent)-1], "bad"):
			http.Error(w, sent[len(sent)-1], http.StatusUnauthorized)
		}
	}))
	defer srv.Close()
	host := strings.TrimPrefix(srv.URL, "http://")
	for name, c := range map[string]struct {
		kind      string
		values    map[string]any
		ok, tried bool
		says      string
	}{
		"openai":      {"openAiApi", map[string]any{"apiKey": "good", "url": srv.URL + "/v1/"}, true, true, "accepted"},
		"openai bad":  {"openAiApi", map[string]any{"apiKey": "bad", "url": srv.URL}, false, true, "refuses the credential (status 401)"},
		"anthropic":   {"anthropicApi", map[string]any{"apiKey": "good", "url": srv.URL}, true, true, "accepted"},
		"mcp":         {"mcpServer", map[string]any{"url": srv.URL + "/mcp", "token": "good"}, true, true, "accepted"},
		"mcp bad":     {"mcpServer", map[string]any{"url": srv.URL + "/mcp", "headerName": "X-A", "headerValue": "bad"}, false, true, "refuses"},
		"redirect":    {"mcpServer", map[string]any{"url": srv.URL + "/moved", "token": "good"}, false, true, "status 302"},
		"oauth":       {"oAuth2Api", map[string]any{"accessTokenUrl": srv.URL + "/token", "clientId": "c", "clientSecret": "good"}, true, true, "gave an access token"},
		"oauth bad":   {"oAuth2Api", map[string]any{"accessTokenUrl": srv.URL + "/token", "clientId": "c", "clientSecret": "bad"}, false, true, "status 400, invalid_client"},
		"database":    {"databaseUrl", map[string]any{"url": "redis://u:bad@" + host}, true, true, "can be reached"},
		"unreachable": {"mcpServer", map[string]any{"url": "http://127.0.0.1:1/?bad"}, false, true, "could not be reached"},
		"no host":     {"mcpServer", map[string]any{"url": "http://bad.invalid/"}, false, true, "host is not known"},
		"header":      {"httpHeaderAuth", map[string]any{"name": "a", "value": "bad"}, true, false, "complete"},
	} {
		t.Run(name, func(t *testing.T) {
			s, ctx := newVault(t)
			id := s.mustCreate(t, ctx, c.kind, c.values).CredentialID
			got, err := s.TestCredential(ctx, CredentialRefInput{CredentialID: id})
			if err != nil || got.OK != c.ok || got.Tried != c.tried || !strings.Contains(got.Message, c.says) || strings.Contains(got.Message, "bad") || strings.Contains(got.Message, "good") {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
	if !slices.ContainsFunc(sent, func(s string) bool { return s == "GET /v1/models Bearer good" }) {
		t.Errorf("sent %q", sent)
	}
}

func TestRESTOnlyAbilitiesAreNoTools(t *testing.T) {
	t.Parallel()
	s, _ := newVault(t)
	everything := &auth.Identity{Subject: "ada", Kind: auth.KindLocal}
	for _, c := range s.Capabilities() {
		if (strings.HasPrefix(c.Scope, "credentials:") || c.Scope == auth.ScopeKeysWrite || c.Raw || c.Admin) && !c.RESTOnly {
			t.Errorf("%s has to do with secrets, or is not for models, and is a tool", c.Name)
		}
		if (s.Tool(c.Name) == nil) != c.RESTOnly || slices.Contains(s.Visible(everything), c) == c.RESTOnly || slices.Contains(s.Tools(), c) == c.RESTOnly {
			t.Errorf("%s is shown as a tool, or is not", c.Name)
		}
	}
}
