package mcp

import (
	"context"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"flowgate/internal/telemetry"
)

func TestMessagesAreCountedAndTraced(t *testing.T) {
	spans := kept{tracetest.NewInMemoryExporter()}
	tracer, err := telemetry.NewTracer(t.Context(), telemetry.TraceOptions{Exporter: spans, Ratio: 1, Service: "t"})
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, func(o *Options) { o.Metrics, o.Tracer = telemetry.NewMetrics("t"), tracer })
	key, weak, id := w.key(t, owner, "tools:execute"), w.key(t, owner, "nodes:read"), w.workflow(t)
	w.toolWorkflow(t, owner, "Greet")
	const parent = `00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01`
	w.send(t, "POST", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"traceparent":"`+parent+`"},"name":"get_workflow","arguments":{"workflow_id":"`+id+`"}}}`,
		"X-API-Key", key, "Mcp-Protocol-Version", "2026-07-28", "Mcp-Method", "tools/call", "Mcp-Name", "get_workflow")
	bothGenerations(t, func(t *testing.T, modern bool) {
		w.ask(t, key, modern, "tools/call", "get_workflow", `"name":"get_workflow","arguments":{"workflow_id":"none"}`)
		w.ask(t, key, modern, "tools/call", "no_such_tool_at_all", `"name":"no_such_tool_at_all"`)
		w.ask(t, weak, modern, "tools/call", "get_workflow", `"name":"get_workflow","arguments":{}`)
		w.ask(t, key, modern, "tools/call", "run_greet", `"name":"run_greet","arguments":{"who":"Ann","times":1}`)
		w.ask(t, key, modern, "made/up", "", "")
	})
	rec := httptest.NewRecorder()
	w.Metrics.Handler().ServeHTTP(rec, httptest.NewRequest("GET", "/", nil))
	text, err := io.ReadAll(rec.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`error_type="",gen_ai_tool_name="get_workflow",mcp_method_name="tools/call"`, `error_type="tool_error",gen_ai_tool_name="get_workflow"`,
		`error_type="-32602",gen_ai_tool_name="",mcp_method_name="tools/call"`, `error_type="-32003",gen_ai_tool_name="get_workflow"`, `gen_ai_tool_name="run_*"`, `mcp_method_name="other"`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in the metrics", want)
		}
	}
	for _, never := range []string{"no_such_tool_at_all", "made/up", "run_greet"} {
		if strings.Contains(string(text), never) {
			t.Errorf("%s is in the metrics", never)
		}
	}
	if err := tracer.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	var found bool
	for _, span := range spans.GetSpans() {
		if span.Name == "tools/call get_workflow" && span.SpanContext.TraceID().String() == "0af7651916cd43dd8448eb211c80319c" {
			found = span.Parent.SpanID().String() == "b7ad6b7169203331"
		}
	}
	if !found {
		t.Error("no span under the caller's")
	}
}

// kept are spans that stay after the tracer has closed.
type kept struct{ *tracetest.InMemoryExporter }

func (kept) Shutdown(context.Context) error { return nil }
