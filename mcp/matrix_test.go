package mcp

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"flowgate/internal/auth"
)

// TestMatrix compares who may call what by each door of this package with a
// golden table: every capability, every kind of caller.
func TestMatrix(t *testing.T) {
	w := newWorld(t, nil)
	atHome := newWorld(t, func(o *Options) { o.Authenticator.Local = local() })
	type caller struct{ name, key string }
	revoked, key, err := w.keys.Create(t.Context(), auth.NewKey{OwnerID: owner, ClientName: "t", Scopes: []string{"tools:execute"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.keys.Revoke(t.Context(), "", key.ID); err != nil {
		t.Fatal(err)
	}
	expired, _, err := w.keys.Create(t.Context(), auth.NewKey{OwnerID: owner, ClientName: "t", Scopes: []string{"tools:execute"}, ExpiresIn: time.Nanosecond})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, c := range w.Service.Capabilities() {
		other := auth.ScopeNodesRead
		if c.Scope == other {
			other = auth.ScopeAuditRead
		}
		for _, who := range []caller{{"no credential", ""}, {"local", ""}, {"tools:execute", w.key(t, owner, "tools:execute")}, {"its scope", w.key(t, owner, c.Scope)},
			{"another scope", w.key(t, owner, other)}, {"tools:read", w.key(t, owner, "tools:read")}, {"revoked", revoked}, {"expired", expired},
			{"a user's token", "eyJhbGciOiJFUzI1NiJ9.e30.x"}} {
			at := w
			if who.name == "local" {
				at = atHome
			}
			fmt.Fprintf(&out, "%-21s %-15s list 2025 %-8s call 2025 %-28s call 2026 %-28s stdio %s\n", c.Name, who.name,
				at.listed(t, who.key, c.Name), at.outcome(t, who.key, c.Name, false), at.outcome(t, who.key, c.Name, true), at.stdioOutcome(t, who.key, c.Name))
		}
	}
	golden(t, "matrix.golden", out.Bytes())
}

func (w *world) open(t *testing.T, key string) string {
	return w.send(t, "POST", `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`, "X-API-Key", key).header.Get("Mcp-Session-Id")
}

func (w *world) listed(t *testing.T, key, tool string) string {
	r := w.send(t, "POST", `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`, "X-API-Key", key, "Mcp-Session-Id", w.open(t, key))
	if r.status != 200 {
		return fmt.Sprint(r.status)
	}
	if strings.Contains(r.body, `"name":"`+tool+`"`) {
		return "shown"
	}
	return "hidden"
}

// outcome calls a tool with an argument it refuses, so that nothing is done.
func (w *world) outcome(t *testing.T, key, tool string, modern bool) string {
	var r reply
	if modern {
		r = w.modern(t, key, "tools/call", tool, `"name":"`+tool+`","arguments":{"no_such":1}`)
	} else {
		r = w.call(t, key, w.open(t, key), tool, `{"no_such":1}`)
	}
	if r.status == 200 && strings.Contains(r.text(), "no_such") {
		return "reached"
	}
	e, _ := r.last()["error"].(map[string]any)
	if text, _ := e["message"].(string); strings.Contains(text, "not found") {
		return fmt.Sprint(r.status, " no such tool")
	}
	data, _ := e["data"].(map[string]any)
	return fmt.Sprint(r.status, " ", data["reason"])
}

func (w *world) stdioOutcome(t *testing.T, key, tool string) string {
	id, err := w.Authenticator.Authenticate(t.Context(), auth.Presented{APIKey: key, Tier: auth.TierMCP})
	if err != nil {
		return "does not start"
	}
	var out bytes.Buffer
	text := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"` + tool + `","arguments":{"no_such":1}}}`
	if err := w.ServeStdio(t.Context(), id, strings.NewReader(text), &out); err != nil {
		return err.Error()
	}
	switch {
	case strings.Contains(out.String(), "no_such"):
		return "reached"
	case strings.Contains(out.String(), "insufficient_scope"):
		return "insufficient_scope"
	case strings.Contains(out.String(), "not found"):
		return "no such tool"
	}
	return out.String()
}
