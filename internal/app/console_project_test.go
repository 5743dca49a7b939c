package app_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestConsoleWithProject drives the console of a server whose people sign in
// with a Supabase project: they sign up there, talk, run, leave and come back,
// and what they do goes over the project's REST interface.
func TestConsoleWithProject(t *testing.T) {
	t.Parallel()
	chromium, clients := needChromium(t), needClients(t)
	b := newPostgres(t)
	p := newRealProject(t, b)
	srv := b.start(t, p.settings()...)
	shots, err := filepath.Abs("../../.cache/screenshots")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(clients, "node_modules", ".bin", "node"), "console-project.mjs")
	cmd.Dir = clients
	cmd.Env = append(os.Environ(), "URL="+srv.url, "PROJECT_URL="+p.proxy.URL, "CHROMIUM="+chromium, "SHOTS="+shots)
	out := runCommand(t, cmd)
	var told struct{ Title string }
	if err := json.Unmarshal(out, &told); err != nil || told.Title == "" {
		t.Fatalf("the script printed %q: %v", out, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, name := range []string{"list_workflows", "create_session", "list_messages"} {
		if p.calls[name] == 0 {
			t.Errorf("%s did not go over REST; %v did", name, p.calls)
		}
	}
}
