package app_test

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"flowgate/internal/service"
	"flowgate/store"
	"flowgate/store/sqlite"
)

// scenario is what becomes of requests to one route. Bodies and addresses may
// hold {names} of fixtures.
type scenario struct {
	query, body string // of a request that succeeds
	status      int    // then; the route's own when 0

	badQuery, badBody string // of one that does not; none: the route takes nothing
	field             string // what the refusal names

	// absent is the status for another's things, and nobody's; 404 when 0.
	absent int

	// raced is the status of those of several equal requests at once that come
	// too late, while exactly one succeeds; 0: all succeed, since they ask, or
	// do the same thing, or each its own.
	raced int
	// orAll: how many of them come too late is chance.
	orAll bool
}

const (
	documents = `{"name":"new","nodes":[{"id":"1","name":"Start","type":"n8n-nodes-base.manualTrigger","typeVersion":1,"position":[0,0],"parameters":{}}],"connections":{}}`
)

// scenarios has every route of the table: a new one without data fails.
func scenarios() map[string]scenario {
	badLimit := scenario{badQuery: "limit=many", field: "limit"}
	gone := scenario{badQuery: "force=1", field: "force", raced: http.StatusNotFound}
	stream := scenario{badQuery: "after=x", field: "after"}
	return map[string]scenario{
		"GET /workflows":                                           {query: "query=a&limit=2", badQuery: "limit=many", field: "limit"},
		"GET /workflows/{workflow_id}":                             {badQuery: "depth=1", field: "depth"},
		"POST /workflows":                                          {body: documents, badBody: `{"name":7,"nodes":[],"connections":{}}`, field: "name"},
		"PUT /workflows/{workflow_id}":                             {body: `{"name":"renamed","version":1}`, badBody: `{"nodes":{}}`, field: "nodes", raced: http.StatusConflict},
		"GET /workflows/{workflow_id}/versions":                    badLimit,
		"GET /workflows/{workflow_id}/versions/{version}":          {badQuery: "depth=1", field: "depth"},
		"POST /workflows/{workflow_id}/versions/{version}/restore": {badBody: `{"reason":"x"}`, field: "reason", raced: http.StatusConflict, orAll: true},
		"POST /workflows/{workflow_id}/validate":                   {body: `{}`, badBody: `{"nodes":1}`, field: "nodes"},
		"POST /workflows/validate":                                 {body: documents, badBody: `{"nodes":1}`, field: "nodes"},
		"POST /workflows/{workflow_id}/activate":                   {badBody: `{"now":1}`, field: "now"},
		"POST /workflows/{workflow_id}/deactivate":                 {badBody: `{"now":1}`, field: "now"},
		"POST /workflows/{workflow_id}/test-webhook":               {badBody: `{"now":1}`, field: "now"},
		"DELETE /workflows/{workflow_id}":                          gone,
		"POST /workflows/{workflow_id}/execute":                    {query: "wait=0", body: `{"inputs":{}}`, badBody: `{"inputs":[]}`, field: "inputs"},
		"GET /workflows/{workflow_id}/history":                     {badQuery: "status=odd", field: "status", absent: http.StatusOK}, // an empty list
		"GET /executions/{execution_id}":                           {badQuery: "depth=1", field: "depth"},
		"GET /executions":                                          {query: "workflow_id={workflow_id}", badQuery: "status=odd", field: "status"},
		"GET /executions/{execution_id}/logs":                      badLimit,
		"POST /executions/{waiting_id}/cancel":                     {badBody: `{"now":1}`, field: "now", raced: http.StatusConflict, orAll: true},
		"POST /executions/{waiting_id}/resume":                     {body: `{"response":{"ok":true}}`, badBody: `{"response":[]}`, field: "response", raced: http.StatusConflict},
		"POST /executions/{failed_id}/retry":                       {badBody: `{"now":1}`, field: "now"},
		"GET /executions/{file_execution_id}/files":                {query: "node=Write", badQuery: "node=Write&item=x", field: "item"},
		"HEAD /executions/{file_execution_id}/files":               {query: "node=Write", badQuery: "node=Write&item=x"},
		"GET /executions/{execution_id}/logs/stream":               stream,
		"POST /executions/{execution_id}/ticket":                   {badQuery: "now=1", field: "now"},
		"GET /node-types":                                          {query: "query=set", badQuery: "limit=x", field: "limit"},
		"GET /node-types/{type}":                                   {badQuery: "depth=1", field: "depth"},
		"POST /node-types/details":                                 {body: `{"nodes":[{"type":"n8n-nodes-base.set"}]}`, badBody: `{"nodes":"all"}`, field: "nodes"},
		"POST /expressions/preview":                                {body: `{"expression":"={{ 1 + 1 }}"}`, badBody: `{"expression":7}`, field: "expression"},
		"POST /sessions":                                           {body: `{"action":"create"}`, badBody: `{"action":"destroy"}`, field: "action"},
		"GET /sessions/{session_id}":                               {badQuery: "depth=1", field: "depth"},
		"GET /auth/sessions":                                       badLimit,
		"GET /sessions":                                            badLimit,
		"PUT /sessions/{session_id}":                               {body: `{"title":"t"}`, badBody: `{"status":"odd"}`, field: "status"},
		"DELETE /sessions/{session_id}":                            gone,
		"POST /chat/stream":                                        {body: `{"session_id":"{session_id}","message":"every morning at 8 send a mail to a@b.test"}`, badBody: `{"session_id":"{session_id}"}`, field: "message", raced: http.StatusConflict, orAll: true},
		"GET /chat/{session_id}/stream":                            stream,
		"POST /chat/{session_id}/ticket":                           {badQuery: "now=1", field: "now"},
		"GET /chat/{session_id}/messages":                          badLimit,
		"GET /credentials":                                         badLimit,
		"GET /credential-types":                                    {badQuery: "depth=1", field: "depth"},
		"POST /credentials":                                        {body: `{"name":"{unique}","type":"httpHeaderAuth","values":{"name":"X","value":"v"}}`, badBody: `{"name":"c","type":"httpHeaderAuth","values":7}`, field: "values", raced: http.StatusConflict},
		"PUT /credentials/{credential_id}":                         {body: `{"name":"{unique}"}`, badBody: `{"values":7}`, field: "values"},
		"DELETE /credentials/{credential_id}":                      gone,
		"POST /credentials/{credential_id}/test":                   {badBody: `{"now":1}`, field: "now"},
		"GET /api-keys":                                            badLimit,
		"POST /api-keys":                                           {body: `{"client_name":"c","scopes":["workflows:read"]}`, badBody: `{"client_name":"c","scopes":["everything"]}`, field: "scopes"},
		"POST /api-keys/{key_id}/rotate":                           {body: `{"overlap":"1h"}`, badBody: `{"overlap":7}`, field: "overlap"},
		"DELETE /api-keys/{key_id}":                                {badQuery: "force=1", field: "force"},
		"GET /oauth-grants":                                        badLimit,
		"PUT /oauth-grants/{client_id}":                            {body: `{"scopes":["workflows:read"]}`, badBody: `{"scopes":7}`, field: "scopes"},
		"DELETE /oauth-grants/{client_id}":                         {badQuery: "force=1", field: "force"},
		"POST /files":                                              {query: "name=a.txt", body: "content", badQuery: "nonsense=1", badBody: "content", field: "nonsense"},
		"GET /files":                                               badLimit,
		"GET /files/{file_id}":                                     {badQuery: "depth=1", field: "depth"},
		"HEAD /files/{file_id}":                                    {badQuery: "depth=1"},
		"DELETE /files/{file_id}":                                  gone,
		"GET /admin/health":                                        {badQuery: "depth=1", field: "depth"},
		"GET /admin/limits":                                        {badQuery: "depth=1", field: "depth"},
		"GET /admin/errors":                                        badLimit,
		"GET /audit":                                               {badQuery: "since=yesterday", field: "since"},
	}
}

