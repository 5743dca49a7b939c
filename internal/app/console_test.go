package app_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestConsole drives the console in headless Chromium through what people do
// with it, one journey after the other. Screenshots of each are kept in
// .cache/screenshots of the checkout.
func TestConsole(t *testing.T) {
	t.Parallel()
	chromium, clients := needChromium(t), needClients(t)
	srv := startServerEnv(t, t.TempDir(), []string{"GUEST_SESSIONS_ENABLED=true", "ALLOWED_HOSTS=console.test,127.0.0.1",
		"RATE_LIMIT_ENABLED=true", "RATE_LIMITS=tier.standard=1000"})
	shots, err := filepath.Abs("../../.cache/screenshots")
	if err != nil {
		t.Fatal(err)
	}
	scenario, err := filepath.Abs("../engine/testdata/scenarios/merge-fields-keepMatches.json")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(clients, "node_modules", ".bin", "node"), "console.mjs")
	cmd.Dir = clients
	cmd.Env = append(os.Environ(), "URL="+srv.url, "CHROMIUM="+chromium, "SHOTS="+shots, "SCENARIO="+scenario, "FLOWGATE="+binary(t), "DATA="+srv.dataDir)
	var stderr syncBuffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	var report struct {
		Done     []string
		Measured map[string]float64
	}
	if err := json.Unmarshal(out, &report); err != nil || len(report.Done) < 9 {
		t.Fatalf("%d journeys, %v: %s", len(report.Done), err, out)
	}
	t.Logf("%d journeys, %v", len(report.Done), report.Measured)
}
