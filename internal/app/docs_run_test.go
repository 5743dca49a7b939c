package app_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestDocumentsExamples runs the shell examples of docs/ that say so, each
// document's as one script in an empty home: "sh run" as they stand, "sh run
// server" beside a server at $URL.
func TestDocumentsExamples(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("short")
	}
	blocks := regexp.MustCompile("(?s)```sh run( server)?\n(.*?)```")
	ran := 0
	err := filepath.WalkDir("../../docs", func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".md" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		script, server := "set -euo pipefail\n", false
		for _, b := range blocks.FindAllSubmatch(text, -1) {
			script, server = script+string(b[2]), server || len(b[1]) > 0
		}
		if script != "set -euo pipefail\n" {
			ran++
			t.Run(filepath.Base(path), func(t *testing.T) { runExample(t, script, server) })
		}
		return nil
	})
	if err != nil || ran < 5 {
		t.Errorf("%d documents have examples, %v", ran, err)
	}
}

func runExample(t *testing.T, script string, server bool) {
	t.Helper()
	if strings.Contains(script, "openssl") {
		if _, err := exec.LookPath("openssl"); err != nil && os.Getenv("CI") != "true" {
			t.Skip("SKIPPED: openssl is missing")
		}
	}
	home := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "bash", "-c", script)
	cmd.Dir, cmd.WaitDelay = home, 10*time.Second
	cmd.Env = []string{"HOME=" + home, "PATH=" + filepath.Dir(binary(t)) + ":" + os.Getenv("PATH")}
	if server {
		srv := startServer(t, t.TempDir())
		cmd.Env = append(cmd.Env, "URL="+srv.url, "DATA_DIR="+srv.dataDir)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestDocumentsLinks finds links to files that are not there.
func TestDocumentsLinks(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)
	err := filepath.WalkDir("../../docs", func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".md" {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range link.FindAllSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), string(m[1]))); err != nil {
				t.Errorf("%s links to %s, which is not there", path, m[1])
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
