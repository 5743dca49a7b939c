package web

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"flowgate/internal/auth"
)

const headerRequestID = "X-Request-Id"

// requestID gives each request a name; a well-formed one of the caller's is
// kept, so that it can be followed across systems.
func (s *Server) requestID(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		id := c.Request().Header.Get(headerRequestID)
		if !wellFormedID(id) {
			id = uuid.NewString()
		}
		c.Response().Header().Set(headerRequestID, id)
		return next(c)
	}
}

func wellFormedID(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for _, r := range id {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.') {
			return false
		}
	}
	return true
}

func requestIDOf(c echo.Context) string { return c.Response().Header().Get(headerRequestID) }

// accessLog writes a line for each request: never a query (keys, tickets),
// nor the path of a webhook, which is a secret of its workflow's.
func (s *Server) accessLog(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := time.Now()
		err := next(c)
		if err != nil {
			c.Error(err) // answers, so that the status is known
		}
		if !s.Logger.Enabled(c.Request().Context(), slog.LevelInfo) {
			return nil
		}
		path := c.Request().URL.Path
		if strings.HasPrefix(path, "/webhook") {
			path = c.Path()
		}
		attrs := []slog.Attr{slog.String("request_id", requestIDOf(c)), slog.String("method", c.Request().Method), slog.String("path", path),
			slog.Int("status", c.Response().Status), slog.Int64("bytes", c.Response().Size), slog.String("ip", c.RealIP()),
			slog.Float64("duration_ms", float64(time.Since(start).Microseconds())/1000)}
		if id, ok := c.Get(identityKey).(*auth.Identity); ok {
			attrs = append(attrs, slog.String("subject", id.Subject), slog.String("key_id", id.KeyID))
		}
		s.Logger.LogAttrs(c.Request().Context(), slog.LevelInfo, "request", attrs...)
		return nil
	}
}

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
// link was followed from.
func securityHeaders(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
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
