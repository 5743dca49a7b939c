package agent

import (
	"context"
	"time"

	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"flowgate/internal/telemetry"
)

// observe takes over what the caller said of its request and trace, and
// returns what records the call's end.
func (s *Server) observe(ctx context.Context, method string) (context.Context, func(err error)) {
	first := func(name string) string {
		if v := metadata.ValueFromIncomingContext(ctx, name); len(v) > 0 {
			return v[0]
		}
		return ""
	}
	began := time.Now()
	if id := first("x-request-id"); telemetry.WellFormedRequestID(id) {
		ctx = telemetry.WithRequestID(ctx, id)
	}
	var span telemetry.Span
	if s.opts.Tracer.On() {
		ctx, span = s.opts.Tracer.Start(s.opts.Tracer.Extract(ctx, first), method[1:], telemetry.Server)
	}
	return ctx, func(err error) {
		code := status.Code(err).String()
		s.opts.Metrics.GRPCServer(method, code, time.Since(began))
		if err != nil {
			span.Fail(code)
		}
		span.End()
	}
}
