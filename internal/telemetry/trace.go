package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// TraceOptions say where traces go. Without an endpoint there are none.
type TraceOptions struct {
	Endpoint    string            // of an OTLP collector (HTTP, protobuf): http://collector:4318
	Headers     map[string]string // sent with each export, such as a key
	Ratio       float64           // of the traces begun here that are recorded, 0 to 1
	Service     string
	Version     string
	Environment string
	Logger      *slog.Logger
	Exporter    sdktrace.SpanExporter // instead of Endpoint; for tests
}

// Tracer makes spans. A nil *Tracer makes none and does no work.
type Tracer struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
	context  propagation.TextMapPropagator
}

// NewTracer returns a tracer, nil when no endpoint is set. A collector that is
// away is no error: what it misses is dropped, and logged now and then.
func NewTracer(ctx context.Context, o TraceOptions) (*Tracer, error) {
	exporter := o.Exporter
	if exporter == nil {
		if o.Endpoint == "" {
			return nil, nil
		}
		url := strings.TrimRight(o.Endpoint, "/")
		if !strings.HasSuffix(url, "/v1/traces") {
			url += "/v1/traces"
		}
		client, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(url), otlptracehttp.WithHeaders(o.Headers))
		if err != nil {
			return nil, fmt.Errorf("set up the export of traces to %s: %w", o.Endpoint, err)
		}
		exporter = &quietExporter{SpanExporter: client, log: o.Logger}
	}
	about := resource.NewSchemaless(attribute.String("service.name", o.Service), attribute.String("service.version", o.Version),
		attribute.String("deployment.environment.name", o.Environment))
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about),
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(o.Ratio))))
	return &Tracer{provider: provider, tracer: provider.Tracer("flowgate"), context: propagation.TraceContext{}}, nil
}

// Close sends what is left, until ctx ends.
func (t *Tracer) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}

// On reports whether spans are made.
func (t *Tracer) On() bool { return t != nil }

// Kind says on which side of a call a span is.
type Kind = trace.SpanKind

// The kinds of spans.
const (
	Internal = trace.SpanKindInternal
	Server   = trace.SpanKindServer
	Client   = trace.SpanKindClient
	Consumer = trace.SpanKindConsumer
)

// Start begins a span under the one in ctx. The caller ends it.
func (t *Tracer) Start(ctx context.Context, name string, kind Kind) (context.Context, Span) {
	if t == nil {
		return ctx, Span{}
	}
	ctx, s := t.tracer.Start(ctx, name, trace.WithSpanKind(kind))
	return ctx, Span{s}
}

// Extract returns ctx under the span that a caller told of by W3C headers
// (traceparent, tracestate), however they came.
func (t *Tracer) Extract(ctx context.Context, header func(name string) string) context.Context {
	if t == nil || header("traceparent") == "" {
		return ctx
	}
	return t.context.Extract(ctx, carrier{get: header})
}

// Inject tells the span in ctx to whom is called next.
func (t *Tracer) Inject(ctx context.Context, set func(name, value string)) {
	if t != nil {
		t.context.Inject(ctx, carrier{set: set})
	}
}

// Link remembers the span in ctx for work that goes on without ctx.
func (t *Tracer) Link(ctx context.Context) Link {
	if t == nil {
		return Link{}
	}
	return Link{trace.SpanContextFromContext(ctx)}
}

// Link is a span remembered. The zero Link is none.
type Link struct{ span trace.SpanContext }

// Context returns ctx under the remembered span.
func (l Link) Context(ctx context.Context) context.Context {
	if !l.span.IsValid() {
		return ctx
	}
	return trace.ContextWithRemoteSpanContext(ctx, l.span)
}

// Span is one timed piece of work. The zero Span records nothing.
type Span struct{ span trace.Span }

// Text adds a fact.
func (s Span) Text(key, value string) {
	if s.span != nil {
		s.span.SetAttributes(attribute.String(key, value))
	}
}

// Number adds a fact.
func (s Span) Number(key string, value int64) {
	if s.span != nil {
		s.span.SetAttributes(attribute.Int64(key, value))
	}
}

// Name gives the span another name.
func (s Span) Name(name string) {
	if s.span != nil {
		s.span.SetName(name)
	}
}

// Fail marks the span as failed with an error's code: texts of errors may hold
// what a trace must not.
func (s Span) Fail(code string) {
	if s.span != nil {
		s.span.SetAttributes(attribute.String("error.type", code))
		s.span.SetStatus(codes.Error, code)
	}
}

// End ends the span.
func (s Span) End() {
	if s.span != nil {
		s.span.End()
	}
}

func traceID(ctx context.Context) string {
	if ctx == nil {
		return ""
	}
	if s := trace.SpanContextFromContext(ctx); s.HasTraceID() {
		return s.TraceID().String()
	}
	return ""
}

type carrier struct {
	get func(string) string
	set func(name, value string)
}

// Get implements propagation.TextMapCarrier.
func (c carrier) Get(key string) string { return c.get(key) }

// Set implements propagation.TextMapCarrier.
func (c carrier) Set(key, value string) { c.set(key, value) }

// Keys implements propagation.TextMapCarrier.
func (c carrier) Keys() []string { return nil }

// quietExporter logs failures to export, at most one a minute, instead of
// handing them to the library's global handler.
type quietExporter struct {
	sdktrace.SpanExporter
	log    *slog.Logger
	logged time.Time // exports come one after the other
}

// ExportSpans implements sdktrace.SpanExporter.
func (e *quietExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := e.SpanExporter.ExportSpans(ctx, spans)
	if err != nil && time.Since(e.logged) > time.Minute && e.log != nil {
		e.logged = time.Now()
		e.log.Warn("traces were not taken by the collector and are lost", "spans", len(spans), "error", err)
	}
	return nil
}
