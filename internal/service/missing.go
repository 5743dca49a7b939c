package service

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"flowgate/internal/workflow"
	"flowgate/store"
)

// codeMissingCredential is the code of the finding that a node's credential
// is not there.
const codeMissingCredential = "missing_credential"

// validate is the one look at a document, behind saving, activating and
// asking. A credential that the caller does not have is a warning, with what
// there is to choose from: an imported document names those of its author.
func (s *Service) validate(ctx context.Context, doc *workflow.Document) workflow.Validation {
	if s.Vault == nil {
		return s.Catalogue.Validate(doc)
	}
	have, err := s.Vault.names(ctx, owner(ctx), doc)
	if err != nil {
		s.Logger.WarnContext(ctx, "credentials were not looked up for a validation", "error", err)
		return s.Catalogue.Validate(doc)
	}
	v := s.Catalogue.ValidateFor(doc, have.has)
	errs := make([]workflow.Finding, 0, len(v.Errors))
	for _, f := range v.Errors {
		if f.Code == codeMissingCredential {
			v.Warnings = append(v.Warnings, f)
			continue
		}
		errs = append(errs, f)
	}
	v.Errors, v.Valid = errs, len(errs) == 0
	v.Warnings = append(v.Warnings, s.unnamed(ctx, doc)...)
	for i := range v.Warnings {
		if f := &v.Warnings[i]; f.Code == codeMissingCredential {
			f.Hint = have.hint(canonicalKind(f.Path[strings.LastIndex(f.Path, ".")+1:]))
		}
	}
	return v
}

// unnamed finds webhooks that check their callers by a credential and name
// none.
func (s *Service) unnamed(ctx context.Context, doc *workflow.Document) []workflow.Finding {
	var out []workflow.Finding
	seen := map[string]bool{}
	for _, h := range s.Catalogue.Webhooks(doc) {
		n := doc.NodeByName(h.Node)
		if n == nil || seen[h.Node] {
			continue
		}
		seen[h.Node] = true
		t, err := s.Catalogue.Webhook(ctx, doc, h.Node)
		if err != nil || t.CredentialKind() == "" {
			continue
		}
		if _, named := n.Credentials[t.CredentialKind()]; !named {
			i := slices.IndexFunc(doc.Nodes, func(n workflow.Node) bool { return n.Name == h.Node })
			out = append(out, workflow.Finding{Code: codeMissingCredential, Node: h.Node, Path: fmt.Sprintf("nodes[%d].credentials.%s", i, t.CredentialKind()),
				Message: fmt.Sprintf("The webhook checks its callers by a credential of type %s and names none.", t.CredentialKind())})
		}
	}
	return out
}

// guarded refuses to arm webhooks that could not check their callers.
func (s *Service) guarded(ctx context.Context, w *workflow.Workflow, hooks []workflow.WebhookTrigger) error {
	if s.Credentials == nil {
		return nil // calls say so
	}
	for _, h := range hooks {
		t, err := s.guardOf(ctx, w, h)
		if err != nil {
			return err
		}
		if t == nil || t.CredentialKind() == "" {
			continue
		}
		_, err = s.credential(ctx, w, h.Node, t.CredentialKind())
		if workflow.CodeOf(err) == workflow.CodeNotFound {
			return workflow.Errorf(workflow.CodeUnrunnable, "The trigger %q checks its callers, and what it checks them against is missing. %s",
				h.Node, workflow.MessageOf(err)).WithReason(codeMissingCredential)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// guardOf is what admits the callers of a webhook or of a form.
func (s *Service) guardOf(ctx context.Context, w *workflow.Workflow, h workflow.WebhookTrigger) (Webhook, error) {
	if !strings.HasPrefix(h.Path, formHookPrefix) {
		return s.Catalogue.Webhook(ctx, &w.Document, h.Node)
	}
	for _, f := range s.Catalogue.Forms(ctx, &w.Document) {
		if f.Node == h.Node {
			return s.Catalogue.WaitWebhook(ctx, &f.Guard)
		}
	}
	return nil, nil
}

// credentialNames are the credentials somebody has.
type credentialNames []*store.Credential

const maxHinted = 5

// names returns the owner's credentials, none when doc refers to none.
func (v *Vault) names(ctx context.Context, owner string, doc *workflow.Document) (credentialNames, error) {
	var all credentialNames
	if !slices.ContainsFunc(doc.Nodes, func(n workflow.Node) bool {
		return len(n.Credentials) > 0 || n.Parameters.Value("authentication") != nil
	}) {
		return nil, nil
	}
	p := store.Page{Limit: 200}
	for {
		list, next, err := v.Store.ListCredentials(ctx, owner, "", p)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
		if p.Cursor = next; next == "" {
			return all, nil
		}
	}
}

func (c credentialNames) has(kind string, ref workflow.CredentialRef) bool {
	kind = canonicalKind(kind)
	return slices.ContainsFunc(c, func(e *store.Credential) bool {
		return e.Type == kind && (ref.ID != "" && e.ID == ref.ID || ref.Name != "" && e.Name == ref.Name)
	})
}

// hint says what to do about a missing credential of a kind.
func (c credentialNames) hint(kind string) string {
	var names []string
	for _, e := range c {
		if e.Type == kind && len(names) < maxHinted {
			names = append(names, fmt.Sprintf("%q", e.Name))
		}
	}
	if len(names) == 0 {
		return fmt.Sprintf("You have none of the type %s. Store one (the person can, with POST /api/app/credentials), and refer to it by name in the node's credentials.", kind)
	}
	return fmt.Sprintf("Of the type %s you have %s. Refer to one of them by name in the node's credentials, or store another with POST /api/app/credentials.", kind, strings.Join(names, ", "))
}
