package grpcclient

import (
	"sync/atomic"

	"flowgate/internal/workflow"
	agentv1 "flowgate/proto/agent/v1"
	"flowgate/proto/agentconv"

	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // the codec that is wrapped
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// reasonIncompatible tells agents apart that speak another version of the
// contract. Other versions have the same service and method names, with other
// numbers in the messages.
const reasonIncompatible = "incompatible_agent"

func incompatible(cause error) error {
	return workflow.Wrap(workflow.CodeDownstream, cause,
		"The workflow agent speaks another version of the contract than this gateway and cannot be understood; point WORKFLOW_SERVICE_HOST at one of this version or of the contract of 26 July 2025.").
		WithReason(reasonIncompatible)
}

// Older reports an error of an agent that does not know the call, as those do
// not that hold conversations only.
func Older(err error) bool { return workflow.ReasonOf(err) == agentconv.ReasonOlder }

// Incompatible reports an error of an agent of another version.
func Incompatible(err error) bool { return workflow.ReasonOf(err) == reasonIncompatible }

// notingCodec is gRPC's codec; it notes that a message could not be decoded,
// which the status of the call tells by its words only.
type notingCodec struct {
	encoding.CodecV2
	unreadable atomic.Bool
}

func newNotingCodec() *notingCodec { return &notingCodec{CodecV2: encoding.GetCodecV2("proto")} }

// Unmarshal decodes data into v.
func (c *notingCodec) Unmarshal(data mem.BufferSlice, v any) error {
	err := c.CodecV2.Unmarshal(data, v)
	if err != nil {
		c.unreadable.Store(true)
	}
	return err
}

// elsewhereFinal is the number of is_final in the versions that moved it; no
// field of ours has it.
const elsewhereFinal = 11

// misread reports a response of another version: it decodes, but not to what
// was meant.
func misread(resp *agentv1.ConversationResponse) bool {
	if foreignFields(resp) {
		return true
	}
	switch c := resp.GetContent().(type) {
	case *agentv1.ConversationResponse_Message:
		return otherType(resp, agentv1.ResponseType_RESPONSE_MESSAGE) || foreignFields(c.Message)
	case *agentv1.ConversationResponse_Status:
		return otherType(resp, agentv1.ResponseType_RESPONSE_STATUS) || foreignFields(c.Status)
	case *agentv1.ConversationResponse_Error:
		return otherType(resp, agentv1.ResponseType_RESPONSE_ERROR) || foreignFields(c.Error)
	}
	return false
}

// otherType reports a type that is set and names another content.
func otherType(resp *agentv1.ConversationResponse, want agentv1.ResponseType) bool {
	return resp.GetType() != 0 && resp.GetType() != want
}

// foreignFields reports a field of m that has a number of ours with another
// type on the wire, or the number that only other versions use. Numbers that
// are higher than ours are a newer version's additions.
func foreignFields(m proto.Message) bool {
	r := m.ProtoReflect()
	known := r.Descriptor().Fields()
	_, response := m.(*agentv1.ConversationResponse)
	for raw := []byte(r.GetUnknown()); len(raw) > 0; {
		number, _, n := protowire.ConsumeField(raw)
		if n < 0 || known.ByNumber(number) != nil || response && number == elsewhereFinal {
			return true
		}
		raw = raw[n:]
	}
	return false
}
