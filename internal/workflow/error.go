// Package workflow is the domain: documents, items, executions, events, and
// the errors every layer speaks. It imports nothing of this module.
package workflow

import (
	"errors"
	"fmt"
)

// Code classifies an Error. Transports map codes to statuses; nothing else
// may decide on a message's words.
type Code string

// The codes. CodeInternal is what an error without a code counts as.
const (
	CodeInvalid      Code = "invalid_argument"
	CodeUnauthorized Code = "unauthenticated"
	CodeForbidden    Code = "forbidden"
	CodeScope        Code = "insufficient_scope"
	CodeNotFound     Code = "not_found"
	CodeConflict     Code = "conflict"
	CodeTooLarge     Code = "too_large"
	CodeRateLimited  Code = "rate_limit_exceeded"
	CodeUnrunnable   Code = "workflow_not_runnable"
	CodeTimeout      Code = "timeout"
	CodeCancelled    Code = "cancelled"
	CodeUnsupported  Code = "unimplemented"
	CodeUnavailable  Code = "unavailable"
	CodeDownstream   Code = "downstream_failed"
	CodeInternal     Code = "internal"
)

// Error is an expected failure. Message is for the caller and names the field
// and the remedy where there is one; Err is for the log only.
type Error struct {
	Code    Code
	Reason  string // a finer code for programs, such as "missing_api_key"; "" is Code itself
	Message string
	Fields  []FieldError // what is wrong, field by field, for CodeInvalid
	Remedy  string       // what to do next, where the code alone does not say; a sentence
	Details map[string]any
	Err     error
}

// FieldError is one fault of an input: where (a path such as
// "nodes[2].parameters.url"), what, and how to mend it.
type FieldError struct {
	Field   string `json:"field"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// Error returns the caller's message, with the cause behind it.
func (e *Error) Error() string {
	if e.Err != nil {
		return e.Message + ": " + e.Err.Error()
	}
	return e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf returns an Error with a formatted message.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// WithReason sets the finer code and returns e.
func (e *Error) WithReason(reason string) *Error {
	e.Reason = reason
	return e
}

// ReasonOf returns the finest code err carries.
func ReasonOf(err error) string {
	var e *Error
	if errors.As(err, &e) && e.Reason != "" {
		return e.Reason
	}
	return string(CodeOf(err))
}

// Wrap returns an Error with a message for callers and the cause for the log.
func Wrap(code Code, err error, message string) *Error {
	return &Error{Code: code, Message: message, Err: err}
}

// CodeOf returns the code of err: CodeInternal for an error that carries none,
// "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return CodeInternal
}

// MessageOf returns what a caller may read of err. Errors without a code say
// nothing of their insides.
func MessageOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Message
	}
	return "An internal error occurred. It was logged with this request's id."
}

// RetryAfter is in how many seconds the same request may do better: what the
// error says, else what goes for its kind. 0: repeating it is no use.
func RetryAfter(err error) int {
	var e *Error
	if errors.As(err, &e) {
		if after, ok := e.Details["retry_after"].(int); ok {
			return after
		}
	}
	switch CodeOf(err) {
	case CodeRateLimited:
		return 60
	case CodeTimeout:
		return 10
	case CodeUnavailable:
		return 5
	case CodeDownstream:
		return 3
	}
	return 0
}
