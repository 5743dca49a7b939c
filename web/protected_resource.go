package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"flowgate/internal/auth"
)

// protectedResource is the metadata of the MCP endpoint (RFC 9728): what a
// client that was refused needs to know to get in. Without an authorization
// server it names none; API keys are the way in then.
type protectedResource struct {
	Resource             string   `json:"resource"`
	Name                 string   `json:"resource_name"`
	Documentation        string   `json:"resource_documentation"`
	AuthorizationServers []string `json:"authorization_servers,omitempty"`
	Scopes               []string `json:"scopes_supported"`
	Methods              []string `json:"bearer_methods_supported"`
}

// protectedResourceRoutes serve it where RFC 9728 has clients look: at the
// root, and with the endpoint's own path behind.
func (s *Server) protectedResourceRoutes() {
	if s.MCPOff {
		return
	}
	for _, path := range []string{"/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp"} {
		s.echo.GET(path, s.showProtectedResource)
	}
}

func (s *Server) showProtectedResource(c echo.Context) error {
	// Browsers of any page may read it: it says nothing that is not public.
	c.Response().Header().Set("Access-Control-Allow-Origin", "*")
	return writeJSON(c, http.StatusOK, protectedResource{Resource: s.PublicURL + "/mcp", Name: s.Name, Documentation: s.PublicURL + "/docs",
		AuthorizationServers: s.AuthorizationServers, Scopes: auth.Scopes(), Methods: []string{"header"}})
}
