package web

import (
	"context"
	"encoding/json"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"flowgate/internal/auth"
	"flowgate/internal/ratelimit"
	"flowgate/internal/workflow"
)

// limited is a world whose rules are the defaults and texts.
func limited(t *testing.T, change func(*Options), texts ...string) *world {
	t.Helper()
	rules, tiers, err := ratelimit.Parse(texts)
	if err != nil {
		t.Fatal(err)
	}
	limiter := ratelimit.New(ratelimit.Options{Counters: ratelimit.NewMemory(nil, 0), Rules: rules, Tiers: tiers})
	return newWorld(t, func(o *Options) {
		o.Service.Limits, o.Authenticator.Failures = limiter, limiter
		if change != nil {
			change(o)
		}
	})
}

// refusedFor checks a 429 by its headers and returns what it says.
func refusedFor(t *testing.T, r reply, rule string) {
	t.Helper()
	after, err := strconv.Atoi(r.header.Get("Retry-After"))
	if r.status != http.StatusTooManyRequests || err != nil || after < 1 {
		t.Fatalf("%d, Retry-After %q: %s", r.status, r.header.Get("Retry-After"), r.body)
	}
	details, _ := r.json["details"].(map[string]any)
	if details["rule"] != rule {
		t.Errorf("refused by %v, expected %s", details["rule"], rule)
	}
}

func TestAddressesAreLimited(t *testing.T) {
	t.Parallel()
	w := limited(t, nil, "public.info=2/1h")
	for left := 1; left >= 0; left-- {
		r := w.send(t, "GET", "/api/public/info", "")
		if r.status != 200 || r.header.Get("X-RateLimit-Remaining") != strconv.Itoa(left) || r.header.Get("X-RateLimit-Limit") != "2" ||
			r.header.Get("RateLimit-Policy") != `"public.info";q=2;w=3600` || r.header.Get("RateLimit") == "" {
			t.Fatalf("%d %v", r.status, r.header)
		}
	}
	r := w.send(t, "GET", "/api/v1/public/info", "") // the same route by its alias
	refusedFor(t, r, "public.info")
	if r.json["error"] != "rate_limit_exceeded" {
		t.Error(r.body)
	}
	for _, path := range []string{"/livez", "/readyz"} {
		for range 3 {
			if r := w.send(t, "GET", path, ""); r.status != 200 || r.header.Get("RateLimit") != "" {
				t.Fatalf("%s: %d %v", path, r.status, r.header)
			}
		}
	}
}

func TestForwardedAddressesAreBelievedOfProxiesOnly(t *testing.T) {
	t.Parallel()
	proxy := func(o *Options) { o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} }
	t.Run("none trusted", func(t *testing.T) {
		t.Parallel()
		w := limited(t, nil, "public.info=1/1h")
		w.send(t, "GET", "/api/public/info", "", "X-Forwarded-For", "203.0.113.1")
		refusedFor(t, w.send(t, "GET", "/api/public/info", "", "X-Forwarded-For", "203.0.113.2"), "public.info")
	})
	t.Run("trusted", func(t *testing.T) {
		t.Parallel()
		w := limited(t, proxy, "public.info=1/1h")
		w.send(t, "GET", "/api/public/info", "", "X-Forwarded-For", "203.0.113.1")
		if r := w.send(t, "GET", "/api/public/info", "", "X-Forwarded-For", "203.0.113.2"); r.status != 200 {
			t.Errorf("another address: %d", r.status)
		}
		// What the client itself wrote stands before what the proxy added.
		refusedFor(t, w.send(t, "GET", "/api/public/info", "", "X-Forwarded-For", "198.51.100.7, 203.0.113.2"), "public.info")
	})
}

func TestUsersAreLimitedByRoute(t *testing.T) {
	t.Parallel()
	w := limited(t, nil, "app.workflows=2/1h")
	mine := []string{"Authorization", "Bearer " + w.token}
	w.send(t, "GET", "/api/app/workflows", "", mine...)
	w.send(t, "GET", "/api/app/workflows/0198a000-0000-7000-8000-00000000000a", "", mine...) // another path of the same rule
	refusedFor(t, w.send(t, "GET", "/api/app/workflows/0198a000-0000-7000-8000-00000000000b", "", mine...), "app.workflows")
	if r := w.send(t, "GET", "/api/app/executions", "", mine...); r.status != 200 {
		t.Errorf("another rule: %d", r.status)
	}
	other := w.user(t, "0198a000-0000-7000-8000-000000000002", 1<<40)
	if r := w.send(t, "GET", "/api/app/workflows", "", "Authorization", "Bearer "+other); r.status != 200 {
		t.Errorf("another user: %d", r.status)
	}
}

