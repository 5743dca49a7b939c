package web

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"flowgate/internal/auth"
	"flowgate/internal/service"
	"flowgate/internal/workflow"
)

// facadeRoutes are the MCP tier for callers without MCP: the same tools by
// the same rules over plain HTTP.
func (s *Server) facadeRoutes() {
	if s.MCPOff {
		return
	}
	for _, prefix := range facadePrefixes() {
		known := s.authenticate(auth.TierMCP)
		s.echo.GET(prefix+"/tools", s.listTools, known)
		s.echo.GET(prefix+"/tools/:tool_name", s.showTool, known)
		s.echo.POST(prefix+"/invoke", s.invoke, known)
		s.echo.GET(prefix+"/health", s.facadeHealth, known, s.needsScope(auth.ScopeHealthCheck, auth.ScopeToolsRead))
	}
}

func facadePrefixes() []string { return []string{"/api/mcp", "/api/v1/mcp"} }

// toolBody is a tool as the façade shows it.
type toolBody struct {
	Name          string          `json:"name"`
	Title         string          `json:"title"`
	Description   string          `json:"description"`
	Category      string          `json:"category"`
	RequiredScope string          `json:"required_scope"`
	InputSchema   json.RawMessage `json:"inputSchema"`
	OutputSchema  json.RawMessage `json:"outputSchema"`
	Annotations   annotations     `json:"annotations"`
}

type annotations struct {
	ReadOnly    bool `json:"readOnlyHint"`
	Destructive bool `json:"destructiveHint"`
	Idempotent  bool `json:"idempotentHint"`
	OpenWorld   bool `json:"openWorldHint"`
}

func toolBodyOf(c *service.Capability) toolBody {
	return toolBody{Name: c.Name, Title: c.Title, Description: c.Description, Category: c.Group, RequiredScope: c.Scope,
		InputSchema: c.Input.JSON, OutputSchema: c.Output.JSON,
		Annotations: annotations{c.ReadOnly, c.Destructive, c.Idempotent, c.OpenWorld}}
}

func (s *Server) listTools(c echo.Context) error {
	shown, err := s.visible(c.Request().Context())
	if err != nil {
		return err
	}
	tools := make([]toolBody, 0, len(shown))
	for _, capability := range shown {
		tools = append(tools, toolBodyOf(capability))
	}
	return writeJSON(c, http.StatusOK, map[string]any{"tools": tools})
}

// visible are the tools to show to the caller, its workflows among them.
func (s *Server) visible(ctx context.Context) ([]*service.Capability, error) {
	run, err := s.Service.VisibleRunTools(ctx)
	return append(s.Service.Visible(auth.FromContext(ctx)), run...), err
}

func (s *Server) showTool(c echo.Context) error {
	ctx := c.Request().Context()
	capability, err := s.tool(ctx, c.Param("tool_name"))
	if err != nil {
		return err
	}
	shown, err := s.visible(ctx)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(shown, func(other *service.Capability) bool { return other.Name == capability.Name }) {
		return writeJSON(c, http.StatusOK, toolBodyOf(capability))
	}
	return service.Authorize(auth.FromContext(ctx), capability)
}

// tool finds a tool for the caller.
func (s *Server) tool(ctx context.Context, name string) (*service.Capability, error) {
	capability, err := s.Service.ToolFor(ctx, name)
	if workflow.CodeOf(err) == workflow.CodeNotFound {
		return nil, unknownTool(name)
	}
	return capability, err
}

// invoke calls a tool.
func (s *Server) invoke(c echo.Context) error {
	body, err := readObject(c)
	var name string
	named := err == nil && json.Unmarshal(body["tool_name"], &name) == nil && name != ""
	if err := s.Service.LimitCaller(c.Request().Context(), c.Response().Header(), s.Service.ToolRules(name)...); err != nil {
		return err
	}
	if err != nil {
		return err
	}
	if !named {
		return fault("tool_name", "must be the name of a tool, as a string")
	}
	for field := range body {
		if field != "tool_name" && field != "params" {
			return fault(field, "is not known here; send tool_name and params")
		}
	}
	capability, err := s.tool(c.Request().Context(), name)
	if err != nil {
		return err
	}
	if err := s.authorize(c, capability); err != nil {
		return err
	}
	result, err := s.Service.Do(c.Request().Context(), capability, body["params"])
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, map[string]any{"success": true, "result": result})
}

func unknownTool(name string) error {
	return workflow.Errorf(workflow.CodeNotFound, "there is no tool named %q; GET /api/mcp/tools lists them", name).WithReason("tool_not_found")
}

func (s *Server) facadeHealth(c echo.Context) error {
	shown, err := s.visible(c.Request().Context())
	if err != nil {
		return err
	}
	names := make([]string, 0, len(shown))
	for _, capability := range shown {
		names = append(names, capability.Name)
	}
	healthy := s.checkHealth(c.Request().Context()).Database != CheckDown
	status := http.StatusOK
	if !healthy {
		status = http.StatusServiceUnavailable
	}
	return writeJSON(c, status, map[string]any{"healthy": healthy, "version": s.Version, "available_tools": names, "timestamp": time.Now().UTC()})
}
