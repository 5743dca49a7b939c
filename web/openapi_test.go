package web

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// undocumented are routes that the API's description has no words for: other
// protocols, pages, other people's addresses, and aliases.
var undocumented = regexp.MustCompile(`^(/mcp|/webhook.*|/form.*|/docs.*|/redoc|/openapi\.json|/api/v1/.*|/auth/.*|/\.well-known/.*|/api/public/metrics|/metrics|/console.*)$`)

func document(t *testing.T, w *world) map[string]map[string]map[string]any {
	t.Helper()
	r := w.send(t, "GET", "/openapi.json", "")
	var d struct {
		OpenAPI string
		Paths   map[string]map[string]map[string]any
	}
	if err := json.Unmarshal([]byte(r.body), &d); err != nil || d.OpenAPI != "3.1.0" {
		t.Fatalf("%d, %v, %.200s", r.status, err, r.body)
	}
	return d.Paths
}

func TestOpenAPIRoutesAreAllThere(t *testing.T) {
	w := newWorld(t, nil)
	paths := document(t, w)
	param := regexp.MustCompile(`:([a-z_]+)`)
	for _, r := range w.echo.Routes() {
		path := param.ReplaceAllString(r.Path, "{$1}")
		if undocumented.MatchString(path) || strings.HasPrefix(r.Method, "echo_") || r.Method == "HEAD" && paths[path]["get"] != nil {
			continue
		}
		if paths[path][strings.ToLower(r.Method)] == nil {
			t.Errorf("%s %s is not described", r.Method, path)
		}
	}
}

func TestOpenAPIOperations(t *testing.T) {
	paths := document(t, newWorld(t, nil))
	ids := map[string]string{}
	for path, methods := range paths {
		for method, op := range methods {
			id, _ := op["operationId"].(string)
			if id == "" || ids[id] != "" {
				t.Errorf("%s %s: operationId %q is missing or that of %s", method, path, id, ids[id])
			}
			ids[id] = path
			if op["summary"] == "" || op["description"] == "" || len(op["tags"].([]any)) != 1 {
				t.Errorf("%s has no words", id)
			}
			responses, _ := op["responses"].(map[string]any)
			if responses["429"] == nil && method != "head" && path != "/livez" {
				t.Errorf("%s: limits are not described", id)
			}
			for _, name := range pathParameter.FindAllStringSubmatch(path, -1) {
				params, _ := op["parameters"].([]any)
				if !slices.ContainsFunc(params, func(p any) bool {
					m, _ := p.(map[string]any)
					return m["name"] == name[1] && m["in"] == "path" && m["required"] == true
				}) {
					t.Errorf("%s: %s is not described", id, name[1])
				}
			}
		}
	}
}

func TestOpenAPIOfSwitchedOffTiers(t *testing.T) {
	paths := document(t, newWorld(t, func(o *Options) { o.AppOff, o.MCPOff = true, true }))
	for path := range paths {
		if strings.HasPrefix(path, "/api/app") || strings.HasPrefix(path, "/api/mcp") {
			t.Errorf("%s is described, and off", path)
		}
	}
}

func TestDocumentationPages(t *testing.T) {
	w := newWorld(t, nil)
	outside := regexp.MustCompile(`(src|href)="(https?:)?//`)
	for _, page := range []string{"/docs", "/redoc"} {
		r := w.send(t, "GET", page, "")
		if r.status != 200 || outside.MatchString(r.body) || !contains(r.header.Get("Content-Security-Policy"), "script-src 'self';") {
			t.Errorf("%s: %d %v", page, r.status, r.header)
		}
		for _, m := range regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllStringSubmatch(r.body, -1) {
			plain := w.send(t, "GET", m[1], "", "Accept-Encoding", "identity")
			packed := w.send(t, "GET", m[1], "", "Accept-Encoding", "gzip")
			if plain.status != 200 || packed.status != 200 || len(plain.body) < 100 || plain.header.Get("Content-Encoding") != "" {
				t.Errorf("%s: %d, %d, %d bytes", m[1], plain.status, packed.status, len(plain.body))
			}
		}
	}
	if r := w.send(t, "GET", "/api/public/docs", ""); r.status != 302 || r.header.Get("Location") != "/docs" {
		t.Errorf("%d %s", r.status, r.header.Get("Location"))
	}
	if r := w.send(t, "GET", "/docs/assets/..%2f..%2fserver.go", ""); r.status != 404 {
		t.Errorf("outside of the folder: %d", r.status)
	}
	tag := w.send(t, "GET", "/openapi.json", "").header.Get("ETag")
	if r := w.send(t, "GET", "/openapi.json", "", "If-None-Match", tag); tag == "" || r.status != 304 {
		t.Errorf("unchanged: %d %q", r.status, tag)
	}
}