func TestTheFacadeSaysWhenToComeBack(t *testing.T) {
	t.Parallel()
	w := limited(t, nil, "mcp.tool.list_executions=1/1h")
	key := w.key(t, auth.ScopeToolsExecute)
	call := func(tool string) reply {
		return w.send(t, "POST", "/api/mcp/invoke", `{"tool_name":"`+tool+`","params":{}}`, "X-API-Key", key)
	}
	if r := call("list_executions"); r.status != 200 {
		t.Fatal(r.status, r.body)
	}
	r := call("list_executions")
	refusedFor(t, r, "mcp.tool.list_executions")
	after, _ := r.json["retry_after"].(float64)
	if r.json["error_type"] != "RATE_LIMIT_ERROR" || r.json["retryable"] != true || after < 1 {
		t.Error(r.body)
	}
	if r := call("search_workflows"); r.status != 200 {
		t.Errorf("another tool: %d %s", r.status, r.body)
	}
}

func TestGuessingOfCredentialsEnds(t *testing.T) {
	t.Parallel()
	w := limited(t, nil, "auth.failed=3/1h")
	key := w.key(t, auth.ScopeToolsRead)
	for range 3 {
		if r := w.send(t, "GET", "/api/mcp/tools", "", "X-API-Key", "wfk_nobody_nothing"); r.status != 401 {
			t.Fatal(r.status, r.body)
		}
	}
	refusedFor(t, w.send(t, "GET", "/api/mcp/tools", "", "X-API-Key", key), "auth.failed") // though it is right
	refusedFor(t, w.send(t, "GET", "/api/app/workflows", "", "Authorization", "Bearer "+w.token), "auth.failed")
	if r := w.send(t, "GET", "/api/mcp/tools", ""); r.status != 401 { // asks what is needed, and guesses nothing
		t.Error(r.status, r.body)
	}
}

func TestOneCallerHoldsSoManyStreams(t *testing.T) {
	t.Parallel()
	holds := ratelimit.NewHolds(1, 0)
	w := newWorld(t, func(o *Options) { o.Service.Holds = holds })
	if !holds.Take("user:" + owner) {
		t.Fatal("one is too many")
	}
	path := "/api/app/executions/0198a000-0000-7000-8000-00000000000a/logs/stream"
	refusedFor(t, w.send(t, "GET", path, "", "Authorization", "Bearer "+w.token), "open")
	holds.Give("user:" + owner)
	if r := w.send(t, "GET", path, "", "Authorization", "Bearer "+w.token); r.status != 404 {
		t.Errorf("with room: %d %s", r.status, r.body)
	}
}

// TestRefusedMessageIsNotTaken: where a caller may hold no more open, a message
// is refused before it is one, by each way to send it.
func TestRefusedMessageIsNotTaken(t *testing.T) {
	t.Parallel()
	holds := ratelimit.NewHolds(1, 0)
	w := newWorld(t, func(o *Options) { o.Service.Holds = holds })
	w.Service.Conversations = w.store
	w.Service.Talk = func(context.Context, workflow.Turn, func(workflow.TurnEvent) error) error {
		t.Error("the agent was asked")
		return nil
	}
	as := []string{"Authorization", "Bearer " + w.token}
	var session struct {
		SessionID string `json:"session_id"`
	}
	if r := w.send(t, "POST", "/api/app/sessions", `{"action":"create"}`, as...); json.Unmarshal([]byte(r.body), &session) != nil || session.SessionID == "" {
		t.Fatal(r.status, r.body)
	}
	if !holds.Take("user:" + owner) {
		t.Fatal("one is too many")
	}
	refusedFor(t, w.send(t, "POST", "/api/app/chat/stream", `{"session_id":"`+session.SessionID+`","message":"hello"}`, as...), "open")
	key, k, err := w.keys.Create(t.Context(), auth.NewKey{OwnerID: owner, ClientName: "test", Scopes: []string{"agent:chat"}})
	if err != nil || !holds.Take("key:"+k.ID) {
		t.Fatal(err)
	}
	refusedFor(t, w.send(t, "POST", "/api/mcp/invoke", `{"tool_name":"send_message","params":{"session_id":"`+session.SessionID+`","message":"hello"}}`, "X-API-Key", key), "open")
	if r := w.send(t, "GET", "/api/app/chat/"+session.SessionID+"/messages", "", as...); r.status != 200 || !strings.Contains(r.body, `"total_count":0`) {
		t.Errorf("%d %s", r.status, r.body)
	}
}