// scene is a server with two people, and what the first of them has.
type scene struct {
	*person
	other *person
	store *sqlite.Store
	owner string
}

// TestScenarios tries every route of the table, with data: a good request, bad
// input, another's and nobody's things, a lost race, too much, nobody, and a
// tier that is off.
func TestScenarios(t *testing.T) {
	t.Parallel()
	srv := startServerEnv(t, t.TempDir(), []string{"LOG_LEVEL=error", "MAX_BODY_BYTES=65536", "FILE_MAX_BYTES=65536"})
	off := startServerEnv(t, t.TempDir(), []string{"LOG_LEVEL=error", "APP_API_ENABLED=false"})
	w := &scene{person: srv.personNamed(t, "operator@b.test"), other: srv.personNamed(t, "other@b.test")}
	flowgateJSON(t, &struct{}{}, "users", "promote", "operator@b.test", "--data-dir", srv.dataDir, "--json")
	eventually(t, time.Minute, "the role is in force", func() bool { status, _ := w.send(t, "GET", "/admin/errors", nil); return status == http.StatusOK })
	var err error
	if w.store, err = sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(srv.dataDir, sqlite.FileName)}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.store.Close() })
	u, err := w.store.UserByEmail(t.Context(), "operator@b.test")
	if err != nil {
		t.Fatal(err)
	}
	w.owner = u.ID
	table, err := service.New(service.Options{})
	if err != nil {
		t.Fatal(err)
	}
	data, routes := scenarios(), 0
	for _, c := range table.Capabilities() {
		for _, r := range c.Routes {
			routes++
			name, path := r.Method+" "+r.Path, r.Path
			s, ok := data[name]
			for _, special := range []string{"waiting_id", "failed_id", "file_execution_id"} { // executions in a state that the route asks for
				if other, there := data[strings.Replace(name, "{execution_id}", "{"+special+"}", 1)]; !ok && there {
					s, ok, path = other, true, strings.Replace(r.Path, "{execution_id}", "{"+special+"}", 1)
				}
			}
			if !ok {
				t.Errorf("%s has no scenarios", name)
				continue
			}
			if s.status == 0 {
				s.status = r.Status
			}
			t.Run(name, func(t *testing.T) { w.play(t, off, c, r.Method, path, s) })
		}
	}
	if routes != len(data) {
		t.Errorf("%d routes, and scenarios of %d", routes, len(data))
	}
}

