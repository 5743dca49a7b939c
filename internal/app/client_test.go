package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// npmClients installs the pinned npm clients once and returns their folder.
var npmClients = sync.OnceValues(func() (string, error) {
	dir, err := filepath.Abs("e2e")
	if err != nil {
		return "", err
	}
	wanted, err := os.Stat(filepath.Join(dir, "package-lock.json"))
	if err != nil {
		return "", err
	}
	if there, err := os.Stat(filepath.Join(dir, "node_modules", ".package-lock.json")); err == nil && !there.ModTime().Before(wanted.ModTime()) {
		return dir, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "ci", "--no-audit", "--no-fund", "--loglevel=error")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", &npmError{out: string(out), err: err}
	}
	return dir, nil
})

type npmError struct {
	out string
	err error
}

func (e *npmError) Error() string { return "npm ci: " + e.err.Error() + "\n" + e.out }

// needClients returns the folder of the npm clients, or skips loudly where
// there is no npm; CI must have it.
func needClients(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("short")
	}
	if _, err := exec.LookPath("npm"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("npm is missing")
		}
		t.Skip("SKIPPED: the official MCP clients are not run, since npm is missing (apt-get install npm)")
	}
	dir, err := npmClients()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestTypeScriptSDK has the official TypeScript SDKs do the main job: v1 in the
// protocol with sessions, v2 in the one without.
func TestTypeScriptSDK(t *testing.T) {
	t.Parallel()
	dir := needClients(t)
	for _, c := range []struct{ sdk, mode string }{{"v1", "stdio"}, {"v1", "http"}, {"v2", "stdio"}, {"v2", "http"}} {
		t.Run(c.sdk+" "+c.mode, func(t *testing.T) {
			t.Parallel()
			srv := startServer(t, t.TempDir())
			scenario, err := filepath.Abs("../engine/testdata/scenarios/merge-fields-keepMatches.json")
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), "node", "journey.mjs")
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "MODE="+c.mode, "SDK="+c.sdk, "BIN="+binary(t), "DATA_DIR="+srv.dataDir, "URL="+srv.url,
				"KEY="+srv.key(t, "tools:execute"), "SCENARIO="+scenario)
			out := runCommand(t, cmd)
			var res struct{ Tools, Progress int }
			if err := json.Unmarshal(out, &res); err != nil {
				t.Fatalf("journey printed %q: %v", out, err)
			}
			if res.Progress == 0 {
				t.Error("no progress notification came while the workflow ran")
			}
		})
	}
}

// TestInspector lists the tools by the MCP Inspector's command line.
func TestInspector(t *testing.T) {
	t.Parallel()
	dir := needClients(t)
	srv := startServer(t, t.TempDir())
	node := filepath.Join(dir, "node_modules", ".bin", "node")
	cli := filepath.Join(dir, "node_modules", ".bin", "mcp-inspector")
	for name, args := range map[string][]string{
		"stdio": {binary(t), "stdio", "--data-dir", srv.dataDir, "--method", "tools/list"},
		"http":  {srv.url + "/mcp", "--transport", "http", "--header", "X-API-Key: " + srv.key(t, "workflows:read"), "--method", "tools/list"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), node, append([]string{cli, "--cli"}, args...)...)
			cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
			var list struct {
				Tools []struct{ Name string }
			}
			out := runCommand(t, cmd)
			if err := json.Unmarshal(out, &list); err != nil {
				t.Fatalf("the inspector printed %q: %v", out, err)
			}
			names := make([]string, len(list.Tools))
			for i, tool := range list.Tools {
				names[i] = tool.Name
			}
			got := strings.Join(names, " ")
			if !strings.Contains(got, "search_workflows") {
				t.Errorf("tools are %s", got)
			}
			if readOnly := name == "http"; readOnly == strings.Contains(got, "delete_workflow") {
				t.Errorf("with read-only=%t the tools are %s", readOnly, got)
			}
		})
	}
}

// TestOtherClients has the AI SDK's MCP client and the mcp-remote bridge do the
// main job.
func TestOtherClients(t *testing.T) {
	t.Parallel()
	dir := needClients(t)
	bin := filepath.Join(dir, "node_modules", ".bin", "node")
	for _, c := range []struct{ client, mode string }{{"ai-sdk", "stdio"}, {"ai-sdk", "http"}, {"mcp-remote", "http"}} {
		t.Run(c.client+" "+c.mode, func(t *testing.T) {
			t.Parallel()
			srv := startServer(t, t.TempDir())
			cmd := exec.CommandContext(t.Context(), bin, "others.mjs")
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "CLIENT="+c.client, "MODE="+c.mode, "BIN="+binary(t), "DATA_DIR="+srv.dataDir, "URL="+srv.url, "HOME="+t.TempDir(),
				"KEY="+srv.key(t, "tools:execute"), "NODE="+bin, "BRIDGE="+filepath.Join(dir, "node_modules", "mcp-remote", "dist", "proxy.js"))
			var res struct{ Tools int }
			if out := runCommand(t, cmd); json.Unmarshal(out, &res) != nil || res.Tools == 0 {
				t.Errorf("%s printed %q", c.client, out)
			}
		})
	}
}

// runCommand runs cmd and returns its standard output.
func runCommand(t *testing.T, cmd *exec.Cmd) []byte {
	t.Helper()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", filepath.Base(cmd.Path), err, out, stderr.String())
	}
	return out
}
