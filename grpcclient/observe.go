package grpcclient

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"flowgate/internal/telemetry"
)

// observeUnary counts and traces a call.
func (o Options) observeUnary(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	began := time.Now()
	ctx, span := o.span(ctx, method)
	defer span.End()
	err := invoke(ctx, method, req, reply, cc, opts...)
	code := status.Code(err).String()
	o.Metrics.GRPCClient(method, code, time.Since(began))
	if err != nil {
		span.Fail(code)
	}
	return err
}

// observeStream traces the opening of a stream, which is all that takes a
// known time.
func (o Options) observeStream(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	began := time.Now()
	ctx, span := o.span(ctx, method)
	defer span.End()
	s, err := open(ctx, desc, cc, method, opts...)
	code := status.Code(err).String()
	o.Metrics.GRPCClient(method, code, time.Since(began))
	if err != nil {
		span.Fail(code)
	}
	return s, err
}

// span begins a call's span and tells it to the agent.
func (o Options) span(ctx context.Context, method string) (context.Context, telemetry.Span) {
	if !o.Tracer.On() {
		return ctx, telemetry.Span{}
	}
	ctx, span := o.Tracer.Start(ctx, method[1:], telemetry.Client)
	o.Tracer.Inject(ctx, func(name, value string) { ctx = metadata.AppendToOutgoingContext(ctx, name, value) })
	return ctx, span
}
