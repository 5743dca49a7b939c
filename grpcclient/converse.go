package grpcclient

import (
	"context"
	"errors"
	"io"
	"time"

	"flowgate/internal/workflow"
	agentv1 "flowgate/proto/agent/v1"
	"flowgate/proto/agentconv"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// turnTimeout is the deadline of turns that come without one.
const turnTimeout = 6 * time.Minute

// Converse has the agent answer one message and calls fn with the pieces, in
// order, on the caller's goroutine. It is sent once only: a turn that broke off
// is the user's to repeat. An error of fn ends it and is returned as it is. An
// agent of another version of the contract is CodeDownstream with the reason
// "incompatible_agent".
func (c *Client) Converse(ctx context.Context, t workflow.Turn, fn func(workflow.TurnEvent) error) error {
	req := agentconv.TurnToProto(t)
	if n := proto.Size(req); n > c.opts.MaxMessageBytes {
		return workflow.Errorf(workflow.CodeTooLarge, "The conversation has %d bytes; at most %d may be sent to the workflow agent. Begin a new session.", n, c.opts.MaxMessageBytes)
	}
	if _, has := ctx.Deadline(); !has {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, turnTimeout)
		defer cancel()
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the stream where fn stopped it
	leave, err := c.enter(ctx, turns)
	if err != nil {
		return err
	}
	defer leave()
	if ctx, err = c.identify(ctx, t.OwnerID); err != nil {
		return err
	}
	listener := &listener{fn: fn, older: older{before: t.State}}
	_, err = c.breaker.Execute(func() (any, error) {
		return nil, c.whenReady(ctx, func() error { return c.listen(ctx, req, listener) })
	})
	if listener.stop != nil {
		return listener.stop
	}
	return c.fault(ctx, err)
}

// listener takes the pieces of an answer. stop is why it takes no more; it is
// not the agent's being away.
type listener struct {
	fn    func(workflow.TurnEvent) error
	older older
	stop  error
}

// listen follows one answer to its end.
func (c *Client) listen(ctx context.Context, req *agentv1.ConversationRequest, l *listener) error {
	codec := newNotingCodec()
	stream, err := c.agent.ProcessConversation(ctx, req, grpc.ForceCodecV2(codec))
	if err != nil {
		return err
	}
	for {
		resp, err := stream.Recv()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case codec.unreadable.Load():
			l.stop = incompatible(err)
			return nil
		case err != nil:
			return err
		}
		if done := l.take(resp); done {
			return nil
		}
	}
}

// take tells one response and reports whether it was the last.
func (l *listener) take(resp *agentv1.ConversationResponse) (done bool) {
	if misread(resp) {
		l.stop = incompatible(nil)
		return true
	}
	e, err := agentconv.TurnEventFromProto(resp)
	if err != nil {
		l.stop = workflow.Wrap(workflow.CodeDownstream, err, "The workflow agent sent something that cannot be read.")
		return true
	}
	for _, e := range l.older.read(resp, e) {
		if l.stop = l.fn(e); l.stop != nil {
			return true
		}
	}
	return e.Final
}
