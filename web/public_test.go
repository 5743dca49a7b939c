package web

import (
	"context"
	"net/http"
	"slices"
	"testing"
)

func TestHealth(t *testing.T) {
	for name, tc := range map[string]struct {
		health Health
		status string
		code   int
	}{
		"all off":     {Health{}, "healthy", 200},
		"all up":      {Health{Database: CheckUp, Redis: CheckUp, Agent: CheckUp}, "healthy", 200},
		"no redis":    {Health{Database: CheckUp, Redis: CheckDown, Agent: CheckUp}, "degraded", 200},
		"no agent":    {Health{Database: CheckUp, Redis: CheckUp, Agent: CheckDown}, "degraded", 200},
		"no database": {Health{Database: CheckDown, Redis: CheckUp, Agent: CheckUp}, "unhealthy", 503},
		"a project":   {Health{Database: CheckUp, REST: CheckUp, Files: CheckUp}, "healthy", 200},
		"no REST":     {Health{Database: CheckUp, REST: CheckDown, Files: CheckUp}, "degraded", 200},
		"no Storage":  {Health{Database: CheckUp, REST: CheckUp, Files: CheckDown}, "degraded", 200},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(o *Options) { o.Health = func(context.Context) Health { return tc.health } })
			for _, path := range []string{"/health", "/api/public/health", "/api/v1/public/health"} {
				r := w.send(t, "GET", path, "")
				checks, _ := r.json["checks"].(map[string]any)
				shown := 6
				for name, check := range map[string]Check{"supabase_rest": tc.health.REST, "supabase_storage": tc.health.Files} {
					if check == CheckOff {
						continue
					}
					if shown++; checks[name] != (check == CheckUp) {
						t.Errorf("%s: %s", path, r.body)
					}
				}
				if r.status != tc.code || r.json["status"] != tc.status || r.json["version"] != "1.2.3" || len(checks) != shown || checks["database"] != (tc.health.Database != CheckDown) {
					t.Errorf("%s: %d %s", path, r.status, r.body)
				}
			}
			if r := w.send(t, "GET", "/readyz", ""); (r.status == 200) != (tc.health.Database != CheckDown) {
				t.Errorf("readyz: %d", r.status)
			}
			if r := w.send(t, "GET", "/livez", ""); r.status != 200 {
				t.Errorf("livez: %d", r.status)
			}
		})
	}
}

func TestPublicRoutes(t *testing.T) {
	w := newWorld(t, nil)
	if r := w.send(t, "GET", "/", ""); r.json["version"] != "1.2.3" || r.json["links"] == nil {
		t.Errorf("/: %s", r.body)
	}
	if r := w.send(t, "GET", "/api/public/docs", ""); r.status != 302 || r.header.Get("Location") != "/docs" {
		t.Errorf("docs: %d %v", r.status, r.header)
	}
	for _, path := range []string{"/livez", "/readyz", "/health"} {
		if r := w.send(t, "HEAD", path, ""); r.status != 200 {
			t.Errorf("HEAD %s: %d", path, r.status)
		}
	}
	if r := w.send(t, "GET", "/api/public/status", ""); r.json["features"].(map[string]any)["app_api"] != true {
		t.Errorf("status: %s", r.body)
	}
	if r := w.send(t, "GET", "/api/public/info", ""); !slices.Contains(r.json["features"].([]any), any("mcp_api")) {
		t.Errorf("info: %s", r.body)
	}
	if r := w.send(t, "GET", "/.well-known/oauth-protected-resource/mcp", ""); r.json["resource"] != "http://gw.test/mcp" {
		t.Errorf("metadata: %s", r.body)
	}
}

func TestTiersOff(t *testing.T) {
	all := map[string]string{"/api/public/health": "public", "/api/app/workflows": "app", "/api/v1/app/workflows": "app",
		"/api/mcp/tools": "mcp", "/api/mcp/health": "mcp", "/mcp": "mcp"}
	for off, change := range map[string]func(*Options){
		"public": func(o *Options) { o.PublicOff = true }, "app": func(o *Options) { o.AppOff = true }, "mcp": func(o *Options) { o.MCPOff = true }} {
		w := newWorld(t, func(o *Options) {
			o.MCP = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
			change(o)
		})
		for path, tier := range all {
			if r := w.send(t, "GET", path, ""); (r.status == 404) != (tier == off) {
				t.Errorf("%s off: %s answers %d", off, path, r.status)
			}
		}
	}
}

func TestRouterErrorsAreJSON(t *testing.T) {
	w := newWorld(t, nil)
	for _, tc := range []struct {
		method, path, body, kind string
		status                   int
		code                     string
	}{
		{"GET", "/nope", "", "", 404, "not_found"},
		{"GET", "/webhooks/nope", "", "", 404, "not_found"},
		{"DELETE", "/api/public/health", "", "", 405, "method_not_allowed"},
		{"POST", "/api/app/workflows", "x=1", "application/x-www-form-urlencoded", 415, "unsupported_media_type"},
		{"POST", "/api/app/workflows", "{", "application/json", 400, "invalid_argument"},
		{"POST", "/api/app/workflows", "[]", "application/json", 400, "invalid_argument"},
	} {
		r := w.app(t, tc.method, tc.path, tc.body, "Content-Type", tc.kind, "X-Request-Id", "my-id")
		if r.status != tc.status || r.json["error"] != tc.code || r.json["request_id"] != "my-id" || r.json["message"] == "" {
			t.Errorf("%s %s: %d %s", tc.method, tc.path, r.status, r.body)
		}
		if tc.status == 405 && r.header.Get("Allow") == "" {
			t.Errorf("405 without Allow")
		}
	}
}

func TestCORS(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.CORS = CORS{Origins: []string{"https://app.test"}, Credentials: true} })
	r := w.send(t, "OPTIONS", "/api/app/workflows", "", "Origin", "https://app.test", "Access-Control-Request-Method", "POST")
	if r.status != 204 || r.header.Get("Access-Control-Allow-Origin") != "https://app.test" || r.header.Get("Access-Control-Allow-Credentials") != "true" {
		t.Errorf("preflight: %d %v", r.status, r.header)
	}
	r = w.send(t, "OPTIONS", "/api/app/workflows", "", "Origin", "https://evil.test", "Access-Control-Request-Method", "POST")
	if r.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("a foreign origin is allowed: %v", r.header)
	}
	if _, err := New(Options{Service: w.Service, Authenticator: w.Authenticator, CORS: CORS{Origins: []string{"*"}, Credentials: true}}); err == nil {
		t.Error("* with credentials was accepted")
	}
}

func TestPanicIsA500WithoutInsides(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Health = func(context.Context) Health { panic("secret detail") } })
	r := w.send(t, "GET", "/health", "")
	if r.status != 500 || r.json["error"] != "internal_server_error" || r.json["path"] != "/health" || contains(r.body, "secret") {
		t.Errorf("%d %s", r.status, r.body)
	}
	if !contains(w.logs.String(), "secret detail") {
		t.Error("the cause is not in the log")
	}
}
