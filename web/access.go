package web

import (
	"context"
	"log/slog"
	"strings"

	"github.com/labstack/echo/v4"

	"flowgate/internal/auth"
	"flowgate/internal/service"
	"flowgate/internal/telemetry"
	"flowgate/internal/workflow"
)

const identityKey = "identity"

// authenticate finds out who calls a tier's routes.
func (s *Server) authenticate(tier auth.Tier) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			r := c.Request()
			if tier == auth.TierMCP { // where a caller without a key may be the local user
				if err := s.Guard.Check(r); err != nil {
					return err
				}
			}
			p := auth.Present(r, tier, s.AllowQueryKey, s.MaxBody)
			id, err := s.Authenticator.Authenticate(r.Context(), p)
			if err != nil {
				return err
			}
			c.Set(identityKey, id)
			s.logCaller(r.Context(), id)
			c.SetRequest(r.WithContext(auth.WithIdentity(r.Context(), id)))
			if err := s.limitCaller(c, tier); err != nil {
				return err
			}
			return next(c)
		}
	}
}

func (s *Server) logCaller(ctx context.Context, id *auth.Identity) {
	if !s.Logger.Enabled(ctx, slog.LevelDebug) {
		return
	}
	sign, message := telemetry.Token, "caller known"
	if id.Kind == auth.KindAnonymous {
		sign, message = telemetry.Guest, "guest session"
	}
	s.Logger.LogAttrs(ctx, slog.LevelDebug, message, sign, slog.String("kind", string(id.Kind)), slog.String("subject", id.Subject), slog.String("key_id", id.KeyID))
}

// authorize is the service's rule and then the limits; the service applies
// its rule once more when called.
func (s *Server) authorize(c echo.Context, capability *service.Capability) error {
	ctx := c.Request().Context()
	if err := s.Service.Admit(ctx, capability); err != nil {
		return err
	}
	if s.Admit != nil {
		return s.Admit(ctx, capability)
	}
	return nil
}

// needsScope lets in keys with any of scopes, and the local person.
func (s *Server) needsScope(scopes ...string) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			id := auth.FromContext(c.Request().Context())
			if id.Kind == auth.KindLocal {
				return next(c)
			}
			for _, scope := range scopes {
				if id.HasScope(scope) {
					return next(c)
				}
			}
			err := workflow.Errorf(workflow.CodeScope, "this needs the scope %s, which this key does not have", strings.Join(scopes, " or "))
			err.Details = map[string]any{"required_scope": scopes[0]}
			s.Service.Refused(c.Request().Context(), "health", nil, err)
			return err
		}
	}
}
