package web

import (
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
)

// exposed are headers that other sites' scripts may read.
const exposed = headerRequestID + ", Mcp-Session-Id, WWW-Authenticate, ETag, Location, Retry-After, RateLimit, RateLimit-Policy"

// cors answers other sites' pages, preflights before authentication. What
// webhooks allow is for their workflows to say.
func (s *Server) cors() echo.MiddlewareFunc {
	methods := orText(s.CORS.Methods, "GET, HEAD, POST, PUT, PATCH, DELETE")
	headers := orText(s.CORS.Headers, "Authorization, Content-Type, X-API-Key, X-Request-Id, If-Match, Idempotency-Key, Last-Event-ID, Mcp-Session-Id, Mcp-Protocol-Version, Mcp-Method, Mcp-Name")
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		if len(s.CORS.Origins) == 0 {
			return next
		}
		return func(c echo.Context) error {
			r, h := c.Request(), c.Response().Header()
			if strings.HasPrefix(r.URL.Path, webhookPrefix) || strings.HasPrefix(r.URL.Path, testPrefix) {
				return next(c)
			}
			h.Add("Vary", "Origin")
			origin := r.Header.Get("Origin")
			preflight := r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != ""
			if allowed := s.allowOrigin(origin); allowed != "" {
				h.Set("Access-Control-Allow-Origin", allowed)
				h.Set("Access-Control-Expose-Headers", exposed)
				if s.CORS.Credentials {
					h.Set("Access-Control-Allow-Credentials", "true")
				}
				if preflight {
					h.Set("Access-Control-Allow-Methods", methods)
					h.Set("Access-Control-Allow-Headers", headers)
					h.Set("Access-Control-Max-Age", "600")
				}
			}
			if preflight {
				return c.NoContent(http.StatusNoContent)
			}
			return next(c)
		}
	}
}

// allowOrigin is the value to allow a page of origin with, "" for none.
func (s *Server) allowOrigin(origin string) string {
	switch {
	case origin == "":
		return ""
	case slices.Contains(s.CORS.Origins, "*"):
		return "*"
	case slices.Contains(s.CORS.Origins, origin):
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
