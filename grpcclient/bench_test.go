package grpcclient_test

import (
	"context"
	"net"
	"path/filepath"
	"testing"

	"flowgate/grpcclient"
	"flowgate/internal/agent"
	"flowgate/internal/workflow"
)

// BenchmarkExecute is one call through client and server: token, breaker,
// conversions, interceptors.
func BenchmarkExecute(b *testing.B) {
	e := &engine{execute: func(_ context.Context, r workflow.ExecuteRequest) (string, bool, error) {
		return r.WorkflowID, false, nil
	}}
	listen := func(network, address string) net.Listener {
		lis, err := net.Listen(network, address)
		if err != nil {
			b.Fatal(err)
		}
		return lis
	}
	socket := filepath.Join(b.TempDir(), "s")
	tcp, unix := listen("tcp", "127.0.0.1:0"), listen("unix", socket)
	plain := agent.Options{Engine: e, TLS: agent.TLS{Insecure: true}}
	serve(b, plain, tcp)
	serve(b, plain, unix)
	for _, bb := range []struct {
		name   string
		client *grpcclient.Client
	}{
		{"in process", embedded(b, e)},
		{"unix", dial(b, grpcclient.Options{Target: "unix://" + socket, TLS: grpcclient.TLS{Insecure: true}})},
		{"tcp", dial(b, grpcclient.Options{Target: tcp.Addr().String(), TLS: grpcclient.TLS{Insecure: true}})},
	} {
		r := workflow.ExecuteRequest{OwnerID: "ann", WorkflowID: "w", Mode: workflow.ModeManual,
			Start: workflow.Start{Items: []workflow.Item{{JSON: workflow.NewObject("a", 1.0)}}}}
		run := func() {
			if _, _, err := bb.client.Execute(context.Background(), r); err != nil {
				b.Error(err)
			}
		}
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				run()
			}
		})
		b.Run(bb.name+" parallel", func(b *testing.B) {
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					run()
				}
			})
		})
	}
}