func (w *scene) play(t *testing.T, off *serverProcess, c *service.Capability, method, path string, s scenario) {
	named := pathNames.MatchString(path)
	things := w.things(t)
	if status, body := w.ask(t, w.person, things, method, path, s.query, s.body); status != s.status {
		t.Errorf("good: %d instead of %d %s", status, s.status, body)
	}
	things = w.things(t)
	if status, body := w.ask(t, w.person, things, method, path, s.badQuery, s.badBody); status != http.StatusBadRequest || method != "HEAD" && !strings.Contains(body, s.field) {
		t.Errorf("bad: %d %s, expected the field %s", status, body, s.field)
	}
	if named && !public(path) {
		mine, theirs := w.ask(t, w.other, things, method, path, s.query, s.body)
		none, absent := w.ask(t, w.other, nil, method, path, s.query, s.body)
		if expected := cmp.Or(s.absent, http.StatusNotFound); mine != expected || none != expected || reasons(theirs, things) != reasons(absent, nil) {
			t.Errorf("another's: %d %s, nobody's: %d %s", mine, theirs, none, absent)
		}
	}
	if c.Admin {
		if status, body := w.ask(t, w.other, things, method, path, s.query, s.body); status != http.StatusForbidden {
			t.Errorf("by another: %d %s", status, body)
		}
	}
	if method == http.MethodPost || method == http.MethodPut {
		large := `{"a":"` + strings.Repeat("x", 200<<10) + `"}` // a form may add something to a file
		if status, body := w.ask(t, w.person, things, method, path, s.query, large); status != http.StatusRequestEntityTooLarge {
			t.Errorf("too large: %d %s", status, body)
		}
	}
	if status, body := w.ask(t, &person{w.srv, "nobody"}, things, method, path, s.query, s.body); status != http.StatusUnauthorized {
		t.Errorf("nobody: %d %s", status, body)
	}
	if status, body := w.ask(t, &person{off, w.token}, things, method, path, s.query, s.body); status != http.StatusNotFound {
		t.Errorf("a tier that is off: %d %s", status, body)
	}
	w.race(t, method, path, s)
}

// race sends four equal requests at once.
func (w *scene) race(t *testing.T, method, path string, s scenario) {
	things := w.things(t)
	statuses := make([]int, 4)
	var all sync.WaitGroup
	for i := range statuses {
		all.Go(func() { statuses[i], _ = w.ask(t, w.person, things, method, path, s.query, s.body) })
	}
	all.Wait()
	slices.Sort(statuses)
	if s.orAll {
		statuses = slices.Compact(statuses)
		if statuses[0] != s.status || len(statuses) > 2 || len(statuses) == 2 && statuses[1] != s.raced {
			t.Errorf("at once: %v", statuses)
		}
		return
	}
	expected := []int{s.status, s.status, s.status, s.status}
	if s.raced != 0 {
		expected = []int{s.status, s.raced, s.raced, s.raced}
	}
	if !slices.Equal(statuses, expected) {
		t.Errorf("at once: %v instead of %v", statuses, expected)
	}
}

