package service

import "flowgate/internal/auth"

// credentialCapabilities are the person's own doing: secrets are among their arguments, so that no
// model gets them as tools.
func (s *Service) credentialCapabilities() []*Capability {
	return []*Capability{
		row(Capability{
			Name: "list_credentials", Title: "List credentials", Group: "Credentials", Scope: auth.ScopeCredentialsRead, ReadOnly: true, Idempotent: true, RESTOnly: true,
			Description: "Lists your credentials, newest first, by name and type. Their values are never shown.",
			Routes:      []Route{{Method: "GET", Path: "/credentials", Status: 200}},
		}, s.ListCredentials, textCredentials),
		row(Capability{
			Name: "list_credential_types", Title: "List credential types", Group: "Credentials", Scope: auth.ScopeCredentialsRead, ReadOnly: true, Idempotent: true, RESTOnly: true,
			Description: "Lists the types of credential with their fields and the JSON schema of their values.",
			Routes:      []Route{{Method: "GET", Path: "/credential-types", Status: 200}},
		}, s.CredentialTypes, textCredentialTypes),
		row(Capability{
			Name: "create_credential", Title: "Store a credential", Group: "Credentials", Scope: auth.ScopeCredentialsWrite, RESTOnly: true,
			Description: "Seals and stores values that your workflows' nodes and webhooks may use. Nodes refer to it by id or name.",
			Routes:      []Route{{Method: "POST", Path: "/credentials", Status: 201}},
		}, s.CreateCredential, textCredential),
		row(Capability{
			Name: "update_credential", Title: "Change a credential", Group: "Credentials", Scope: auth.ScopeCredentialsWrite, Destructive: true, Idempotent: true, RESTOnly: true,
			Description: "Changes a credential's name or values, field by field. When the address that secrets are sent to changes, they have to be given again.",
			Routes:      []Route{{Method: "PUT", Path: "/credentials/{credential_id}", Status: 200}},
		}, s.UpdateCredential, textCredential),
		row(Capability{
			Name: "delete_credential", Title: "Delete a credential", Group: "Credentials", Scope: auth.ScopeCredentialsWrite, Destructive: true, Idempotent: true, RESTOnly: true,
			Description: "Deletes a credential for good. Nodes that refer to it fail from then on.",
			Routes:      []Route{{Method: "DELETE", Path: "/credentials/{credential_id}", Status: 200}},
		}, s.DeleteCredential, textDeletedCredential),
		row(Capability{
			Name: "test_credential", Title: "Test a credential", Group: "Credentials", Scope: auth.ScopeCredentialsWrite, OpenWorld: true, Idempotent: true, RESTOnly: true,
			Description: "Tries a credential at its service where its values say where that is, and otherwise looks whether they are complete.",
			Routes:      []Route{{Method: "POST", Path: "/credentials/{credential_id}/test", Status: 200}},
		}, s.TestCredential, textCredentialCheck),
	}
}
