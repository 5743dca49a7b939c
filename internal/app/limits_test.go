package app_test

import (
	"encoding/json"
	"net/http"
	"os"
	"testing"
)

// answer is what a GET of the path is answered; headers are name, value pairs.
func (s *serverProcess) answer(t *testing.T, path string, headers ...string) (*http.Response, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var body map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
		t.Fatal(err)
	}
	return resp, body
}

// TestLimitsWithoutRedis starts a server whose Redis is away: health says so,
// limits hold all the same, and nobody gets around them by claiming to be
// behind a proxy.
func TestLimitsWithoutRedis(t *testing.T) {
	t.Parallel()
	s := startServerEnv(t, t.TempDir(), []string{"RATE_LIMIT_ENABLED=true", "PUBLIC_RATE_LIMIT_ENABLED=true",
		"REDIS_URL=redis://127.0.0.1:1/0", "RATE_LIMIT_REPLICAS=2", "RATE_LIMITS=public.info=4/1h"})
	resp, body := s.answer(t, "/health")
	checks, _ := body["checks"].(map[string]any)
	if resp.StatusCode != http.StatusOK || body["status"] != "degraded" || checks["redis"] != false {
		t.Errorf("health: %d %v", resp.StatusCode, body)
	}
	for i, expected := range []int{200, 200, 429} { // half of four
		resp, body := s.answer(t, "/api/public/info", "X-Forwarded-For", "203.0.113."+string(rune('1'+i)))
		if resp.StatusCode != expected || expected == 429 && (resp.Header.Get("Retry-After") == "" || body["error"] != "rate_limit_exceeded") {
			t.Errorf("call %d: %d %v", i+1, resp.StatusCode, body)
		}
	}
}

// TestLimitsAreShared has two servers count one key's calls together.
func TestLimitsAreShared(t *testing.T) {
	t.Parallel()
	url := os.Getenv("FLOWGATE_TEST_REDIS_URL")
	if url == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("FLOWGATE_TEST_REDIS_URL is not set: run it by .ci/with-services")
		}
		t.Skip("SKIPPED: FLOWGATE_TEST_REDIS_URL is not set; .ci/with-services go test ./internal/app")
	}
	dir := t.TempDir()
	env := []string{"RATE_LIMIT_ENABLED=true", "REDIS_URL=" + url, "RATE_LIMITS=mcp.tools_list=2/1h"}
	one, other := startServerEnv(t, dir, env), startServerEnv(t, dir, env)
	key := one.key(t, "tools:read")
	for i, s := range []*serverProcess{one, other, one, other} {
		expected := http.StatusOK
		if i >= 2 {
			expected = http.StatusTooManyRequests
		}
		if resp, body := s.answer(t, "/api/mcp/tools", "X-API-Key", key); resp.StatusCode != expected {
			t.Errorf("call %d: %d %v", i+1, resp.StatusCode, body)
		}
	}
	if _, body := one.answer(t, "/health"); body["status"] != "healthy" {
		t.Errorf("health: %v", body)
	}
}
