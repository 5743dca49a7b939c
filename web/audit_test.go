package web

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"flowgate/internal/audit"
	"flowgate/internal/auth"
	"flowgate/internal/service"
	"flowgate/store"
)

// TestAuditTrail follows calls, failures and refusals of every kind into the
// log and reads them as their owner, as another user, and as an administrator.
func TestAuditTrail(t *testing.T) {
	var trail *audit.Log
	w := newWorld(t, func(o *Options) {
		st := o.Service.Store.(store.Audit) //nolint:forcetypeassert // the world's own
		trail = audit.Open(audit.Options{Store: st, Secret: []byte("s"), Flush: time.Millisecond})
		svc, err := service.New(service.Options{Store: o.Service.Store, Agent: o.Service.Agent, Catalogue: fakeCatalogue{}, PublicURL: "http://gw.test",
			Files: o.Service.Files, Audit: trail, AuditLog: audit.Reader{Store: st}})
		if err != nil {
			t.Fatal(err)
		}
		o.Service = svc
		o.Authenticator = &auth.Authenticator{Keys: o.Authenticator.Keys, Issuer: o.Authenticator.Issuer, Audit: trail}
	})
	t.Cleanup(func() { trail.Close() })
	id := w.workflow(t)
	key := w.key(t, "nodes:read")
	w.app(t, "GET", "/api/app/workflows/none", "")                                                          // fails
	w.app(t, "DELETE", "/api/app/workflows/"+id, "", "X-Request-Id", "my-own-id")                           // works
	w.send(t, "POST", "/api/mcp/invoke", `{"tool_name":"delete_workflow","params":{}}`, "X-API-Key", key)   // refused: scope
	w.send(t, "GET", "/api/mcp/tools", "", "X-API-Key", "wfk_wrong")                                        // refused: no such key
	w.send(t, "GET", "/api/app/workflows", "", "Authorization", "Bearer x.y.z")                             // refused: no such token
	w.send(t, "GET", "/api/app/workflows", "", "Authorization", "Bearer "+w.user(t, "stranger", time.Hour)) // another's
	w.app(t, "GET", "/api/app/files/"+w.upload(t, "in.csv", "a,b"), "")
	w.app(t, "GET", "/api/app/executions/none/files?node=a", "")
	w.app(t, "GET", "/api/app/executions/none/logs/stream", "")
	w.app(t, "POST", "/api/app/executions/none/ticket", "")
	got := w.waitForAudit(t, "/api/app/audit?limit=100", 10)
	for _, want := range []string{
		`"capability":"create_workflow","allowed":true,"outcome":"ok"`, `"capability":"get_workflow","allowed":true,"outcome":"not_found"`,
		`"capability":"delete_workflow","allowed":true,"outcome":"ok"`, `"request_id":"my-own-id"`, `"door":"app"`,
		`"capability":"upload_file","allowed":true,"outcome":"ok"`, `"capability":"download_file","allowed":true,"outcome":"ok"`,
		`"capability":"download_execution_file","allowed":true,"outcome":"not_found"`, `"capability":"follow_execution","allowed":true,"outcome":"not_found"`,
		`"capability":"create_execution_ticket","allowed":true,"outcome":"not_found"`,
		`"door":"facade","capability":"delete_workflow","allowed":false,"reason":"insufficient_scope"`, `"client_name":"test"`, `"ip":"127.0.0.1"`,
	} {
		if !strings.Contains(got.body, want) {
			t.Errorf("the owner's log lacks %s:\n%s", want, got.body)
		}
	}
	if strings.Contains(got.body, "Greet") || strings.Contains(got.body, "stranger") || strings.Contains(got.body, "authenticate") {
		t.Errorf("the owner's log has too much:\n%s", got.body)
	}
	if r := w.app(t, "GET", "/api/app/audit?subject=stranger", ""); r.status != 403 {
		t.Errorf("another's log: %d %s", r.status, r.body)
	}
	if r := w.app(t, "GET", "/api/app/audit?refused=true&capability=delete_workflow&since="+url.QueryEscape(time.Now().Add(-time.Hour).Format(time.RFC3339)), ""); r.status != 200 || strings.Count(r.body, `"allowed"`) != 1 {
		t.Errorf("filtered: %d %s", r.status, r.body)
	}
	if r := w.app(t, "GET", "/api/app/audit?since=yesterday", ""); r.status != 400 {
		t.Errorf("a time that is none: %d %s", r.status, r.body)
	}
	if r := w.send(t, "GET", "/api/app/audit", "", "X-API-Key", w.key(t, "audit:read")); r.status != 401 {
		t.Errorf("a key at the App's door: %d", r.status)
	}
	ctx := auth.WithIdentity(t.Context(), &auth.Identity{Subject: "boss", Kind: auth.KindUser, Tier: auth.TierApp, Admin: true})
	until(t, func() bool {
		out, err := w.Service.ListAudit(ctx, service.ListAuditInput{Capability: "authenticate", Refused: true})
		if err != nil {
			t.Fatal(err)
		}
		reasons := ""
		for _, e := range out.Entries {
			reasons += e.Reason + " "
		}
		return strings.Contains(reasons, "invalid_api_key") && strings.Contains(reasons, "invalid_token")
	})
	report, err := audit.Verify(t.Context(), w.store, []byte("s"))
	if err != nil || len(report.Faults) > 0 {
		t.Errorf("%+v, %v", report, err)
	}
}

// waitForAudit asks until the log has at least n entries.
func (w *world) waitForAudit(t *testing.T, path string, n int) (r reply) {
	t.Helper()
	until(t, func() bool {
		r = w.app(t, "GET", path, "")
		return strings.Count(r.body, `"capability"`) >= n
	})
	return r
}

func until(t testing.TB, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !f(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not happen")
		}
	}
}
