// Package agent is the Workflow Agent: the server of the agent contract,
// embedded over an in-process listener or alone on TCP.
package agent

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"time"

	"flowgate/internal/agent/planner"
	"flowgate/internal/telemetry"
	"flowgate/internal/workflow"
	agentv1 "flowgate/proto/agent/v1"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
)

// Options say what a Server serves. Engine and Verify are needed; every other
// zero value is a sound default.
type Options struct {
	// Engine runs the workflows.
	Engine Engine
	// Verify returns the owner that an internal token names. An error refuses
	// the call as unauthenticated, except one with CodeUnavailable.
	Verify func(ctx context.Context, token string) (owner string, err error)
	// Planner plans conversations. Nil: the agent holds none.
	Planner planner.Planner
	// Fallback plans the rest of a turn whose planner gave up, and it is said
	// so. Nil: the turn fails.
	Fallback planner.Planner
	// Budget bounds what language models may use up in one turn.
	Budget planner.Budget
	// Try runs of a document what does not reach outside. Nil: nothing is run.
	Try func(ctx context.Context, doc *workflow.Document) Trial
	// Logger gets unexpected failures. Nil: nothing.
	Logger *slog.Logger
	// Metrics and Tracer observe calls; nil: nothing does.
	Metrics *telemetry.Metrics
	Tracer  *telemetry.Tracer
	// TLS is for listeners of other processes' calls.
	TLS TLS
	// MaxMessageBytes bounds messages both ways. 0: 16 MiB.
	MaxMessageBytes int
	// StopTimeout is how long Serve lets calls finish when its context ends.
	// 0: 10 s.
	StopTimeout time.Duration
}

const (
	defaultMaxMessage  = 16 << 20
	defaultStop        = 10 * time.Second
	minPing            = 15 * time.Second // clients ping each 30 s
	maxConnectionAge   = 30 * time.Minute // then clients look up the addresses anew
	maxConnectionGrace = 30 * time.Minute // longest conversation
)

// Server serves the agent contract. One Server may serve several listeners.
type Server struct {
	opts  Options
	creds credentials.TransportCredentials // nil: plain text
}

// NewServer returns a server, or CodeInvalid for options that cannot be.
func NewServer(opts Options) (*Server, error) {
	if opts.Engine == nil || opts.Verify == nil {
		return nil, workflow.Errorf(workflow.CodeInvalid, "The workflow agent needs an engine and a way to verify tokens.")
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	if opts.MaxMessageBytes <= 0 {
		opts.MaxMessageBytes = defaultMaxMessage
	}
	if opts.StopTimeout <= 0 {
		opts.StopTimeout = defaultStop
	}
	creds, err := opts.TLS.credentials()
	if err != nil {
		return nil, err
	}
	return &Server{opts: opts, creds: creds}, nil
}

// Serve answers calls on lis until ctx ends, then tells health watchers, ends
// watches so that clients go on elsewhere, lets other calls finish for at most
// StopTimeout, breaks off the rest, waits as long again for their handlers and
// returns nil. It returns an error when
// the listener fails, and CodeInvalid at once for a listener of other
// processes' calls without TLS. lis is closed in any case.
func (s *Server) Serve(ctx context.Context, lis net.Listener) error {
	_, inProcess := lis.(*InProcess)
	if !inProcess && s.creds == nil && !s.opts.TLS.Insecure {
		_ = lis.Close()
		return workflow.Errorf(workflow.CodeInvalid, "The workflow agent does not listen on %s without TLS unless it is set insecure.", lis.Addr())
	}
	stopping := make(chan struct{})
	gs := grpc.NewServer(s.serverOptions(inProcess, stopping)...)
	healthy := health.NewServer()
	agentv1.RegisterWorkflowAgentServer(gs, conversationService{opts: s.opts})
	agentv1.RegisterWorkflowEngineServer(gs, engineService{engine: s.opts.Engine})
	healthpb.RegisterHealthServer(gs, healthy)

	served := make(chan error, 1)
	go func() { served <- gs.Serve(lis) }()
	var failed error
	select {
	case failed = <-served:
		served <- nil
	case <-ctx.Done():
	}
	healthy.Shutdown()
	close(stopping)
	if !stop(gs, s.opts.StopTimeout) {
		s.opts.Logger.Error("calls to the workflow agent did not end when broken off")
	}
	if err := <-served; err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		s.opts.Logger.Error("the workflow agent's listener failed", "error", err)
	}
	if failed != nil {
		return workflow.Wrap(workflow.CodeInternal, failed, "The workflow agent's listener failed.")
	}
	return nil
}

// stop ends gs gracefully; after the timeout it breaks calls off and gives
// their handlers the same time again to notice. False: some did not.
func stop(gs *grpc.Server, timeout time.Duration) bool {
	done := make(chan struct{})
	go func() { gs.GracefulStop(); close(done) }() // ends with the last handler
	for _, then := range []func(){gs.Stop, func() {}} {
		timer := time.NewTimer(timeout)
		select {
		case <-done:
			timer.Stop()
			return true
		case <-timer.C:
			then()
		}
	}
	return false
}

func (s *Server) serverOptions(inProcess bool, stopping <-chan struct{}) []grpc.ServerOption {
	opts := []grpc.ServerOption{
		grpc.UnaryInterceptor(s.unary),
		grpc.StreamInterceptor(s.stream(stopping)),
		grpc.MaxRecvMsgSize(s.opts.MaxMessageBytes),
		grpc.MaxSendMsgSize(s.opts.MaxMessageBytes),
		grpc.ConnectionTimeout(10 * time.Second),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: minPing, PermitWithoutStream: true}),
	}
	if inProcess {
		return opts
	}
	opts = append(opts, grpc.KeepaliveParams(keepalive.ServerParameters{
		Time: 30 * time.Second, Timeout: 10 * time.Second, // finds clients that vanished
		MaxConnectionAge: maxConnectionAge, MaxConnectionAgeGrace: maxConnectionGrace,
	}))
	if s.creds != nil {
		opts = append(opts, grpc.Creds(s.creds))
	}
	return opts
}
