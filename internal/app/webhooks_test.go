package app_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"flowgate/internal/app"
	"flowgate/internal/config"
)

const (
	webhookCases = "testdata/webhooks.json"
	webhookFloor = "testdata/webhooks_floor.json"
	// recordedURL is where the recorded calls were sent.
	recordedURL = "http://127.0.0.1:5678"
)

// webhookExchange is a recorded call with its answer.
type webhookExchange struct {
	Request struct {
		Method, Path, Body string
		Headers            map[string]string
	}
	Response struct {
		Status  int
		Headers map[string]string
		Body    string
	}
}

type webhookCase struct {
	Name      string
	Workflow  map[string]any
	Exchanges []webhookExchange
}

// TestRecordedWebhooks sends every recorded call to the server and compares
// the answers. A case on the floor must pass; the floor may only rise.
func TestRecordedWebhooks(t *testing.T) {
	t.Parallel()
	var recorded struct{ Cases []webhookCase }
	readJSON(t, webhookCases, &recorded)
	srv := startServer(t, t.TempDir(), "--config", configFile(t, "public_url: "+recordedURL+"\n"))
	person := srv.person(t)
	person.ok(t, "POST", "/credentials", object{"name": "hdr", "type": "httpHeaderAuth", "values": object{"name": "x-key", "value": "s3cret"}}, nil)
	var passed []string
	for _, c := range recorded.Cases {
		if diff := person.replay(t, c); diff == "" {
			passed = append(passed, c.Name)
		} else {
			t.Logf("%s: %s", c.Name, diff)
		}
	}
	slices.Sort(passed)
	t.Logf("%d of %d recorded webhooks pass: %s", len(passed), len(recorded.Cases), strings.Join(passed, " "))
	holdFloor(t, webhookFloor, passed)
}

// replay activates a case's workflow and has its calls made. It says what
// differs.
func (p *person) replay(t *testing.T, c webhookCase) string {
	t.Helper()
	var saved struct {
		WorkflowID string `json:"workflow_id"`
	}
	p.ok(t, "POST", "/workflows", c.Workflow, &saved)
	if status, body := p.send(t, "POST", "/workflows/"+saved.WorkflowID+"/activate", nil); status != http.StatusOK {
		return fmt.Sprintf("not activated: %d %s", status, body)
	}
	for _, e := range c.Exchanges {
		if diff := e.differ(p.srv.raw(t, e)); diff != "" {
			return fmt.Sprintf("%s %s: %s", e.Request.Method, e.Request.Path, diff)
		}
	}
	return ""
}

// raw makes a recorded call with exactly the headers it had.
func (s *serverProcess) raw(t *testing.T, e webhookExchange) *http.Response {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: 127.0.0.1:5678\r\nUser-Agent: scenario\r\nConnection: close\r\n", e.Request.Method, e.Request.Path)
	for name, value := range e.Request.Headers {
		fmt.Fprintf(&b, "%s: %s\r\n", name, value)
	}
	if e.Request.Body != "" || e.Request.Method == http.MethodPost {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(e.Request.Body))
	}
	b.WriteString("\r\n" + e.Request.Body)
	if _, err := conn.Write(b.Bytes()); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: e.Request.Method})
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp
}

// connectionHeaders are the server's and the connection's, not a workflow's.
var connectionHeaders = []string{"content-length", "transfer-encoding", "vary"}

// differ compares status, headers and body; of refusals and failures, whose
// words are the server's own, the status and the shape.
func (e *webhookExchange) differ(got *http.Response) string {
	body, _ := io.ReadAll(got.Body) // it was read already
	want := e.Response
	if got.StatusCode != want.Status {
		return fmt.Sprintf("status %d, want %d; body %s", got.StatusCode, want.Status, body)
	}
	var a, b any
	wantJSON, gotJSON := json.Unmarshal([]byte(want.Body), &a) == nil, json.Unmarshal(body, &b) == nil
	if want.Status >= 400 && want.Status != http.StatusTeapot { // which the workflow asks for
		if wantJSON != gotJSON || wantJSON && !reflect.DeepEqual(shape(a), shape(b)) {
			return fmt.Sprintf("body %s, want the shape of %s", body, want.Body)
		}
		return ""
	}
	if wantJSON && !reflect.DeepEqual(a, b) || !wantJSON && string(body) != want.Body {
		return fmt.Sprintf("body %s\nwant %s", body, want.Body)
	}
	for name, value := range want.Headers {
		if have := got.Header.Get(name); have != value && !slices.Contains(connectionHeaders, name) {
			return fmt.Sprintf("header %s is %q, want %q", name, have, value)
		}
	}
	return ""
}

