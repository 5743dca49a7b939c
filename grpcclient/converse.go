package grpcclient

import (
	"context"
	"errors"
	"io"
	"time"

	"flowgate/internal/workflow"
	"flowgate/proto/agentconv"

	"google.golang.org/protobuf/proto"
)

// turnTimeout is the deadline of turns that come without one.
const turnTimeout = 6 * time.Minute

// Converse has the agent answer one message and calls fn with the pieces, in
// order, on the caller's goroutine. It is sent once only: a turn that broke off
// is the user's to repeat. An error of fn ends it and is returned as it is.
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
	ctx, err := c.identify(ctx, t.OwnerID)
	if err != nil {
		return err
	}
	var stop error
	_, err = c.breaker.Execute(func() (any, error) {
		return nil, c.whenReady(ctx, func() error {
			stream, err := c.agent.ProcessConversation(ctx, req)
			if err != nil {
				return err
			}
			for {
				resp, err := stream.Recv()
				if errors.Is(err, io.EOF) {
					return nil
				}
				if err != nil {
					return err
				}
				e, err := agentconv.TurnEventFromProto(resp)
				if err != nil {
					stop = workflow.Wrap(workflow.CodeDownstream, err, "The workflow agent sent something that cannot be read.")
					return nil
				}
				if stop = fn(e); stop != nil || e.Final {
					return nil
				}
			}
		})
	})
	if stop != nil {
		return stop
	}
	return c.fault(ctx, err)
}
