package telemetry

import (
	"bytes"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

func TestTracesFollowTheCaller(t *testing.T) {
	t.Parallel()
	memory := tracetest.NewInMemoryExporter()
	tr, err := NewTracer(t.Context(), TraceOptions{Exporter: memory, Ratio: 1, Service: "test"})
	if err != nil {
		t.Fatal(err)
	}
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	ctx := tr.Extract(t.Context(), func(name string) string {
		if name == "traceparent" {
			return parent
		}
		return ""
	})
	ctx, span := tr.Start(ctx, "work", Server)
	span.Text("route", "/a")
	span.Number("status", 500)
	span.Fail("internal")
	told := map[string]string{}
	tr.Inject(ctx, func(name, value string) { told[name] = value })
	later, next := tr.Start(tr.Link(ctx).Context(t.Context()), "later", Consumer)
	var out bytes.Buffer
	NewLogger(LogOptions{Format: "simple", Output: &out}).InfoContext(later, "x")
	next.End()
	span.End()
	if err := tr.provider.ForceFlush(t.Context()); err != nil {
		t.Fatal(err)
	}
	spans := memory.GetSpans()
	if len(spans) != 2 {
		t.Fatalf("%d spans", len(spans))
	}
	for _, s := range spans {
		if s.SpanContext.TraceID().String() != "0af7651916cd43dd8448eb211c80319c" {
			t.Errorf("%s is in trace %s", s.Name, s.SpanContext.TraceID())
		}
	}
	if spans[1].Parent.SpanID().String() != "b7ad6b7169203331" || spans[0].Parent.SpanID() != spans[1].SpanContext.SpanID() {
		t.Error("the spans do not hang together")
	}
	if !strings.Contains(told["traceparent"], spans[1].SpanContext.SpanID().String()) {
		t.Errorf("told %v", told)
	}
	if !strings.Contains(out.String(), "trace_id=0af7651916cd43dd8448eb211c80319c") {
		t.Errorf("logged %q", out.String())
	}
	if err := tr.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestNoEndpointNoTraces(t *testing.T) {
	t.Parallel()
	tr, err := NewTracer(t.Context(), TraceOptions{})
	if err != nil || tr.On() {
		t.Fatalf("%v %v", tr, err)
	}
	ctx, span := tr.Start(tr.Extract(t.Context(), func(string) string { return "x" }), "a", Client)
	span.Fail("x")
	span.End()
	tr.Inject(ctx, func(string, string) { t.Error("something was told") })
	if err := tr.Close(ctx); err != nil || tr.Link(ctx).Context(ctx) != ctx {
		t.Error(err)
	}
}
