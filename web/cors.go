package web

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
)

// exposed are headers that other sites' scripts may read.
const exposed = headerRequestID + ", Mcp-Session-Id, WWW-Authenticate, ETag, Location, Retry-After, RateLimit, RateLimit-Policy, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset"

// corsRules are a CORS made ready to answer.
type corsRules struct {
	CORS
	methods, headers string
}

// SetCORS puts other rules in force for requests from now on.
func (s *Server) SetCORS(c CORS) error {
	if c.Credentials && slices.Contains(c.Origins, "*") {
		return errors.New("web: CORS with credentials needs origins by name, not *")
	}
	s.corsNow.Store(&corsRules{CORS: c, methods: orText(c.Methods, "GET, HEAD, POST, PUT, PATCH, DELETE"),
		headers: orText(c.Headers, "Authorization, Content-Type, X-API-Key, Apikey, X-Client-Info, X-Supabase-Api-Version, X-Request-Id, If-Match, Idempotency-Key, Last-Event-ID, Mcp-Session-Id, Mcp-Protocol-Version, Mcp-Method, Mcp-Name, traceparent, tracestate")})
	return nil
}

// cors answers other sites' pages, preflights before authentication. What
// webhooks allow is for their workflows to say.
func (s *Server) cors(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r, h := c.Request(), c.Response().Header()
		rules := s.corsNow.Load()
		if len(rules.Origins) == 0 || strings.HasPrefix(r.URL.Path, webhookPrefix) || strings.HasPrefix(r.URL.Path, testPrefix) {
			return next(c)
		}
		h.Add("Vary", "Origin")
		preflight := r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != ""
		if allowed := rules.allow(r.Header.Get("Origin")); allowed != "" {
			h.Set("Access-Control-Allow-Origin", allowed)
			h.Set("Access-Control-Expose-Headers", exposed)
			if rules.Credentials {
				h.Set("Access-Control-Allow-Credentials", "true")
			}
			if preflight {
				h.Set("Access-Control-Allow-Methods", rules.methods)
				h.Set("Access-Control-Allow-Headers", rules.headers)
				h.Set("Access-Control-Max-Age", "600")
			}
		}
		if preflight {
			return c.NoContent(http.StatusNoContent)
		}
		return next(c)
	}
}

// allow is the value to allow a page of origin with, "" for none.
func (r *corsRules) allow(origin string) string {
	switch {
	case origin == "":
		return ""
	case slices.Contains(r.Origins, "*"):
		return "*"
	case slices.Contains(r.Origins, origin):
		return origin
	}
	return ""
}

func orText(list []string, fallback string) string {
	if len(list) == 0 {
		return fallback
	}
	return strings.Join(list, ", ")
}
