package agent_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"flowgate/internal/agent"
	"flowgate/internal/workflow"
	agentv1 "flowgate/proto/agent/v1"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// engine is an agent.Engine; methods the test does not set panic.
type engine struct {
	agent.Engine
	cancel func(ctx context.Context, owner, id string) error
	watch  func(ctx context.Context, after int64, fn func(workflow.Event) error) error
}

func (e engine) Cancel(ctx context.Context, owner, id string) error { return e.cancel(ctx, owner, id) }
func (e engine) Watch(ctx context.Context, _, _ string, after int64, fn func(workflow.Event) error) error {
	return e.watch(ctx, after, fn)
}

// verify knows tokens of the form "for:<owner>".
func verify(_ context.Context, token string) (string, error) {
	owner, ok := strings.CutPrefix(token, "for:")
	if !ok {
		return "", errors.New("bad signature")
	}
	return owner, nil
}

// start serves opts in this process and returns a plain connection and a stop
// that waits for Serve.
func start(t *testing.T, opts agent.Options) (conn *grpc.ClientConn, stop func()) {
	t.Helper()
	opts.Verify = verify
	s, err := agent.NewServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	lis := agent.NewInProcess()
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, lis); close(served) }()
	conn, err = grpc.NewClient("passthrough:///agent", grpc.WithContextDialer(lis.Dial),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	stop = func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(func() { stop(); _ = conn.Close() })
	return conn, stop
}

func with(token string) context.Context {
	return metadata.AppendToOutgoingContext(context.Background(), "authorization", token)
}

func wantStatus(t *testing.T, err error, code codes.Code) {
	t.Helper()
	if status.Code(err) != code {
		t.Errorf("got %v, want %v", err, code)
	}
}

func TestAuthorization(t *testing.T) {
	t.Parallel()
	conn, _ := start(t, agent.Options{Engine: engine{
		cancel: func(context.Context, string, string) error { return nil },
		watch:  func(context.Context, int64, func(workflow.Event) error) error { return nil },
	}})
	client := agentv1.NewWorkflowEngineClient(conn)
	for name, tt := range map[string]struct {
		ctx  context.Context
		user string
		code codes.Code
	}{
		"right":             {with("Bearer for:ann"), "ann", codes.OK},
		"scheme's case":     {with("bearer for:ann"), "ann", codes.OK},
		"no token":          {context.Background(), "ann", codes.Unauthenticated},
		"no scheme":         {with("for:ann"), "ann", codes.Unauthenticated},
		"bad token":         {with("Bearer x"), "ann", codes.Unauthenticated},
		"two tokens":        {metadata.AppendToOutgoingContext(with("Bearer for:ann"), "authorization", "Bearer for:bob"), "ann", codes.Unauthenticated},
		"another's":         {with("Bearer for:ann"), "bob", codes.PermissionDenied},
		"no user":           {with("Bearer for:ann"), "", codes.PermissionDenied},
		"nobody for nobody": {with("Bearer for:"), "", codes.Unauthenticated},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := client.CancelExecution(tt.ctx, &agentv1.CancelExecutionRequest{UserId: tt.user})
			wantStatus(t, err, tt.code)
			stream, err := client.WatchExecution(tt.ctx, &agentv1.WatchExecutionRequest{UserId: tt.user})
			if err != nil {
				t.Fatal(err)
			}
			if _, err = stream.Recv(); tt.code != codes.OK || err.Error() != "EOF" {
				wantStatus(t, err, tt.code)
			}
		})
	}
	if _, err := healthpb.NewHealthClient(conn).Check(context.Background(), &healthpb.HealthCheckRequest{}); err != nil {
		t.Errorf("health needs a token: %v", err)
	}
}

