package app_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"flowgate/store/sqlite"
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
	made := filepath.Join("files", "cd", "0198a000-0000-7000-8000-0000000000cd", strings.Repeat("0", 64))
	if err := os.MkdirAll(filepath.Dir(filepath.Join(srv.dataDir, made)), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(srv.dataDir, made), []byte("made"), 0o600); err != nil {
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
	if got, err := os.ReadFile(filepath.Join(folder, made)); err != nil || string(got) != "made" {
		t.Errorf("an execution's: %v %q", err, got)
	}
	second := startServer(t, folder)
	var found struct{ Workflows []struct{ Name string } }
	second.call(t, key, "search_workflows", object{}, &found)
	if len(found.Workflows) != 1 || found.Workflows[0].Name != "kept" {
		t.Errorf("found %+v", found)
	}
}

// TestBackupWithoutSecrets looks for every secret of a server in what its
// backup unpacks to.
func TestBackupWithoutSecrets(t *testing.T) {
	t.Parallel()
	srv := startServer(t, t.TempDir())
	secrets := map[string][]byte{}
	for _, name := range []string{"api_secret_key", "encryption_key"} {
		data, err := os.ReadFile(filepath.Join(srv.dataDir, name))
		if err != nil {
			t.Fatal(err)
		}
		secrets[name] = data
	}
	st, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(srv.dataDir, sqlite.FileName)})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"issuer_es256", "mcp_session", "stream_tickets", "resume_links"} {
		if secrets[name], err = st.Secret(t.Context(), name, func() ([]byte, error) { return nil, errors.New("there is none") }); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want bool
	}{{nil, false}, {[]string{"--secrets"}, true}} {
		file := filepath.Join(t.TempDir(), "backup.tar.gz")
		flowgate(t, append([]string{"backup", file, "--data-dir", srv.dataDir}, c.args...)...)
		content := gunzip(t, file)
		for name, secret := range secrets {
			if bytes.Contains(content, secret) != c.want {
				t.Errorf("backup %v: %s in it: %v", c.args, name, !c.want)
			}
		}
	}
}

func gunzip(t *testing.T, file string) []byte {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// TestRestoreStaysInItsFolder restores as a mounted folder allows: neither it
// nor its parent is touched.
func TestRestoreStaysInItsFolder(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	dir, file := filepath.Join(parent, "data"), filepath.Join(t.TempDir(), "backup.tar.gz")
	flowgate(t, "keys", "create", "--name", "one", "--scopes", "tools:read", "--data-dir", dir)
	flowgate(t, "backup", file, "--data-dir", dir)
	before, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	flowgate(t, "restore", file, "--replace", "--data-dir", dir)
	after, err := os.Stat(dir)
	if err != nil || !os.SameFile(before, after) {
		t.Errorf("the folder was replaced: %v", err)
	}
	if entries, err := os.ReadDir(parent); err != nil || len(entries) != 1 {
		t.Errorf("beside the folder: %v %v", entries, err)
	}
	if found, err := filepath.Glob(filepath.Join(dir, ".*", sqlite.FileName)); err != nil || len(found) != 1 || !strings.Contains(found[0], ".before-") {
		t.Errorf("kept: %v %v", found, err)
	}
	empty := t.TempDir() // mounted, as lost+found shows
	if err := os.Mkdir(filepath.Join(empty, "lost+found"), 0o700); err != nil {
		t.Fatal(err)
	}
	flowgate(t, "restore", file, "--data-dir", empty)
	if _, err := os.Stat(filepath.Join(empty, "lost+found")); err != nil {
		t.Error(err)
	}
}

// TestInterruptedRestore leaves a folder as a restore does that is killed
// between two moves: no server starts there, and the next restore mends it.
func TestInterruptedRestore(t *testing.T) {
	t.Parallel()
	dir, file := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "backup.tar.gz")
	flowgate(t, "keys", "create", "--name", "one", "--scopes", "tools:read", "--data-dir", dir)
	flowgate(t, "backup", file, "--secrets", "--data-dir", dir)
	for _, folder := range []string{".restore-x", ".before-x"} {
		if err := os.Mkdir(filepath.Join(dir, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Rename(filepath.Join(dir, sqlite.FileName), filepath.Join(dir, ".before-x", sqlite.FileName)); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{".restore-x/api_secret_key": "new", ".restoring": `{"unpacked":".restore-x","before":".before-x","names":["api_secret_key","flowgate.db"]}`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := tryFlowgate(t, "keys", "list", "--data-dir", dir); err == nil || !strings.Contains(out, "a restore into") {
		t.Fatalf("%v %s", err, out)
	}
	flowgate(t, "restore", file, "--replace", "--data-dir", dir)
	if out, err := tryFlowgate(t, "keys", "list", "--data-dir", dir); err != nil || !strings.Contains(out, "one") {
		t.Errorf("%v %s", err, out)
	}
	for _, gone := range []string{".restoring", ".restore-x"} {
		if _, err := os.Stat(filepath.Join(dir, gone)); err == nil {
			t.Errorf("%s was left", gone)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, ".before-x", sqlite.FileName)); err != nil {
		t.Error(err)
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