var pathNames = regexp.MustCompile(`\{([a-z_]+)\}`)

// public paths name what is everybody's.
func public(path string) bool { return strings.HasPrefix(path, "/node-types") }

// reasons is an answer without what must differ.
func reasons(body string, things map[string]string) string {
	ids := slices.SortedFunc(maps.Values(things), func(a, b string) int { return len(b) - len(a) })
	for _, id := range ids { // the longest first, since one may be in another
		if len(id) > 8 {
			body = strings.ReplaceAll(body, id, "ID")
		}
	}
	body = strings.ReplaceAll(body, nobodys, "ID")
	return regexp.MustCompile(`"request_id":"[^"]*"`).ReplaceAllString(body, "")
}

const nobodys = "01990000-0000-7000-8000-00000000ffff"

// ask sends a request with the names filled in; of streams it reads the
// beginning.
func (w *scene) ask(t *testing.T, who *person, things map[string]string, method, path, query, body string) (int, string) {
	fill := func(text string) string {
		return pathNames.ReplaceAllStringFunc(text, func(name string) string {
			switch id := things[strings.Trim(name, "{}")]; {
			case id != "":
				return id
			case name == "{version}":
				return "1"
			case name == "{type}":
				return "n8n-nodes-base.set"
			}
			return nobodys
		})
	}
	address := who.srv.url + "/api/app" + fill(path)
	if query != "" {
		address += "?" + fill(query)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, address, bytes.NewReader([]byte(fill(body))))
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	req.Header.Set("Authorization", "Bearer "+who.token)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if path == "/files" && method == http.MethodPost {
		req.Header.Set("Content-Type", "text/plain")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusOK && (strings.HasSuffix(path, "/execute") || strings.HasSuffix(path, "/retry")) {
		return http.StatusAccepted, "" // it had ended before it was looked at
	}
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		return resp.StatusCode, ""
	}
	data, _ := io.ReadAll(io.LimitReader(resp.Body, 4096))
	return resp.StatusCode, string(data)
}

// things are new ones of the first person's, by the names in paths.
func (w *scene) things(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{"version": "1", "unique": fmt.Sprint("u", time.Now().UnixNano()), "file_id": w.upload(t, "a.txt", "hello")}
	out["client_id"] = "client-" + out["unique"]
	made := func(name, path string, body any) {
		var v map[string]any
		w.ok(t, "POST", path, body, &v)
		if out[name], _ = v[name].(string); out[name] == "" {
			out[name], _ = v["id"].(string)
		}
	}
	out["workflow_id"] = w.save(t, hooked("s"+out["unique"], object{"path": "p" + out["unique"]}))
	run := func(name string, nodes ...object) {
		var e waitingReply
		w.ok(t, "POST", "/workflows/"+w.save(t, line(name, nil, nodes...))+"/execute?wait=20", object{}, &e)
		out[name] = e.ExecutionID
	}
	run("execution_id", manual())
	run("waiting_id", manual(), object{"name": "Wait", "type": "n8n-nodes-base.wait", "typeVersion": 1.1, "parameters": object{"resume": "webhook"}})
	run("failed_id", manual(), object{"name": "Stop", "type": "n8n-nodes-base.stopAndError", "parameters": object{"errorMessage": "no"}})
	run("file_execution_id", manual(), object{"name": "Write", "type": "n8n-nodes-base.convertToFile", "typeVersion": 1.1, "parameters": object{"operation": "csv"}})
	made("session_id", "/sessions", object{"action": "create"})
	made("credential_id", "/credentials", object{"name": "of " + out["unique"], "type": "httpHeaderAuth", "values": object{"name": "X", "value": "v"}})
	made("key_id", "/api-keys", object{"client_name": "x", "scopes": []string{"workflows:read"}})
	at := time.Now().UTC()
	if _, err := w.store.EnsureGrant(t.Context(), &store.Grant{UserID: w.owner, ClientID: out["client_id"], Scopes: []string{"tools:read"}, CreatedAt: at, UpdatedAt: at}); err != nil {
		t.Fatal(err)
	}
	return out
}
