package grpcclient

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"time"

	"flowgate/internal/workflow"
	agentv1 "flowgate/proto/agent/v1"
	"flowgate/proto/agentconv"
)

const (
	firstPause = 100 * time.Millisecond
	maxPause   = 5 * time.Second
)

// Watch calls fn with the execution's events after the cursor, in order, each
// once, and returns nil when the execution is final and all was delivered. An
// agent that cannot be reached or goes away is asked again from the last event
// delivered, for as long as ctx lives; Watch then returns CodeTimeout or
// CodeCancelled. An error of fn ends it and is returned as it is. fn runs on
// the caller's goroutine.
//
// The breaker neither refuses nor counts a Watch: one lost connection would
// count once for each stream on it, and Watch keeps its own pauses (100 ms
// doubling to 5 s, with jitter).
func (c *Client) Watch(ctx context.Context, owner, executionID string, after int64, fn func(workflow.Event) error) error {
	var stop error
	deliver := func(e workflow.Event) error {
		if e.Seq <= after {
			return nil // sent before
		}
		if stop = fn(e); stop == nil {
			after = e.Seq
		}
		return stop
	}
	leave, err := c.enter(ctx, watches)
	if err != nil {
		return err
	}
	defer leave()
	pause := firstPause
	for {
		from := after
		req := &agentv1.WatchExecutionRequest{UserId: owner, ExecutionId: executionID, After: after}
		err := c.watchOnce(ctx, req, deliver)
		switch {
		case stop != nil:
			return stop
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ended(ctx, err)
		case workflow.CodeOf(err) != workflow.CodeUnavailable || c.closed.Load():
			return err
		}
		if after > from {
			pause = firstPause
		}
		c.opts.Logger.WarnContext(ctx, "lost the events of an execution, asking again",
			"execution_id", executionID, "after", after, "error", err)
		select {
		case <-ctx.Done():
			return ended(ctx, err)
		case <-time.After(pause/2 + rand.N(pause)):
		}
		pause = min(2*pause, maxPause)
	}
}

// watchOnce follows one stream to its end.
func (c *Client) watchOnce(ctx context.Context, req *agentv1.WatchExecutionRequest, deliver func(workflow.Event) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the stream where fn or a conversion stopped it
	ctx, err := c.identify(ctx, req.GetUserId())
	if err != nil {
		return err
	}
	stream, err := c.engine.WatchExecution(ctx, req)
	if err != nil {
		return c.fault(ctx, err)
	}
	for {
		resp, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return c.fault(ctx, err)
		}
		e, err := agentconv.EventFromProto(resp.GetEvent())
		if err != nil {
			return workflow.Wrap(workflow.CodeDownstream, err, "The workflow agent sent an event that cannot be read.")
		}
		if err := deliver(e); err != nil {
			return err
		}
	}
}

// ended returns the error of a call whose context is over before it could be
// made, or made again; last is why not.
func ended(ctx context.Context, last error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return workflow.Wrap(workflow.CodeTimeout, errors.Join(ctx.Err(), last), "The workflow agent was not done in the time given.")
	}
	return workflow.Wrap(workflow.CodeCancelled, errors.Join(ctx.Err(), last), "The call to the workflow agent was cancelled.")
}
