package service

import "flowgate/internal/auth"

// auditCapabilities let people see what was done in their name.
func (s *Service) auditCapabilities() []*Capability {
	return []*Capability{
		row(Capability{
			Name: "list_audit", Title: "Read the audit log", Group: "Audit", Scope: auth.ScopeAuditRead, ReadOnly: true, Idempotent: true, RESTOnly: true,
			Description: "Lists your calls and refusals, newest first: when, by which key and door, which capability, from where, and what became of it. Arguments are kept as a keyed hash only. An administrator sees everybody's.",
			Routes:      []Route{{Method: "GET", Path: "/audit", Status: 200}},
		}, s.ListAudit, textAudit),
	}
}
