package app_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// secret is part of every value that must not show anywhere.
const secret = "TOPSECRET"

// spy is a person whose answers are all kept.
type spy struct {
	*person
	mu  sync.Mutex
	all bytes.Buffer
}

func (s *spy) ask(t *testing.T, method, path string, body any) (int, []byte) {
	t.Helper()
	status, data := s.send(t, method, path, body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all.Write(data)
	return status, data
}

// asks is an HTTP server that keeps what it is shown and answers nothing of it.
type asks struct {
	*httptest.Server
	mu   sync.Mutex
	seen []http.Header
	urls []string
}

func newAsks(t *testing.T) *asks {
	t.Helper()
	a := &asks{}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.seen, a.urls = append(a.seen, r.Header), append(a.urls, r.URL.String())
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/token" {
			_, _ = w.Write([]byte(`{"access_token":"` + secret + `-token"}`))
			return
		}
		_, _ = w.Write([]byte(`{"ok":true}`))
	}))
	t.Cleanup(a.Close)
	return a
}

func (a *asks) last() (http.Header, string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.seen) == 0 {
		return nil, ""
	}
	return a.seen[len(a.seen)-1], a.urls[len(a.urls)-1]
}

// calling is a workflow that calls an address with a credential.
func calling(kind string, ref object, url string) object {
	doc := httpChain("call with "+kind, url)
	n := doc["nodes"].([]object)[1]
	n["parameters"] = object{"url": url, "authentication": "genericCredentialType", "genericAuthType": kind}
	if ref != nil {
		n["credentials"] = object{kind: ref}
	}
	return doc
}

type created struct {
	CredentialID string `json:"credential_id"`
}

type run struct {
	ExecutionID string `json:"execution_id"`
	Status      string
	Error       struct{ Node, Message, Code string }
}

// TestCredentialsAreUsedAndNeverShown stores, uses, changes, tries and deletes
// credentials, and then looks for their values in every answer, the log, and
// every file but the key's.
func TestCredentialsAreUsedAndNeverShown(t *testing.T) {
	t.Parallel()
	out := newAsks(t)
	srv := startServer(t, t.TempDir(), "--allow-private", "--config", configFile(t, "log_level: debug\n"))
	p := &spy{person: srv.person(t)}
	for _, c := range []struct {
		kind   string
		values object
		shown  func(h http.Header, url string) bool
	}{
		{"httpHeaderAuth", object{"name": "X-Key", "value": secret + "1"}, func(h http.Header, _ string) bool { return h.Get("X-Key") == secret+"1" }},
		{"httpBearerAuth", object{"token": secret + "2"}, func(h http.Header, _ string) bool { return h.Get("Authorization") == "Bearer "+secret+"2" }},
		{"httpBasicAuth", object{"user": "u", "password": secret + "3"}, func(h http.Header, _ string) bool { return strings.HasPrefix(h.Get("Authorization"), "Basic ") }},
		{"httpQueryAuth", object{"name": "k", "value": secret + "4"}, func(_ http.Header, url string) bool { return strings.Contains(url, "k="+secret+"4") }},
		{"httpCustomAuth", object{"json": object{"headers": object{"X-C": secret + "5"}}}, func(h http.Header, _ string) bool { return h.Get("X-C") == secret+"5" }},
		{"oAuth2Api", object{"accessTokenUrl": out.URL + "/token", "clientId": "c", "clientSecret": secret + "6"}, func(h http.Header, _ string) bool { return h.Get("Authorization") == "Bearer "+secret+"-token" }},
	} {
		var made created
		status, data := p.ask(t, "POST", "/credentials", object{"name": "my " + c.kind, "type": c.kind, "values": c.values})
		if err := json.Unmarshal(data, &made); err != nil || status != http.StatusCreated {
			t.Fatalf("%s: %d %s", c.kind, status, data)
		}
		for _, ref := range []object{{"id": made.CredentialID, "name": "old name"}, {"id": "of another place", "name": "my " + c.kind}} {
			r := p.run(t, calling(c.kind, ref, out.URL+"/used"))
			if h, url := out.last(); r.Status != "success" || !c.shown(h, url) {
				t.Errorf("%s by %v: %+v, %s was shown %v", c.kind, ref, r, url, h)
			}
		}
		p.run(t, calling(c.kind, object{"id": made.CredentialID}, "http://127.0.0.1:1/refuses?a=b"))
		p.ask(t, "POST", "/credentials/"+made.CredentialID+"/test", nil)
		p.ask(t, "PUT", "/credentials/"+made.CredentialID, object{"values": c.values})
	}
	p.misuse(t)
	p.ask(t, "GET", "/credentials?limit=100", nil)
	srv.stop(syscall.SIGTERM)
	if strings.Contains(p.all.String(), secret) {
		t.Errorf("an answer shows a value:\n%s", around(p.all.String()))
	}
	if strings.Contains(srv.log.String(), secret) {
		t.Errorf("the log shows a value:\n%s", around(srv.log.String()))
	}
	srv.searchFiles(t)
}

