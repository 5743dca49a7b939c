package mcp

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strings"

	protocol "github.com/mark3labs/mcp-go/mcp"

	"flowgate/internal/auth"
	"flowgate/internal/service"
	"flowgate/internal/workflow"
)

// JSON-RPC codes of refusals before a message reaches the protocol. The first
// number of the range that JSON-RPC leaves to servers; data.reason tells more.
const (
	rpcUnauthorized = -32001
	rpcForbidden    = -32003
	rpcBusy         = -32004
	rpcTooLarge     = -32005
)

// refusalOf maps an error's code to the HTTP status and JSON-RPC code of a
// message that is refused. It is the only place that does.
func refusalOf(err error) (status, rpcCode int) {
	switch workflow.CodeOf(err) {
	case workflow.CodeUnauthorized:
		return http.StatusUnauthorized, rpcUnauthorized
	case workflow.CodeScope, workflow.CodeForbidden:
		return http.StatusForbidden, rpcForbidden
	case workflow.CodeRateLimited:
		return http.StatusTooManyRequests, rpcBusy
	case workflow.CodeUnavailable:
		return http.StatusServiceUnavailable, rpcBusy
	case workflow.CodeTimeout:
		return http.StatusGatewayTimeout, rpcBusy
	case workflow.CodeDownstream:
		return http.StatusBadGateway, rpcBusy
	case workflow.CodeTooLarge:
		return http.StatusRequestEntityTooLarge, rpcTooLarge
	case workflow.CodeInvalid, workflow.CodeUnsupported:
		return http.StatusBadRequest, protocol.INVALID_REQUEST
	case workflow.CodeNotFound:
		return http.StatusNotFound, protocol.INVALID_REQUEST
	}
	return http.StatusInternalServerError, protocol.INTERNAL_ERROR
}

// failure is the result of a call that did not work: what is wrong, where,
// and what to do next. Causes go to the log only.
func (s *Server) failure(ctx context.Context, c *service.Capability, err error) *toolResult {
	reference := ""
	if workflow.CodeOf(err) == workflow.CodeInternal {
		reference = rand.Text()[:10]
		id := auth.FromContext(ctx)
		s.Logger.ErrorContext(ctx, "tool call failed", "tool", c.Name, "key_id", keyID(id), "reference", reference, "error", err)
	}
	return toolError(errorText(c, err, reference))
}

// refusalFor is the refusal of a request that was understood, for err. Causes
// go to the log only.
func (s *Server) refusalFor(ctx context.Context, err error) *rpcError {
	e := rpcErrorOf(err)
	if workflow.CodeOf(err) == workflow.CodeInternal {
		reference := rand.Text()[:10]
		s.Logger.ErrorContext(ctx, "request failed", "key_id", keyID(auth.FromContext(ctx)), "reference", reference, "error", err)
		e.Message = "internal: it failed inside the server, which logged it as " + reference
	}
	var known *workflow.Error
	if errors.As(err, &known) && known.Remedy != "" {
		e.Message += "; " + known.Remedy
	}
	return e
}

func errorText(c *service.Capability, err error, reference string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: ", workflow.ReasonOf(err))
	fields := fieldsOf(err)
	switch {
	case reference != "":
		fmt.Fprintf(&b, "%s failed inside the server, which logged it as %s.", c.Name, reference)
	case len(fields) > 0 && workflow.CodeOf(err) == workflow.CodeInvalid:
		fmt.Fprintf(&b, "%s did nothing, its arguments are at fault.", c.Name)
	case len(fields) > 0:
		fmt.Fprintf(&b, "%s did nothing.", c.Name)
	default:
		b.WriteString(workflow.MessageOf(err))
	}
	for _, f := range fields {
		fmt.Fprintf(&b, "\n- %s: %s", f.Field, f.Message)
		if f.Hint != "" {
			fmt.Fprintf(&b, " (%s)", f.Hint)
		}
	}
	if next := nextStep(c, err); next != "" {
		b.WriteString("\nNext: " + next)
	}
	return b.String()
}

// nextStep is what a model can do about err.
func nextStep(c *service.Capability, err error) string {
	var e *workflow.Error
	if errors.As(err, &e) && e.Remedy != "" {
		return e.Remedy
	}
	switch workflow.CodeOf(err) {
	case workflow.CodeInvalid:
		return "mend the arguments as said and call " + c.Name + " again."
	case workflow.CodeUnrunnable:
		return "mend the workflow with update_workflow, check it with validate_workflow, then call " + c.Name + " again."
	case workflow.CodeNotFound:
		return "search_workflows and list_executions show the ids there are; ids of other owners do not exist for you."
	case workflow.CodeConflict:
		return "read it again and decide on its present state; do not repeat the same call."
	case workflow.CodeScope:
		return "use another tool, or ask the owner of the key for one with this scope."
	case workflow.CodeRateLimited:
		return fmt.Sprintf("wait%s, then call again.", retryAfterText(err))
	case workflow.CodeTimeout, workflow.CodeUnavailable, workflow.CodeDownstream:
		return "it may pass; try again in a few seconds."
	case workflow.CodeInternal:
		return "try once more; if it stays, tell the person the reference."
	}
	return ""
}

func retryAfterText(err error) string {
	if after, ok := detailsOf(err)["retry_after"]; ok {
		return fmt.Sprintf(" %v seconds", after)
	}
	return " a little"
}

func fieldsOf(err error) []workflow.FieldError {
	var e *workflow.Error
	if errors.As(err, &e) {
		return e.Fields
	}
	return nil
}

func detailsOf(err error) map[string]any {
	var e *workflow.Error
	if errors.As(err, &e) {
		return e.Details
	}
	return nil
}

func keyID(id *auth.Identity) string {
	if id == nil {
		return ""
	}
	return id.KeyID
}
