package grpcclient

import (
	"context"
	"errors"
	"log/slog"

	"flowgate/internal/workflow"
	"flowgate/proto/agentconv"

	"github.com/sony/gobreaker/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// newBreaker returns the circuit breaker. An agent that answers, whatever it
// answers, is a success; a caller who hangs up is neither.
func newBreaker(b Breaker, log *slog.Logger) *gobreaker.CircuitBreaker[any] {
	return gobreaker.NewCircuitBreaker[any](gobreaker.Settings{
		Name:         "workflow_agent",
		MaxRequests:  b.Successes,
		Timeout:      b.OpenFor,
		ReadyToTrip:  func(n gobreaker.Counts) bool { return n.ConsecutiveFailures >= b.Failures },
		IsSuccessful: func(err error) bool { return !agentconv.IsTransport(err) },
		IsExcluded:   hungUp,
		OnStateChange: func(_ string, from, to gobreaker.State) {
			log.Warn("workflow agent circuit breaker", "from", from.String(), "to", to.String())
		},
	})
}

// hungUp reports an end that says nothing of the agent: the caller's.
func hungUp(err error) bool {
	c := status.Code(err)
	return c == codes.Canceled || c == codes.DeadlineExceeded ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// suspended turns the breaker's own refusals into errors for callers.
func suspended(err error) error {
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		return workflow.Wrap(workflow.CodeUnavailable, err,
			"The workflow agent could not be reached several times; calls to it are suspended for a while.").
			WithReason("circuit_open")
	}
	return err
}

// BreakerState returns "closed" (calls go through), "open" (calls are
// refused) or "half-open" (some are let through on trial).
func (c *Client) BreakerState() string { return c.breaker.State().String() }