// run saves and runs a workflow, and asks for all there is to know of it.
func (s *spy) run(t *testing.T, doc object) run {
	t.Helper()
	var saved struct {
		WorkflowID string `json:"workflow_id"`
	}
	var r run
	for _, step := range []struct {
		method, path func() string
		body         any
		out          any
	}{
		{func() string { return "POST" }, func() string { return "/workflows" }, doc, &saved},
		{func() string { return "POST" }, func() string { return "/workflows/" + saved.WorkflowID + "/execute?wait=20" }, object{}, &r},
		{func() string { return "GET" }, func() string { return "/executions/" + r.ExecutionID + "?detail=nodes" }, nil, &r},
		{func() string { return "GET" }, func() string { return "/executions/" + r.ExecutionID + "/logs" }, nil, nil},
		{func() string { return "GET" }, func() string { return "/workflows/" + saved.WorkflowID }, nil, nil},
	} {
		status, data := s.ask(t, step.method(), step.path(), step.body)
		if status >= 300 {
			t.Fatalf("%s: %d %s", step.path(), status, data)
		}
		if step.out != nil {
			if err := json.Unmarshal(data, step.out); err != nil {
				t.Fatal(err)
			}
		}
	}
	return r
}

// misuse asks for what has to be refused, with values in every wrong place.
func (s *spy) misuse(t *testing.T) {
	t.Helper()
	for _, body := range []object{
		{"name": "x", "type": "smtp", "values": object{"host": "h", "port": secret}},
		{"name": "x", "type": "smtp", "values": object{"host": "h\n" + secret}},
		{"name": "x", "type": "mcpServer", "values": object{"url": secret}},
		{"name": "x", "type": "databaseUrl", "values": object{"url": "postgres//" + secret}},
		{"name": "x", "type": "jwtAuth", "values": object{"algorithm": "RS256", "privateKey": "-----BEGIN " + secret}},
		{"name": "x", "type": "httpCustomAuth", "values": object{"json": "{" + secret}},
		{"name": "x", "type": "httpHeaderAuth", "values": object{"name": "a b", "value": secret}},
		{"name": "x", "type": "httpHeaderAuth", "values": object{"name": "a", "value": []string{secret}}},
		{"name": "x", "type": "httpHeaderAuth", "values": secret},
	} {
		if status, data := s.ask(t, "POST", "/credentials", body); status != http.StatusBadRequest {
			t.Errorf("%v: %d %s", body, status, data)
		}
	}
}

func around(text string) string {
	i := strings.Index(text, secret)
	return text[max(0, i-300):min(len(text), i+100)]
}

// forms are the ways a value may be written: as it is, and within base64 at
// each of the three offsets.
func forms() []string {
	out := []string{secret}
	for pad := range 3 {
		text := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", pad) + secret))
		out = append(out, strings.TrimRight(text[4:], "=")[:8])
	}
	return out
}

