package web

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"flowgate/internal/auth"
)

// Check is how a component is. The zero value is a component that is
// switched off, which is no failure.
type Check int

// The states of a component.
const (
	CheckOff Check = iota
	CheckUp
	CheckDown
)

// Health is how the components are that the server depends on.
type Health struct {
	Database Check // down: unhealthy
	Redis    Check // down: degraded
	Agent    Check // down: degraded
}

func (h Health) status() string {
	switch {
	case h.Database == CheckDown:
		return "unhealthy"
	case h.Redis == CheckDown || h.Agent == CheckDown:
		return "degraded"
	}
	return "healthy"
}

const (
	healthLife    = time.Second     // how long one look at the components serves
	healthTimeout = 2 * time.Second // how long it may take
)

type healthCache struct {
	mu   sync.Mutex
	at   time.Time
	last Health
	body []byte // of the health route
}

// checkHealth asks the components, at most once in healthLife. A caller that
// leaves does not spoil the answer for the others.
func (s *Server) checkHealth(ctx context.Context) Health {
	h, _ := s.look(ctx)
	return h
}

// look is checkHealth with the health route's body, which is made as often.
func (s *Server) look(ctx context.Context) (Health, []byte) {
	s.health.mu.Lock()
	defer s.health.mu.Unlock()
	if time.Since(s.health.at) <= healthLife {
		return s.health.last, s.health.body
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), healthTimeout)
	defer cancel()
	h := s.Health(ctx)
	body, err := json.Marshal(healthBody{Status: h.status(), Version: s.Version, Timestamp: time.Now().UTC(), Checks: healthChecks{
		Database: h.Database != CheckDown, Redis: h.Redis != CheckDown, GRPC: h.Agent != CheckDown, PublicAPI: true, AppAPI: true, MCPAPI: true}})
	if err != nil { // plain values always encode
		body = []byte("{}")
	}
	s.health.last, s.health.body, s.health.at = h, append(body, '\n'), time.Now()
	return h, s.health.body
}

type healthBody struct {
	Status    string       `json:"status"`
	Version   string       `json:"version"`
	Checks    healthChecks `json:"checks"`
	Timestamp time.Time    `json:"timestamp"`
}

// healthChecks are true but for what has failed: what is switched off has not.
type healthChecks struct {
	Database  bool `json:"database"`
	Redis     bool `json:"redis"`
	GRPC      bool `json:"grpc"`
	PublicAPI bool `json:"public_api"`
	AppAPI    bool `json:"app_api"`
	MCPAPI    bool `json:"mcp_api"`
}

// publicRoutes are those anyone may call. The probes of orchestrators and the
// root's are there even when the tier is off.
func (s *Server) publicRoutes() {
	e := s.echo
	e.GET("/", s.root)
	e.GET("/livez", func(c echo.Context) error { return writeJSON(c, http.StatusOK, map[string]string{"status": "alive"}) })
	e.GET("/readyz", s.ready)
	e.GET("/health", s.healthRoute)
	e.GET("/.well-known/oauth-protected-resource", s.resourceMetadata)
	e.GET("/.well-known/oauth-protected-resource/mcp", s.resourceMetadata)
	if s.PublicOff {
		return
	}
	for _, prefix := range []string{"/api/public", "/api/v1/public"} {
		e.GET(prefix+"/health", s.healthRoute)
		e.GET(prefix+"/status", s.status)
		e.GET(prefix+"/info", s.info)
		if s.Metrics != nil {
			e.GET(prefix+"/metrics", echo.WrapHandler(s.Metrics))
		}
	}
}

func (s *Server) root(c echo.Context) error {
	return writeJSON(c, http.StatusOK, map[string]any{"name": s.Name, "version": s.Version,
		"links": map[string]string{"health": s.PublicURL + "/health", "status": s.PublicURL + "/api/public/status", "mcp": s.PublicURL + "/mcp"}})
}

// ready is off as soon as shutdown begins, and while the database is away.
func (s *Server) ready(c echo.Context) error {
	switch {
	case s.stopping.Load():
		return writeJSON(c, http.StatusServiceUnavailable, map[string]string{"status": "stopping"})
	case s.checkHealth(c.Request().Context()).Database == CheckDown:
		return writeJSON(c, http.StatusServiceUnavailable, map[string]string{"status": "the database cannot be reached"})
	}
	return writeJSON(c, http.StatusOK, map[string]string{"status": "ready"})
}

func (s *Server) healthRoute(c echo.Context) error {
	h, body := s.look(c.Request().Context())
	status := http.StatusOK
	if h.Database == CheckDown {
		status = http.StatusServiceUnavailable
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.Blob(status, contentJSON, body)
}

func (s *Server) features() map[string]bool {
	return map[string]bool{"public_api": !s.PublicOff, "app_api": !s.AppOff, "mcp_api": !s.MCPOff,
		"rate_limiting": s.RateLimiting, "metrics": s.Metrics != nil}
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
