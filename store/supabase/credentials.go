package supabase

import (
	"context"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store"
)

// credentialRow is a credential as the functions take and give it.
type credentialRow struct {
	ID           string    `json:"id"`
	OwnerID      string    `json:"owner_id"`
	Type         string    `json:"type"`
	Name         string    `json:"name"`
	CreatedAt    time.Time `json:"created_at"`
	UpdatedAt    time.Time `json:"updated_at"`
	Sealed       []byte    `json:"sealed"`
	SealedBefore []byte    `json:"sealed_before"`
}

func credentialArgs(c *store.Credential) credentialRow {
	return credentialRow{ID: c.ID, OwnerID: c.OwnerID, Type: c.Type, Name: c.Name, CreatedAt: micro(c.CreatedAt), UpdatedAt: micro(c.UpdatedAt),
		Sealed: append([]byte{}, c.Sealed...)}
}

func (r *credentialRow) credential() (*store.Credential, error) {
	return &store.Credential{ID: r.ID, OwnerID: r.OwnerID, Type: r.Type, Name: r.Name, Sealed: r.Sealed, CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC()}, nil
}

// CreateCredential stores c; CreatedAt and UpdatedAt are now when they are zero.
func (s *Store) CreateCredential(ctx context.Context, c *store.Credential) error {
	as := s.as(ctx, c.OwnerID)
	if as == nil {
		return s.Direct.CreateCredential(ctx, c)
	}
	if c.CreatedAt.IsZero() {
		c.CreatedAt = s.stampNow()
	}
	if c.UpdatedAt.IsZero() {
		c.UpdatedAt = c.CreatedAt
	}
	return credentialClash(s.write(ctx, as, "store the credential", "create_credential", credentialArgs(c), &struct{}{}), c)
}

func credentialClash(err error, c *store.Credential) error {
	if conflicts(err) {
		return workflow.Wrap(workflow.CodeConflict, err, "There is a credential "+c.Name+" of the type "+c.Type+" already. Give this one another name.")
	}
	return err
}

// Credential returns the owner's credential with that id.
func (s *Store) Credential(ctx context.Context, owner, id string) (*store.Credential, error) {
	as := s.as(ctx, owner)
	if as == nil {
		return s.Direct.Credential(ctx, owner, id)
	}
	return s.credential(ctx, as, "credential", id, map[string]any{"id": id})
}

// CredentialByName returns the owner's credential of that type and name.
func (s *Store) CredentialByName(ctx context.Context, owner, kind, name string) (*store.Credential, error) {
	as := s.as(ctx, owner)
	if as == nil {
		return s.Direct.CredentialByName(ctx, owner, kind, name)
	}
	return s.credential(ctx, as, "credential of the type "+kind, name, map[string]any{"type": kind, "name": name})
}

func (s *Store) credential(ctx context.Context, as *store.Caller, kind, name string, args map[string]any) (*store.Credential, error) {
	var out struct{ Row *credentialRow }
	if err := s.read(ctx, as, "read the credential", "credential", args, &out); err != nil {
		return nil, err
	}
	if out.Row == nil {
		return nil, notFound(kind, name)
	}
	return out.Row.credential()
}

// ListCredentials returns the owner's credentials, newest first, without their
// values.
func (s *Store) ListCredentials(ctx context.Context, owner, kind string, page store.Page) ([]*store.Credential, string, error) {
	as := s.asForList(ctx, owner, page, false)
	if as == nil {
		return s.Direct.ListCredentials(ctx, owner, kind, page)
	}
	args, err := pageArgs(store.ListOfCredentials, page)
	if err != nil {
		return nil, "", err
	}
	if kind != "" {
		args["type"] = kind
	}
	var out struct{ Rows []*credentialRow }
	if err := s.read(ctx, as, "list credentials", "list_credentials", args, &out); err != nil {
		return nil, "", err
	}
	list, err := each(out.Rows, (*credentialRow).credential)
	if err != nil {
		return nil, "", err
	}
	list, next := store.Trim(store.ListOfCredentials, list, page.Size(), func(c *store.Credential) store.Cursor {
		return store.Cursor{At: c.CreatedAt, ID: c.ID}
	})
	return list, next, nil
}

// UpdateCredential stores name, values and UpdatedAt of c.
func (s *Store) UpdateCredential(ctx context.Context, c *store.Credential, sealedBefore []byte) error {
	as := s.as(ctx, c.OwnerID)
	if as == nil {
		return s.Direct.UpdateCredential(ctx, c, sealedBefore)
	}
	args := credentialArgs(c)
	args.SealedBefore = append([]byte{}, sealedBefore...)
	var out struct{ Changed, There int }
	err := s.write(ctx, as, "change the credential", "update_credential", args, &out)
	switch {
	case err != nil:
		return credentialClash(err, c)
	case out.Changed > 0:
		return nil
	case out.There == 0:
		return notFound("credential", c.ID)
	}
	return workflow.Errorf(workflow.CodeConflict, "The credential %q was changed meanwhile; try again.", c.ID)
}

// DeleteCredential deletes the owner's credential.
func (s *Store) DeleteCredential(ctx context.Context, owner, id string) error {
	as := s.as(ctx, owner)
	if as == nil {
		return s.Direct.DeleteCredential(ctx, owner, id)
	}
	return s.change(ctx, as, "delete the credential", "delete_credential", map[string]any{"id": id}, "credential", id)
}
