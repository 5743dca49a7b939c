package app_test

import (
	"os/exec"
	"strings"
	"testing"
)

// TestDocumentationInBrowser has headless Chromium show both pages of the
// API's documentation under their policy.
func TestDocumentationInBrowser(t *testing.T) {
	t.Parallel()
	chromium := needChromium(t)
	srv := startServer(t, t.TempDir())
	for _, page := range []string{"/docs", "/redoc"} {
		cmd := exec.CommandContext(t.Context(), chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
			"--user-data-dir="+t.TempDir(), "--virtual-time-budget=20000", "--enable-logging=stderr", "--dump-dom", srv.url+page)
		var log strings.Builder
		cmd.Stderr = &log
		shown, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(log.String()) { // what its policy refuses is told there
			if strings.Contains(line, ":CONSOLE") {
				t.Errorf("%s: %s", page, line)
			}
		}
		if !strings.Contains(string(shown), "Create a workflow") {
			t.Errorf("%s does not show the API: %.500s", page, shown)
		}
	}
}
