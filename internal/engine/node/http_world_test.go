package node

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dop251/goja"

	"flowgate/internal/egress"
	"flowgate/internal/workflow"
)

// httpHost is a Host for tests: effects are kept by key, so that a second
// call with the same host replays.
type httpHost struct {
	client   *http.Client
	effects  map[string][]byte
	keys     []string
	ran      int
	secrets  map[string]map[string]string
	response *workflow.Response
	nobody   bool // nobody waits for a response
}

func newHTTPHost() *httpHost {
	return &httpHost{client: egress.New(egress.Options{AllowPrivate: true}).Client(), effects: map[string][]byte{}}
}

func (h *httpHost) Effect(ctx context.Context, key string, fn func(ctx context.Context) ([]byte, error)) ([]byte, error) {
	h.keys = append(h.keys, key)
	if data, ok := h.effects[key]; ok {
		return data, nil
	}
	h.ran++
	data, err := fn(ctx)
	if err == nil {
		h.effects[key] = data
	}
	return data, err
}
func (h *httpHost) HTTP() *http.Client { return h.client }
func (h *httpHost) WaitUntil(_ context.Context, key string, _ time.Time) error {
	h.keys = append(h.keys, key)
	return nil
}
func (h *httpHost) Receive(context.Context, string, workflow.Waiting, time.Time) ([]byte, error) {
	return nil, nil
}
func (h *httpHost) Code(context.Context, CodeRequest) (CodeResult, error) { return CodeResult{}, nil }
func (h *httpHost) SubWorkflow(context.Context, string, SubWorkflow, []workflow.Item, bool) ([]workflow.Item, error) {
	return nil, nil
}
func (h *httpHost) Respond(_ context.Context, r workflow.Response) (bool, error) {
	if h.nobody {
		return false, nil
	}
	if h.response == nil {
		h.response = &r
	}
	return true, nil
}
func (h *httpHost) Credential(_ context.Context, kind string) (map[string]string, error) {
	if f, ok := h.secrets[kind]; ok {
		return f, nil
	}
	return nil, Fail("no credential of type %s", kind)
}
func (h *httpHost) StaticData(string) *workflow.Object { return &workflow.Object{} }
func (h *httpHost) Now() time.Time                     { return time.Unix(1_700_000_000, 0).UTC() }
func (h *httpHost) Rand() *rand.Rand                   { return rand.New(rand.NewPCG(1, 2)) }
func (h *httpHost) Location() *time.Location           { return time.UTC }

// jsEvaluator evaluates templates by plain JavaScript, with $json and what is
// given beside.
type jsEvaluator struct{ items []workflow.Item }

var jsChunk = regexp.MustCompile(`\{\{(.*?)\}\}`)

func (e jsEvaluator) Resolve(ctx context.Context, raw any, i int, extra map[string]any) (any, error) {
	switch raw := raw.(type) {
	case string:
		if !strings.HasPrefix(raw, "=") {
			return raw, nil
		}
		return e.template(raw[1:], i, extra), nil
	case []any:
		out := make([]any, len(raw))
		for n, v := range raw {
			out[n], _ = e.Resolve(ctx, v, i, extra)
		}
		return out, nil
	case *workflow.Object:
		out := raw.Copy()
		for n := range out.Len() {
			k, v := out.At(n)
			v, _ = e.Resolve(ctx, v, i, extra)
			out.Set(k, v)
		}
		return out, nil
	}
	return raw, nil
}

func (e jsEvaluator) template(text string, i int, extra map[string]any) any {
	if m := jsChunk.FindStringSubmatch(text); m != nil && m[0] == text {
		return e.run(m[1], i, extra)
	}
	return jsChunk.ReplaceAllStringFunc(text, func(s string) string { return textOf(e.run(s[2:len(s)-2], i, extra)) })
}

func (e jsEvaluator) run(code string, i int, extra map[string]any) any {
	vm := goja.New()
	names := map[string]any{"$json": e.items[i].JSON}
	for k, v := range extra {
		names[k] = v
	}
	for k, v := range names {
		text, _ := workflow.AppendJSON(nil, v)
		if _, err := vm.RunString(k + " = " + string(text)); err != nil {
			return nil
		}
	}
	v, err := vm.RunString("JSON.stringify((" + code + "))")
	if err != nil || goja.IsUndefined(v) {
		return nil
	}
	out, _ := workflow.DecodeJSON([]byte(v.String()))
	return out
}

