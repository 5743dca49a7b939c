package agent

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"

	"flowgate/internal/workflow"
	agentv1 "flowgate/proto/agent/v1"
	"flowgate/proto/agentconv"

	"google.golang.org/grpc"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/protobuf/proto"
)

// errStopping is the cause of contexts that end because the server goes away.
var errStopping = errors.New("the server is stopping")

// open reports whether a method may be called without a token.
func open(method string) bool {
	return strings.HasPrefix(method, "/"+healthpb.Health_ServiceDesc.ServiceName+"/")
}

// unary is the interceptor of unary calls: token, owner, size, panics, errors.
func (s *Server) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (resp any, err error) {
	ctx, ended := s.observe(ctx, info.FullMethod)
	defer func() { ended(err) }()
	err = s.guard(ctx, info.FullMethod, func() error {
		if !open(info.FullMethod) {
			owner, err := s.authenticate(ctx)
			if err != nil {
				return err
			}
			if err := checkOwner(owner, req); err != nil {
				return err
			}
		}
		resp, err = handler(ctx, req)
		if m, ok := resp.(proto.Message); ok && err == nil && proto.Size(m) > s.opts.MaxMessageBytes {
			return workflow.Errorf(workflow.CodeTooLarge,
				"The answer has %d bytes; the workflow agent sends at most %d.", proto.Size(m), s.opts.MaxMessageBytes)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return resp, nil
}

// stream returns the interceptor of streams, which does the same. Streams that
// can be taken up again end with UNAVAILABLE as soon as stopping is closed;
// conversations are let finish.
func (s *Server) stream(stopping <-chan struct{}) grpc.StreamServerInterceptor {
	return func(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) (err error) {
		ctx, ended := s.observe(ss.Context(), info.FullMethod)
		defer func() { ended(err) }()
		ctx, cancel := context.WithCancelCause(ctx)
		watched := make(chan struct{})
		if info.FullMethod != agentv1.WorkflowAgent_ProcessConversation_FullMethodName {
			go func() {
				defer close(watched)
				select {
				case <-stopping:
					cancel(errStopping)
				case <-ctx.Done():
				}
			}()
		} else {
			close(watched)
		}
		defer func() { cancel(nil); <-watched }()
		return s.guard(ctx, info.FullMethod, func() error {
			call := &serverStream{ServerStream: ss, ctx: ctx}
			if !open(info.FullMethod) {
				owner, err := s.authenticate(ctx)
				if err != nil {
					return err
				}
				call.check = func(req any) error { return checkOwner(owner, req) }
			}
			err := handler(srv, call)
			if errors.Is(context.Cause(ctx), errStopping) {
				return workflow.Wrap(workflow.CodeUnavailable, errStopping, "The workflow agent is stopping; go on from the last event.")
			}
			return err
		})
	}
}

// serverStream gives handlers the interceptor's context and checks each
// request as it is read.
type serverStream struct {
	grpc.ServerStream
	ctx   context.Context // gRPC's way of changing a stream's context
	check func(req any) error
}

func (s *serverStream) Context() context.Context { return s.ctx }

func (s *serverStream) RecvMsg(m any) error {
	if err := s.ServerStream.RecvMsg(m); err != nil || s.check == nil {
		return err
	}
	return s.check(m)
}

// guard runs a call: a panic becomes an internal error, an error becomes a
// status, and what is nobody's expected failure is logged.
func (s *Server) guard(ctx context.Context, method string, call func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			s.opts.Logger.ErrorContext(ctx, "panic in a call", "method", method, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = agentconv.ToStatus(workflow.Errorf(workflow.CodeInternal, "An internal error occurred in the workflow agent."))
		}
	}()
	err = call()
	if workflow.CodeOf(err) == workflow.CodeInternal && ctx.Err() == nil {
		s.opts.Logger.ErrorContext(ctx, "call failed", "method", method, "error", err)
	}
	return agentconv.ToStatus(err)
}
