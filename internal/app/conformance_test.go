package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"flowgate/internal/app"
	"flowgate/internal/auth"
	"flowgate/internal/config"
	"flowgate/mcp"
)

var conformanceDir = flag.String("conformance-results", "", "keep the conformance suite's results in this folder")

// fixtureFree are the scenarios that need nothing but the product itself.
var fixtureFree = map[string][]string{
	"2025-11-25": {"server-initialize", "ping", "tools-list", "prompts-list", "resources-list", "completion-complete", "dns-rebinding-protection",
		"server-sse-multiple-streams", "logging-set-level", "resources-subscribe", "resources-unsubscribe"},
	"2026-07-28": {"tools-list", "prompts-list", "resources-list", "completion-complete", "dns-rebinding-protection", "server-sse-multiple-streams",
		"caching", "sep-2164-resource-not-found", "input-required-result-unsupported-methods"},
}

// TestConformance runs the official suite's two requirement sets on the
// product, and on the product with the fixtures that most scenarios call.
// What fails is in testdata/conformance.txt, by name and with the reason; the
// list may only shrink.
func TestConformance(t *testing.T) {
	t.Parallel()
	dir := needClients(t)
	known := readBaseline(t)
	product := startServer(t, t.TempDir())
	servers := map[string]string{
		"product":  keyedProxy(t, product.url, product.key(t, "tools:execute")),
		"fixtures": fixtureServer(t),
	}
	least := map[string]int{"2025-11-25": 29, "2026-07-28": 34} // what the library's own server passes
	for name, address := range servers {
		assertHealthy(t, address)
		for revision, least := range least {
			t.Run(name+" "+revision, func(t *testing.T) {
				results := runConformance(t, dir, address, revision, name)
				passed := 0
				for scenario, fault := range results {
					why := known[name+" "+revision+" "+scenario]
					switch {
					case fault == "":
						passed++
						if why != "" && !strings.Contains(why, "(passes without a server)") {
							t.Errorf("%s passes now: take it out of testdata/conformance.txt", scenario)
						}
					case why == "" && (name == "fixtures" || slices.Contains(fixtureFree[revision], scenario)):
						t.Errorf("%s fails: %s", scenario, fault)
					}
				}
				t.Logf("%d of %d scenarios pass", passed, len(results))
				if name == "fixtures" && passed < least {
					t.Errorf("%d of %d scenarios pass, want at least %d", passed, len(results), least)
				}
				for _, scenario := range fixtureFree[revision] {
					if _, ran := results[scenario]; !ran {
						t.Errorf("%s did not run", scenario)
					}
				}
			})
		}
	}
}

// readBaseline reads the scenarios known to fail: server, revision, scenario,
// and why.
func readBaseline(t *testing.T) map[string]string {
	t.Helper()
	data, err := os.ReadFile("testdata/conformance.txt")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]string{}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Fields(line)
		if len(fields) < 4 {
			t.Fatalf("testdata/conformance.txt: %q says no reason", line)
		}
		known[strings.Join(fields[:3], " ")] = strings.Join(fields[3:], " ")
	}
	return known
}

// keyedProxy adds an API key to each request, since the suite sends none.
func keyedProxy(t *testing.T, target, key string) string {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{FlushInterval: -1, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(u)
			r.Out.Host = r.In.Host // which one scenario is about
			r.Out.Header.Set("X-API-Key", key)
		}}
	srv := httptest.NewServer(wholeFirst(proxy))
	t.Cleanup(srv.Close)
	return srv.URL
}

// wholeFirst has requests whole before a proxy passes them on. While it streams
// one, an answer that begins before the proxy's transport has looked for the
// body's end closes the body, which the transport takes for a failure that
// ends the connection.
func wholeFirst(proxy http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		proxy.ServeHTTP(w, r)
	})
}

// fixtureServer is the product, put together as ever, with the fixtures in it.
func fixtureServer(t *testing.T) string {
	t.Helper()
	lis, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(lis.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(config.Source{Flags: map[string]string{"data_dir": t.TempDir(), "port": port, "code_in_process": "true"}})
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.Open(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	server, err := a.Server(t.Context(), nil, func(o *mcp.Options) { o.Extra = fixtures })
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(context.WithoutCancel(t.Context()), lis) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = server.Shutdown(ctx)
		<-served
		_ = a.Close(ctx)
	})
	u, err := a.User(t.Context(), app.LocalEmail)
	if err != nil {
		t.Fatal(err)
	}
	key, _, err := a.Keys.Create(t.Context(), auth.NewKey{OwnerID: u.ID, ClientName: "suite", Scopes: []string{"tools:execute"}})
	if err != nil {
		t.Fatal(err)
	}
	return keyedProxy(t, "http://"+lis.Addr().String(), key)
}

// assertHealthy makes sure that a server answers at all: some scenarios pass
// without one.
func assertHealthy(t *testing.T, address string) {
	t.Helper()
	resp, err := http.Get(address + "/health") //nolint:noctx // a test's own server
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("the server answers %d before the suite began", resp.StatusCode)
	}
}

var resultFolder = regexp.MustCompile(`^server-(.+?)-\d{4}-\d{2}-\d{2}T[\d-]+Z$`)

// runConformance returns each scenario's first fault, "" for those that pass.
func runConformance(t *testing.T, dir, address, revision, name string) map[string]string {
	t.Helper()
	out := t.TempDir()
	if *conformanceDir != "" {
		out = filepath.Join(*conformanceDir, name+"-"+revision)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(dir, "node_modules", ".bin", "node"),
		filepath.Join(dir, "node_modules", "@modelcontextprotocol", "conformance", "dist", "index.js"),
		"server", "--url", address+"/mcp", "--requirements", revision, "--output-dir", out)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
	printed, err := cmd.CombinedOutput() // its status says whether all passed, which the files tell, too
	folders, globErr := filepath.Glob(filepath.Join(out, "server-*"))
	if globErr != nil || len(folders) == 0 {
		t.Fatalf("the suite left no results: %v\n%s", err, printed)
	}
	results := map[string]string{}
	for _, folder := range folders {
		m := resultFolder.FindStringSubmatch(filepath.Base(folder))
		if m == nil {
			t.Fatalf("results in %q, whose scenario cannot be told", filepath.Base(folder))
		}
		results[m[1]] = faultIn(t, filepath.Join(folder, "checks.json"))
	}
	return required(t, dir, revision, results)
}

func faultIn(t *testing.T, path string) string {
	t.Helper()
	var checks []struct{ ID, Status, ErrorMessage string }
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &checks); err != nil || len(checks) == 0 {
		return "no checks were made"
	}
	for _, c := range checks {
		if c.Status == "FAILURE" {
			return c.ID + ": " + c.ErrorMessage
		}
	}
	return ""
}

// required leaves the scenarios of the requirement set, without those that
// the suite runs for information only.
func required(t *testing.T, dir, revision string, results map[string]string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "node_modules", "@modelcontextprotocol", "conformance", "requirements", revision+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(data), "\nserver:\n")
	list, _, _ = strings.Cut(list, "\n\n")
	out := map[string]string{}
	for line := range strings.Lines(list) {
		scenario := strings.TrimPrefix(strings.TrimSpace(line), "- ")
		fault, ran := results[scenario]
		if !ran {
			fault = "it did not run"
		}
		out[scenario] = fault
	}
	return out
}
