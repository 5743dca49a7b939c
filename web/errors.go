package web

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"flowgate/internal/service"
	"flowgate/internal/telemetry"
	"flowgate/internal/workflow"
)

// statusOf maps an error's code to an HTTP status. It is the only place that
// does.
func statusOf(err error) int {
	switch workflow.CodeOf(err) {
	case workflow.CodeInvalid:
		return http.StatusBadRequest
	case workflow.CodeUnauthorized:
		return http.StatusUnauthorized
	case workflow.CodeForbidden, workflow.CodeScope:
		return http.StatusForbidden
	case workflow.CodeNotFound:
		return http.StatusNotFound
	case workflow.CodeConflict:
		return http.StatusConflict
	case workflow.CodeTooLarge:
		return http.StatusRequestEntityTooLarge
	case workflow.CodeUnrunnable:
		return http.StatusUnprocessableEntity
	case workflow.CodeRateLimited:
		return http.StatusTooManyRequests
	case workflow.CodeTimeout:
		return http.StatusGatewayTimeout
	case workflow.CodeCancelled:
		return 499 // the client left; the status is for the log
	case workflow.CodeUnsupported:
		return http.StatusNotImplemented
	case workflow.CodeUnavailable:
		return http.StatusServiceUnavailable
	case workflow.CodeDownstream:
		return http.StatusBadGateway
	}
	return http.StatusInternalServerError
}

// errorBody is what a REST route answers when it fails.
type errorBody struct {
	Error     string         `json:"error"`
	Message   string         `json:"message"`
	RequestID string         `json:"request_id"`
	Path      string         `json:"path,omitempty"`
	Details   map[string]any `json:"details,omitempty"`
}

// handleError answers a request whose handler failed; once an answer was
// begun it can only log.
func (s *Server) handleError(err error, c echo.Context) {
	status, err := known(err, c)
	if status >= 500 {
		sign := telemetry.Failure
		if status == http.StatusInternalServerError {
			sign = telemetry.Unhandled
		}
		s.Logger.ErrorContext(c.Request().Context(), "request failed", sign, "route", c.Path(), "status", status, "error", err)
		s.keepError(c, status, err)
	}
	if c.Response().Committed {
		return
	}
	drain(c.Request())
	s.errorHeaders(c, err)
	if c.Request().Method == http.MethodHead {
		_ = c.NoContent(status) // nobody is left to tell
		return
	}
	switch path := c.Request().URL.Path; {
	case isFacade(path):
		_ = writeJSON(c, status, s.facadeError(c, err))
		return
	case strings.HasPrefix(path, authPrefix):
		body := authErrorOf(status, err)
		_ = writeJSON(c, body.Code, body)
		return
	}
	_ = writeJSON(c, status, bodyOf(c, status, err))
}

// keepError remembers a failure for the operator: its words for callers, not
// its insides.
func (s *Server) keepError(c echo.Context, status int, err error) {
	if s.Errors == nil {
		return
	}
	b := bodyOf(c, status, err)
	s.Errors.Add(service.ErrorRecord{At: time.Now().UTC(), RequestID: b.RequestID, Method: c.Request().Method, Route: c.Path(),
		Status: status, Error: b.Error, Message: b.Message})
}

// known translates what the router and contexts say into the domain's errors.
func known(err error, c echo.Context) (int, error) {
	var httpErr *echo.HTTPError
	var own *workflow.Error
	switch {
	case errors.As(err, &own):
		return statusOf(err), err
	case errors.As(err, &httpErr):
		return httpErr.Code, routerError(httpErr, c.Request())
	case errors.Is(err, context.Canceled):
		err = workflow.Wrap(workflow.CodeCancelled, err, "the request was cancelled")
	case errors.Is(err, context.DeadlineExceeded):
		err = workflow.Wrap(workflow.CodeTimeout, err, "the request took too long")
	}
	return statusOf(err), err
}

func routerError(e *echo.HTTPError, r *http.Request) error {
	switch e.Code {
	case http.StatusNotFound:
		return workflow.Errorf(workflow.CodeNotFound, "there is nothing at %s", r.URL.Path)
	case http.StatusMethodNotAllowed:
		return workflow.Errorf(workflow.CodeInvalid, "%s is not allowed here; see the Allow header", r.Method).WithReason("method_not_allowed")
	case http.StatusUnsupportedMediaType:
		return workflow.Errorf(workflow.CodeInvalid, "%v", e.Message).WithReason("unsupported_media_type")
	}
	return workflow.Errorf(workflow.CodeInvalid, "%v", e.Message).WithReason(strings.ReplaceAll(strings.ToLower(http.StatusText(e.Code)), " ", "_"))
}

func bodyOf(c echo.Context, status int, err error) errorBody {
	b := errorBody{Error: workflow.ReasonOf(err), Message: workflow.MessageOf(err), RequestID: requestIDOf(c), Details: detailsOf(err)}
	if status == http.StatusInternalServerError {
		b.Error, b.Path = "internal_server_error", c.Request().URL.Path
	}
	return b
}

// detailsOf holds what programs can use: faults field by field, and what the
// error brings along.
func detailsOf(err error) map[string]any {
	var e *workflow.Error
	if !errors.As(err, &e) || len(e.Fields) == 0 && len(e.Details) == 0 {
		return nil
	}
	details := map[string]any{}
	maps.Copy(details, e.Details)
	if len(e.Fields) > 0 {
		details["fields"] = e.Fields
	}
	return details
}

func (s *Server) errorHeaders(c echo.Context, err error) {
	h := c.Response().Header()
	details := detailsOf(err)
	switch workflow.CodeOf(err) {
	case workflow.CodeUnauthorized:
		h.Set("WWW-Authenticate", s.challenge(c, err))
	case workflow.CodeScope:
		scope, _ := details["required_scope"].(string)
		h.Set("WWW-Authenticate", fmt.Sprintf(`Bearer error="insufficient_scope", scope="%s", %s`, scope, s.metadataParam()))
	case workflow.CodeTooLarge:
		h.Set("Connection", "close")
	}
	if after := workflow.RetryAfter(err); after > 0 {
		h.Set("Retry-After", strconv.Itoa(after))
	}
}

func (s *Server) challenge(c echo.Context, err error) string {
	presented := workflow.ReasonOf(err) != "missing_token" && workflow.ReasonOf(err) != "missing_api_key"
	out := "Bearer"
	if presented {
		out += ` error="invalid_token",`
	}
	if isFacade(c.Request().URL.Path) {
		return out + " " + s.metadataParam()
	}
	return out + ` realm="flowgate"`
}

func (s *Server) metadataParam() string {
	return `resource_metadata="` + s.PublicURL + `/.well-known/oauth-protected-resource/mcp"`
}
