package mcp

import (
	"bytes"
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	protocol "github.com/mark3labs/mcp-go/mcp"

	"flowgate/internal/service"
	"flowgate/internal/telemetry"
)

// failedTool is the failure of a call whose result says that it failed, as
// the semantic conventions name it.
const failedTool = "tool_error"

// arrival is how a message came.
type arrival struct{ transport, session, version string }

// observe begins to count and trace a message, by the semantic conventions
// for MCP; the trace goes on from the client's, where _meta tells of it. What
// is returned is called at the end with the kind of failure: "" for none,
// "tool_error" for a result that says so, else the number of the error.
func (s *Server) observe(ctx context.Context, m *envelope, c *service.Capability, from arrival) (context.Context, func(failure string)) {
	if m.Method == "" || s.Metrics == nil && !s.Tracer.On() {
		return ctx, func(string) {}
	}
	began, method, tool := time.Now(), knownMethod(m.Method), ""
	if c != nil {
		if tool = c.Name; s.Service.Tool(tool) == nil {
			tool = "run_*" // workflows that are tools share one name
		}
	}
	ctx, span := s.span(ctx, m, method, tool, from)
	return ctx, func(failure string) {
		s.Metrics.MCPOperation(method, tool, failure, time.Since(began))
		if failure != "" {
			span.Fail(failure)
		}
		span.End()
	}
}

func (s *Server) span(ctx context.Context, m *envelope, method, tool string, from arrival) (context.Context, telemetry.Span) {
	if !s.Tracer.On() {
		return ctx, telemetry.Span{}
	}
	ctx = s.Tracer.Extract(ctx, func(name string) string {
		switch name {
		case "traceparent":
			return m.text(m.Params.Meta.TraceParent)
		case "tracestate":
			return m.text(m.Params.Meta.TraceState)
		}
		return ""
	})
	if v, ok := m.Params.Meta.ProtocolVersion.(string); ok {
		from.version = v
	}
	ctx, span := s.Tracer.Start(ctx, strings.TrimSpace(method+" "+tool), telemetry.Server)
	for name, value := range map[string]string{"mcp.method.name": method, "gen_ai.tool.name": tool, "mcp.session.id": from.session,
		"mcp.protocol.version": from.version, "jsonrpc.request.id": strings.Trim(string(m.ID), `"`), "network.transport": from.transport} {
		if value != "" {
			span.Text(name, value)
		}
	}
	if tool != "" {
		span.Text("gen_ai.operation.name", "execute_tool")
	}
	return ctx, span
}

// knownMethod keeps names that clients made up out of metrics.
func knownMethod(method string) string {
	switch protocol.MCPMethod(method) {
	case protocol.MethodInitialize, protocol.MethodPing, protocol.MethodResourcesList, protocol.MethodResourcesTemplatesList, protocol.MethodResourcesRead,
		protocol.MethodResourcesSubscribe, protocol.MethodResourcesUnsubscribe, protocol.MethodPromptsList, protocol.MethodPromptsGet, protocol.MethodToolsList,
		protocol.MethodToolsCall, protocol.MethodSetLogLevel, protocol.MethodCompletionComplete, protocol.MethodServerDiscover, protocol.MethodSubscriptionsListen,
		protocol.MethodNotificationInitialized, protocol.MethodNotificationCancelled:
		return method
	}
	return "other"
}

// failureIn finds what an encoded answer says of a failure.
func failureIn(answer []byte) string {
	head := answer[:min(len(answer), 256)]
	if i := bytes.Index(head, []byte(`"error":{"code":`)); i >= 0 {
		code := head[i+len(`"error":{"code":`):]
		end := bytes.IndexAny(code, ",}")
		if _, err := strconv.Atoi(string(code[:max(end, 0)])); err == nil {
			return string(code[:end])
		}
		return "error"
	}
	if tail := answer[max(0, len(answer)-64):]; bytes.Contains(tail, []byte(`"isError":true`)) {
		return failedTool
	}
	return ""
}

// failure is what the response said of a failure.
func (r *responder) failure() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed == "" && r.status >= http.StatusBadRequest {
		return strconv.Itoa(r.status)
	}
	return r.failed
}