// shape is the names of an object's fields, but for hints.
func shape(v any) map[string]bool {
	out := map[string]bool{}
	o, _ := v.(map[string]any)
	for name := range o {
		if name != "hint" {
			out[name] = true
		}
	}
	return out
}

// holdFloor fails for what passed once and does not now, and with -update
// writes what passes now.
func holdFloor(t *testing.T, path string, passed []string) {
	t.Helper()
	var floor []string
	if _, err := os.Stat(path); err == nil {
		readJSON(t, path, &floor)
	}
	for _, name := range floor {
		if !slices.Contains(passed, name) {
			t.Errorf("%s passed before and does not now", name)
		}
	}
	if len(passed) <= len(floor) || !*update {
		return
	}
	data, err := json.MarshalIndent(passed, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(data, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

func readJSON(t *testing.T, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func configFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// person is somebody signed in at a server.
type person struct {
	srv   *serverProcess
	token string
}

// person signs the local user in.
func (s *serverProcess) person(t *testing.T) *person {
	t.Helper()
	return s.personNamed(t, app.LocalEmail)
}

func (s *serverProcess) personNamed(t *testing.T, email string) *person {
	t.Helper()
	core, err := app.OpenCore(t.Context(), &config.Config{DataDir: s.dataDir, Environment: "development", EncryptionKey: strings.Repeat("0f", 31) + "00"}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = core.Close() }()
	u, err := core.User(t.Context(), email)
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := core.Issuer.UserToken(u, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return &person{s, token}
}

// send calls an App route.
func (p *person) send(t *testing.T, method, path string, body any) (int, []byte) {
	t.Helper()
	var data []byte
	if body != nil {
		var err error
		if data, err = json.Marshal(body); err != nil {
			t.Fatal(err)
		}
	}
	return p.srv.do(t, method, "/api/app"+path, data, "Authorization", "Bearer "+p.token, "Content-Type", "application/json")
}

// ok is send for what must succeed, its answer decoded into out.
func (p *person) ok(t *testing.T, method, path string, body, out any) {
	t.Helper()
	status, data := p.send(t, method, path, body)
	if status >= 300 {
		t.Fatalf("%s %s: %d %s", method, path, status, data)
	}
	if out != nil {
		if err := json.Unmarshal(data, out); err != nil {
			t.Fatalf("%s %s: %v in %s", method, path, err, data)
		}
	}
}

// do sends a request; headers are name, value pairs.
func (s *serverProcess) do(t *testing.T, method, path string, body []byte, headers ...string) (int, []byte) {
	t.Helper()
	resp := s.response(t, method, path, body, headers...)
	data, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, data
}

func (s *serverProcess) response(t *testing.T, method, path string, body []byte, headers ...string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.url+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	req.Host = req.Header.Get("Host")
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

// hooked is a workflow with a webhook of those parameters, an edit of what it
// gets, and an answer with the last node's items.
func hooked(name string, parameters object) object {
	if parameters["responseMode"] == nil {
		parameters["responseMode"] = "lastNode"
	}
	return object{"name": name, "nodes": []object{
		{"name": "Hook", "type": "n8n-nodes-base.webhook", "typeVersion": 2, "webhookId": "hook-" + name, "position": []int{0, 0}, "parameters": parameters},
		{"name": "Pass", "type": "n8n-nodes-base.noOp", "typeVersion": 1, "position": []int{200, 0}, "parameters": object{}},
	}, "connections": object{"Hook": object{"main": [][]object{{{"node": "Pass", "type": "main", "index": 0}}}}}}
}

// save stores a workflow and returns its id.
func (p *person) save(t *testing.T, doc object) string {
	t.Helper()
	var saved struct {
		WorkflowID string `json:"workflow_id"`
	}
	p.ok(t, "POST", "/workflows", doc, &saved)
	return saved.WorkflowID
}

type armed struct {
	ExpiresAt time.Time `json:"expires_at"`
	Triggers  []struct {
		Methods []string
		URL     string
	}
}

// TestTestWebhook arms a workflow that is not active and has it take one call.
func TestTestWebhook(t *testing.T) {
	t.Parallel()
	srv := startServer(t, t.TempDir())
	p := srv.person(t)
	id := p.save(t, hooked("try", object{"path": "try/:id", "httpMethod": "POST", "options": object{}}))
	path := "/webhook-test/hook-try/try/7?q=1"
	status, _ := srv.do(t, "POST", path, nil)
	if status != http.StatusNotFound {
		t.Fatalf("not armed, and it answers %d", status)
	}
	var a armed
	p.ok(t, "POST", "/workflows/"+id+"/test-webhook", nil, &a)
	if d := time.Until(a.ExpiresAt); d < 110*time.Second || d > 2*time.Minute || len(a.Triggers) != 1 || a.Triggers[0].URL != srv.url+"/webhook-test/hook-try/try/:id" {
		t.Errorf("armed %+v", a)
	}
	if status, body := srv.do(t, "GET", path, nil); status != http.StatusNotFound || !strings.Contains(string(body), "POST") {
		t.Errorf("GET: %d %s", status, body)
	}
	if r := srv.response(t, "OPTIONS", path, nil, "Origin", "https://a.test", "Access-Control-Request-Method", "POST"); r.StatusCode != 204 || r.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("preflight: %d %v", r.StatusCode, r.Header)
	}
	status, body := srv.do(t, "POST", path, []byte(`{"x":1}`), "Content-Type", "application/json")
	var item struct {
		Params        map[string]string
		Query, Body   map[string]any
		WebhookURL    string `json:"webhookUrl"`
		ExecutionMode string `json:"executionMode"`
	}
	if err := json.Unmarshal(body, &item); err != nil || status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	if item.Params["id"] != "7" || item.Query["q"] != "1" || item.Body["x"] != 1.0 || item.ExecutionMode != "test" || item.WebhookURL != srv.url+"/webhook-test/hook-try/try/7" {
		t.Errorf("item %s", body)
	}
	if status, body := srv.do(t, "POST", path, nil); status != http.StatusNotFound || !strings.Contains(string(body), "test-webhook") {
		t.Errorf("a second call: %d %s", status, body)
	}
	var list struct {
		Executions []struct{ Mode, Status string }
	}
	p.ok(t, "GET", "/workflows/"+id+"/history", nil, &list)
	if len(list.Executions) != 1 || list.Executions[0].Mode != "manual" || list.Executions[0].Status != "success" {
		t.Errorf("executions %+v", list)
	}
	if status, _ := srv.do(t, "POST", "/webhook/hook-try/try/7", nil); status != http.StatusNotFound {
		t.Errorf("production answers %d", status)
	}
}

// TestTestWebhookInAnotherProcess has a call answered by a process that did
// not arm it; of many calls at once one is the test. What the webhook refuses
// leaves it armed.
func TestTestWebhookInAnotherProcess(t *testing.T) {
	t.Parallel()
	first := startServer(t, t.TempDir())
	second := startServer(t, first.dataDir)
	p := first.person(t)
	p.ok(t, "POST", "/credentials", object{"name": "door", "type": "httpBasicAuth", "values": object{"user": "ada", "password": "pässword"}}, nil)
	doc := hooked("shared", object{"path": "shared", "httpMethod": "GET", "authentication": "basicAuth", "responseMode": "onReceived", "options": object{}})
	doc["nodes"].([]object)[0]["credentials"] = object{"httpBasicAuth": object{"id": "elsewhere", "name": "door"}}
	p.ok(t, "POST", "/workflows/"+p.save(t, doc)+"/test-webhook", nil, nil)
	if status, _ := second.do(t, "GET", "/webhook-test/shared", nil); status != http.StatusUnauthorized {
		t.Errorf("without a password: %d", status)
	}
	if status, _ := second.do(t, "GET", "/webhook-test/shared", nil, "Authorization", "Basic YWRhOndyb25n"); status != http.StatusForbidden {
		t.Errorf("with a wrong password: %d", status)
	}
	results := make(chan int, 6)
	for i := range cap(results) {
		srv := []*serverProcess{first, second}[i%2]
		go func() {
			req, err := http.NewRequestWithContext(t.Context(), "GET", srv.url+"/webhook-test/shared", nil)
			if err != nil {
				results <- 0
				return
			}
			req.SetBasicAuth("ada", "pässword")
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				results <- 0
				return
			}
			_ = resp.Body.Close()
			results <- resp.StatusCode
		}()
	}
	got := map[int]int{}
	for range cap(results) {
		got[<-results]++
	}
	if got[200] != 1 || got[404] != cap(results)-1 {
		t.Errorf("answers by status: %v", got)
	}
}

// TestWebhookPathClash has two workflows want one path.
func TestWebhookPathClash(t *testing.T) {
	t.Parallel()
	srv := startServer(t, t.TempDir())
	ada, bob := srv.person(t), srv.personNamed(t, "bob@example.org")
	one := ada.save(t, hooked("one", object{"path": "same", "httpMethod": "GET", "options": object{}}))
	two := bob.save(t, hooked("two", object{"path": "/same/", "httpMethod": []string{"POST", "GET"}, "multipleMethods": true, "options": object{}}))
	ada.ok(t, "POST", "/workflows/"+one+"/activate", nil, nil)
	status, body := bob.send(t, "POST", "/workflows/"+two+"/activate", nil)
	if status != http.StatusConflict || !strings.Contains(string(body), "same") || strings.Contains(string(body), one) {
		t.Errorf("%d %s", status, body)
	}
	ada.ok(t, "POST", "/workflows/"+one+"/test-webhook", nil, nil)
	if status, body := bob.send(t, "POST", "/workflows/"+two+"/test-webhook", nil); status != http.StatusConflict {
		t.Errorf("test: %d %s", status, body)
	}
	if status, body := bob.send(t, "POST", "/workflows/"+one+"/test-webhook", nil); status != http.StatusNotFound {
		t.Errorf("another's workflow: %d %s", status, body)
	}
	ada.ok(t, "POST", "/workflows/"+one+"/deactivate", nil, nil)
	bob.ok(t, "POST", "/workflows/"+two+"/activate", nil, nil)
	if status, _ := srv.do(t, "POST", "/webhook/same", []byte("{}")); status != 200 {
		t.Errorf("POST: %d", status)
	}
}

// TestWebhookMethods asks an active webhook by every method.
func TestWebhookMethods(t *testing.T) {
	t.Parallel()
	srv := startServer(t, t.TempDir())
	p := srv.person(t)
	many := hooked("many", object{"path": "many", "httpMethod": []string{"GET", "HEAD", "PATCH"}, "multipleMethods": true,
		"options": object{"allowedOrigins": "https://good.test", "responseHeaders": object{"entries": []object{{"name": "X-Own", "value": "1"}}}}})
	many["connections"].(object)["Hook"].(object)["main"] = [][]object{{{"node": "Pass"}}, {{"node": "Pass"}}, {{"node": "Pass"}}}
	p.ok(t, "POST", "/workflows/"+p.save(t, many)+"/activate", nil, nil)
	p.ok(t, "POST", "/workflows/"+p.save(t, hooked("one", object{"path": "one", "options": object{}}))+"/activate", nil, nil)
	for _, c := range []struct {
		method, path string
		headers      []string
		status       int
		own, origin  string
		body         bool
	}{
		{"GET", "many", nil, 200, "1", "", true},
		{"HEAD", "many", nil, 200, "1", "", false},
		{"PATCH", "many", []string{"Origin", "https://good.test"}, 200, "1", "https://good.test", true},
		{"PATCH", "many", []string{"Origin", "https://evil.test"}, 403, "", "", false},
		{"DELETE", "many", nil, 404, "", "", true},
		{"HEAD", "one", nil, 404, "", "", false},
		{"OPTIONS", "many", nil, 204, "", "", false},
		{"OPTIONS", "many", []string{"Origin", "https://good.test", "Access-Control-Request-Method", "PATCH"}, 204, "", "https://good.test", false},
		{"OPTIONS", "many", []string{"Origin", "https://evil.test", "Access-Control-Request-Method", "PATCH"}, 204, "", "", false},
		{"OPTIONS", "many", []string{"Origin", "https://good.test", "Access-Control-Request-Method", "DELETE"}, 204, "", "", false},
		{"OPTIONS", "one", []string{"Origin", "https://any.test", "Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", "x-a"}, 204, "", "*", false},
		{"OPTIONS", "none", nil, 404, "", "", true},
	} {
		r := srv.response(t, c.method, "/webhook/"+c.path, nil, c.headers...)
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		if r.StatusCode != c.status || r.Header.Get("X-Own") != c.own || r.Header.Get("Access-Control-Allow-Origin") != c.origin || (len(body) > 0) != c.body {
			t.Errorf("%s %s %v: %d %v %q", c.method, c.path, c.headers, r.StatusCode, r.Header, body)
		}
		if c.status == 204 && !strings.Contains(r.Header.Get("Allow"), "GET") {
			t.Errorf("%s %s: Allow is %q", c.method, c.path, r.Header.Get("Allow"))
		}
	}
}

// TestWebhookBinary sends a file up and gets the same file back.
func TestWebhookBinary(t *testing.T) {
	t.Parallel()
	srv := startServer(t, t.TempDir())
	p := srv.person(t)
	doc := hooked("file", object{"path": "file", "httpMethod": "POST", "responseData": "firstEntryBinary", "options": object{"binaryData": true}})
	p.ok(t, "POST", "/workflows/"+p.save(t, doc)+"/activate", nil, nil)
	file := bytes.Repeat([]byte{0, 255, 'x', '\r', '\n'}, 50_000)
	r := srv.response(t, "POST", "/webhook/file", file, "Content-Type", "image/png")
	got, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != 200 || !bytes.Equal(got, file) || r.Header.Get("Content-Type") != "image/png" || r.Header.Get("Content-Security-Policy") != "sandbox" {
		t.Errorf("%d %v, %d bytes, %v", r.StatusCode, r.Header, len(got), err)
	}
}
