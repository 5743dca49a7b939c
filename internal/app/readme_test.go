package app_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestReadmeQuickStart runs the README's quick starts as they stand, in order,
// as one script, in an empty home. Only the port is another one, so that it
// cannot meet a server that runs already.
func TestReadmeQuickStart(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("short")
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```sh quickstart\n(.*?)```").FindAllSubmatch(readme, -1)
	if len(blocks) < 5 {
		t.Fatalf("README has %d quick start blocks", len(blocks))
	}
	script := "set -euo pipefail\ntrap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT\n"
	for _, b := range blocks {
		script += string(b[1])
	}
	port := freePort(t)
	script = strings.ReplaceAll(script, ":8000", ":"+port)
	script = strings.ReplaceAll(script, "go build -o flowgate ./cmd/flowgate\nexport PATH=\"$PWD:$PATH\"", "")
	home := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "bash", "-c", script)
	cmd.Dir = home
	cmd.Env = []string{"HOME=" + home, "PATH=" + filepath.Dir(binary(t)) + ":" + os.Getenv("PATH"), "PORT=" + port}
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{`"greeting":"Hello Ann"`, `{"greeting":"Hello Ann"}`, `"status":"success"`, "Hello Bo", "hello.json: ok", "Hello Ann"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the quick start did not show %s:\n%s", want, out)
		}
	}
}

// TestReadmeCommandsExist holds README and Makefile together.
func TestReadmeCommandsExist(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	ci, err := os.ReadFile("../../.ci/run")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(readme), "\nmake check\n") || !strings.Contains(string(makefile), "\ncheck:") || !strings.HasSuffix(string(ci), "\nmake check\n") {
		t.Error("README's second command, the Makefile and .ci/run do not agree on make check")
	}
	for _, link := range regexp.MustCompile(`\]\(([^)#:]+)\)`).FindAllSubmatch(readme, -1) {
		if _, err := os.Stat(filepath.Join("../..", string(link[1]))); err != nil {
			t.Errorf("README links to %s, which is not there", link[1])
		}
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer lis.Close()
	return strconv.Itoa(lis.Addr().(*net.TCPAddr).Port)
}
