package grpcclient_test

import (
	"context"
	"errors"
	"net"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"flowgate/grpcclient"
	"flowgate/internal/agent"
	"flowgate/internal/workflow"
	agentv1 "flowgate/proto/agent/v1"

	"google.golang.org/grpc"
)

func TestMethods(t *testing.T) {
	t.Parallel()
	var executed workflow.ExecuteRequest
	var resumed *workflow.Object
	e := &engine{
		validate: func(_ context.Context, owner string, doc *workflow.Document) (workflow.Validation, error) {
			return workflow.Validation{Errors: []workflow.Finding{{Code: "x", Node: doc.Name, Message: owner}}}, nil
		},
		nodeTypes: func(context.Context) ([]workflow.NodeType, error) {
			return []workflow.NodeType{{Type: "n8n-nodes-base.set", Versions: []float64{1, 3.4}}}, nil
		},
		execute: func(_ context.Context, r workflow.ExecuteRequest) (string, bool, error) {
			executed = r
			return "e1", true, nil
		},
		cancel: func(_ context.Context, owner, id string) error {
			return workflow.Errorf(workflow.CodeNotFound, "No execution %s of %s.", id, owner)
		},
		resume: func(_ context.Context, _, _ string, response *workflow.Object) error { resumed = response; return nil },
		retry:  func(_ context.Context, _, id string) (string, error) { return id + "b", nil },
	}
	// The same over a connection inside the process and over TCP.
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serve(t, agent.Options{Engine: e, TLS: agent.TLS{Insecure: true}}, tcp)
	for name, c := range map[string]*grpcclient.Client{
		"in process": embedded(t, e),
		"tcp":        dial(t, grpcclient.Options{Target: tcp.Addr().String(), TLS: grpcclient.TLS{Insecure: true}}),
	} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			if err := c.Health(ctx); err != nil {
				t.Fatal(err)
			}
			v, err := c.Validate(ctx, "ann", &workflow.Document{Name: "Doc"})
			if err != nil || v.Valid || v.Warnings == nil || v.Errors[0] != (workflow.Finding{Code: "x", Node: "Doc", Message: "ann"}) {
				t.Errorf("Validate: %+v, %v", v, err)
			}
			types, err := c.NodeTypes(ctx)
			if err != nil || len(types) != 1 || !reflect.DeepEqual(types[0].Versions, []float64{1, 3.4}) {
				t.Errorf("NodeTypes: %+v, %v", types, err)
			}
			want := workflow.ExecuteRequest{OwnerID: "ann", WorkflowID: "w", Mode: workflow.ModeManual, IdempotencyKey: "k",
				Start: workflow.Start{Items: []workflow.Item{{JSON: workflow.NewObject("b", 1.0, "a", "<ü>")}}}}
			id, existing, err := c.Execute(ctx, want)
			if id != "e1" || !existing || err != nil || !reflect.DeepEqual(executed, want) {
				t.Errorf("Execute: %q %v %v, engine got %+v", id, existing, err, executed)
			}
			err = c.Cancel(ctx, "ann", "e9")
			wantCode(t, err, workflow.CodeNotFound)
			if workflow.MessageOf(err) != "No execution e9 of ann." {
				t.Errorf("message %q", workflow.MessageOf(err))
			}
			if err := c.Resume(ctx, "ann", "e1", workflow.NewObject("ok", true)); err != nil || resumed.Value("ok") != true {
				t.Errorf("Resume: %v, engine got %v", err, resumed)
			}
			if id, err := c.Retry(ctx, "ann", "e1"); id != "e1b" || err != nil {
				t.Errorf("Retry: %q, %v", id, err)
			}
		})
	}
}

