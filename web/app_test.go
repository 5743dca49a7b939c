package web

import (
	"strings"
	"testing"
)

func contains(text, part string) bool { return strings.Contains(text, part) }

func TestWorkflowOverREST(t *testing.T) {
	w := newWorld(t, nil)
	id := w.workflow(t)
	path := "/api/app/workflows/" + id
	r := w.app(t, "GET", path, "")
	if r.status != 200 || r.header.Get("ETag") != `"1"` || !contains(r.body, `"name":"Greet <you> & me"`) || !contains(r.body, `"text":"<b>&"`) {
		t.Fatalf("get: %d %s", r.status, r.body)
	}
	whole := r.body
	if r := w.app(t, "PUT", path, strings.Replace(whole, "Greet", "Welcome", 1)); r.status != 200 || r.json["version"] != 2.0 || r.header.Get("ETag") != `"2"` {
		t.Errorf("put of what was read: %d %s", r.status, r.body)
	}
	if r := w.app(t, "PUT", path, `{"name":"late"}`, "If-Match", `"1"`); r.status != 409 || r.json["error"] != "conflict" {
		t.Errorf("lost race: %d %s", r.status, r.body)
	}
	if r := w.app(t, "PUT", path, `{"name":"in time"}`, "If-Match", `W/"2"`); r.status != 200 {
		t.Errorf("won race: %d %s", r.status, r.body)
	}
	if r := w.app(t, "PUT", path, `{"name":"x"}`, "If-Match", `abc`); r.status != 400 {
		t.Errorf("bad tag: %d %s", r.status, r.body)
	}
	if r := w.app(t, "PUT", path, `{"workflow_id":"other","name":"path wins"}`); r.json["workflow_id"] != id {
		t.Errorf("the body's id won: %s", r.body)
	}
	if r := w.app(t, "PUT", path, `{"nonsense":1}`); r.status != 400 || !contains(r.body, `"field":"nonsense"`) {
		t.Errorf("unknown field: %d %s", r.status, r.body)
	}
	if r := w.send(t, "GET", path, "", "Authorization", "Bearer "+w.user(t, "other", 3600e9)); r.status != 404 {
		t.Errorf("another user: %d %s", r.status, r.body)
	}
	if r := w.app(t, "DELETE", "/api/v1/app/workflows/"+id, ""); r.status != 200 || r.json["deleted"] != true {
		t.Errorf("delete by the alias: %d %s", r.status, r.body)
	}
}

func TestEscapesAreUndoneInStringsOnly(t *testing.T) {
	for in, want := range map[string]string{`"\u003cb\u003e\u0026"`: `"<b>&"`, `"\\u003c"`: `"\\u003c"`, `"\\\u003c"`: `"\\<"`, `"\u003d\n\""`: `"\u003d\n\""`, `"\`: `"\`} {
		if got := string(unescapeHTML([]byte(in))); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func TestQueriesAreReadByType(t *testing.T) {
	w := newWorld(t, nil)
	w.workflow(t)
	for query, want := range map[string]string{
		"?limit=1&active=false&tags=a":    `"total":1`,
		"?tags=a,b":                       `"total":0`,
		"?tags=a&tags=b":                  `"total":0`,
		"?query=greet":                    `"total":1`,
		"?limit=abc":                      "limit: expected integer, got string",
		"?limit=1&limit=2":                "limit: is given 2 times",
		"?active=maybe":                   "active: expected boolean, got string",
		"?limit=500":                      "limit: must be at most 200",
		"?nope=1":                         "nope: is not an argument",
		"?query=12":                       `"total":0`, // text stays text
		"?query=%7B%22a%22%3A1%7D&tags=a": `"total":0`,
	} {
		if r := w.app(t, "GET", "/api/app/workflows"+query, ""); !contains(r.body, want) {
			t.Errorf("%s: %d %s", query, r.status, r.body)
		}
	}
}

func TestExecuteOverREST(t *testing.T) {
	w := newWorld(t, nil)
	path := "/api/app/workflows/" + w.workflow(t) + "/execute"
	r := w.app(t, "POST", path, `{"inputs":{}}`, "Idempotency-Key", "once")
	id, _ := r.json["execution_id"].(string)
	if r.status != 202 || r.json["status"] != "queued" || r.header.Get("Location") != "/api/app/executions/"+id {
		t.Fatalf("execute: %d %v %s", r.status, r.header, r.body)
	}
	if again := w.app(t, "POST", path, `{}`, "Idempotency-Key", "once"); again.json["execution_id"] != id {
		t.Errorf("repeated: %s", again.body)
	}
	if r := w.app(t, "POST", path+"?wait=5", ""); r.status != 200 || r.json["status"] != "success" {
		t.Errorf("waited for: %d %s", r.status, r.body)
	}
	if r := w.app(t, "POST", path+"?wait=500", ""); r.status != 400 || !contains(r.body, "must be at most 55") {
		t.Errorf("too long: %d %s", r.status, r.body)
	}
	if r := w.app(t, "GET", r.header.Get("Location"), ""); r.status != 200 {
		t.Errorf("Location: %d %s", r.status, r.body)
	}
	if r := w.app(t, "GET", strings.TrimSuffix(path, "/execute")+"/history", ""); r.status != 200 || r.json["total_count"] != 2.0 {
		t.Errorf("history: %d %s", r.status, r.body)
	}
}

func TestEscapedPaths(t *testing.T) {
	w := newWorld(t, nil)
	if r := w.app(t, "GET", "/api/app/workflows/a%2Fb%20c", ""); r.status != 404 || !contains(r.body, `a/b c`) {
		t.Errorf("%d %s", r.status, r.body)
	}
}

func TestNoSecretsInTheLog(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.AllowQueryKey = true })
	key := w.key(t, "tools:read")
	if r := w.send(t, "GET", "/api/mcp/tools?api_key="+key, ""); r.status != 200 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	w.send(t, "GET", "/webhook/very-secret-path?x=also-secret", "")
	w.app(t, "GET", "/api/app/auth/profile", "")
	logs := w.logs.String()
	for _, secret := range []string{key, w.token, "very-secret-path", "also-secret"} {
		if contains(logs, secret) {
			t.Errorf("%s is in the log:\n%s", secret, logs)
		}
	}
	if !contains(logs, "subject="+owner) || !contains(logs, "status=404") {
		t.Errorf("the log lacks its facts:\n%s", logs)
	}
}

func TestProfile(t *testing.T) {
	w := newWorld(t, nil)
	if r := w.app(t, "GET", "/api/app/auth/profile", ""); r.json["sub"] != owner || r.json["id"] != owner || r.json["email"] != "a@b.test" {
		t.Errorf("%s", r.body)
	}
}
