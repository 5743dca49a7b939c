package app_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
)

// traceCollector is an OpenTelemetry collector that keeps what it is sent.
type traceCollector struct {
	*httptest.Server
	mu     sync.Mutex
	names  []string // of the spans of the trace asked for
	faults []string
}

const askedTrace = "\x0a\xf7\x65\x19\x16\xcd\x43\xdd\x84\x48\xeb\x21\x1c\x80\x31\x9c"

func newTraceCollector(t *testing.T) *traceCollector {
	t.Helper()
	c := &traceCollector{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var req collector.ExportTraceServiceRequest
		c.mu.Lock()
		defer c.mu.Unlock()
		if err != nil || r.URL.Path != "/v1/traces" || r.Header.Get("X-Key") != "k" || proto.Unmarshal(body, &req) != nil {
			c.faults = append(c.faults, r.URL.Path)
		}
		for _, rs := range req.GetResourceSpans() {
			for _, ss := range rs.GetScopeSpans() {
				for _, s := range ss.GetSpans() {
					if string(s.GetTraceId()) == askedTrace {
						c.names = append(c.names, s.GetName())
					}
				}
			}
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Cleanup(c.Close)
	return c
}

// TestMetricsAndTraces follows one call from the door to the nodes, in both.
func TestMetricsAndTraces(t *testing.T) {
	t.Parallel()
	traces := newTraceCollector(t)
	srv := startServerEnv(t, t.TempDir(), []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + traces.URL, "OTEL_EXPORTER_OTLP_HEADERS=X-Key=k"})
	key := srv.key(t, "tools:execute")
	var saved struct {
		WorkflowID string `json:"workflow_id"`
	}
	srv.call(t, key, "create_workflow", object{"name": "observed", "nodes": []object{
		{"name": "Start", "type": "n8n-nodes-base.manualTrigger", "typeVersion": 1, "position": []int{0, 0}, "parameters": object{}},
		{"name": "Nothing", "type": "n8n-nodes-base.noOp", "typeVersion": 1, "position": []int{200, 0}, "parameters": object{}},
	}, "connections": object{"Start": object{"main": [][]object{{{"node": "Nothing", "type": "main", "index": 0}}}}}}, &saved)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.url+"/api/mcp/invoke",
		strings.NewReader(`{"tool_name":"execute_workflow","params":{"workflow_id":"`+saved.WorkflowID+`","wait_seconds":20}}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-API-Key", key)
	req.Header.Set("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	srv.invoke(t, "wrong", "search_workflows", object{})

	text := srv.getURL(t, srv.url+"/api/public/metrics")
	for _, want := range []string{
		`flowgate_http_request_duration_seconds_count{method="POST",route="/api/mcp/invoke",status="2xx"}`,
		`flowgate_capability_duration_seconds_count{capability="execute_workflow",outcome="ok"} 1`,
		`flowgate_grpc_client_duration_seconds_count{code="OK",method="/workflow_agent.WorkflowEngine/`,
		`flowgate_grpc_server_duration_seconds_count{code="OK",method="/workflow_agent.WorkflowEngine/`,
		`flowgate_executions_started_total{mode=`,
		`flowgate_execution_duration_seconds_count{status="success"} 1`,
		`flowgate_node_duration_seconds_count{status="success",type="n8n-nodes-base.noOp"} 1`,
		`flowgate_executions_queued 0`,
		`flowgate_auth_failures_total{reason="invalid_api_key"} 1`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not among the metrics", want)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log("traced: ", traces.names, traces.faults)
		}
	})
	wanted := []string{"POST /api/mcp/invoke", "execute_workflow", "execution", "node n8n-nodes-base.manualTrigger", "node n8n-nodes-base.noOp"}
	eventually(t, 30*time.Second, "every part of the call is traced", func() bool {
		traces.mu.Lock()
		defer traces.mu.Unlock()
		grpc := 0
		for _, name := range traces.names {
			if strings.HasPrefix(name, "workflow_agent.WorkflowEngine/") {
				grpc++
			}
		}
		missing := slices.DeleteFunc(slices.Clone(wanted), func(name string) bool { return slices.Contains(traces.names, name) })
		return len(missing) == 0 && grpc >= 2 && len(traces.faults) == 0
	})
}

// TestMetricsInProduction shows them to nobody who was not told the token, and
// at an address of their own.
func TestMetricsInProduction(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	env := []string{"ENVIRONMENT=production", "HOST=127.0.0.1", "API_SECRET_KEY=" + strings.Repeat("0123456789abcdef", 2), "ENCRYPTION_KEY=000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
		"CORS_ORIGINS=https://app.example", "PUBLIC_URL=https://flow.example"}
	open := startServerEnv(t, t.TempDir(), append(env, "METRICS_ADDR=127.0.0.1:"+port))
	if status := open.status(t, "/api/public/metrics", ""); status != 404 {
		t.Errorf("without a token: %d", status)
	}
	if text := open.getURL(t, "http://127.0.0.1:"+port+"/metrics"); !strings.Contains(text, "flowgate_build_info{") {
		t.Errorf("at the address of their own: %q", text)
	}
	token := strings.Repeat("t0", 10)
	closed := startServerEnv(t, t.TempDir(), append(env, "METRICS_TOKEN="+token))
	for presented, want := range map[string]int{"": 401, "wrong": 401, token: 200} {
		if status := closed.status(t, "/api/public/metrics", presented); status != want {
			t.Errorf("with %q: %d", presented, status)
		}
	}
}

// getURL is the body of what is at an address.
func (s *serverProcess) getURL(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// status is what the server answers to a GET with a bearer token.
func (s *serverProcess) status(t *testing.T, path, token string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}
