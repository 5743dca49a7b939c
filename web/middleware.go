package web

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"flowgate/internal/auth"
	"flowgate/internal/telemetry"
)

const headerRequestID = "X-Request-Id"

// requestID gives each request a name; a well-formed one of the caller's is
// kept, so that it can be followed across systems. With the caller's address
// and the door it goes along with the request.
func (s *Server) requestID(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		id := r.Header.Get(headerRequestID)
		if !telemetry.WellFormedRequestID(id) {
			id = uuid.NewString()
		}
		c.Response().Header().Set(headerRequestID, id)
		ctx := s.Tracer.Extract(telemetry.WithRequestID(r.Context(), id), r.Header.Get)
		c.SetRequest(r.WithContext(auth.WithOrigin(ctx, &auth.Origin{RequestID: id, IP: c.RealIP(), Door: doorOf(r.URL.Path)})))
		return next(c)
	}
}

// doorOf names the way in.
func doorOf(path string) string {
	switch {
	case path == "/mcp":
		return "mcp"
	case isFacade(path):
		return "facade"
	case strings.HasPrefix(path, "/api/app/"), strings.HasPrefix(path, "/api/v1/app/"):
		return "app"
	case strings.HasPrefix(path, "/webhook"):
		return "webhook"
	}
	return "public"
}

func requestIDOf(c echo.Context) string { return c.Response().Header().Get(headerRequestID) }

// recover turns a panic into a 500.
func (s *Server) recover(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if abort, ok := p.(error); ok && errors.Is(abort, http.ErrAbortHandler) {
				panic(p)
			}
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}()
		return next(c)
	}
}

// securityHeaders keep browsers from guessing, framing and telling where a
// link was followed from, and where the server is known by https from using
// anything else.
func (s *Server) securityHeaders(next echo.HandlerFunc) echo.HandlerFunc {
	https := strings.HasPrefix(s.PublicURL, "https://")
	return func(c echo.Context) error {
		if https {
			c.Response().Header().Set("Strict-Transport-Security", "max-age=31536000")
		}
		h := c.Response().Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		return next(c)
	}
}

// extractIP is the caller's address: the connection's, or behind a trusted
// proxy what that says.
func extractIP(trusted []netip.Prefix) echo.IPExtractor {
	if len(trusted) == 0 {
		return echo.ExtractIPDirect()
	}
	options := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, p := range trusted {
		options = append(options, echo.TrustIPRange(&net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}))
	}
	return echo.ExtractIPFromXFFHeader(options...)
}
