package llm

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"flowgate/internal/egress"
	"flowgate/internal/workflow"
)

// kind is what is to be done about a fault.
type kind int

const (
	kindBroken   kind = iota // the answer broke off, or nobody answered: again
	kindOverload             // again, later
	kindLimited              // again, when the provider says so
	kindQuota                // nothing is left of what was paid for
	kindKey
	kindRequest // the same request would fail again
	kindBlocked // the address may not be reached from here
)

// fault is one failed attempt. says is for the log, and never holds what a
// provider repeated of a key.
type fault struct {
	kind   kind
	status int
	says   string
	after  time.Duration // what the provider asked for; 0: nothing
}

func (f *fault) Error() string {
	if f.status == 0 {
		return f.says
	}
	return fmt.Sprintf("status %d: %s", f.status, f.says)
}

func (f *fault) again() bool { return f.kind <= kindLimited }

// public is the fault as a caller learns of it.
func (f *fault) public(model string) error {
	switch f.kind {
	case kindLimited:
		return workflow.Wrap(workflow.CodeUnavailable, f, fmt.Sprintf("The provider of the model %s limits the rate, and did so again and again. Send the message again in a while.", model)).WithReason(ReasonLimited)
	case kindQuota:
		return workflow.Wrap(workflow.CodeUnavailable, f, fmt.Sprintf("The provider of the model %s says that its quota is used up. Look at the account, or choose another model.", model)).WithReason(ReasonLimited)
	case kindKey:
		return workflow.Wrap(workflow.CodeUnavailable, f, fmt.Sprintf("The provider of the model %s refuses the key. Enter a valid one: LLM_API_KEY, or the credential.", model)).WithReason(ReasonKey)
	case kindRequest:
		return workflow.Wrap(workflow.CodeDownstream, f, fmt.Sprintf("The provider of the model %s does not take the request (%s). Look at the model's name and address, or begin a new conversation when this one is long.", model, f.what())).WithReason(ReasonRequest)
	case kindBlocked:
		return workflow.Wrap(workflow.CodeForbidden, f, fmt.Sprintf("The address of the model %s may not be reached from here: %s.", model, f.says)).WithReason(ReasonRequest)
	}
	return workflow.Wrap(workflow.CodeUnavailable, f, fmt.Sprintf("The model %s cannot be reached, is overloaded or broke off, again and again. Send the message again in a while.", model)).WithReason(ReasonUnavailable)
}

// what names the fault without the provider's words.
func (f *fault) what() string {
	if f.status == 0 {
		return f.says
	}
	return strconv.Itoa(f.status) + " " + http.StatusText(f.status)
}

// byStatus sorts an answered error by status and the provider's own code.
func byStatus(status int, code string, h http.Header) *fault {
	f := &fault{status: status, says: clip(code, 100), after: retryAfter(h)}
	switch {
	case strings.Contains(code, "insufficient_quota") || strings.Contains(code, "billing"):
		f.kind = kindQuota
	case status == http.StatusTooManyRequests || code == "rate_limit_error" || code == "rate_limit_exceeded":
		f.kind = kindLimited
	case status == http.StatusUnauthorized || status == http.StatusForbidden || code == "authentication_error" || code == "permission_error":
		f.kind = kindKey
	case status >= 500 || status == http.StatusRequestTimeout || status == http.StatusConflict || code == "overloaded_error" || code == "api_error":
		f.kind = kindOverload
	case status == http.StatusOK:
		f.kind = kindBroken
	default:
		f.kind = kindRequest
	}
	return f
}

// errCutOff is for an answer that ends amid itself.
func errCutOff() error {
	return &fault{kind: kindBroken, says: "the stream ended before the answer did"}
}

// transportFault sorts what is no answer: the network's, or the caller's end.
func transportFault(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	var blocked *egress.BlockedError
	if errors.As(err, &blocked) {
		return &fault{kind: kindBlocked, says: blocked.Reason}
	}
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return &fault{kind: kindBroken, says: "its name cannot be resolved"}
	}
	return &fault{kind: kindBroken, says: "the connection failed"}
}

// retryAfter reads how long a provider wants to be left alone.
func retryAfter(h http.Header) time.Duration {
	if ms, err := strconv.ParseFloat(h.Get("Retry-After-Ms"), 64); err == nil && ms >= 0 {
		return time.Duration(ms * float64(time.Millisecond))
	}
	text := h.Get("Retry-After")
	if s, err := strconv.ParseFloat(text, 64); err == nil && s >= 0 {
		return time.Duration(min(s, 1e6) * float64(time.Second))
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, time.Until(at))
	}
	return 0
}

func clip(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}
