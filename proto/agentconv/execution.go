// Package agentconv converts between the domain and the Workflow Agent's
// contract, errors included, so that the client and the server of the contract
// speak through one table and cannot drift apart. It stands beside the
// generated package, and is the one package under proto that imports the
// domain: the generated code cannot hold it, the domain may not know of
// protobuf, and neither side of the contract may import the other.
//
// Conversions lose nothing but what protobuf cannot hold: nil lists come back
// empty where JSON has no "absent" for them, times come back in UTC, and bytes
// that are no UTF-8 are replaced in text fields. Functions are named for what
// they return and are safe for concurrent use. …FromProto returns a
// *workflow.Error with CodeInvalid for input that is no JSON where JSON must be.
package agentconv

import (
	"bytes"
	"encoding/json"
	"time"

	"flowgate/internal/workflow"
	agentv1 "flowgate/proto/agent/v1"

	"google.golang.org/protobuf/types/known/timestamppb"
)

// maxOutput bounds the trigger output that a start may name.
const maxOutput = 255

// ExecuteToProto returns the request for the wire.
func ExecuteToProto(r workflow.ExecuteRequest) (*agentv1.ExecuteWorkflowRequest, error) {
	start := &agentv1.Start{Trigger: text(r.Start.Trigger), Webhook: r.Start.Webhook, PinData: r.Start.PinData, Output: int32(min(max(r.Start.Output, 0), maxOutput))}
	if r.Start.Items != nil {
		var err error
		if start.Items, err = json.Marshal(r.Start.Items); err != nil {
			return nil, invalid(err, "start.items", "The items cannot be written as JSON.")
		}
	}
	return &agentv1.ExecuteWorkflowRequest{
		UserId: r.OwnerID, WorkflowId: text(r.WorkflowID), Version: int64(r.Version), Mode: string(r.Mode), Start: start,
		IdempotencyKey: text(r.IdempotencyKey), ParentId: text(r.ParentID), RetryOf: text(r.RetryOf),
	}, nil
}

// ExecuteFromProto returns the request as the domain has it.
func ExecuteFromProto(p *agentv1.ExecuteWorkflowRequest) (workflow.ExecuteRequest, error) {
	r := workflow.ExecuteRequest{
		OwnerID: p.GetUserId(), WorkflowID: p.GetWorkflowId(), Version: int(p.GetVersion()), Mode: workflow.Mode(p.GetMode()),
		IdempotencyKey: p.GetIdempotencyKey(), ParentID: p.GetParentId(), RetryOf: p.GetRetryOf(),
	}
	s := p.GetStart()
	r.Start = workflow.Start{Trigger: s.GetTrigger(), Webhook: s.GetWebhook(), PinData: s.GetPinData(), Output: min(max(int(s.GetOutput()), 0), maxOutput)}
	if len(s.GetItems()) > 0 {
		if err := json.Unmarshal(s.GetItems(), &r.Start.Items); err != nil {
			return r, invalid(err, "start.items", "The items are not a JSON array of items.")
		}
	}
	return r, nil
}

// EventToProto returns the event for the wire.
func EventToProto(e workflow.Event) *agentv1.Event {
	p := &agentv1.Event{
		ExecutionId: e.ExecutionID, Seq: e.Seq, Type: string(e.Type), Level: e.Level, Node: text(e.Node), Run: int64(e.Run),
		Message: text(e.Message), Status: string(e.Status), DurationMs: e.DurationMS, Data: e.Data,
	}
	if !e.At.IsZero() {
		p.At = timestamppb.New(e.At)
	}
	for _, n := range e.ItemCounts {
		p.ItemCounts = append(p.ItemCounts, int64(n))
	}
	return p
}

// EventFromProto returns the event as the domain has it.
func EventFromProto(p *agentv1.Event) (workflow.Event, error) {
	e := workflow.Event{
		ExecutionID: p.GetExecutionId(), Seq: p.GetSeq(), Type: workflow.EventType(p.GetType()), Level: p.GetLevel(),
		At: timeOf(p.GetAt()), Node: p.GetNode(), Run: int(p.GetRun()), Message: p.GetMessage(),
		Status: workflow.Status(p.GetStatus()), DurationMS: p.GetDurationMs(),
	}
	for _, n := range p.GetItemCounts() {
		e.ItemCounts = append(e.ItemCounts, int(n))
	}
	var err error
	e.Data, err = rawFromProto(p.GetData(), "event.data")
	return e, err
}

// ObjectToProto returns the JSON of an object, nil for none.
func ObjectToProto(o *workflow.Object) ([]byte, error) {
	if o == nil {
		return nil, nil
	}
	data, err := o.MarshalJSON()
	if err != nil {
		return nil, invalid(err, "response", "The response cannot be written as JSON.")
	}
	return data, nil
}

// ObjectFromProto reads an object, nil from no bytes. field names it in errors.
func ObjectFromProto(data []byte, field string) (*workflow.Object, error) {
	if len(data) == 0 {
		return nil, nil
	}
	v, err := workflow.DecodeJSON(data)
	if err != nil {
		return nil, invalid(err, field, "This is not JSON.")
	}
	o, ok := v.(*workflow.Object)
	if !ok {
		return nil, invalid(nil, field, "Expected a JSON object, got "+workflow.KindOf(v)+".")
	}
	return o, nil
}

func timeOf(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}

func rawFromProto(data []byte, field string) (json.RawMessage, error) {
	switch {
	case len(data) == 0:
		return nil, nil
	case !json.Valid(data):
		return nil, invalid(nil, field, "This is not JSON.")
	}
	return bytes.Clone(data), nil
}

func invalid(err error, field, message string) *workflow.Error {
	e := workflow.Wrap(workflow.CodeInvalid, err, field+": "+message)
	e.Fields = []workflow.FieldError{{Field: field, Message: message}}
	return e
}
