package app_test

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// TestRevocationReachesOtherServers has two servers on one PostgreSQL, with
// Redis and without: what ends at one ends at the other, open streams included.
// It logs how long that took; two seconds is what is promised of a machine that
// is not overloaded.
func TestRevocationReachesOtherServers(t *testing.T) {
	t.Parallel()
	for name, redis := range map[string]string{"with Redis": os.Getenv("FLOWGATE_TEST_REDIS_URL"), "without": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newPostgres(t)
			var more []string
			if redis != "" {
				more = append(more, "redis_url: "+redis)
			}
			revokedElsewhere(t, b, b.start(t, more...), b.start(t, more...))
		})
	}
}

// signUp makes somebody an account of the embedded sign-in.
func (s *serverProcess) signUp(t *testing.T, email string) *person {
	t.Helper()
	var session struct {
		AccessToken string `json:"access_token"`
	}
	status, body := s.do(t, "POST", "/auth/v1/signup", []byte(`{"email":"`+email+`","password":"correct horse battery staple"}`), "Content-Type", "application/json")
	if status != http.StatusOK || json.Unmarshal(body, &session) != nil {
		t.Fatalf("signing up: %d %s", status, body)
	}
	return &person{s, session.AccessToken}
}

func revokedElsewhere(t *testing.T, b *backend, one, other *serverProcess) {
	t.Helper()
	ends := func(what string, left func() bool) {
		t.Helper()
		began := time.Now()
		eventually(t, time.Minute, what, left)
		t.Logf("%s: after %s", what, time.Since(began).Round(10*time.Millisecond))
	}
	closed := func(events <-chan sse) func() bool {
		return func() bool {
			select {
			case _, more := <-events:
				return !more
			default:
				return false
			}
		}
	}
	p := one.signUp(t, "ann@b.test")
	waiting := line("waits", nil, manual(), object{"name": "Wait", "type": "n8n-nodes-base.wait", "typeVersion": 1.1, "parameters": object{"resume": "webhook"}})
	var e struct {
		ExecutionID string `json:"execution_id"`
	}
	p.ok(t, "POST", "/workflows/"+p.save(t, waiting)+"/execute", object{}, &e)
	stream := other.url + "/api/app/executions/" + e.ExecutionID + "/logs/stream"

	var key struct{ ID, Key string }
	p.ok(t, "POST", "/api-keys", object{"client_name": "x", "scopes": []string{"workflows:read"}}, &key)
	list := func() int { status, _ := other.invoke(t, key.Key, "search_workflows", object{}); return status }
	if status := list(); status != http.StatusOK {
		t.Fatalf("the key: %d", status)
	}
	p.ok(t, "DELETE", "/api-keys/"+key.ID, nil, nil)
	ends("a revoked key is refused", func() bool { return list() == http.StatusUnauthorized })

	_, events := other.follow(t, stream, p.token, "")
	if status, body := one.do(t, "POST", "/auth/v1/logout", nil, "Authorization", "Bearer "+p.token); status != http.StatusNoContent {
		t.Fatalf("signing out: %d %s", status, body)
	}
	ends("the stream of who signed out ends", closed(events))

	p = one.signUp(t, "bob@b.test")
	p.ok(t, "POST", "/workflows/"+p.save(t, waiting)+"/execute", object{}, &e)
	_, events = other.follow(t, other.url+"/api/app/executions/"+e.ExecutionID+"/logs/stream", p.token, "")
	flowgateJSON(t, &struct{}{}, append([]string{"users", "disable", "bob@b.test", "--data-dir", b.folder, "--json"}, b.config(t)...)...)
	ends("the stream of who was switched off ends", closed(events))
}

// TestNoncesAreShared sends one signed request to two servers that share Redis:
// one takes it. Where Redis is away none does.
func TestNoncesAreShared(t *testing.T) {
	t.Parallel()
	url := os.Getenv("FLOWGATE_TEST_REDIS_URL")
	if url == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("FLOWGATE_TEST_REDIS_URL is not set: run it by .ci/with-services")
		}
		t.Skip("SKIPPED: FLOWGATE_TEST_REDIS_URL is not set; .ci/with-services go test ./internal/app")
	}
	dir := t.TempDir()
	one, other := startServerEnv(t, dir, []string{"REDIS_URL=" + url}), startServerEnv(t, dir, []string{"REDIS_URL=" + url})
	without := startServerEnv(t, dir, []string{"REDIS_URL=redis://127.0.0.1:1/0"})
	var k struct{ ID, Key string }
	flowgateJSON(t, &k, "keys", "create", "--name", "test", "--scopes", "tools:read", "--signing", "--data-dir", dir, "--json")
	block, _ := pem.Decode([]byte(k.Key))
	if block == nil {
		t.Fatalf("no PEM: %q", k.Key)
	}
	private, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	sign := func() []string { // for a name that both servers have
		n++
		params := fmt.Sprintf(`("@method" "@authority" "@path" "@query");created=%d;nonce="nonce-%06d";keyid=%q`, time.Now().Unix(), n, k.ID)
		base := "\"@method\": GET\n\"@authority\": localhost\n\"@path\": /api/mcp/tools\n\"@query\": ?\n\"@signature-params\": " + params
		signature := ed25519.Sign(private.(ed25519.PrivateKey), []byte(base))
		return []string{"Host", "localhost", "Signature-Input", "sig1=" + params, "Signature", "sig1=:" + base64.StdEncoding.EncodeToString(signature) + ":"}
	}
	var headers []string
	eventually(t, time.Minute, "a signed request is taken", func() bool { // a Redis that is new to this refuses what was signed before
		headers = sign()
		status, body := one.do(t, "GET", "/api/mcp/tools", nil, headers...)
		if status != http.StatusOK && status != http.StatusServiceUnavailable {
			t.Fatalf("%d %s", status, body)
		}
		return status == http.StatusOK
	})
	for name, s := range map[string]*serverProcess{"the same server": one, "the other": other} {
		if status, body := s.do(t, "GET", "/api/mcp/tools", nil, headers...); status != http.StatusUnauthorized || !strings.Contains(string(body), "nonce was used") {
			t.Errorf("again, %s: %d %s", name, status, body)
		}
	}
	if status, body := other.do(t, "GET", "/api/mcp/tools", nil, sign()...); status != http.StatusOK {
		t.Errorf("another request: %d %s", status, body)
	}
	if status, body := without.do(t, "GET", "/api/mcp/tools", nil, sign()...); status != http.StatusServiceUnavailable {
		t.Errorf("without Redis: %d %s", status, body)
	}
	if metrics := without.get(t, "/api/public/metrics"); !strings.Contains(metrics, `flowgate_redis_errors_total{operation="nonce"}`) {
		t.Error("the metrics do not tell of it")
	}
}
