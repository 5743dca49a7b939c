// Package agenttest is workflow agents for tests that speak one published
// version of the contract and nothing else. Their messages are made of the
// version's own numbers, not of this project's generated code, so that what
// they send and understand is what agents of that time do.
package agenttest

import (
	"encoding/json"
	"io"
	"net"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// The versions that had ProcessConversation.
const (
	July26 = "2025-07-26" // this project's contract is an extension of it
	July28 = "2025-07-28" // numbers moved
	July29 = "2025-07-29" // numbers moved, other contents
)

// Request is a request as JSON has it, by the contract's names.
type Request map[string]any

// State returns the request's current_state, nil for none.
func (r Request) State() map[string]any {
	s, _ := r["current_state"].(map[string]any)
	return s
}

// Turn answers one request: it sends responses, written as JSON by the
// contract's names.
type Turn func(stream grpc.ServerStream, r Request, send func(response string) error) error

// Serve runs an agent of a version on lis until the returned stop is called or
// the test ends. stop breaks off what is under way.
func Serve(t testing.TB, lis net.Listener, version string, turn Turn, opts ...grpc.ServerOption) (stop func()) {
	t.Helper()
	file, err := contract(version)
	if err != nil {
		t.Fatal(err)
	}
	gs := grpc.NewServer(opts...)
	gs.RegisterService(&grpc.ServiceDesc{
		ServiceName: "workflow_agent.WorkflowAgent", HandlerType: (*any)(nil),
		Streams: []grpc.StreamDesc{{StreamName: "ProcessConversation", ServerStreams: true, Handler: func(_ any, s grpc.ServerStream) error {
			return serveTurn(file, s, turn)
		}}},
	}, nil)
	done := make(chan struct{})
	go func() { defer close(done); _ = gs.Serve(lis) }()
	stop = func() { gs.Stop(); <-done }
	t.Cleanup(stop)
	return stop
}

func serveTurn(file protoreflect.FileDescriptor, s grpc.ServerStream, turn Turn) error {
	in := dynamicpb.NewMessage(file.Messages().ByName("ConversationRequest"))
	if err := s.RecvMsg(in); err != nil {
		return err
	}
	data, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(in)
	if err != nil {
		return err
	}
	var r Request
	if err := json.Unmarshal(data, &r); err != nil {
		return err
	}
	err = turn(s, r, func(response string) error {
		out := dynamicpb.NewMessage(file.Messages().ByName("ConversationResponse"))
		if err := protojson.Unmarshal([]byte(response), out); err != nil {
			panic("a test's response does not fit the contract: " + err.Error())
		}
		return s.SendMsg(out)
	})
	if err == io.EOF { //nolint:errorlint // gRPC's word for a stream that the client closed
		return nil
	}
	return err
}
