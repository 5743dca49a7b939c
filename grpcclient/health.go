package grpcclient

import (
	"context"

	"flowgate/internal/workflow"

	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

// Health returns nil when the agent answers and says that it is serving, and
// CodeUnavailable otherwise. An agent without a health service that answers at
// all is healthy. The breaker neither refuses nor counts it.
//
// Besides, the client watches the health of every address by itself and sends
// calls only to those that serve.
func (c *Client) Health(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.opts.ReadyTimeout)
	defer cancel()
	var resp *healthpb.HealthCheckResponse
	err := c.whenReady(ctx, func() (err error) {
		resp, err = c.health.Check(ctx, &healthpb.HealthCheckRequest{})
		return err
	})
	switch {
	case status.Code(err) == codes.Unimplemented:
		return nil
	case err != nil:
		return c.fault(ctx, err)
	case resp.GetStatus() != healthpb.HealthCheckResponse_SERVING:
		return workflow.Errorf(workflow.CodeUnavailable, "The workflow agent says it is %s.", resp.GetStatus())
	}
	return nil
}
