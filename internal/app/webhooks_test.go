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
	core, err := app.OpenCore(t.Context(), &config.Config{DataDir: s.dataDir, Environment: "development"}, slog.New(slog.DiscardHandler))
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
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}
