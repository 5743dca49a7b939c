package mcp

import (
	"bytes"
	"context"
	"encoding/json"
	"github.com/google/uuid"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"flowgate/internal/auth"
	"flowgate/internal/service"
	"flowgate/internal/workflow"
	"flowgate/store"
	"flowgate/store/sqlite"
)

// world is a server over a real store, with an agent that only records.
type world struct {
	*Server
	store *sqlite.Store
	keys  *auth.APIKeys
	agent *fakeAgent
	url   string
	logs  *bytes.Buffer
}

const owner = "0198a000-0000-7000-8000-000000000001"

func newWorld(t testing.TB, change func(*Options)) *world {
	t.Helper()
	st, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "t.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	w := &world{store: st, keys: auth.NewAPIKeys(st, []byte("pepper")), agent: &fakeAgent{store: st}, logs: &bytes.Buffer{}}
	svc, err := service.New(service.Options{Store: st, Agent: w.agent, Catalogue: fakeCatalogue{}, PublicURL: "http://gw.test"})
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Service: svc, Authenticator: &auth.Authenticator{Keys: w.keys}, Version: "1.2.3", PublicURL: "http://gw.test",
		Logger: slog.New(slog.NewTextHandler(&syncWriter{w: w.logs}, nil))}
	if change != nil {
		change(&o)
	}
	if w.Server, err = New(o); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(w.Handler())
	t.Cleanup(srv.Close)
	t.Cleanup(w.Close)
	w.url = srv.URL
	return w
}

