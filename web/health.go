package web

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
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
	REST     Check // of the Supabase project; down: degraded
	Files    Check // where their content is kept, when not on this machine; down: degraded
}

func (h Health) status() string {
	switch {
	case h.Database == CheckDown:
		return "unhealthy"
	case slices.Contains([]Check{h.Redis, h.Agent, h.REST, h.Files}, CheckDown):
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
		Database: h.Database != CheckDown, Redis: h.Redis != CheckDown, GRPC: h.Agent != CheckDown, PublicAPI: true, AppAPI: true, MCPAPI: true,
		REST: shown(h.REST), Files: shown(h.Files)}})
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

	// There with a Supabase project only.
	REST  *bool `json:"supabase_rest,omitempty"`
	Files *bool `json:"supabase_storage,omitempty"`
}

func shown(c Check) *bool {
	if c == CheckOff {
		return nil
	}
	up := c == CheckUp
	return &up
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
