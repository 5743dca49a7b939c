package mcp

import (
	"net/http"
	"testing"

	"flowgate/internal/auth"
	"flowgate/internal/ratelimit"
)

func TestKeysAreLimited(t *testing.T) {
	t.Parallel()
	rules, tiers, err := ratelimit.Parse([]string{"mcp.invoke=2/1h", "mcp.tools_list=1/1h", "mcp.tool.list_executions=1/1h"})
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, func(o *Options) {
		o.Service.Limits = ratelimit.New(ratelimit.Options{Counters: ratelimit.NewMemory(nil, 0), Rules: rules, Tiers: tiers})
	})
	refused := func(r reply, rule string) {
		t.Helper()
		e, _ := r.last()["error"].(map[string]any)
		data, _ := e["data"].(map[string]any)
		if after, _ := data["retry_after"].(float64); r.status != http.StatusTooManyRequests || after < 1 || data["rule"] != rule || r.header.Get("Retry-After") == "" {
			t.Errorf("expected a refusal by %s: %d %s", rule, r.status, r.body)
		}
	}
	key := w.key(t, owner, auth.ScopeToolsExecute)
	session := w.session(t, key)
	if r := w.call(t, key, session, "list_executions", `{}`); r.status != 200 || r.header.Get("RateLimit-Policy") == "" {
		t.Fatal(r.status, r.body, r.header)
	}
	refused(w.call(t, key, session, "list_executions", `{}`), "mcp.tool.list_executions")
	if r := w.call(t, key, session, "search_workflows", `{}`); r.status != 200 { // what was refused did not count
		t.Fatal(r.status, r.body)
	}
	refused(w.call(t, key, session, "search_workflows", `{}`), "mcp.invoke")
	if r := w.modern(t, key, "tools/list", "", ""); r.status != 200 {
		t.Fatal(r.status, r.body)
	}
	refused(w.modern(t, key, "tools/list", "", ""), "mcp.tools_list")
	if r := w.modern(t, w.key(t, owner, auth.ScopeToolsExecute), "tools/list", "", ""); r.status != 200 {
		t.Errorf("another key: %d", r.status)
	}
}

// TestThePersonAtThisMachineHasNoLimits calls over a pipe: a key has its
// limits there, too, the local person none.
func TestThePersonAtThisMachineHasNoLimits(t *testing.T) {
	t.Parallel()
	rules, tiers, err := ratelimit.Parse([]string{"mcp.tool.list_executions=1/1h"})
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, func(o *Options) {
		o.Service.Limits = ratelimit.New(ratelimit.Options{Counters: ratelimit.NewMemory(nil, 0), Rules: rules, Tiers: tiers})
	})
	second := func(id *auth.Identity) map[string]any {
		p := w.pipe(t, t.Context(), id)
		p.send(t, `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`)
		p.next(t)
		var last map[string]any
		for range 2 {
			p.send(t, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_executions","arguments":{}}}`)
			last = p.next(t)
		}
		return last
	}
	if m := second(local()); m["error"] != nil || m["result"] == nil {
		t.Errorf("the local person: %v", m)
	}
	m := second(&auth.Identity{Subject: owner, Kind: auth.KindAPIKey, KeyID: "k", Scopes: []string{auth.ScopeToolsExecute}, Tier: auth.TierMCP})
	e, _ := m["error"].(map[string]any)
	data, _ := e["data"].(map[string]any)
	if after, _ := data["retry_after"].(float64); after < 1 {
		t.Errorf("a key: %v", m)
	}
}
