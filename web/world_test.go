package web

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"flowgate/internal/auth"
	"flowgate/internal/service"
	"flowgate/internal/workflow"
	"flowgate/store"
	"flowgate/store/disk"
	"flowgate/store/sqlite"
)

const owner = "0198a000-0000-7000-8000-000000000001"

// world is a server over a real store, with an agent that only records.
type world struct {
	*Server
	store  *sqlite.Store
	keys   *auth.APIKeys
	issuer *auth.Issuer
	token  string // of owner
	url    string
	logs   *logBuffer
}

func newWorld(t testing.TB, change func(*Options)) *world {
	t.Helper()
	st, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "t.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	w := &world{store: st, keys: auth.NewAPIKeys(st, []byte("pepper")), logs: &logBuffer{}}
	if w.issuer, err = auth.NewIssuer(t.Context(), st); err != nil {
		t.Fatal(err)
	}
	w.token = w.user(t, owner, time.Hour)
	contents, err := disk.Open(filepath.Join(t.TempDir(), "files"))
	if err != nil {
		t.Fatal(err)
	}
	svc, err := service.New(service.Options{Store: st, Files: &service.Files{Store: st, Contents: contents, MaxBytes: 1 << 20}, Agent: &fakeAgent{store: st}, Catalogue: fakeCatalogue{}, Keys: w.keys, Grants: auth.NewGrants(st), PublicURL: "http://gw.test"})
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Service: svc, Authenticator: &auth.Authenticator{Keys: w.keys, Issuer: w.issuer}, Version: "1.2.3", PublicURL: "http://gw.test",
		Logger: slog.New(slog.NewTextHandler(w.logs, nil)), Health: func(context.Context) Health { return Health{Database: CheckUp} }}
	if change != nil {
		change(&o)
	}
	if w.Server, err = New(o); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(w)
	t.Cleanup(srv.Close)
	w.url = srv.URL
	return w
}

func (w *world) user(t testing.TB, id string, ttl time.Duration) string {
	t.Helper()
	token, _, err := w.issuer.UserToken(&workflow.User{ID: id, Email: "a@b.test"}, ttl)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func (w *world) key(t testing.TB, scopes ...string) string {
	t.Helper()
	secret, _, err := w.keys.Create(t.Context(), auth.NewKey{OwnerID: owner, ClientName: "test", Scopes: scopes})
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

type reply struct {
	status int
	header http.Header
	body   string
	json   map[string]any
}

// send does one request; headers are name, value pairs.
func (w *world) send(t testing.TB, method, path, body string, headers ...string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, w.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	out := reply{status: resp.StatusCode, header: resp.Header, body: string(data)}
	_ = json.Unmarshal(data, &out.json) // not every answer is an object
	return out
}

// app sends a request as owner.
func (w *world) app(t testing.TB, method, path, body string, headers ...string) reply {
	t.Helper()
	return w.send(t, method, path, body, append([]string{"Authorization", "Bearer " + w.token}, headers...)...)
}

// workflow stores a small workflow and returns its id.
func (w *world) workflow(t testing.TB) string {
	t.Helper()
	r := w.app(t, "POST", "/api/app/workflows", `{"name":"Greet <you> & me","tags":["a"],"nodes":[{"id":"1","name":"Start","type":"t.manual","typeVersion":1,"position":[0,0],"parameters":{"text":"<b>&"}}]}`)
	if r.status != 201 {
		t.Fatalf("create: %d %s", r.status, r.body)
	}
	id, _ := r.json["workflow_id"].(string)
	return id
}

// logBuffer lets goroutines share a buffer.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// fakeAgent records executions and finishes them when they are watched.
type fakeAgent struct {
	store   *sqlite.Store
	answers []*workflow.Object // of Resume
}

func (a *fakeAgent) Execute(ctx context.Context, req workflow.ExecuteRequest) (string, bool, error) {
	e := &workflow.Execution{ID: uuid.NewString(), OwnerID: req.OwnerID, WorkflowID: req.WorkflowID, WorkflowVersion: req.Version,
		Status: workflow.StatusQueued, Mode: req.Mode, Start: req.Start, IdempotencyKey: req.IdempotencyKey, CreatedAt: time.Now().UTC()}
	stored, existing, err := a.store.CreateExecution(ctx, e)
	if err != nil {
		return "", false, err
	}
	return stored.ID, existing, nil
}

func (a *fakeAgent) Watch(ctx context.Context, _, _ string, _ int64, _ func(workflow.Event) error) error {
	claimed, err := a.store.ClaimExecutions(ctx, "x", 10)
	if err != nil {
		return err
	}
	for _, e := range claimed {
		e.Status, e.FinishedAt, e.StartedAt = workflow.StatusSuccess, time.Now().UTC(), e.CreatedAt
		if _, err := a.store.SaveProgress(ctx, []store.Progress{{Execution: e}}); err != nil {
			return err
		}
	}
	return nil
}

func (a *fakeAgent) Cancel(context.Context, string, string) error { return nil }

func (a *fakeAgent) Resume(_ context.Context, _, _ string, response *workflow.Object) error {
	a.answers = append(a.answers, response)
	return nil
}

func (a *fakeAgent) Retry(_ context.Context, _, id string) (string, error) { return id, nil }

// fakeCatalogue knows one trigger.
type fakeCatalogue struct{ service.Catalogue }

func (fakeCatalogue) NodeTypes() []workflow.NodeType {
	return []workflow.NodeType{{Type: "t.manual", DisplayName: "Manual", Description: "starts", Category: workflow.CategoryTrigger,
		Versions: []float64{1}, Parameters: json.RawMessage(`{"type":"object"}`)}}
}
func (fakeCatalogue) Near(string) []string { return nil }
func (fakeCatalogue) Validate(*workflow.Document) workflow.Validation {
	return workflow.Validation{Valid: true, Errors: []workflow.Finding{}, Warnings: []workflow.Finding{}}
}
func (fakeCatalogue) Forms(context.Context, *workflow.Document) []service.Form { return nil }

func (fakeCatalogue) Normalize(*workflow.Document)                          {}
func (fakeCatalogue) Webhooks(*workflow.Document) []workflow.WebhookTrigger { return nil }

func (fakeCatalogue) NoWebhook(string, string, []string) workflow.Response {
	return workflow.Response{Status: 404, Headers: [][2]string{{"content-type", "application/json"}}, Body: []byte(`{"code":404,"message":"not registered"}`)}
}
