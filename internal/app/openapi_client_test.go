package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// cutting is a proxy that loses the connection of every stream after some
// events.
func cutting(t *testing.T, target string, after int) (string, *atomic.Int64) {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	var cuts atomic.Int64
	proxy := httputil.NewSingleHostReverseProxy(u)
	proxy.FlushInterval = -1
	srv := httptest.NewServer(wholeFirst(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		proxy.ServeHTTP(&cutWriter{ResponseWriter: w, left: after, cuts: &cuts}, r)
	})))
	t.Cleanup(srv.Close)
	return srv.URL, &cuts
}

type cutWriter struct {
	http.ResponseWriter
	left int
	cuts *atomic.Int64
}

// Write passes events on one by one, however many come at once.
func (w *cutWriter) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		if w.left <= 0 {
			w.cuts.Add(1)
			_ = http.NewResponseController(w.ResponseWriter).Flush()
			panic(http.ErrAbortHandler)
		}
		end := len(rest)
		if i := bytes.Index(rest, []byte("\n\n")); i >= 0 {
			end = i + 2
		}
		if _, err := w.ResponseWriter.Write(rest[:end]); err != nil {
			return 0, err
		}
		if bytes.Contains(rest[:end], []byte("data: ")) {
			w.left--
		}
		rest = rest[end:]
	}
	return len(p), nil
}

// Unwrap lets the proxy flush.
func (w *cutWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// TestGeneratedClient validates /openapi.json with an independent validator,
// has an existing generator make a typed client of it, and that complete the
// main journey.
func TestGeneratedClient(t *testing.T) {
	t.Parallel()
	clients := needClients(t)
	srv := startServer(t, t.TempDir())
	p := srv.personNamed(t, "generated@b.test")
	dir, err := os.MkdirTemp(clients, "build-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	_, description := srv.do(t, "GET", "/openapi.json", nil)
	spec := filepath.Join(dir, "openapi.json")
	source, err := os.ReadFile("e2e/openapi.ts")
	if err != nil {
		t.Fatal(err)
	}
	for path, data := range map[string][]byte{spec: description, filepath.Join(dir, "client.ts"): source} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	proxy, cuts := cutting(t, srv.url, 2)
	run := func(name string, args ...string) []byte {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir = clients
		cmd.Env = append(os.Environ(), "URL="+srv.url, "TOKEN="+p.token, "PROXY="+proxy)
		return runCommand(t, cmd)
	}
	if out := run("node", "openapi.mjs", spec); !strings.Contains(string(out), `"version":"3.1"`) {
		t.Errorf("the validator says %s", out)
	}
	bin := filepath.Join(clients, "node_modules", ".bin")
	run(filepath.Join(bin, "openapi-typescript"), spec, "--default-non-nullable=false", "--output", filepath.Join(dir, "api.ts"))
	run(filepath.Join(bin, "tsc"), "--strict", "--skipLibCheck", "--module", "nodenext", "--target", "es2022", "--lib", "es2023,dom",
		"--outDir", dir, filepath.Join(dir, "client.ts"))
	var saw struct {
		Email, LateError, Status               string
		Found, Version, Late, Versions, Logged int
		Preview, Gone, Opened                  int
		IDs                                    []int
	}
	out := run("node", filepath.Join(dir, "client.js"))
	if err := json.Unmarshal(out, &saw); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	if saw.Email != "generated@b.test" || saw.Found != 1 || saw.Version != 2 || saw.Late != 409 || saw.LateError != "conflict" ||
		saw.Versions != 2 || saw.Preview != 2 || saw.Status != "success" || saw.Gone != 404 {
		t.Errorf("saw %s", out)
	}
	if err := inOrder(saw.IDs, saw.Logged); err != nil || cuts.Load() < 1 {
		t.Errorf("%v; %d connections were lost", err, cuts.Load())
	}
}

// inOrder checks that every one of n events came, once and in order.
func inOrder(ids []int, n int) error {
	if len(ids) != n {
		return fmt.Errorf("%d of %d events came: %v", len(ids), n, ids)
	}
	for i, id := range ids {
		if id != i+1 {
			return fmt.Errorf("event %d has the id %d", i+1, id)
		}
	}
	return nil
}
