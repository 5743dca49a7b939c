package service

import (
	"fmt"
	"strings"

	"flowgate/internal/auth"
)

// keyCapabilities are what people let programs do in their name: no model
// gets them as tools.
func (s *Service) keyCapabilities() []*Capability {
	return []*Capability{
		row(Capability{
			Name: "list_api_keys", Title: "List API keys", Group: "Access", Scope: auth.ScopeKeysWrite, ReadOnly: true, Idempotent: true, RESTOnly: true,
			Description: "Lists your API keys for MCP clients, newest first, without their secrets, revoked ones included.",
			Routes:      []Route{{Method: "GET", Path: "/api-keys", Status: 200}},
		}, s.ListKeys, textKeys),
		row(Capability{
			Name: "create_api_key", Title: "Make an API key", Group: "Access", Scope: auth.ScopeKeysWrite, RESTOnly: true,
			Description: "Makes an API key for an MCP client and shows it, this once. It may do no more than you may yourself.",
			Routes:      []Route{{Method: "POST", Path: "/api-keys", Status: 201}},
		}, s.CreateKey, textKey),
		row(Capability{
			Name: "rotate_api_key", Title: "Rotate an API key", Group: "Access", Scope: auth.ScopeKeysWrite, Destructive: true, RESTOnly: true,
			Description: "Gives an API key another secret and shows it, this once. The earlier one stays good for the overlap.",
			Routes:      []Route{{Method: "POST", Path: "/api-keys/{key_id}/rotate", Status: 200}},
		}, s.RotateKey, textKey),
		row(Capability{
			Name: "revoke_api_key", Title: "Revoke an API key", Group: "Access", Scope: auth.ScopeKeysWrite, Destructive: true, Idempotent: true, RESTOnly: true,
			Description: "Ends an API key for good. Within two seconds it is accepted nowhere, and open streams of it end.",
			Routes:      []Route{{Method: "DELETE", Path: "/api-keys/{key_id}", Status: 200}},
		}, s.RevokeKey, func(o *RevokedKey) string { return o.ID + " is revoked" }),
		row(Capability{
			Name: "list_oauth_grants", Title: "List OAuth clients", Group: "Access", Scope: auth.ScopeKeysWrite, ReadOnly: true, Idempotent: true, RESTOnly: true,
			Description: "Lists the OAuth clients that came in your name, newest first, and what each may do.",
			Routes:      []Route{{Method: "GET", Path: "/oauth-grants", Status: 200}},
		}, s.ListGrants, textGrants),
		row(Capability{
			Name: "update_oauth_grant", Title: "Change what an OAuth client may do", Group: "Access", Scope: auth.ScopeKeysWrite, Destructive: true, Idempotent: true, RESTOnly: true,
			Description: "Says what an OAuth client may do in your name: new ones may only read. A client that was shut out is let in again.",
			Routes:      []Route{{Method: "PUT", Path: "/oauth-grants/{client_id}", Status: 200}},
		}, s.UpdateGrant, textGrant),
		row(Capability{
			Name: "revoke_oauth_grant", Title: "Shut an OAuth client out", Group: "Access", Scope: auth.ScopeKeysWrite, Destructive: true, Idempotent: true, RESTOnly: true,
			Description: "Lets an OAuth client in no more in your name, within two seconds, whatever tokens it has.",
			Routes:      []Route{{Method: "DELETE", Path: "/oauth-grants/{client_id}", Status: 200}},
		}, s.RevokeGrant, textGrant),
	}
}

func textKeys(o *ListKeysOutput) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d keys", len(o.Keys))
	for i := range o.Keys {
		b.WriteString("\n" + textKey(&o.Keys[i]))
	}
	return b.String()
}

// textKey leaves the secret out: the text may be logged.
func textKey(k *KeyView) string {
	return fmt.Sprintf("%s  %s (%s)", k.ID, k.ClientName, strings.Join(k.Scopes, ", "))
}

func textGrants(o *ListGrantsOutput) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d clients", len(o.Grants))
	for i := range o.Grants {
		b.WriteString("\n" + textGrant(&o.Grants[i]))
	}
	return b.String()
}

func textGrant(g *GrantView) string {
	return fmt.Sprintf("%s  %s (%s)", g.ClientID, g.ClientName, strings.Join(g.Scopes, ", "))
}
