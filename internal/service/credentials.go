package service

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store"
)

// CredentialView is a credential without its values.
type CredentialView struct {
	CredentialID string    `json:"credential_id" jsonschema:"nodes refer to it: credentials {<type>: {id, name}}"`
	Name         string    `json:"name"`
	Type         string    `json:"type"`
	Fields       []string  `json:"fields,omitempty" jsonschema:"names of the fields that have a value; the values are never shown"`
	CreatedAt    time.Time `json:"created_at"`
	UpdatedAt    time.Time `json:"updated_at"`
}

// ListCredentialsInput pages the list of credentials.
type ListCredentialsInput struct {
	Type   string `json:"type,omitempty" jsonschema:"only credentials of this type"`
	Limit  int    `json:"limit,omitempty" jsonschema:"at most this many" default:"20" min:"1" max:"200"`
	Cursor string `json:"cursor,omitempty" jsonschema:"next_cursor of the previous page"`
	Sort   string `json:"sort,omitempty" enum:"newest,oldest"`
}

// ListCredentialsOutput is a page of credentials, newest first.
type ListCredentialsOutput struct {
	Credentials []CredentialView `json:"credentials"`
	NextCursor  string           `json:"next_cursor,omitempty" jsonschema:"cursor for the next page; absent on the last"`
}

// ListCredentials lists the caller's credentials, never with values.
func (s *Service) ListCredentials(ctx context.Context, in ListCredentialsInput) (*ListCredentialsOutput, error) {
	v, err := s.vault()
	if err != nil {
		return nil, err
	}
	list, next, err := v.Store.ListCredentials(ctx, owner(ctx), canonicalKind(in.Type), page(in.Limit, in.Cursor, in.Sort))
	if err != nil {
		return nil, err
	}
	out := &ListCredentialsOutput{Credentials: make([]CredentialView, 0, len(list)), NextCursor: next}
	for _, c := range list {
		out.Credentials = append(out.Credentials, *credentialView(c, nil))
	}
	return out, nil
}

// CredentialTypesInput asks for the types of credential.
type CredentialTypesInput struct {
	Type string `json:"type,omitempty" jsonschema:"only this type, or for a service's own type the common one"`
}

// CredentialTypesOutput lists the types of credential.
type CredentialTypesOutput struct {
	Types []CredentialKind `json:"types" jsonschema:"the last one stands for services' own types, under the name their nodes use"`
}

// CredentialTypes lists the types of credential with their fields.
func (s *Service) CredentialTypes(_ context.Context, in CredentialTypesInput) (*CredentialTypesOutput, error) {
	if in.Type == "" {
		return &CredentialTypesOutput{Types: credentialKinds()}, nil
	}
	kind, err := kindOf(in.Type)
	if err != nil {
		return nil, err
	}
	return &CredentialTypesOutput{Types: []CredentialKind{*kind}}, nil
}

// CreateCredentialInput is a new credential.
type CreateCredentialInput struct {
	Name   string         `json:"name" jsonschema:"what nodes and people will know it by; unique among those of its type"`
	Type   string         `json:"type" jsonschema:"one of the types that GET /credential-types lists, or a service's own"`
	Values map[string]any `json:"values" jsonschema:"the type's fields; they are sealed and never shown again"`
}

// CreateCredential stores a credential of the caller's.
func (s *Service) CreateCredential(ctx context.Context, in CreateCredentialInput) (*CredentialView, error) {
	v, err := s.vault()
	if err != nil {
		return nil, err
	}
	name, err := credentialName(in.Name)
	if err != nil {
		return nil, err
	}
	kind, err := kindOf(in.Type)
	if err != nil {
		return nil, err
	}
	values, err := kind.read(in.Values, nil)
	if err != nil {
		return nil, err
	}
	now := s.Now().UTC()
	c := &store.Credential{ID: newID(), OwnerID: owner(ctx), Name: name, Type: kind.Type, CreatedAt: now, UpdatedAt: now}
	if c.Sealed, err = v.seal(c.OwnerID, c.ID, values); err != nil {
		return nil, err
	}
	if err := v.Store.CreateCredential(ctx, c); err != nil {
		return nil, err
	}
	return credentialView(c, values), nil
}