// key makes an API key of subject's with scopes.
func (w *world) key(t testing.TB, subject string, scopes ...string) string {
	t.Helper()
	secret, _, err := w.keys.Create(t.Context(), auth.NewKey{OwnerID: subject, ClientName: "test", Scopes: scopes})
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

// visibleTo is how many tools a key of that scope sees.
func (w *world) visibleTo(scope string) int {
	return len(w.Service.Visible(&auth.Identity{Kind: auth.KindAPIKey, Scopes: []string{scope}}))
}

// workflow stores a small workflow of owner's and returns its id.
func (w *world) workflow(t testing.TB) string {
	t.Helper()
	ctx := auth.WithIdentity(t.Context(), &auth.Identity{Subject: owner, Kind: auth.KindLocal, Tier: auth.TierMCP})
	out, err := w.Service.Call(ctx, "create_workflow", json.RawMessage(`{"name":"Greet","nodes":[{"name":"Start","type":"t.manual","typeVersion":1,"position":[0,0],"parameters":{}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	return out.(*service.Saved).WorkflowID
}

// reply is an HTTP answer, with its JSON-RPC messages.
type reply struct {
	status   int
	header   http.Header
	body     string
	messages []map[string]any // of an event stream all, else the one
}

func (r reply) last() map[string]any {
	if len(r.messages) == 0 {
		return nil
	}
	return r.messages[len(r.messages)-1]
}

func (r reply) result() map[string]any { m, _ := r.last()["result"].(map[string]any); return m }

func (r reply) errorCode() int {
	e, _ := r.last()["error"].(map[string]any)
	code, _ := e["code"].(float64)
	return int(code)
}

func (r reply) text() string {
	content, _ := r.result()["content"].([]any)
	if len(content) == 0 {
		return ""
	}
	first, _ := content[0].(map[string]any)
	s, _ := first["text"].(string)
	return s
}

// send does one HTTP request; headers are name, value pairs.
func (w *world) send(t testing.TB, method, body string, headers ...string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, w.url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "application/json, text/event-stream")
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		if req.Header.Set(headers[i], headers[i+1]); headers[i] == "Host" {
			req.Host = headers[i+1]
		}
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	out := reply{status: resp.StatusCode, header: resp.Header, body: string(data)}
	texts := []string{string(data)}
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		texts = nil
		for line := range strings.Lines(string(data)) {
			if data, ok := strings.CutPrefix(line, "data: "); ok {
				texts = append(texts, data)
			}
		}
	}
	for _, text := range texts {
		var m map[string]any
		if json.Unmarshal([]byte(text), &m) == nil {
			out.messages = append(out.messages, m)
		}
	}
	return out
}

// session opens a session of the older generation.
func (w *world) session(t testing.TB, key string) string {
	t.Helper()
	r := w.send(t, "POST", `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`, "X-API-Key", key)
	id := r.header.Get("Mcp-Session-Id")
	if r.status != 200 || id == "" {
		t.Fatalf("initialize: %d %s", r.status, r.body)
	}
	return id
}

// call sends a tools/call of the older generation.
func (w *world) call(t testing.TB, key, session, tool, args string) reply {
	t.Helper()
	return w.send(t, "POST", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"`+tool+`","arguments":`+args+`}}`,
		"X-API-Key", key, "Mcp-Session-Id", session, "Mcp-Protocol-Version", "2025-11-25")
}

// modern sends a request of the generation without sessions.
func (w *world) modern(t testing.TB, key, method, name, params string, headers ...string) reply {
	t.Helper()
	meta := `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"t","version":"1"},"io.modelcontextprotocol/clientCapabilities":{},"progressToken":7}`
	if params != "" {
		meta += "," + params
	}
	h := append([]string{"X-API-Key", key, "Mcp-Protocol-Version", "2026-07-28", "Mcp-Method", method, "Mcp-Name", name}, headers...)
	return w.send(t, "POST", `{"jsonrpc":"2.0","id":1,"method":"`+method+`","params":{`+meta+`}}`, h...)
}

// fakeAgent records executions and finishes them as told.
type fakeAgent struct {
	store *sqlite.Store
	// run, when set, is what Watch does between start and end.
	run   func(ctx context.Context, emit func(workflow.Event) error) error
	calls atomic.Int64
	// resume, when set, is told what an execution was answered.
	resume func(response *workflow.Object)
}

func (a *fakeAgent) Execute(ctx context.Context, req workflow.ExecuteRequest) (string, bool, error) {
	a.calls.Add(1)
	e := &workflow.Execution{ID: uuid.NewString(), OwnerID: req.OwnerID, WorkflowID: req.WorkflowID,
		WorkflowVersion: req.Version, Status: workflow.StatusQueued, Mode: req.Mode, Start: req.Start, IdempotencyKey: req.IdempotencyKey, CreatedAt: time.Now().UTC()}
	stored, existing, err := a.store.CreateExecution(ctx, e)
	if err != nil {
		return "", false, err
	}
	return stored.ID, existing, nil
}

func (a *fakeAgent) Watch(ctx context.Context, _, id string, _ int64, fn func(workflow.Event) error) error {
	var seq int64
	emit := func(e workflow.Event) error {
		seq++
		e.Seq, e.ExecutionID, e.At = seq, id, time.Now()
		return fn(e)
	}
	if a.run != nil {
		if err := a.run(ctx, emit); err != nil {
			return err
		}
	}
	claimed, err := a.store.ClaimExecutions(ctx, "x", 10)
	if err != nil {
		return err
	}
	for _, e := range claimed {
		e.Status, e.FinishedAt, e.StartedAt, e.LastNode = workflow.StatusSuccess, time.Now().UTC(), e.CreatedAt, "Start"
		e.Result = json.RawMessage(`[{"json":{"hello":"world"}}]`)
		if _, err := a.store.SaveProgress(ctx, []store.Progress{{Execution: e}}); err != nil {
			return err
		}
	}
	return nil
}

func (a *fakeAgent) Cancel(context.Context, string, string) error { return nil }

func (a *fakeAgent) Resume(_ context.Context, _, _ string, response *workflow.Object) error {
	if a.resume != nil {
		a.resume(response)
	}
	return nil
}

func (a *fakeAgent) Retry(_ context.Context, _, id string) (string, error) { return id, nil }

// fakeCatalogue knows one trigger.
type fakeCatalogue struct{ service.Catalogue }

func (fakeCatalogue) NodeTypes() []workflow.NodeType {
	return []workflow.NodeType{{Type: "t.manual", DisplayName: "Manual", Description: "starts <here> & now", Category: workflow.CategoryTrigger,
		Versions: []float64{1}, Parameters: json.RawMessage(`{"type":"object"}`)},
		{Type: "n8n-nodes-base.executeWorkflowTrigger", DisplayName: "Called", Category: workflow.CategoryTrigger, Versions: []float64{1.1}}}
}
func (fakeCatalogue) Near(string) []string { return []string{"t.manual"} }
func (fakeCatalogue) Validate(*workflow.Document) workflow.Validation {
	return workflow.Validation{Valid: true, Errors: []workflow.Finding{}, Warnings: []workflow.Finding{}}
}
func (fakeCatalogue) Webhooks(*workflow.Document) []workflow.WebhookTrigger { return nil }

// syncWriter lets goroutines share a buffer.
type syncWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (s *syncWriter) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(p)
}

// panicking is an agent with a bug.
type panicking struct{ service.Agent }

func (panicking) Execute(context.Context, workflow.ExecuteRequest) (string, bool, error) {
	panic("secret detail")
}
func (fakeCatalogue) Forms(context.Context, *workflow.Document) []service.Form { return nil }

func (fakeCatalogue) Normalize(*workflow.Document) {}
