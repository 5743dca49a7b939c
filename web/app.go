package web

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"flowgate/internal/auth"
	"flowgate/internal/service"
	"flowgate/internal/workflow"
)

// appRoutes are the App tier's: every route of every capability, for the
// signed-in user's own rows.
func (s *Server) appRoutes() {
	if s.AppOff {
		return
	}
	for _, prefix := range []string{"/api/app", "/api/v1/app"} {
		signedIn := s.authenticate(auth.TierApp)
		s.echo.GET(prefix+"/auth/profile", s.profile, signedIn)
		for _, c := range s.Service.Capabilities() {
			for _, r := range c.Routes {
				path := strings.NewReplacer("{", ":", "}", "").Replace(r.Path)
				if c.Raw {
					s.echo.Add(r.Method, prefix+path, s.specialHandler(c, s.special(c, prefix)), s.entry(c))
					continue
				}
				s.echo.Add(r.Method, prefix+path, s.appHandler(c, r, s.readOnlyFields(c, r)), signedIn)
			}
		}
	}
}

// appHandler serves one address of a capability.
func (s *Server) appHandler(capability *service.Capability, route service.Route, ignored []string) echo.HandlerFunc {
	return func(c echo.Context) error {
		if err := s.authorize(c, capability); err != nil {
			return err
		}
		args, err := arguments(c, capability, route, ignored)
		if err != nil {
			return err
		}
		result, err := s.Service.Call(c.Request().Context(), capability.Name, args)
		if err != nil {
			return err
		}
		return writeJSON(c, answerHeaders(c, route, result), result)
	}
}

// answerHeaders sets what a result says beyond its body and returns the
// status.
func answerHeaders(c echo.Context, route service.Route, result any) int {
	h := c.Response().Header()
	switch v := result.(type) {
	case *service.WorkflowView:
		h.Set("ETag", strconv.Quote(strconv.Itoa(v.Version)))
	case *service.Saved:
		h.Set("ETag", strconv.Quote(strconv.Itoa(v.Version)))
		if route.Status == http.StatusCreated {
			h.Set("Location", strings.TrimSuffix(c.Request().URL.Path, "/")+"/"+v.WorkflowID)
		}
	case *service.ExecutionView:
		if route.Status != http.StatusAccepted {
			break
		}
		tier, _, _ := strings.Cut(c.Request().URL.Path, "/workflows/")
		tier, _, _ = strings.Cut(tier, "/executions/")
		h.Set("Location", tier+"/executions/"+v.ExecutionID)
		if workflow.Status(v.Status).Final() {
			return http.StatusOK // it was waited for, and has ended
		}
	}
	return route.Status
}

// readOnlyFields are those a GET of the same address shows and a PUT cannot
// change. Clients send back whole what they read; these are left out.
func (s *Server) readOnlyFields(capability *service.Capability, route service.Route) []string {
	if route.Method != http.MethodPut {
		return nil
	}
	var out []string
	for _, other := range s.Service.Capabilities() {
		for _, r := range other.Routes {
			if r.Method != http.MethodGet || r.Path != route.Path {
				continue
			}
			for _, name := range propertiesOf(other.Output) {
				if capability.Input.Property(name) == "" {
					out = append(out, name)
				}
			}
		}
	}
	return out
}

func propertiesOf(schema *service.Schema) []string {
	var tree struct {
		Properties map[string]json.RawMessage `json:"properties"`
	}
	if json.Unmarshal(schema.JSON, &tree) != nil {
		return nil
	}
	names := make([]string, 0, len(tree.Properties))
	for name := range tree.Properties {
		names = append(names, name)
	}
	return names
}

// profile says who is signed in.
func (s *Server) profile(c echo.Context) error {
	id := auth.FromContext(c.Request().Context())
	roles := []string{"user"}
	if id.Admin {
		roles = append(roles, "admin")
	}
	out := map[string]any{"sub": id.Subject, "id": id.Subject, "email": id.Email, "email_confirmed": id.EmailConfirmed,
		"is_anonymous": id.Kind == auth.KindAnonymous, "roles": roles, "metadata": map[string]any{}}
	if s.Accounts != nil {
		account, err := s.Accounts.Account(c.Request().Context(), id)
		if err != nil {
			return err
		}
		out["email"], out["created_at"], out["metadata"] = account.Email, account.CreatedAt, account.UserMetadata
	}
	return writeJSON(c, http.StatusOK, out)
}
