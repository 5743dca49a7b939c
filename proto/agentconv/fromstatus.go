package agentconv

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"flowgate/internal/workflow"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// FromStatus returns the error of a gRPC call as a *workflow.Error, with the
// status as its cause for the log. Statuses made by ToStatus come back with
// the code, reason, message, fields and details they were made of; others get
// the code of the table, and a message of ours where theirs speaks of
// connections and insides. Errors that are a *workflow.Error already are
// returned as they are. For timeouts and cancellations errors.Is finds the
// context's error. Nil for nil.
func FromStatus(err error) error {
	var e *workflow.Error
	if err == nil || errors.As(err, &e) {
		return err
	}
	st, ok := status.FromError(err)
	if !ok {
		st = status.FromContextError(err)
	}
	e = fromInfo(st)
	if e == nil {
		e = &workflow.Error{}
		if e.Code, e.Message = bareCode(st.Code()); e.Message == "" {
			e.Message = st.Message()
		}
		if st.Code() == codes.Unimplemented {
			e.Reason = ReasonOlder
		}
	}
	e.Fields = fieldsOf(st)
	e.Err = cause(st.Code(), err)
	return e
}

// ReasonOlder is the reason of an error that says that the agent does not know
// the service or the method: an older one.
const ReasonOlder = "older_agent"

// IsTransport reports whether err says that the agent could not be reached, as
// opposed to an agent that answered, even if it answered "unavailable".
func IsTransport(err error) bool {
	st, ok := status.FromError(err)
	return ok && st.Code() == codes.Unavailable && infoOf(st) == nil
}

func infoOf(st *status.Status) *errdetails.ErrorInfo {
	for _, d := range st.Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok && info.Domain == Domain {
			return info
		}
	}
	return nil
}

// fromInfo returns nil for a status that is not ours. A code of a newer
// version counts as what its gRPC code counts as.
func fromInfo(st *status.Status) *workflow.Error {
	info := infoOf(st)
	if info == nil {
		return nil
	}
	e := &workflow.Error{Code: workflow.Code(info.Reason), Reason: info.Metadata[metaReason], Message: st.Message()}
	if _, known := grpcCode(e.Code); !known {
		if e.Reason == "" {
			e.Reason = info.Reason
		}
		e.Code, _ = bareCode(st.Code())
	}
	if d := info.Metadata[metaDetails]; d != "" {
		_ = json.Unmarshal([]byte(d), &e.Details) // details are a courtesy; the error stands without
	}
	return e
}

func fieldsOf(st *status.Status) []workflow.FieldError {
	var out []workflow.FieldError
	for _, d := range st.Details() {
		bad, ok := d.(*errdetails.BadRequest)
		if !ok {
			continue
		}
		for _, v := range bad.GetFieldViolations() {
			out = append(out, workflow.FieldError{
				Field: v.GetField(), Message: v.GetDescription(), Hint: v.GetLocalizedMessage().GetMessage(),
			})
		}
	}
	return out
}

func cause(c codes.Code, err error) error {
	switch {
	case c == codes.Canceled && !errors.Is(err, context.Canceled):
		return fmt.Errorf("%w: %w", context.Canceled, err)
	case c == codes.DeadlineExceeded && !errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w: %w", context.DeadlineExceeded, err)
	}
	return err
}
