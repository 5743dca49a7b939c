package agentconv

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"flowgate/internal/workflow"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Domain is the google.rpc.ErrorInfo domain of errors this project made. A
// status without it comes from the transport or from a foreign agent.
const Domain = "flowgate"

const (
	metaReason  = "reason"  // workflow.Error.Reason
	metaDetails = "details" // workflow.Error.Details, a JSON object
	maxMessage  = 4 << 10   // bytes of a message; the rest is cut
	maxFields   = 100       // field errors of a status; trailers must stay small
)

// grpcCode is the table of codes, read from ours to gRPC's. ok is false for a
// code it does not know. Several of ours share one of gRPC's; the ErrorInfo's
// reason tells them apart.
func grpcCode(code workflow.Code) (c codes.Code, ok bool) {
	switch code {
	case workflow.CodeInvalid:
		return codes.InvalidArgument, true
	case workflow.CodeTooLarge: // not RESOURCE_EXHAUSTED, which clients retry
		return codes.OutOfRange, true
	case workflow.CodeUnauthorized:
		return codes.Unauthenticated, true
	case workflow.CodeForbidden, workflow.CodeScope:
		return codes.PermissionDenied, true
	case workflow.CodeNotFound:
		return codes.NotFound, true
	case workflow.CodeConflict:
		return codes.Aborted, true
	case workflow.CodeRateLimited:
		return codes.ResourceExhausted, true
	case workflow.CodeUnrunnable:
		return codes.FailedPrecondition, true
	case workflow.CodeTimeout:
		return codes.DeadlineExceeded, true
	case workflow.CodeCancelled:
		return codes.Canceled, true
	case workflow.CodeUnsupported:
		return codes.Unimplemented, true
	case workflow.CodeUnavailable:
		return codes.Unavailable, true
	case workflow.CodeDownstream:
		return codes.Unknown, true
	case workflow.CodeInternal:
		return codes.Internal, true
	}
	return codes.Internal, false
}

// bareCode is the table read backwards, for statuses without an ErrorInfo of
// ours, with the message callers get where the status' own is not for them
// ("" keeps the status' own).
func bareCode(c codes.Code) (code workflow.Code, message string) {
	switch c {
	case codes.InvalidArgument, codes.OutOfRange:
		return workflow.CodeInvalid, ""
	case codes.Unauthenticated:
		return workflow.CodeUnauthorized, ""
	case codes.PermissionDenied:
		return workflow.CodeForbidden, ""
	case codes.NotFound:
		return workflow.CodeNotFound, ""
	case codes.Aborted, codes.AlreadyExists:
		return workflow.CodeConflict, ""
	case codes.ResourceExhausted: // gRPC itself says it of messages over the limit only
		return workflow.CodeTooLarge, ""
	case codes.FailedPrecondition:
		return workflow.CodeUnrunnable, ""
	case codes.DeadlineExceeded:
		return workflow.CodeTimeout, "The workflow agent did not answer in time."
	case codes.Canceled:
		return workflow.CodeCancelled, "The call to the workflow agent was cancelled."
	case codes.Unimplemented:
		return workflow.CodeUnsupported, "The workflow agent does not offer this call; it may be of an older version."
	case codes.Unavailable:
		return workflow.CodeUnavailable, "The workflow agent cannot be reached at present."
	case codes.Unknown:
		return workflow.CodeDownstream, "The workflow agent failed."
	}
	return workflow.CodeInternal, "The workflow agent failed."
}

// ToStatus returns err as a gRPC status error: the code by the table, the
// message meant for callers, field errors as BadRequest, and what has no place
// of its own in the ErrorInfo. Causes stay behind. Errors without a code
// become INTERNAL and say nothing of their insides; context errors and gRPC
// statuses keep what they are. Nil for nil.
func ToStatus(err error) error {
	var e *workflow.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &e):
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return status.FromContextError(err).Err()
	default:
		if _, ok := err.(interface{ GRPCStatus() *status.Status }); ok { // unwrapped only: others' words stay inside
			return err
		}
		e = &workflow.Error{Code: workflow.CodeInternal, Message: workflow.MessageOf(err)}
	}
	c, ok := grpcCode(e.Code)
	if !ok {
		e = &workflow.Error{Code: workflow.CodeInternal, Message: e.Message}
	}
	st := status.New(c, cut(e.Message))
	info := &errdetails.ErrorInfo{Reason: string(e.Code), Domain: Domain, Metadata: metadataOf(e)}
	full, derr := st.WithDetails(info)
	if derr == nil && len(e.Fields) > 0 {
		full, derr = st.WithDetails(info, badRequest(e.Fields))
	}
	if derr != nil {
		return st.Err()
	}
	return full.Err()
}

func metadataOf(e *workflow.Error) map[string]string {
	meta := map[string]string{}
	if e.Reason != "" {
		meta[metaReason] = text(e.Reason)
	}
	if len(e.Details) > 0 {
		if data, err := json.Marshal(e.Details); err == nil { // details that are not JSON are for nobody
			meta[metaDetails] = string(data)
		}
	}
	return meta
}

// badRequest puts a field's hint into the localized message, the only other
// text a violation has.
func badRequest(fields []workflow.FieldError) *errdetails.BadRequest {
	out := &errdetails.BadRequest{}
	for _, f := range fields[:min(len(fields), maxFields)] {
		v := &errdetails.BadRequest_FieldViolation{Field: text(f.Field), Description: cut(f.Message)}
		if f.Hint != "" {
			v.LocalizedMessage = &errdetails.LocalizedMessage{Locale: "en", Message: cut(f.Hint)}
		}
		out.FieldViolations = append(out.FieldViolations, v)
	}
	return out
}

// text replaces bytes that are no UTF-8, which protobuf refuses.
func text(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

func cut(s string) string {
	if len(s) > maxMessage {
		s = strings.ToValidUTF8(s[:maxMessage], "") + "…"
	}
	return text(s)
}
