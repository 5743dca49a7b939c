package grpcclient

import (
	"context"
	"net"
	"testing"
	"testing/synctest"

	agentv1 "flowgate/proto/agent/v1"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
	"google.golang.org/grpc/test/bufconn"
)

type counting struct {
	agentv1.UnimplementedWorkflowEngineServer
	calls *int
}

func (c counting) CancelExecution(context.Context, *agentv1.CancelExecutionRequest) (*agentv1.CancelExecutionResponse, error) {
	*c.calls++
	return &agentv1.CancelExecutionResponse{}, nil
}

// TestBalance: calls go round all addresses and leave out those that say they
// do not serve.
func TestBalance(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls [2]int
		var healthy [2]*health.Server
		servers := map[string]*bufconn.Listener{}
		var addresses []resolver.Address
		for i, name := range []string{"a", "b"} {
			lis, gs := bufconn.Listen(1<<16), grpc.NewServer()
			healthy[i], servers[name] = health.NewServer(), lis
			agentv1.RegisterWorkflowEngineServer(gs, counting{calls: &calls[i]})
			healthpb.RegisterHealthServer(gs, healthy[i])
			go func() { _ = gs.Serve(lis) }()
			defer gs.Stop()
			addresses = append(addresses, resolver.Address{Addr: name})
		}
		names := manual.NewBuilderWithScheme("many")
		names.InitialState(resolver.State{Addresses: addresses})
		c, err := dial(Options{Target: "many:///agents", Dialer: func(ctx context.Context, target string) (net.Conn, error) {
			return servers[target].DialContext(ctx)
		}}, grpc.WithResolvers(names))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		round := func() (a, b int) {
			t.Helper()
			calls = [2]int{}
			for range 10 {
				if err := c.Cancel(t.Context(), "ann", "e"); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
			}
			return calls[0], calls[1]
		}
		round()
		if a, b := round(); a != 5 || b != 5 {
			t.Errorf("calls went %d and %d ways", a, b)
		}
		healthy[0].Shutdown()
		synctest.Wait()
		if a, b := round(); a != 0 || b != 10 {
			t.Errorf("with a not serving, calls went %d and %d ways", a, b)
		}
		healthy[0].Resume()
		synctest.Wait()
		if a, b := round(); a != 5 || b != 5 {
			t.Errorf("after a's return, calls went %d and %d ways", a, b)
		}
	})
}

func TestAddress(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]string{
		"agent:50051":               "dns:///agent:50051",
		"10.0.0.1:50051":            "dns:///10.0.0.1:50051",
		"dns:agent:50051":           "dns:agent:50051",
		"dns://1.1.1.1/agent:50051": "dns://1.1.1.1/agent:50051",
		"unix:/run/a.sock":          "unix:/run/a.sock",
		"[::1]:50051":               "dns:///[::1]:50051",
	} {
		if got := (Options{Target: target}).address(); got != want {
			t.Errorf("%s became %s, want %s", target, got, want)
		}
	}
}
