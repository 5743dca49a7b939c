package app_test

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestSupabaseClient has @supabase/supabase-js sign people up, in and out at
// the embedded sign-in, and call the App tier.
func TestSupabaseClient(t *testing.T) {
	t.Parallel()
	dir := needClients(t)
	srv := startServerEnv(t, t.TempDir(), []string{"GUEST_SESSIONS_ENABLED=true"})
	cmd := exec.CommandContext(t.Context(), filepath.Join(dir, "node_modules", ".bin", "node"), "supabase.mjs") // the client needs its version
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "AUTH_URL="+srv.url, "EMAIL=ase@example.org", "PASSWORD=correct horse", "GUESTS=true")
	out := runCommand(t, cmd)
	var res struct{ User, Guest string }
	if err := json.Unmarshal(out, &res); err != nil || res.User == "" || res.Guest == "" {
		t.Fatalf("the script printed %q: %v", out, err)
	}
}

// TestPeopleAndTheirKeysEnd switches a person off while a stream of their key
// is open: everything of theirs ends within two seconds, by another process.
func TestPeopleAndTheirKeysEnd(t *testing.T) {
	t.Parallel()
	srv := startServer(t, t.TempDir())
	var person struct{ Email, Password string }
	flowgateJSON(t, &person, "users", "create", "--email", "bo@example.org", "--data-dir", srv.dataDir, "--json")
	var k struct{ Key string }
	flowgateJSON(t, &k, "keys", "create", "--name", "x", "--scopes", "tools:execute", "--user", person.Email, "--data-dir", srv.dataDir, "--json")
	ended := openStream(t, srv, k.Key)
	var off struct{ Disabled bool }
	flowgateJSON(t, &off, "users", "disable", person.Email, "--data-dir", srv.dataDir, "--json")
	if !off.Disabled {
		t.Fatal("not switched off")
	}
	select {
	case <-ended:
	case <-time.After(20 * time.Second): // two seconds on a machine that has nothing else to do
		t.Fatal("the stream goes on")
	}
	if status, body := srv.invoke(t, k.Key, "search_workflows", map[string]any{}); status != http.StatusForbidden {
		t.Errorf("the key gives %d %s", status, body)
	}
}

// openStream opens an MCP stream and returns a channel that closes when the
// server ends it.
func openStream(t *testing.T, srv *serverProcess, key string) <-chan struct{} {
	t.Helper()
	send := func(method, session, body string) *http.Response {
		req, err := http.NewRequestWithContext(t.Context(), method, srv.url+"/mcp", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-API-Key", key)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Accept", "application/json, text/event-stream")
		if session != "" {
			req.Header.Set("Mcp-Session-Id", session)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s", method, resp.Status)
		}
		return resp
	}
	opened := send(http.MethodPost, "", `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`)
	_ = opened.Body.Close()
	stream := send(http.MethodGet, opened.Header.Get("Mcp-Session-Id"), "")
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer stream.Body.Close()
		buf := make([]byte, 1024)
		for {
			if _, err := stream.Body.Read(buf); err != nil {
				return
			}
		}
	}()
	return ended
}
