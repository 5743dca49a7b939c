package app_test

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
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
	metrics := ""
	eventually(t, time.Minute, "it is noticed that no news can be heard", func() bool {
		metrics = s.get(t, "/api/public/metrics")
		return strings.Contains(metrics, `flowgate_redis_errors_total{operation="hear"} `)
	})
	for _, line := range []string{`flowgate_rate_limited_total{scope="public"} 1`, `flowgate_rate_limit_counted_locally_total `,
		`flowgate_redis_errors_total{operation="count"} `, `flowgate_component_up{component="redis"} 0`} {
		if !strings.Contains(metrics, line) || strings.Contains(metrics, line+"0") {
			t.Errorf("the metrics do not say %s", line)
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

// TestOperatorSeesLimits: the role admin sees the limits in force, and that
// they are counted apart; others do not.
func TestOperatorSeesLimits(t *testing.T) {
	t.Parallel()
	s := startServerEnv(t, t.TempDir(), []string{"RATE_LIMIT_ENABLED=true", "PUBLIC_RATE_LIMIT_ENABLED=false", "REDIS_URL=redis://127.0.0.1:1/0",
		"RATE_LIMITS=mcp.invoke=7/1m,app.chat=off,tier.premium=3"})
	p := s.personNamed(t, "operator@b.test")
	if status, _ := p.send(t, "GET", "/admin/limits", nil); status != http.StatusForbidden {
		t.Errorf("not an admin: %d", status)
	}
	flowgateJSON(t, &struct{}{}, "users", "promote", "operator@b.test", "--data-dir", s.dataDir, "--json")
	var view struct {
		Enabled, Degraded bool
		Storage           string
		CountedLocally    int64 `json:"counted_locally"`
		Tiers             map[string]int64
		Limits            []struct {
			Name, Scope, Window string
			Limit, Admitted     int64
		}
	}
	eventually(t, time.Minute, "the role is in force", func() bool {
		status, body := p.send(t, "GET", "/admin/limits", nil)
		return status == http.StatusOK && json.Unmarshal(body, &view) == nil
	})
	invoke, admitted := false, int64(0)
	for _, l := range view.Limits {
		admitted += l.Admitted
		if l.Name == "app.chat" || strings.HasPrefix(l.Name, "public.") {
			t.Errorf("%+v is not in force", l)
		}
		invoke = invoke || l.Name == "mcp.invoke" && l.Scope == "key" && l.Limit == 7 && l.Window == "1m"
	}
	if !invoke || admitted == 0 || !view.Enabled || !view.Degraded || view.Storage != "redis" || view.CountedLocally == 0 || view.Tiers["premium"] != 3 {
		t.Errorf("got %+v", view)
	}
}