// UpdateCredentialInput changes a credential: what is given replaces what is
// stored, field by field.
type UpdateCredentialInput struct {
	CredentialID string         `json:"credential_id"`
	Name         *string        `json:"name,omitempty"`
	Values       map[string]any `json:"values,omitempty" jsonschema:"fields to change; null or an empty text takes one away, the others stay"`
}

// UpdateCredential changes a credential of the caller's. Its type stays.
func (s *Service) UpdateCredential(ctx context.Context, in UpdateCredentialInput) (*CredentialView, error) {
	v, err := s.vault()
	if err != nil {
		return nil, err
	}
	c, err := v.Store.Credential(ctx, owner(ctx), in.CredentialID)
	if err != nil {
		return nil, err
	}
	if in.Name != nil {
		if c.Name, err = credentialName(*in.Name); err != nil {
			return nil, err
		}
	}
	before := c.Sealed
	var values map[string]string
	if in.Values != nil {
		if values, err = s.changed(v, c, in.Values); err != nil {
			return nil, err
		}
		if c.Sealed, err = v.seal(c.OwnerID, c.ID, values); err != nil {
			return nil, err
		}
	}
	c.UpdatedAt = s.Now().UTC()
	if err := v.Store.UpdateCredential(ctx, c, before); err != nil {
		return nil, err
	}
	return credentialView(c, values), nil
}

// changed lays given values over the stored ones. When these cannot be opened
// any more the given ones have to be whole.
func (s *Service) changed(v *Vault, c *store.Credential, given map[string]any) (map[string]string, error) {
	kind, err := kindOf(c.Type)
	if err != nil {
		return nil, err
	}
	stored, err := v.open(c)
	if err != nil {
		stored = nil
	}
	return kind.read(given, stored)
}

// CredentialRefInput names a credential.
type CredentialRefInput struct {
	CredentialID string `json:"credential_id"`
}

// DeletedCredential says what was deleted.
type DeletedCredential struct {
	CredentialID string `json:"credential_id"`
	Deleted      bool   `json:"deleted"`
}

// DeleteCredential deletes a credential of the caller's. Nodes that refer to
// it fail from then on, and say so.
func (s *Service) DeleteCredential(ctx context.Context, in CredentialRefInput) (*DeletedCredential, error) {
	v, err := s.vault()
	if err != nil {
		return nil, err
	}
	if err := v.Store.DeleteCredential(ctx, owner(ctx), in.CredentialID); err != nil {
		return nil, err
	}
	return &DeletedCredential{CredentialID: in.CredentialID, Deleted: true}, nil
}

func (s *Service) vault() (*Vault, error) {
	if s.Vault == nil {
		return nil, workflow.Errorf(workflow.CodeUnsupported, "this server keeps no credentials")
	}
	return s.Vault, nil
}

const maxCredentialName = 128

func credentialName(text string) (string, error) {
	name := strings.TrimSpace(text)
	if name == "" || len(name) > maxCredentialName || strings.ContainsAny(name, "\r\n\x00") {
		return "", fieldFaults([]workflow.FieldError{{Field: "name", Message: "must be one line of 1 to 128 bytes"}})
	}
	return name, nil
}

func kindOf(name string) (*CredentialKind, error) {
	var known []string
	for _, k := range credentialKinds() {
		known = append(known, k.Type)
		if strings.EqualFold(k.Type, name) && k.Type != name {
			return nil, fieldFaults([]workflow.FieldError{{Field: "type", Message: "is not known", Hint: "did you mean " + k.Type + "?"}})
		}
	}
	if kind := credentialKind(name); kind != nil {
		return kind, nil
	}
	return nil, fieldFaults([]workflow.FieldError{{Field: "type", Message: "is not the name of a type", Hint: "known are " + strings.Join(known, ", ")}})
}

func credentialView(c *store.Credential, values map[string]string) *CredentialView {
	return &CredentialView{CredentialID: c.ID, Name: c.Name, Type: c.Type, Fields: slices.Sorted(maps.Keys(values)), CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt}
}
