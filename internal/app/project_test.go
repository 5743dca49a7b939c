package app_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"flowgate/store/postgres"
	"flowgate/store/storetest/lite"
)

// realProject is a Supabase-compatible server on a database, behind a proxy that
// counts what comes by, and lets its tokens name their issuer as Supabase's do.
type realProject struct {
	*lite.Server
	proxy *httptest.Server

	mu      sync.Mutex
	calls   map[string]int // by function
	callers map[string]int // by the subject of the token
}

func newRealProject(t *testing.T, b *backend) *realProject {
	t.Helper()
	direct, err := postgres.Open(t.Context(), postgres.Options{URL: b.url}) // the project is to find the functions
	if err != nil {
		t.Fatal(err)
	}
	if err := direct.Close(); err != nil {
		t.Fatal(err)
	}
	p := &realProject{Server: lite.Start(t, b.url, postgres.DefaultSchema+"_api"), calls: map[string]int{}, callers: map[string]int{}}
	target, err := url.Parse(p.URL)
	if err != nil {
		t.Fatal(err)
	}
	p.proxy = httptest.NewServer(forPages(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target); p.count(r.In) },
		ModifyResponse: func(resp *http.Response) error {
			resp.Header.Del("Access-Control-Allow-Origin")
			if !strings.HasPrefix(resp.Request.URL.Path, "/auth/v1/") {
				return nil
			}
			return p.nameIssuer(resp)
		},
	}))
	t.Cleanup(p.proxy.Close)
	return p
}

// forPages lets the pages of other origins call, as the gateway before a
// Supabase project does.
func forPages(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		if r.Method == http.MethodOptions {
			w.Header().Set("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE")
			w.Header().Set("Access-Control-Allow-Headers", r.Header.Get("Access-Control-Request-Headers"))
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (p *realProject) count(r *http.Request) {
	name, ok := strings.CutPrefix(r.URL.Path, "/rest/v1/rpc/")
	if !ok || name == "about" { // what health asks, for nobody
		return
	}
	var claims jwt.RegisteredClaims
	_, _, _ = jwt.NewParser().ParseUnverified(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), &claims) // "" for none
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls[name]++
	p.callers[claims.Subject]++
}

// nameIssuer signs tokens anew with their issuer in them.
func (p *realProject) nameIssuer(resp *http.Response) error {
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	var answer map[string]any
	if json.Unmarshal(body, &answer) == nil {
		if text, ok := answer["access_token"].(string); ok {
			claims := jwt.MapClaims{}
			if _, _, err := jwt.NewParser().ParseUnverified(text, claims); err != nil {
				return err
			}
			claims["iss"] = p.proxy.URL + "/auth/v1"
			if answer["access_token"], err = jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(p.JWTSecret)); err != nil {
				return err
			}
			if body, err = json.Marshal(answer); err != nil {
				return err
			}
		}
	}
	resp.Header.Set("Content-Length", strconv.Itoa(len(body)))
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return nil
}

func (p *realProject) settings() []string {
	return []string{"supabase_url: " + p.proxy.URL, "supabase_anon_key: " + p.Anon, "jwt_secret_key: " + p.JWTSecret, "email_confirmed_required: false"}
}

// TestSupabaseProject has supabase-js sign people up with a Supabase project and
// use the App tier: their calls go over the project's REST interface under their
// own tokens, keys' do not, and each sees their own rows only.
func TestSupabaseProject(t *testing.T) {
	t.Parallel()
	dir := needClients(t)
	b := newPostgres(t)
	p := newRealProject(t, b)
	srv := b.start(t, p.settings()...)
	cmd := exec.CommandContext(t.Context(), filepath.Join(dir, "node_modules", ".bin", "node"), "project.mjs") // the client needs its version
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PROJECT_URL="+p.proxy.URL, "KEY="+p.Anon, "API_URL="+srv.url)
	out := runCommand(t, cmd)
	var made struct{ Workflow, Execution, Credential string }
	if err := json.Unmarshal(out, &made); err != nil || made.Workflow == "" || made.Execution == "" {
		t.Fatalf("the script printed %q: %v", out, err)
	}
	p.mu.Lock()
	for _, name := range []string{"create_workflow", "workflow", "update_workflow", "list_workflows", "list_versions", "execution", "list_executions",
		"create_session", "session", "update_session", "list_messages", "create_credential", "list_credentials", "file", "list_files"} {
		if p.calls[name] == 0 {
			t.Errorf("%s did not go over REST; %v did", name, p.calls)
		}
	}
	before := len(p.callers)
	sent := 0
	for _, n := range p.calls {
		sent += n
	}
	p.mu.Unlock()
	if before > 3 { // Ada, Bob and nobody
		t.Errorf("calls of %d callers", before)
	}
	var health healthAnswer
	if _, body := srv.do(t, "GET", "/health", nil); json.Unmarshal(body, &health) != nil || !health.Checks["supabase_rest"] {
		t.Errorf("health tells of no REST interface: %s", body)
	}
	// A key's calls have no user's token: none of them goes over REST.
	if status, body := srv.invoke(t, b.key(t), "search_workflows", map[string]any{}); status != http.StatusOK {
		t.Errorf("the key gives %d %s", status, body)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, n := range p.calls {
		sent -= n
	}
	if sent != 0 {
		t.Errorf("a key's calls went over REST: %v", p.calls)
	}
	if log := srv.log.String(); strings.Contains(log, "eyJ") || strings.Contains(log, p.JWTSecret) {
		t.Error("the log holds a token or the secret")
	}
}
