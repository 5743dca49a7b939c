package app_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestBackupOfARunningServer backs a server up that is called all the time,
// and starts another one on what was restored.
func TestBackupOfARunningServer(t *testing.T) {
	t.Parallel()
	srv := startServer(t, t.TempDir())
	key := srv.key(t, "tools:execute")
	srv.call(t, key, "create_workflow", object{"name": "kept", "nodes": []object{
		{"name": "Start", "type": "n8n-nodes-base.manualTrigger", "typeVersion": 1, "position": []int{0, 0}, "parameters": object{}}}}, nil)
	if err := os.MkdirAll(filepath.Join(srv.dataDir, "files", "ab"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(srv.dataDir, "files", "ab", "one"), []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	load := newLoad(srv.url + "/api/public/status")
	file := filepath.Join(t.TempDir(), "backup.tar.gz")
	flowgate(t, "backup", file, "--secrets", "--data-dir", srv.dataDir)
	if ok, lost := load.stop(); lost > 0 {
		t.Errorf("%d answered, %d lost while backing up", ok, lost)
	}
	if out, err := tryFlowgate(t, "restore", file, "--replace", "--data-dir", srv.dataDir); err == nil || !strings.Contains(out, "stop it first") {
		t.Errorf("restored under a running server: %v %s", err, out)
	}
	folder := filepath.Join(t.TempDir(), "restored")
	flowgate(t, "restore", file, "--data-dir", folder)
	if got, err := os.ReadFile(filepath.Join(folder, "files", "ab", "one")); err != nil || string(got) != "content" {
		t.Errorf("%v %q", err, got)
	}
	second := startServer(t, folder)
	var found struct{ Workflows []struct{ Name string } }
	second.call(t, key, "search_workflows", object{}, &found)
	if len(found.Workflows) != 1 || found.Workflows[0].Name != "kept" {
		t.Errorf("found %+v", found)
	}
}

// flowgate runs a command that has to succeed.
func flowgate(t *testing.T, args ...string) {
	t.Helper()
	if out, err := tryFlowgate(t, args...); err != nil {
		t.Fatalf("flowgate %v: %v\n%s", args, err, out)
	}
}

func tryFlowgate(t *testing.T, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary(t), args...)
	cmd.Env, cmd.Dir = cleanEnv(), t.TempDir()
	out, err := cmd.CombinedOutput()
	return string(out), err
}
