// Package grpcclient is the client of the Workflow Agent, embedded or remote,
// in terms of the domain. Errors are *workflow.Error. A Client is safe for
// concurrent use.
package grpcclient

import (
	"sync/atomic"
	"time"

	"flowgate/internal/workflow"
	agentv1 "flowgate/proto/agent/v1"

	"github.com/sony/gobreaker/v2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	_ "google.golang.org/grpc/health" // the client's half of health checking
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
)

const (
	keepaliveTime    = 30 * time.Second
	keepaliveTimeout = 10 * time.Second
)

// Client speaks to one workflow agent. Make it with Dial; whoever dialled
// closes it.
type Client struct {
	opts      Options
	conn      *grpc.ClientConn
	agent     agentv1.WorkflowAgentClient
	engine    agentv1.WorkflowEngineClient
	health    healthpb.HealthClient
	breaker   *gobreaker.CircuitBreaker[any]
	bulkheads *bulkheads
	closed    atomic.Bool
}

// Dial returns a client. It connects at the first call, so an agent that is
// away is no error here; wrong options are, with CodeInvalid.
func Dial(opts Options) (*Client, error) { return dial(opts) }

// dial takes further options of gRPC, which the package's own tests need.
func dial(opts Options, more ...grpc.DialOption) (*Client, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	creds, err := opts.TLS.credentials(opts.Dialer != nil)
	if err != nil {
		return nil, err
	}
	conn, err := grpc.NewClient(opts.address(), append(opts.dialOptions(creds), more...)...)
	if err != nil {
		return nil, workflow.Wrap(workflow.CodeInvalid, err, "The workflow agent's address is not valid.")
	}
	return &Client{
		opts: opts, conn: conn, breaker: newBreaker(opts.Breaker, opts.Logger), bulkheads: newBulkheads(opts.Bulkhead, opts.ReadyTimeout),
		agent: agentv1.NewWorkflowAgentClient(conn), engine: agentv1.NewWorkflowEngineClient(conn), health: healthpb.NewHealthClient(conn),
	}, nil
}

func (o Options) dialOptions(creds credentials.TransportCredentials) []grpc.DialOption {
	out := []grpc.DialOption{
		grpc.WithTransportCredentials(creds),
		grpc.WithDefaultServiceConfig(serviceConfig()),
		grpc.WithDisableServiceConfig(), // a DNS record must not change the rules of retry
		grpc.WithNoProxy(),              // the agent is ours, not outside
		grpc.WithUserAgent("flowgate"),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 10 * time.Second},
			MinConnectTimeout: o.ReadyTimeout,
		}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: keepaliveTime, Timeout: keepaliveTimeout, PermitWithoutStream: true,
		}),
		grpc.WithDefaultCallOptions(
			grpc.MaxCallRecvMsgSize(o.MaxMessageBytes),
			grpc.MaxCallSendMsgSize(o.MaxMessageBytes),
			grpc.MaxRetryRPCBufferSize(o.MaxMessageBytes), // its default would keep large calls from being retried
		),
	}
	if o.Dialer != nil {
		out = append(out, grpc.WithContextDialer(o.Dialer))
	}
	if o.Metrics != nil || o.Tracer.On() {
		out = append(out, grpc.WithUnaryInterceptor(o.observeUnary), grpc.WithStreamInterceptor(o.observeStream))
	}
	return out
}

// Close ends the connection; calls under way fail with CodeUnavailable.
// Closing twice is harmless.
func (c *Client) Close() error {
	if c.closed.Swap(true) {
		return nil
	}
	return c.conn.Close()
}
