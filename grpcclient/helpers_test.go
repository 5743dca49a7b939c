package grpcclient_test

import (
	"context"
	"net"
	"testing"

	"flowgate/grpcclient"
	"flowgate/internal/agent"
	"flowgate/internal/workflow"
	agentv1 "flowgate/proto/agent/v1"

	"google.golang.org/grpc"
)

var _ agent.Engine = (*grpcclient.Client)(nil) // client and engine are interchangeable

// engine is an agent.Engine whose methods are set by the test.
type engine struct {
	validate  func(ctx context.Context, owner string, doc *workflow.Document) (workflow.Validation, error)
	nodeTypes func(ctx context.Context) ([]workflow.NodeType, error)
	execute   func(ctx context.Context, r workflow.ExecuteRequest) (string, bool, error)
	watch     func(ctx context.Context, owner, id string, after int64, fn func(workflow.Event) error) error
	cancel    func(ctx context.Context, owner, id string) error
	resume    func(ctx context.Context, owner, id string, response *workflow.Object) error
	retry     func(ctx context.Context, owner, id string) (string, error)
}

func (e *engine) Validate(ctx context.Context, owner string, doc *workflow.Document) (workflow.Validation, error) {
	return e.validate(ctx, owner, doc)
}
func (e *engine) NodeTypes(ctx context.Context) ([]workflow.NodeType, error) { return e.nodeTypes(ctx) }
func (e *engine) Execute(ctx context.Context, r workflow.ExecuteRequest) (string, bool, error) {
	return e.execute(ctx, r)
}
func (e *engine) Watch(ctx context.Context, owner, id string, after int64, fn func(workflow.Event) error) error {
	return e.watch(ctx, owner, id, after, fn)
}
func (e *engine) Cancel(ctx context.Context, owner, id string) error { return e.cancel(ctx, owner, id) }
func (e *engine) Resume(ctx context.Context, owner, id string, response *workflow.Object) error {
	return e.resume(ctx, owner, id, response)
}
func (e *engine) Retry(ctx context.Context, owner, id string) (string, error) {
	return e.retry(ctx, owner, id)
}

// token names the owner itself, and "nobody" for calls without one.
func token(ctx context.Context) (string, error) {
	if owner := grpcclient.Owner(ctx); owner != "" {
		return owner, nil
	}
	return "nobody", nil
}

func verify(_ context.Context, token string) (string, error) { return token, nil }

// serve runs an agent on lis until the returned stop is called or the test ends.
func serve(t testing.TB, opts agent.Options, lis net.Listener) (stop func()) {
	t.Helper()
	if opts.Verify == nil {
		opts.Verify = verify
	}
	s, err := agent.NewServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, lis) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return stop
}

func dial(t testing.TB, opts grpcclient.Options) *grpcclient.Client {
	t.Helper()
	if opts.Token == nil {
		opts.Token = token
	}
	c, err := grpcclient.Dial(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// embedded returns a client of an agent around e in this process.
func embedded(t testing.TB, e *engine) *grpcclient.Client {
	t.Helper()
	lis := agent.NewInProcess()
	serve(t, agent.Options{Engine: e}, lis)
	return dial(t, grpcclient.Options{Dialer: lis.Dial})
}

// foreign serves services that are not our server's.
func foreign(t testing.TB, register func(*grpc.Server)) *agent.InProcess {
	t.Helper()
	lis := agent.NewInProcess()
	gs := grpc.NewServer()
	register(gs)
	done := make(chan struct{})
	go func() { defer close(done); _ = gs.Serve(lis) }()
	t.Cleanup(func() { gs.Stop(); <-done })
	return lis
}

// scripted is a WorkflowEngine that answers as the test says.
type scripted struct {
	agentv1.UnimplementedWorkflowEngineServer
	nodeTypes func() error
	execute   func() error
	retry     func() error
}

func (s *scripted) ListNodeTypes(context.Context, *agentv1.ListNodeTypesRequest) (*agentv1.ListNodeTypesResponse, error) {
	return &agentv1.ListNodeTypesResponse{}, s.nodeTypes()
}

func (s *scripted) ExecuteWorkflow(context.Context, *agentv1.ExecuteWorkflowRequest) (*agentv1.ExecuteWorkflowResponse, error) {
	return &agentv1.ExecuteWorkflowResponse{ExecutionId: "e1"}, s.execute()
}

func (s *scripted) RetryExecution(context.Context, *agentv1.RetryExecutionRequest) (*agentv1.RetryExecutionResponse, error) {
	return &agentv1.RetryExecutionResponse{ExecutionId: "e2"}, s.retry()
}

func wantCode(t testing.TB, err error, code workflow.Code) {
	t.Helper()
	if workflow.CodeOf(err) != code {
		t.Fatalf("got %q (%v), want %q", workflow.CodeOf(err), err, code)
	}
}
