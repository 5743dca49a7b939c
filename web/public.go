package web

import (
	"crypto/subtle"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"flowgate/internal/auth"
	"flowgate/internal/workflow"
)

// publicRoutes are those anyone may call. The probes of orchestrators and the
// root's are there even when the tier is off.
func (s *Server) publicRoutes() {
	e := s.echo
	e.GET("/", s.root)
	for path, probe := range map[string]echo.HandlerFunc{"/livez": s.alive, "/readyz": s.ready, "/health": s.healthRoute} {
		e.GET(path, probe)
		e.HEAD(path, probe)
	}
	e.GET("/.well-known/oauth-protected-resource", s.resourceMetadata)
	e.GET("/.well-known/oauth-protected-resource/mcp", s.resourceMetadata)
	if s.PublicOff {
		return
	}
	for _, prefix := range []string{"/api/public", "/api/v1/public"} {
		e.GET(prefix+"/health", s.healthRoute)
		e.HEAD(prefix+"/health", s.healthRoute)
		e.GET(prefix+"/status", s.status)
		e.GET(prefix+"/info", s.info)
		if s.Metrics != nil && s.ShowMetrics {
			e.GET(prefix+"/metrics", echo.WrapHandler(s.Metrics.Handler()), s.metricsToken)
		}
	}
}

// metricsToken lets in who presents the token for metrics.
func (s *Server) metricsToken(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		scheme, token, _ := strings.Cut(c.Request().Header.Get("Authorization"), " ")
		known := strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare([]byte(token), []byte(s.MetricsToken)) == 1
		if s.MetricsToken != "" && !known {
			return workflow.Errorf(workflow.CodeUnauthorized, "metrics need the operator's token (METRICS_TOKEN) as a bearer token").WithReason("invalid_token")
		}
		return next(c)
	}
}

// root says what this is: to people by the console, to programs in JSON.
func (s *Server) root(c echo.Context) error {
	c.Response().Header().Add("Vary", "Accept")
	if !s.AppOff && wantsPage(c) {
		return c.Redirect(http.StatusFound, "/console/")
	}
	links := map[string]string{}
	for name, path := range map[string]string{"health": "/health", "status": "/api/public/status", "info": "/api/public/info", "mcp": "/mcp",
		"docs": "/docs", "redoc": "/redoc", "openapi": "/openapi.json", "console": "/console/"} {
		if name != "console" || !s.AppOff {
			links[name] = s.PublicURL + path
		}
	}
	return writeJSON(c, http.StatusOK, map[string]any{"name": s.Name, "version": s.Version, "links": links})
}

// alive says that the process answers, and nothing else.
func (s *Server) alive(c echo.Context) error {
	return writeJSON(c, http.StatusOK, map[string]string{"status": "alive"})
}

func (s *Server) features() map[string]bool {
	return map[string]bool{"public_api": !s.PublicOff, "app_api": !s.AppOff, "mcp_api": !s.MCPOff,
		"rate_limiting": s.RateLimiting != nil && s.RateLimiting(), "metrics": s.Metrics != nil}
}

func (s *Server) status(c echo.Context) error {
	return writeJSON(c, http.StatusOK, map[string]any{"name": s.Name, "version": s.Version, "environment": s.Environment,
		"features": s.features(), "timestamp": time.Now().UTC()})
}

func (s *Server) info(c echo.Context) error {
	features := []string{}
	on := s.features()
	for _, name := range []string{"public_api", "app_api", "mcp_api", "rate_limiting", "metrics"} {
		if on[name] {
			features = append(features, name)
		}
	}
	return writeJSON(c, http.StatusOK, map[string]any{"name": s.Name, "version": s.Version,
		"status": s.checkHealth(c.Request().Context()).status(), "timestamp": time.Now().UTC(), "features": features})
}

// resourceMetadata tells MCP clients how to authenticate (RFC 9728). There is
// no authorization server to name: keys are made by their owners.
func (s *Server) resourceMetadata(c echo.Context) error {
	if s.MCPOff {
		return echo.ErrNotFound
	}
	return writeJSON(c, http.StatusOK, map[string]any{"resource": s.PublicURL + "/mcp", "resource_name": s.Name,
		"bearer_methods_supported": []string{"header"}, "scopes_supported": auth.Scopes()})
}