func TestConversationIsNotThereYet(t *testing.T) {
	t.Parallel()
	conn, _ := start(t, agent.Options{Engine: engine{}})
	stream, err := agentv1.NewWorkflowAgentClient(conn).ProcessConversation(with("Bearer for:ann"), &agentv1.ConversationRequest{UserId: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = stream.Recv()
	wantStatus(t, err, codes.Unimplemented)
	if !strings.Contains(status.Convert(err).Message(), "conversations") {
		t.Errorf("%v does not say what is missing", err)
	}
}

func TestPanic(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	conn, stop := start(t, agent.Options{
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
		Engine: engine{
			cancel: func(context.Context, string, string) error { panic("hunter2") },
			watch:  func(context.Context, int64, func(workflow.Event) error) error { panic("hunter3") },
		},
	})
	client := agentv1.NewWorkflowEngineClient(conn)
	_, err := client.CancelExecution(with("Bearer for:ann"), &agentv1.CancelExecutionRequest{UserId: "ann"})
	wantStatus(t, err, codes.Internal)
	if strings.Contains(err.Error(), "hunter") {
		t.Errorf("the panic went out: %v", err)
	}
	stream, err := client.WatchExecution(with("Bearer for:ann"), &agentv1.WatchExecutionRequest{UserId: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = stream.Recv()
	wantStatus(t, err, codes.Internal)
	stop()
	for _, want := range []string{"hunter2", "hunter3", "server_test.go"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %s", want)
		}
	}
}

// TestStop: health watchers are told, watches end at once, calls may finish,
// and what does not is broken off.
func TestStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		conn, stop := start(t, agent.Options{StopTimeout: 10 * time.Second, Engine: engine{
			cancel: func(ctx context.Context, _, id string) error {
				switch id {
				case "ends":
					time.Sleep(5 * time.Second)
				case "hangs":
					<-ctx.Done()
				case "deaf":
					<-release
				}
				return nil
			},
			watch: func(ctx context.Context, _ int64, _ func(workflow.Event) error) error { <-ctx.Done(); return nil },
		}})
		client := agentv1.NewWorkflowEngineClient(conn)
		call := func(id string) chan error {
			done := make(chan error, 1)
			go func() {
				_, err := client.CancelExecution(with("Bearer for:ann"), &agentv1.CancelExecutionRequest{UserId: "ann", ExecutionId: id})
				done <- err
			}()
			return done
		}
		healthy, err := healthpb.NewHealthClient(conn).Watch(context.Background(), &healthpb.HealthCheckRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if r, err := healthy.Recv(); err != nil || r.GetStatus() != healthpb.HealthCheckResponse_SERVING {
			t.Fatal(r, err)
		}
		stream, err := client.WatchExecution(with("Bearer for:ann"), &agentv1.WatchExecutionRequest{UserId: "ann"})
		if err != nil {
			t.Fatal(err)
		}
		ends, hangs, deaf := call("ends"), call("hangs"), call("deaf")
		synctest.Wait()

		began := time.Now()
		stopped := make(chan struct{})
		go func() { stop(); close(stopped) }()
		_, err = stream.Recv()
		if wantStatus(t, err, codes.Unavailable); time.Since(began) > time.Second {
			t.Errorf("the watch ended after %v", time.Since(began))
		}
		if err := <-ends; err != nil {
			t.Errorf("a call that could finish got %v", err)
		}
		wantStatus(t, <-hangs, codes.Unavailable)
		wantStatus(t, <-deaf, codes.Unavailable)
		<-stopped
		if took := time.Since(began); took != 20*time.Second {
			t.Errorf("Serve returned after %v", took)
		}
		close(release)
		synctest.Wait()
	})
}

func TestNewServerRefuses(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]agent.Options{
		"nothing":      {},
		"no engine":    {Verify: verify},
		"no verify":    {Engine: engine{}},
		"no such cert": {Engine: engine{}, Verify: verify, TLS: agent.TLS{CertFile: "x", KeyFile: "y"}},
		"both":         {Engine: engine{}, Verify: verify, TLS: agent.TLS{CertFile: "x", Insecure: true}},
	} {
		if _, err := agent.NewServer(o); workflow.CodeOf(err) != workflow.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestListenerFails(t *testing.T) {
	t.Parallel()
	s, err := agent.NewServer(agent.Options{Engine: engine{}, Verify: verify})
	if err != nil {
		t.Fatal(err)
	}
	lis := agent.NewInProcess()
	_ = lis.Close()
	if err := s.Serve(t.Context(), lis); workflow.CodeOf(err) != workflow.CodeInternal {
		t.Errorf("a closed listener gave %v", err)
	}
}