// callFor is a run of a node given as JSON on items given as JSON.
func callFor(t *testing.T, typ *Type, version float64, parameters string, host Host, items ...string) *Call {
	t.Helper()
	params := &workflow.Object{}
	if err := json.Unmarshal([]byte(parameters), params); err != nil {
		t.Fatal(err)
	}
	var in []workflow.Item
	for _, text := range items {
		o := &workflow.Object{}
		if err := json.Unmarshal([]byte(text), o); err != nil {
			t.Fatal(err)
		}
		in = append(in, workflow.Item{JSON: o})
	}
	return &Call{
		Node: &workflow.Node{Name: "N", Type: typ.Name, TypeVersion: version, Parameters: params},
		Type: typ, Inputs: [][]workflow.Item{in}, Eval: jsEvaluator{in}, Host: host, Mode: workflow.ModeWebhook,
	}
}

// itemsText is items' json as one JSON list.
func itemsText(t *testing.T, items []workflow.Item) string {
	t.Helper()
	list := make([]any, len(items))
	for i := range items {
		list[i] = items[i].JSON
	}
	b, err := workflow.AppendJSON(nil, list)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// echoServer answers as the recorded exchanges' server does.
type echoServer struct {
	*httptest.Server
	mu   sync.Mutex
	seen []string // method and path, in the order of arrival
}

func newEchoServer(t *testing.T) *echoServer {
	t.Helper()
	e := &echoServer{}
	e.Server = httptest.NewServer(http.HandlerFunc(e.serve))
	t.Cleanup(e.Close)
	return e
}

func (e *echoServer) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header()["Date"] = nil // not compared
	e.mu.Lock()
	e.seen = append(e.seen, r.Method+" "+r.URL.RequestURI())
	e.mu.Unlock()
	switch p := r.URL.Path; {
	case p == "/echo":
		e.echo(w, r, string(body))
	case p == "/array":
		answerJSON(w, 200, `[{"i":1},{"i":2}]`)
	case p == "/nested":
		answerJSON(w, 200, `{"data":{"list":[{"a":1,"b":{"c":2}}],"x":null}}`)
	case p == "/text":
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, "plain text")
	case strings.HasPrefix(p, "/status/"):
		code, _ := strconv.Atoi(strings.TrimPrefix(p, "/status/"))
		w.Header().Set("X-Custom", "h")
		answerJSON(w, code, fmt.Sprintf(`{"message":"status %d","code":"X"}`, code))
	case p == "/redirect":
		w.Header().Set("Location", "/echo?from=redirect")
		w.WriteHeader(http.StatusFound)
	case p == "/png":
		w.Header().Set("Content-Type", "image/png")
		_, _ = w.Write([]byte("\x89PNG\r\n\x1a\n"))
	case p == "/empty":
		w.WriteHeader(http.StatusNoContent)
	case p == "/badjson":
		answerJSON(w, 200, "{bad")
	case p == "/page":
		n, _ := strconv.Atoi(r.URL.Query().Get("p"))
		answerJSON(w, 200, fmt.Sprintf(`{"p":%d,"items":[%d,%d],"last":%t}`, n, n*2, n*2+1, n >= 2))
	case p == "/links":
		n, _ := strconv.Atoi(r.URL.Query().Get("p"))
		next := "null"
		if n < 2 {
			next = strconv.Quote("/links?p=" + strconv.Itoa(n+1))
		}
		answerJSON(w, 200, fmt.Sprintf(`{"n":%d,"key":%q,"next":%s}`, n, r.URL.Query().Get("key"), next))
	case p == "/same":
		answerJSON(w, 200, `[{"a":1}]`)
	case p == "/list":
		n, _ := strconv.Atoi(r.URL.Query().Get("p"))
		if n >= 2 {
			answerJSON(w, 200, `[]`)
			return
		}
		answerJSON(w, 200, fmt.Sprintf(`[{"n":%d}]`, n))
	default:
		answerJSON(w, 404, `{"message":"nf"}`)
	}
}

func (e *echoServer) echo(w http.ResponseWriter, r *http.Request, body string) {
	text := func(s string) any {
		if s == "" {
			return nil
		}
		return s
	}
	kind := r.Header.Get("Content-Type")
	if _, boundary, ok := strings.Cut(kind, "boundary="); ok {
		kind, body = strings.ReplaceAll(kind, boundary, "BOUNDARY"), strings.ReplaceAll(body, boundary, "BOUNDARY")
	}
	o := workflow.NewObject("method", r.Method, "url", r.URL.RequestURI(), "contentType", text(kind),
		"accept", text(r.Header.Get("Accept")), "xTest", text(r.Header.Get("X-Test")), "body", body, "auth", text(r.Header.Get("Authorization")))
	b, _ := o.MarshalJSON()
	answerJSON(w, 200, string(b))
}

func answerJSON(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	if f, ok := w.(http.Flusher); ok {
		f.Flush() // so that the answer comes in chunks
	}
	_, _ = io.WriteString(w, body)
}

func (e *echoServer) requests() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]string(nil), e.seen...)
}
