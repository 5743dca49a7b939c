package web

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"flowgate/internal/auth"
	"flowgate/internal/service"
)

var update = flag.Bool("update", false, "write golden files anew")

// golden compares got with a file under testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; write it with: go test ./web -update", err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; when that is meant: go test ./web -update\n%s", name, got)
	}
}

type caller struct {
	name    string
	local   bool // at the server that knows a local person
	headers []string
}

// TestMatrix compares who may do what by each door of this package with a
// golden table: every capability, every kind of caller.
func TestMatrix(t *testing.T) {
	w := newWorld(t, nil)
	atHome := newWorld(t, func(o *Options) {
		o.Authenticator = &auth.Authenticator{Keys: o.Authenticator.Keys, Issuer: o.Authenticator.Issuer, Local: &auth.Identity{Subject: owner, Kind: auth.KindLocal}}
	})
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
	oldToken := w.user(t, owner, -time.Hour)
	var out bytes.Buffer
	for _, c := range w.Service.Capabilities() {
		other := auth.ScopeNodesRead
		if c.Scope == other {
			other = auth.ScopeAuditRead
		}
		for _, who := range []caller{
			{"no credential", false, nil},
			{"local", true, nil},
			{"user", false, []string{"Authorization", "Bearer " + w.token}},
			{"expired user", false, []string{"Authorization", "Bearer " + oldToken}},
			{"tools:execute", false, []string{"X-API-Key", w.key(t, "tools:execute")}},
			{"its scope", false, []string{"Authorization", "Bearer " + w.key(t, c.Scope)}},
			{"another scope", false, []string{"X-API-Key", w.key(t, other)}},
			{"tools:read", false, []string{"X-API-Key", w.key(t, "tools:read")}},
			{"revoked", false, []string{"X-API-Key", revoked}},
			{"expired", false, []string{"X-API-Key", expired}},
		} {
			at := w
			if who.local {
				at = atHome
			}
			fmt.Fprintf(&out, "%-21s %-14s", c.Name, who.name)
			fmt.Fprintf(&out, " list %-7s show %-24s invoke %-24s", at.listed(t, c, who), outcome(at.send(t, "GET", "/api/mcp/tools/"+c.Name, "", who.headers...)),
				outcome(at.send(t, "POST", "/api/mcp/invoke", `{"tool_name":"`+c.Name+`","params":{"no_such":1}}`, who.headers...)))
			for _, r := range c.Routes {
				fmt.Fprintf(&out, " app %s", outcome(at.route(t, r, who)))
			}
			out.WriteByte('\n')
		}
	}
	golden(t, "matrix.golden", out.Bytes())
}

func (w *world) listed(t *testing.T, c *service.Capability, who caller) string {
	r := w.send(t, "GET", "/api/mcp/tools", "", who.headers...)
	switch {
	case r.status != 200:
		return fmt.Sprint(r.status)
	case strings.Contains(r.body, `"name":"`+c.Name+`"`):
		return "shown"
	}
	return "hidden"
}

// route calls an App route with an argument it refuses, so that nothing is
// done.
func (w *world) route(t *testing.T, r service.Route, who caller) reply {
	path := regexp.MustCompile(`\{[a-z_]+\}`).ReplaceAllString(r.Path, "x")
	return w.send(t, r.Method, "/api/app"+path+"?no_such=1", "", who.headers...)
}

func outcome(r reply) string {
	details, _ := r.json["details"].(map[string]any)
	reason, _ := details["code"].(string)
	if reason == "" {
		reason, _ = r.json["error"].(string)
	}
	if strings.Contains(r.body, "no_such") {
		return "reached"
	}
	return strings.TrimSpace(fmt.Sprint(r.status, " ", reason))
}