// searchFiles looks for values in everything the server wrote.
func (s *serverProcess) searchFiles(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir(s.dataDir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, form := range forms() {
			if i := bytes.Index(data, []byte(form)); i >= 0 {
				t.Errorf("%s holds a value: %q", path, data[max(0, i-300):min(len(data), i+100)])
			}
		}
		if filepath.Base(path) == "encryption_key" {
			if info, err := d.Info(); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: mode %v, %v", path, info.Mode(), err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestCredentialsOfOthers has somebody refer to another's credential: it is
// as if it was not there, and the failure says what is missing and what to do.
func TestCredentialsOfOthers(t *testing.T) {
	t.Parallel()
	out := newAsks(t)
	srv := startServer(t, t.TempDir(), "--allow-private")
	ada, bob := srv.person(t), &spy{person: srv.personNamed(t, "bob@example.org")}
	var made created
	ada.ok(t, "POST", "/credentials", object{"name": "ada's", "type": "httpHeaderAuth", "values": object{"name": "X-Key", "value": secret}}, &made)
	for _, c := range []struct {
		ref  object
		want []string
	}{
		{object{"id": made.CredentialID, "name": "ada's"}, []string{"httpHeaderAuth", "ada's", "Store one under that name"}},
		{object{"id": made.CredentialID}, []string{"httpHeaderAuth", made.CredentialID, "Store one"}},
		{nil, []string{"httpHeaderAuth"}},
	} {
		r := bob.run(t, calling("httpHeaderAuth", c.ref, out.URL))
		for _, want := range c.want {
			if r.Status != "error" || r.Error.Node != "Call 1" || !strings.Contains(r.Error.Message, want) {
				t.Errorf("%v: %+v, expected %q", c.ref, r, want)
			}
		}
	}
	if h, url := out.last(); url != "" {
		t.Errorf("it was called with %v", h)
	}
	for _, c := range []struct{ method, path string }{{"PUT", ""}, {"DELETE", ""}, {"POST", "/test"}} {
		if status, data := bob.send(t, c.method, "/credentials/"+made.CredentialID+c.path, object{}); status != http.StatusNotFound {
			t.Errorf("%s%s: %d %s", c.method, c.path, status, data)
		}
	}
	if _, data := bob.send(t, "GET", "/credentials", nil); strings.Contains(string(data), made.CredentialID) {
		t.Errorf("bob sees %s", data)
	}
	ada.ok(t, "DELETE", "/credentials/"+made.CredentialID, nil, nil)
}

// TestMissingCredentialsAreAskedFor saves an imported document whose author's
// credentials are not here.
func TestMissingCredentialsAreAskedFor(t *testing.T) {
	t.Parallel()
	srv := startServer(t, t.TempDir())
	p := srv.person(t)
	type finding struct{ Code, Node, Path, Message, Hint string }
	var saved struct {
		WorkflowID string `json:"workflow_id"`
		Validation struct {
			Valid            bool
			Errors, Warnings []finding
		}
	}
	doc := calling("httpHeaderAuth", object{"id": "7", "name": "Their key"}, "https://example.org")
	p.ok(t, "POST", "/workflows", doc, &saved)
	v := saved.Validation
	if !v.Valid || len(v.Warnings) != 1 || v.Warnings[0].Code != "missing_credential" || v.Warnings[0].Node != "Call 1" ||
		!strings.Contains(v.Warnings[0].Message, "Their key") || !strings.Contains(v.Warnings[0].Hint, "POST /api/app/credentials") {
		t.Errorf("%+v", v)
	}
	p.ok(t, "POST", "/credentials", object{"name": "My key", "type": "httpHeaderAuth", "values": object{"name": "a", "value": "b"}}, nil)
	p.ok(t, "POST", "/workflows/"+saved.WorkflowID+"/validate", nil, &v)
	if len(v.Warnings) != 1 || !strings.Contains(v.Warnings[0].Hint, `"My key"`) {
		t.Errorf("%+v", v)
	}
	p.ok(t, "POST", "/credentials", object{"name": "Their key", "type": "httpHeaderAuth", "values": object{"name": "a", "value": "b"}}, nil)
	v.Warnings = nil
	if p.ok(t, "POST", "/workflows/"+saved.WorkflowID+"/validate", nil, &v); len(v.Warnings) != 0 {
		t.Errorf("%+v", v)
	}
	hook := p.save(t, hooked("guarded", object{"path": "guarded", "authentication": "jwtAuth", "options": object{}}))
	v.Warnings = nil
	if p.ok(t, "POST", "/workflows/"+hook+"/validate", nil, &v); len(v.Warnings) != 1 || v.Warnings[0].Node != "Hook" {
		t.Errorf("%+v", v)
	}
	for _, route := range []string{"/activate", "/test-webhook"} {
		if status, data := p.send(t, "POST", "/workflows/"+hook+route, nil); status != http.StatusUnprocessableEntity || !strings.Contains(string(data), "jwtAuth") {
			t.Errorf("%s: %d %s", route, status, data)
		}
	}
}

// TestEncryptionKeyIsChanged stores under one key, changes it in the two
// steps, and at last takes the old one away.
func TestEncryptionKeyIsChanged(t *testing.T) {
	t.Parallel()
	out := newAsks(t)
	dir := t.TempDir()
	a, b := strings.Repeat("ab", 31)+"01", strings.Repeat("cd", 31)+"02"
	start := func(keys string) (*serverProcess, *spy) {
		srv := startServer(t, dir, "--allow-private", "--config", configFile(t, "encryption_key: \""+keys+"\"\n"))
		return srv, &spy{person: srv.person(t)}
	}
	srv, p := start(a)
	p.ok(t, "POST", "/credentials", object{"name": "k", "type": "httpHeaderAuth", "values": object{"name": "X-Key", "value": "v"}}, nil)
	for _, c := range []struct {
		keys, status, message string
	}{{"new:" + b + ",old:" + a, "success", ""}, {b, "success", ""}, {a, "error", "ENCRYPTION_KEY"}} {
		srv.stop(syscall.SIGTERM)
		srv, p = start(c.keys)
		r := p.run(t, calling("httpHeaderAuth", object{"name": "k"}, out.URL))
		if r.Status != c.status || !strings.Contains(r.Error.Message, c.message) {
			t.Errorf("%d keys: %+v", strings.Count(c.keys, ",")+1, r)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "encryption_key")); !os.IsNotExist(err) {
		t.Error("a key was made although one is configured")
	}
}
