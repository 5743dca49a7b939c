package web

import (
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"flowgate/internal/workflow"
)

// facadeBody is what the façade answers when it fails: eleven fields, always
// all of them.
type facadeBody struct {
	Success             bool              `json:"success"`
	Error               string            `json:"error"`
	ErrorType           string            `json:"error_type"`
	Details             map[string]any    `json:"details"`
	ErrorID             string            `json:"error_id"`
	RequestID           string            `json:"request_id"`
	Retryable           bool              `json:"retryable"`
	RetryAfter          *int              `json:"retry_after"`
	Timestamp           time.Time         `json:"timestamp"`
	RecoverySuggestions []string          `json:"recovery_suggestions"`
	SupportInfo         map[string]string `json:"support_info"`
}

func isFacade(path string) bool {
	for _, prefix := range facadePrefixes() {
		if path == prefix || strings.HasPrefix(path, prefix+"/") {
			return true
		}
	}
	return false
}

// class is how the façade names a kind of failure, and what to do about it.
type class struct {
	name   string
	advice []string
}

// classOf finds an error's class by its code, never by its words.
func classOf(err error) class {
	switch workflow.CodeOf(err) {
	case workflow.CodeInvalid:
		if detailsOf(err)["fields"] != nil {
			return class{"PARAMETER_ERROR", []string{"Mend the parameters named in details.fields.", "GET /api/mcp/tools/{tool_name} shows the input schema."}}
		}
		return class{"VALIDATION_ERROR", []string{"Send a JSON object with tool_name and params.", "GET /api/mcp/tools/{tool_name} shows the input schema."}}
	case workflow.CodeUnrunnable, workflow.CodeTooLarge:
		return class{"VALIDATION_ERROR", []string{"Mend what the message names, then call again."}}
	case workflow.CodeNotFound:
		if workflow.ReasonOf(err) == "tool_not_found" {
			return class{"TOOL_NOT_FOUND", []string{"GET /api/mcp/tools lists the tools your key may call.", "Check the spelling of tool_name."}}
		}
		return class{"PARAMETER_ERROR", []string{"Check the id; search_workflows and list_executions show those there are."}}
	case workflow.CodeUnauthorized:
		return class{"AUTHENTICATION_ERROR", []string{"Send an API key as X-API-Key or Authorization: Bearer.", "Make one with: flowgate keys create"}}
	case workflow.CodeForbidden, workflow.CodeScope:
		return class{"AUTHORIZATION_ERROR", []string{"Use a key that has the scope in details.required_scope.", "Ask the key's owner."}}
	case workflow.CodeRateLimited:
		return class{"RATE_LIMIT_ERROR", []string{"Wait as long as retry_after says, then call again.", "Call less often."}}
	case workflow.CodeTimeout:
		return class{"TIMEOUT_ERROR", []string{"Call again with a smaller task, or wait for it with get_execution."}}
	case workflow.CodeDownstream:
		return class{"NETWORK_ERROR", []string{"Try again in a few seconds."}}
	case workflow.CodeUnavailable:
		return class{"SERVICE_ERROR", []string{"Try again in a few seconds.", "GET /api/public/health shows what is away."}}
	case workflow.CodeConflict:
		return class{"SERVICE_ERROR", []string{"Read the present state and decide anew."}}
	case workflow.CodeCancelled, workflow.CodeUnsupported:
		return class{"SERVICE_ERROR", []string{"Use another tool for this."}}
	}
	return class{"INTERNAL_ERROR", []string{"Try once more; if it stays, report request_id."}}
}

func (s *Server) facadeError(c echo.Context, err error) facadeBody {
	k := classOf(err)
	details := detailsOf(err)
	if details == nil {
		details = map[string]any{}
	}
	details["code"] = workflow.ReasonOf(err)
	b := facadeBody{Error: workflow.MessageOf(err), ErrorType: k.name, Details: details, ErrorID: uuid.NewString(), RequestID: requestIDOf(c),
		Timestamp: time.Now().UTC(), RecoverySuggestions: k.advice,
		SupportInfo: map[string]string{"tools": s.PublicURL + "/api/mcp/tools", "health": s.PublicURL + "/health"}}
	if after := workflow.RetryAfter(err); after > 0 {
		b.Retryable, b.RetryAfter = true, &after
	}
	return b
}