func TestDeadlines(t *testing.T) {
	t.Parallel()
	var left atomic.Int64 // nanoseconds
	c := embedded(t, &engine{
		cancel: func(ctx context.Context, _, id string) error {
			deadline, _ := ctx.Deadline()
			left.Store(int64(time.Until(deadline)))
			if id == "slow" {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		},
	})
	err := c.Cancel(context.Background(), "ann", "e")
	if d := time.Duration(left.Load()); err != nil || d <= 25*time.Second || d > 30*time.Second {
		t.Errorf("without a deadline: %v left, %v", d, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err = c.Cancel(ctx, "ann", "slow")
	wantCode(t, err, workflow.CodeTimeout)
	if d := time.Duration(left.Load()); !errors.Is(err, context.DeadlineExceeded) || d > 50*time.Millisecond {
		t.Errorf("caller's deadline did not arrive: %v left, %v", d, err)
	}
	ctx, cancel2 := context.WithCancel(t.Context())
	cancel2()
	wantCode(t, c.Cancel(ctx, "ann", "slow"), workflow.CodeCancelled)
}

func TestOversize(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("x", 3<<10)
	e := &engine{
		validate: func(context.Context, string, *workflow.Document) (workflow.Validation, error) {
			return workflow.Validation{Errors: []workflow.Finding{{Message: big}}}, nil
		},
		nodeTypes: func(context.Context) ([]workflow.NodeType, error) { return []workflow.NodeType{{Docs: big}}, nil },
		watch: func(_ context.Context, _, _ string, _ int64, fn func(workflow.Event) error) error {
			return fn(workflow.Event{Seq: 1, Message: big})
		},
	}
	for name, limits := range map[string]struct{ server, client int }{
		"client": {0, 2 << 10}, "server": {2 << 10, 0}, "both": {2 << 10, 2 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lis := agent.NewInProcess()
			serve(t, agent.Options{Engine: e, MaxMessageBytes: limits.server}, lis)
			c := dial(t, grpcclient.Options{Dialer: lis.Dial, MaxMessageBytes: limits.client})
			_, err := c.Validate(t.Context(), "ann", &workflow.Document{Description: big}) // request
			wantCode(t, err, workflow.CodeTooLarge)
			_, err = c.NodeTypes(t.Context()) // answer
			wantCode(t, err, workflow.CodeTooLarge)
			err = c.Watch(t.Context(), "ann", "e", 0, func(workflow.Event) error { return nil }) // streamed
			wantCode(t, err, workflow.CodeTooLarge)
			if workflow.MessageOf(err) == "" {
				t.Error("no message")
			}
		})
	}
}

// oldAgent speaks the contract before WorkflowEngine, without health.
type oldAgent struct {
	agentv1.UnimplementedWorkflowAgentServer
}

func TestOlderAgent(t *testing.T) {
	t.Parallel()
	lis := foreign(t, func(s *grpc.Server) { agentv1.RegisterWorkflowAgentServer(s, oldAgent{}) })
	c := dial(t, grpcclient.Options{Dialer: lis.Dial})
	if err := c.Health(t.Context()); err != nil {
		t.Errorf("an agent that answers is healthy: %v", err)
	}
	_, _, err := c.Execute(t.Context(), workflow.ExecuteRequest{OwnerID: "ann"})
	wantCode(t, err, workflow.CodeUnsupported)
	err = c.Watch(t.Context(), "ann", "e", 0, nil)
	wantCode(t, err, workflow.CodeUnsupported)
	if c.BreakerState() != "closed" {
		t.Error("an answer counted as a failure")
	}
}

func TestDialRefuses(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]grpcclient.Options{
		"nothing":           {},
		"no such CA":        {Target: "a:1", TLS: grpcclient.TLS{CAFile: "/does/not/exist"}},
		"CA of no PEM":      {Target: "a:1", TLS: grpcclient.TLS{CAFile: "client_test.go"}},
		"key without cert":  {Target: "a:1", TLS: grpcclient.TLS{KeyFile: "client_test.go"}},
		"insecure with TLS": {Target: "a:1", TLS: grpcclient.TLS{Insecure: true, ServerName: "a"}},
		"malformed target":  {Target: "dns://%%%/a"},
	} {
		_, err := grpcclient.Dial(o)
		if workflow.CodeOf(err) != workflow.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestToken(t *testing.T) {
	t.Parallel()
	lis := agent.NewInProcess()
	serve(t, agent.Options{Engine: &engine{cancel: func(context.Context, string, string) error { return nil }}}, lis)
	c := dial(t, grpcclient.Options{Dialer: lis.Dial, Token: func(ctx context.Context) (string, error) {
		switch owner := grpcclient.Owner(ctx); owner {
		case "bob":
			return "ann", nil
		case "eve":
			return "", errors.New("no key")
		default:
			return owner, nil
		}
	}})
	if err := c.Cancel(t.Context(), "ann", "e"); err != nil {
		t.Error(err)
	}
	wantCode(t, c.Cancel(t.Context(), "bob", "e"), workflow.CodeForbidden)
	wantCode(t, c.Cancel(t.Context(), "eve", "e"), workflow.CodeUnauthorized)
	wantCode(t, c.Cancel(t.Context(), "", "e"), workflow.CodeUnauthorized)
}

func TestClosed(t *testing.T) {
	t.Parallel()
	c := embedded(t, &engine{})
	for range 2 {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	wantCode(t, c.Cancel(t.Context(), "ann", "e"), workflow.CodeUnavailable)
	wantCode(t, c.Watch(t.Context(), "ann", "e", 0, nil), workflow.CodeUnavailable)
}
