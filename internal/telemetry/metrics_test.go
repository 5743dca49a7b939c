package telemetry

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// scrape is what Prometheus is given.
func scrape(t *testing.T, m *Metrics) string {
	t.Helper()
	rec := httptest.NewRecorder()
	m.Handler().ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	if rec.Code != 200 {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	return rec.Body.String()
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	m := NewMetrics("1.2.3")
	record(m)
	m.Gauge("flowgate_asked", "Asked for.", func(context.Context) (float64, error) { return 7, nil })
	m.Gauge("flowgate_silent", "Not known.", func(context.Context) (float64, error) { return 0, errors.New("away") })
	text := scrape(t, m)
	for _, want := range []string{
		`flowgate_build_info{go_version="`,
		`flowgate_http_request_duration_seconds_count{method="GET",route="/health",status="2xx"} 1`,
		`flowgate_http_request_duration_seconds_count{method="other",route="none",status="other"} 1`,
		`flowgate_http_requests_in_flight 0`,
		`flowgate_capability_duration_seconds_count{capability="get_workflow",outcome="ok"} 1`,
		`mcp_server_operation_duration_seconds_count{error_type="",gen_ai_tool_name="get_workflow",mcp_method_name="tools/call"} 1`,
		`flowgate_grpc_client_duration_seconds_count{code="OK",method="/a/B"} 1`,
		`flowgate_grpc_server_duration_seconds_count{code="OK",method="/a/B"} 1`,
		`flowgate_executions_started_total{mode="manual"} 1`,
		`flowgate_execution_queue_seconds_count 1`,
		`flowgate_execution_duration_seconds_count{status="success"} 1`,
		`flowgate_executions_running 0`,
		`flowgate_node_duration_seconds_count{status="success",type="t.set"} 1`,
		`flowgate_store_errors_total{backend="sqlite",code="unavailable"} 1`,
		`flowgate_redis_errors_total{operation="count"} 1`,
		`flowgate_rate_limited_total{scope="mcp"} 1`,
		`flowgate_rate_limit_counted_locally_total 1`,
		`flowgate_auth_failures_total{reason="invalid_token"} 1`,
		`flowgate_streams_open{kind="chat"} 0`,
		`flowgate_streams_total{kind="chat"} 1`,
		`flowgate_config_reloads_total{result="ok"} 1`,
		`flowgate_config_reloads_total{result="refused"} 1`,
		`flowgate_component_up{component="database"} 1`,
		`flowgate_component_up{component="redis"} 0`,
		`flowgate_asked 7`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is missing", want)
		}
	}
	if strings.Contains(text, "flowgate_silent 0") {
		t.Error("a gauge that is not known is shown as 0")
	}
}

// record calls every method once.
func record(m *Metrics) {
	m.HTTPBegan()
	m.HTTPEnded("GET", "/health", 200, time.Millisecond)
	m.HTTPBegan()
	m.HTTPEnded("BREW", "", 0, time.Millisecond)
	m.Capability("get_workflow", "ok", time.Millisecond)
	m.MCPOperation("tools/call", "get_workflow", "", time.Millisecond)
	m.GRPCClient("/a/B", "OK", time.Millisecond)
	m.GRPCServer("/a/B", "OK", time.Millisecond)
	m.ExecutionBegan("manual", -time.Second)
	m.Computing()()
	m.ExecutionEnded("success", time.Second)
	m.Node("t.set", "success", time.Millisecond)
	m.StoreError("sqlite", "unavailable")
	m.RedisError("count")
	m.RateLimited("mcp")
	m.CountedLocally()
	m.AuthFailed("invalid_token")
	m.Stream("chat")()
	m.Reloaded(true)
	m.Reloaded(false)
	m.Component("database", true)
	m.Component("redis", false)
}

func TestNothingIsRecordedByNil(t *testing.T) {
	t.Parallel()
	record(nil)
	(*Metrics)(nil).Gauge("x", "y", nil)
}

func TestSeriesAreBounded(t *testing.T) {
	t.Parallel()
	m := NewMetrics("1")
	for i := range 2 * maxBound {
		m.AuthFailed(fmt.Sprint("reason ", i))
	}
	if n := strings.Count(scrape(t, m), "flowgate_auth_failures_total{"); n != maxBound {
		t.Errorf("%d series", n)
	}
}

// TestRecordingDoesNotAllocate holds the price of a call down.
func TestRecordingDoesNotAllocate(t *testing.T) {
	m := NewMetrics("1")
	var none *Tracer
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() {
		m.HTTPBegan()
		m.HTTPEnded("GET", "/health", 200, time.Millisecond)
		m.Capability("get_workflow", "ok", time.Millisecond)
		m.MCPOperation("tools/call", "get_workflow", "", time.Millisecond)
		_, span := none.Start(ctx, "x", Server)
		span.Text("a", "b")
		span.End()
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkRecord(b *testing.B) {
	m := NewMetrics("1")
	for b.Loop() {
		m.HTTPBegan()
		m.HTTPEnded("POST", "/mcp", 200, time.Millisecond)
		m.Capability("get_workflow", "ok", time.Millisecond)
		m.MCPOperation("tools/call", "get_workflow", "", time.Millisecond)
	}
}