func TestWebhooksAreLimitedWhereToldTo(t *testing.T) {
	t.Parallel()
	holds := ratelimit.NewHolds(1, 0)
	w := limited(t, func(o *Options) {
		o.Service.WebhookHolds = holds
		o.Webhook = func(context.Context, workflow.WebhookCall) (*workflow.Response, error) {
			return &workflow.Response{Status: 200}, nil
		}
	}, "webhook.path.orders=1/1h")
	if r := w.send(t, "POST", "/webhook/orders", `{}`); r.status != 200 {
		t.Fatal(r.status, r.body)
	}
	refusedFor(t, w.send(t, "POST", "/webhook/orders", `{}`), "webhook.path.orders")
	for range 3 {
		if r := w.send(t, "POST", "/webhook/other", `{}`); r.status != 200 {
			t.Fatal(r.status, r.body)
		}
	}
	if !holds.Take("other") {
		t.Fatal("a call that ended is still counted")
	}
	refusedFor(t, w.send(t, "POST", "/webhook/other", `{}`), "webhook.open")
}

func TestFormsAndAnswersAreLimited(t *testing.T) {
	t.Parallel()
	w := limited(t, nil, "webhook.form=3/1h", "webhook.waiting=1/1h")
	for i, path := range []string{"/form/a", "/form-test/b", "/form-waiting/c?signature=1"} {
		if r := w.send(t, "GET", path, ""); r.status == 429 || r.header.Get("X-RateLimit-Remaining") != strconv.Itoa(2-i) {
			t.Errorf("%s: %d %v", path, r.status, r.header)
		}
	}
	refusedFor(t, w.send(t, "POST", "/form/d", "a=b"), "webhook.form")
	if r := w.send(t, "GET", "/webhook-waiting/a?signature=1", ""); r.status == 429 {
		t.Error(r.body)
	}
	refusedFor(t, w.send(t, "POST", "/webhook-waiting/b/more", `{}`), "webhook.waiting")
}

// TestGuestsHaveAQuota: a guest begins so many sessions and says so much, all
// guests at one address together begin so many, and people are not counted with
// them.
func TestGuestsHaveAQuota(t *testing.T) {
	t.Parallel()
	w := limited(t, nil, "app.guest_sessions=2/1h", "app.guests=3/1h", "app.guest_chat=1/1h")
	guest := func(id string) []string {
		token, _, err := w.issuer.UserToken(&workflow.User{ID: id, Anonymous: true}, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return []string{"Authorization", "Bearer " + token}
	}
	one, other := guest("0198a000-0000-7000-8000-00000000000a"), guest("0198a000-0000-7000-8000-00000000000b")
	begin := func(who []string) reply { return w.send(t, "POST", "/api/app/sessions", `{"action":"create"}`, who...) }
	for range 2 {
		if r := begin(one); r.status == 429 {
			t.Fatal(r.body)
		}
	}
	refusedFor(t, begin(one), "app.guest_sessions")
	refusedFor(t, begin(other), "app.guests") // though it is new
	say := func() reply {
		return w.send(t, "POST", "/api/app/chat/stream", `{"session_id":"0198a000-0000-7000-8000-00000000000c","message":"hello"}`, other...)
	}
	if r := say(); r.status == 429 {
		t.Error(r.body)
	}
	refusedFor(t, say(), "app.guest_chat")
	if r := w.send(t, "GET", "/api/app/sessions", "", one...); r.status == 429 {
		t.Errorf("reading: %s", r.body)
	}
	for range 4 {
		if r := begin([]string{"Authorization", "Bearer " + w.token}); r.status == 429 {
			t.Errorf("a person: %s", r.body)
		}
	}
}
