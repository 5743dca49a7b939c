package web

import (
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"flowgate/internal/auth"
)

// limitAddress counts what anyone may call by the address it comes from. The
// tiers with a caller count by that, webhooks by rules of their own.
func (s *Server) limitAddress(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if rules := publicRules(c.Path()); len(rules) > 0 {
			if err := s.Service.LimitAddress(c.Request().Context(), c.Response().Header(), rules...); err != nil {
				return err
			}
		}
		return next(c)
	}
}

// publicRules are the rules a route without a caller counts against, by its
// pattern; what is no route counts as one of them.
func publicRules(pattern string) []string {
	route := strings.Replace(pattern, "/api/v1/", "/api/", 1)
	switch route {
	case "/livez", "/readyz", "/mcp", "/console", "/console/*": // files of the program itself
		return nil
	case "/health", "/api/public/health":
		return []string{"public.health"}
	case "/api/public/info":
		return []string{"public.info"}
	case "/docs", "/redoc", "/openapi.json", "/api/public/docs":
		return []string{"public.docs"}
	}
	switch {
	case strings.HasPrefix(route, "/form"):
		return []string{"webhook.form"}
	case strings.HasPrefix(route, waitingPrefix):
		return []string{"webhook.waiting"}
	}
	for _, counted := range []string{"/api/app/", "/api/mcp/", "/webhook"} { // by rules of their own
		if strings.HasPrefix(route, counted) {
			return nil
		}
	}
	return []string{"public.default", "public.general"}
}

// appRules are the rules a route of the App tier counts against.
func appRules(pattern string) []string {
	route := strings.Replace(pattern, "/api/v1/", "/api/", 1)
	route = strings.TrimPrefix(route, "/api/app")
	under := func(prefix string) bool { return route == prefix || strings.HasPrefix(route, prefix+"/") }
	switch {
	case route == "/chat/stream":
		return []string{"app.chat", "app.general"}
	case strings.HasSuffix(route, "/execute"):
		return []string{"app.execute", "app.general"}
	case under("/workflows"):
		return []string{"app.workflows", "app.general"}
	case under("/executions"):
		return []string{"app.executions", "app.general"}
	case under("/sessions"), under("/auth/sessions"):
		return []string{"app.sessions", "app.general"}
	}
	return []string{"app.general"}
}

// limitCaller counts a request of who was just authenticated. Calls of the
// façade's tools are counted where the tool is known.
func (s *Server) limitCaller(c echo.Context, tier auth.Tier) error {
	pattern := c.Path()
	rules := []string{"mcp.general"}
	switch {
	case tier == auth.TierApp:
		rules = appRules(pattern)
		if auth.FromContext(c.Request().Context()).Kind == auth.KindAnonymous && c.Request().Method == http.MethodPost {
			return s.limitGuest(c, rules)
		}
	case strings.HasSuffix(pattern, "/invoke"):
		return nil
	case strings.HasSuffix(pattern, "/tools"):
		rules = []string{"mcp.tools_list", "mcp.general"}
	}
	return s.Service.LimitCaller(c.Request().Context(), c.Response().Header(), rules...)
}

// limitGuest counts what a guest sends: sessions and messages cost the agent's
// time, and whoever wants to is another guest in a moment.
func (s *Server) limitGuest(c echo.Context, rules []string) error {
	ctx := c.Request().Context()
	switch {
	case slices.Contains(rules, "app.chat"):
		rules = append([]string{"app.guest_chat"}, rules...)
	case slices.Contains(rules, "app.sessions"):
		if err := s.Service.LimitAddress(ctx, nil, "app.guests"); err != nil {
			return err
		}
		rules = append([]string{"app.guest_sessions"}, rules...)
	}
	return s.Service.LimitCaller(ctx, c.Response().Header(), rules...)
}
