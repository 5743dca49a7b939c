package agentconv_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand"
	"reflect"
	"strings"
	"testing"

	"flowgate/internal/workflow"
	agentv1 "flowgate/proto/agent/v1"
	"flowgate/proto/agentconv"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

func allCodes() []workflow.Code {
	return []workflow.Code{
		workflow.CodeInvalid, workflow.CodeUnauthorized, workflow.CodeForbidden, workflow.CodeScope, workflow.CodeNotFound,
		workflow.CodeConflict, workflow.CodeTooLarge, workflow.CodeRateLimited, workflow.CodeUnrunnable, workflow.CodeTimeout,
		workflow.CodeCancelled, workflow.CodeUnsupported, workflow.CodeUnavailable, workflow.CodeDownstream, workflow.CodeInternal,
	}
}

// overWire returns err's status as another process sees it.
func overWire(t *testing.T, err error) error {
	t.Helper()
	st, ok := status.FromError(err)
	if !ok {
		t.Fatalf("%v is not a status", err)
	}
	return status.FromProto(wire(t, proto.Message(st.Proto()), proto.Message(&spb.Status{})).(*spb.Status)).Err()
}

func TestErrorRoundTrip(t *testing.T) {
	roundTrip(t, func(r *rand.Rand) workflow.Error {
		e := workflow.Error{Code: allCodes()[r.Intn(len(allCodes()))], Reason: str(r), Message: str(r)}
		e.Fields = list(r, func(r *rand.Rand) workflow.FieldError {
			return workflow.FieldError{Field: str(r), Message: str(r), Hint: str(r)}
		})
		if coin(r) {
			e.Details = map[string]any{str(r): str(r), "n": float64(r.Intn(100)), "list": []any{true, nil}}
		}
		return e
	}, func(e workflow.Error) (workflow.Error, error) {
		e.Err = errors.New("stays behind")
		back := agentconv.FromStatus(overWire(t, agentconv.ToStatus(fmt.Errorf("wrapped: %w", &e))))
		if strings.Contains(back.Error(), "stays behind") || agentconv.IsTransport(back) {
			return e, errors.New("the cause travelled, or counts as transport")
		}
		var got *workflow.Error
		_ = errors.As(back, &got)
		got.Err = nil // the status, for the log
		return *got, nil
	})
}

func TestToStatus(t *testing.T) {
	t.Parallel()
	st := func(err error) *status.Status { return status.Convert(agentconv.ToStatus(err)) }
	if agentconv.ToStatus(nil) != nil || agentconv.FromStatus(nil) != nil {
		t.Error("nil became an error")
	}
	if s := st(errors.New("password is hunter2")); s.Code() != codes.Internal || strings.Contains(s.Message(), "hunter2") {
		t.Errorf("an uncoded error became %v", s)
	}
	if s := st(fmt.Errorf("dial: %w", status.Error(codes.NotFound, "hunter2"))); s.Code() != codes.Internal || strings.Contains(s.Message(), "hunter2") {
		t.Errorf("another's status became %v", s)
	}
	if s := st(fmt.Errorf("x: %w", context.Canceled)); s.Code() != codes.Canceled {
		t.Errorf("cancelled became %v", s)
	}
	if s := st(workflow.Errorf("of_tomorrow", "Hm.")); s.Code() != codes.Internal || s.Message() != "Hm." {
		t.Errorf("an unknown code became %v", s)
	}
	if s := st(workflow.Errorf(workflow.CodeInvalid, "\xff%s", strings.Repeat("ä", 9000))); len(s.Message()) > 5000 || overWire(t, s.Err()) == nil {
		t.Errorf("a message of %d bytes went out", len(s.Message()))
	}
}

func TestFromStatus(t *testing.T) {
	t.Parallel()
	for c, want := range map[codes.Code]workflow.Code{
		codes.InvalidArgument: workflow.CodeInvalid, codes.Unauthenticated: workflow.CodeUnauthorized,
		codes.PermissionDenied: workflow.CodeForbidden, codes.NotFound: workflow.CodeNotFound,
		codes.AlreadyExists: workflow.CodeConflict, codes.Aborted: workflow.CodeConflict, codes.OutOfRange: workflow.CodeInvalid,
		codes.ResourceExhausted: workflow.CodeTooLarge, codes.FailedPrecondition: workflow.CodeUnrunnable,
		codes.DeadlineExceeded: workflow.CodeTimeout, codes.Canceled: workflow.CodeCancelled,
		codes.Unimplemented: workflow.CodeUnsupported, codes.Unavailable: workflow.CodeUnavailable,
		codes.Unknown: workflow.CodeDownstream, codes.Internal: workflow.CodeInternal, codes.DataLoss: workflow.CodeInternal,
	} {
		bare := status.Error(c, "m")
		err := agentconv.FromStatus(bare)
		if workflow.CodeOf(err) != want || workflow.MessageOf(err) == "" || !errors.Is(err, bare) {
			t.Errorf("%v became %q %q", c, workflow.CodeOf(err), workflow.MessageOf(err))
		}
		if agentconv.IsTransport(bare) != (c == codes.Unavailable) {
			t.Errorf("%v is transport: %v", c, agentconv.IsTransport(bare))
		}
	}
	if err := agentconv.FromStatus(status.Error(codes.DeadlineExceeded, "")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v is not a context's", err)
	}
	if err := agentconv.FromStatus(context.Canceled); workflow.CodeOf(err) != workflow.CodeCancelled {
		t.Errorf("%v", err)
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	var errs []error
	add := func(_ any, err error) { errs = append(errs, err) }
	add(agentconv.DocumentToProto(nil))
	add(agentconv.DocumentFromProto([]byte("{")))
	add(agentconv.ObjectFromProto([]byte("[1]"), "response"))
	add(agentconv.ObjectFromProto([]byte("{"), "response"))
	add(agentconv.EventFromProto(&agentv1.Event{Data: []byte("{")}))
	add(agentconv.ExecuteFromProto(&agentv1.ExecuteWorkflowRequest{Start: &agentv1.Start{Items: []byte("{}")}}))
	add(agentconv.NodeTypesFromProto([]*agentv1.NodeType{{Parameters: []byte("x")}}))
	for i, err := range errs {
		var e *workflow.Error
		if !errors.As(err, &e) || e.Code != workflow.CodeInvalid || len(e.Fields) != 1 {
			t.Errorf("%d: %v", i, err)
		}
	}
}

func TestDocumentKeepsUnknownFields(t *testing.T) {
	t.Parallel()
	const text = `{"name":"D","nodes":[{"id":"1","name":"A","type":"x","typeVersion":1.1,"position":[0,10],"parameters":{"z":1,"a":"=x"},"color":7}],` +
		`"connections":{"A":{"main":[[{"node":"B","type":"main","index":0}]]}},"settings":{"executionOrder":"v1","odd":true},"meta":{"k":"<v>"}}`
	doc, err := agentconv.DocumentFromProto([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	data, err := agentconv.DocumentToProto(doc)
	if err != nil {
		t.Fatal(err)
	}
	var want, got any
	_ = json.Unmarshal([]byte(text), &want)
	_ = json.Unmarshal(data, &got)
	if !reflect.DeepEqual(want, got) {
		t.Errorf("got %s", data)
	}
}
