package web

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"flowgate/internal/auth"
	"flowgate/internal/telemetry"
)

// observe counts, traces and logs each request. It sees the answer of a
// failed one, too.
func (s *Server) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		began := time.Now()
		s.Metrics.HTTPBegan()
		span := s.beginSpan(c)
		ctx := c.Request().Context()
		if s.Logger.Enabled(ctx, slog.LevelDebug) {
			s.Logger.LogAttrs(ctx, slog.LevelDebug, "request", markOfRequest(c), slog.String("method", c.Request().Method), slog.String("path", loggedPath(c)))
		}
		if err := next(c); err != nil {
			c.Error(err) // answers, so that the status is known
		}
		took := time.Since(began)
		s.Metrics.HTTPEnded(c.Request().Method, c.Path(), c.Response().Status, took)
		endSpan(c, span)
		s.logAnswer(ctx, c, took)
		return nil
	}
}

func (s *Server) beginSpan(c echo.Context) telemetry.Span {
	if !s.Tracer.On() {
		return telemetry.Span{}
	}
	r := c.Request()
	name := r.Method
	if c.Path() != "" {
		name += " " + c.Path()
	}
	ctx, span := s.Tracer.Start(r.Context(), name, telemetry.Server)
	span.Text("http.request.method", r.Method)
	span.Text("http.route", c.Path())
	span.Text("flowgate.request_id", requestIDOf(c))
	c.SetRequest(r.WithContext(ctx))
	return span
}

func endSpan(c echo.Context, span telemetry.Span) {
	span.Number("http.response.status_code", int64(c.Response().Status))
	if c.Response().Status >= http.StatusInternalServerError {
		span.Fail(http.StatusText(c.Response().Status))
	}
	span.End()
}

// loggedPath is a request's path as the log may have it: never a query (keys,
// tickets), nor the path of a webhook, which is a secret of its workflow's.
func loggedPath(c echo.Context) string {
	path := c.Request().URL.Path
	if strings.HasPrefix(path, "/webhook") {
		return c.Path()
	}
	return path
}

// logAnswer writes a line for each answer.
func (s *Server) logAnswer(ctx context.Context, c echo.Context, took time.Duration) {
	if !s.Logger.Enabled(ctx, slog.LevelInfo) {
		return
	}
	attrs := make([]slog.Attr, 0, 9)
	attrs = append(attrs, markOfAnswer(c.Response().Status), slog.String("method", c.Request().Method), slog.String("path", loggedPath(c)),
		slog.Int("status", c.Response().Status), slog.Int64("bytes", c.Response().Size), slog.String("ip", c.RealIP()),
		slog.Float64("duration_ms", float64(took.Microseconds())/1000))
	if id, ok := c.Get(identityKey).(*auth.Identity); ok {
		attrs = append(attrs, slog.String("subject", id.Subject), slog.String("key_id", id.KeyID))
	}
	s.Logger.LogAttrs(ctx, slog.LevelInfo, "response", attrs...)
}

func markOfRequest(c echo.Context) slog.Attr {
	if strings.HasPrefix(c.Path(), "/api/public/") || strings.HasPrefix(c.Path(), "/api/v1/public/") {
		return telemetry.Public
	}
	return telemetry.Request
}

func markOfAnswer(status int) slog.Attr {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusTooManyRequests:
		return telemetry.Refused
	case status >= http.StatusInternalServerError:
		return telemetry.Failure
	}
	return telemetry.Response
}
