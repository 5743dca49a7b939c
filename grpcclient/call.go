package grpcclient

import (
	"context"
	"time"

	"flowgate/internal/telemetry"
	"flowgate/internal/workflow"
	"flowgate/proto/agentconv"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

type ownerKey struct{}

// Owner returns for whom the call is made that asks Options.Token for a token:
// "" for calls that are the same for everyone.
func Owner(ctx context.Context) string {
	owner, _ := ctx.Value(ownerKey{}).(string)
	return owner
}

// unary makes one call: size, deadline, bulkhead, token, breaker, readiness,
// errors.
func unary[Req, Resp proto.Message](
	ctx context.Context, c *Client, owner string,
	method func(context.Context, Req, ...grpc.CallOption) (Resp, error), req Req, opts ...grpc.CallOption,
) (Resp, error) {
	var resp Resp
	if n := proto.Size(req); n > c.opts.MaxMessageBytes {
		return resp, workflow.Errorf(workflow.CodeTooLarge,
			"The request has %d bytes; at most %d may be sent to the workflow agent.", n, c.opts.MaxMessageBytes)
	}
	if _, has := ctx.Deadline(); !has {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.opts.CallTimeout)
		defer cancel()
	}
	leave, err := c.enter(ctx, calls)
	if err != nil {
		return resp, err
	}
	defer leave()
	if ctx, err = c.identify(ctx, owner); err != nil {
		return resp, err
	}
	_, err = c.breaker.Execute(func() (any, error) {
		return nil, c.whenReady(ctx, func() (err error) {
			resp, err = method(ctx, req, opts...)
			return err
		})
	})
	return resp, c.fault(ctx, err)
}

// identify puts the internal token into the metadata, in place of whatever the
// caller's context brought along.
func (c *Client) identify(ctx context.Context, owner string) (context.Context, error) {
	md, _ := metadata.FromOutgoingContext(ctx) // a copy
	md.Delete("authorization")
	if c.opts.Token != nil {
		token, err := c.opts.Token(context.WithValue(ctx, ownerKey{}, owner))
		if err != nil {
			return ctx, workflow.Wrap(codeOr(err, workflow.CodeUnauthorized), err,
				"No internal token could be made for the workflow agent.")
		}
		if md == nil {
			md = metadata.MD{}
		}
		md.Set("authorization", "Bearer "+token)
	}
	if id := telemetry.RequestID(ctx); id != "" {
		if md == nil {
			md = metadata.MD{}
		}
		md.Set("x-request-id", id)
	}
	return metadata.NewOutgoingContext(ctx, md), nil
}

func codeOr(err error, otherwise workflow.Code) workflow.Code {
	if code := workflow.CodeOf(err); code != workflow.CodeInternal {
		return code
	}
	return otherwise
}

// whenReady makes a call once there is a connection. A call that ran out of
// time without one fails for the agent's sake, not for its own.
func (c *Client) whenReady(ctx context.Context, call func() error) error {
	ready := c.awaitReady(ctx)
	err := call()
	if !ready && status.Code(err) == codes.DeadlineExceeded && c.conn.GetState() != connectivity.Ready {
		return status.Error(codes.Unavailable, err.Error())
	}
	return err
}

// awaitReady waits for a connection, at most ReadyTimeout and three quarters
// of the time left, and reports whether there is one. The call is made in any
// case: on a failed connection it says why at once.
func (c *Client) awaitReady(ctx context.Context) bool {
	s := c.conn.GetState()
	if s == connectivity.Ready {
		return true
	}
	wait := c.opts.ReadyTimeout
	if deadline, ok := ctx.Deadline(); ok {
		wait = min(wait, time.Until(deadline)*3/4)
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for s != connectivity.Ready && s != connectivity.Shutdown {
		c.conn.Connect()
		if !c.conn.WaitForStateChange(ctx, s) {
			return false
		}
		s = c.conn.GetState()
	}
	return s == connectivity.Ready
}

// fault returns a call's error for callers.
func (c *Client) fault(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if c.closed.Load() && ctx.Err() == nil && status.Code(err) == codes.Canceled {
		return workflow.Wrap(workflow.CodeUnavailable, err, "The connection to the workflow agent is closed.")
	}
	return agentconv.FromStatus(suspended(err))
}

// once keeps a call that is in the retry policy from being sent twice: an
// attempt that may not buffer its message is final as soon as the message is
// handed to the connection. Attempts that never got that far may still be
// repeated, which is harmless.
func once() grpc.CallOption { return grpc.MaxRetryRPCBufferSize(0) }
