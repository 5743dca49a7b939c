package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"flowgate/internal/workflow"
	"flowgate/store"
)

const credentialColumns = `id, owner_id, type, name, created_at, updated_at, sealed`

func scanCredential(row pgx.Row) (*store.Credential, error) {
	var c store.Credential
	err := row.Scan(&c.ID, &c.OwnerID, &c.Type, &c.Name, stamp{&c.CreatedAt}, stamp{&c.UpdatedAt}, &c.Sealed)
	return &c, err
}

// CreateCredential stores c; CreatedAt and UpdatedAt are now when they are zero.
func (s *Store) CreateCredential(ctx context.Context, c *store.Credential) error {
	if c.CreatedAt.IsZero() {
		c.CreatedAt = s.stampNow()
	}
	if c.UpdatedAt.IsZero() {
		c.UpdatedAt = c.CreatedAt
	}
	err := s.do(ctx, "store the credential", user(c.OwnerID), func(b *pgx.Batch) {
		b.Queue(`INSERT INTO credentials (`+credentialColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			c.ID, c.OwnerID, c.Type, c.Name, at(c.CreatedAt), at(c.UpdatedAt), append([]byte{}, c.Sealed...))
	})
	return credentialClash(err, c)
}

func credentialClash(err error, c *store.Credential) error {
	if violates(err) {
		return workflow.Wrap(workflow.CodeConflict, err, "There is a credential "+c.Name+" of the type "+c.Type+" already. Give this one another name.")
	}
	return err
}

// Credential returns the owner's credential with that id.
func (s *Store) Credential(ctx context.Context, owner, id string) (*store.Credential, error) {
	return s.credential(ctx, owner, "credential", id,
		`SELECT `+credentialColumns+` FROM credentials WHERE id = $1 AND owner_id = $2`, id, owner)
}

// CredentialByName returns the owner's credential of that type and name.
func (s *Store) CredentialByName(ctx context.Context, owner, kind, name string) (*store.Credential, error) {
	return s.credential(ctx, owner, "credential of the type "+kind, name,
		`SELECT `+credentialColumns+` FROM credentials WHERE owner_id = $1 AND type = $2 AND name = $3`, owner, kind, name)
}

func (s *Store) credential(ctx context.Context, owner, kind, name, query string, args ...any) (c *store.Credential, err error) {
	err = s.do(ctx, "read the credential", user(owner), func(b *pgx.Batch) {
		one(b.Queue(query, args...), &c, func(row pgx.Row) (*store.Credential, error) {
			c, err := scanCredential(row)
			return c, orNotFound(err, kind, name)
		})
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// ListCredentials returns the owner's credentials, newest first, without
// their values.
func (s *Store) ListCredentials(ctx context.Context, owner, kind string, page store.Page) ([]*store.Credential, string, error) {
	var w where
	w.and("owner_id = ?", owner)
	if kind != "" {
		w.and("type = ?", kind)
	}
	if err := w.after(store.ListOfCredentials, page, "", "created_at"); err != nil {
		return nil, "", err
	}
	var list []*store.Credential
	query := `SELECT id, owner_id, type, name, created_at, updated_at, NULL::bytea FROM credentials` + w.String() +
		page.Order("created_at", "id") + ` LIMIT ` + w.arg(page.Size()+1)
	err := s.do(ctx, "list credentials", user(owner), func(b *pgx.Batch) { all(b.Queue(query, w.args...), &list, scanCredential) })
	if err != nil {
		return nil, "", err
	}
	list, next := store.Trim(page.Of(store.ListOfCredentials), list, page.Size(), func(c *store.Credential) store.Cursor {
		return store.Cursor{At: c.CreatedAt, ID: c.ID}
	})
	return list, next, nil
}

// UpdateCredential stores name, values and UpdatedAt of c.
func (s *Store) UpdateCredential(ctx context.Context, c *store.Credential, sealedBefore []byte) error {
	var changed int64
	var there []string
	err := s.do(ctx, "change the credential", user(c.OwnerID), func(b *pgx.Batch) {
		affected(b.Queue(`UPDATE credentials SET name = $1, sealed = $2, updated_at = $3 WHERE id = $4 AND owner_id = $5 AND sealed = $6`,
			c.Name, append([]byte{}, c.Sealed...), at(c.UpdatedAt), c.ID, c.OwnerID, append([]byte{}, sealedBefore...)), &changed)
		all(b.Queue(`SELECT id FROM credentials WHERE id = $1 AND owner_id = $2`, c.ID, c.OwnerID), &there, scanString)
	})
	switch {
	case err != nil:
		return credentialClash(err, c)
	case changed > 0:
		return nil
	case len(there) == 0:
		return notFound("credential", c.ID)
	}
	return workflow.Errorf(workflow.CodeConflict, "The credential %q was changed meanwhile; try again.", c.ID)
}

// DeleteCredential deletes the owner's credential.
func (s *Store) DeleteCredential(ctx context.Context, owner, id string) error {
	var n int64
	err := s.do(ctx, "delete the credential", user(owner), func(b *pgx.Batch) {
		affected(b.Queue(`DELETE FROM credentials WHERE id = $1 AND owner_id = $2`, id, owner), &n)
	})
	if err == nil && n == 0 {
		return notFound("credential", id)
	}
	return err
}

// AllCredentials returns everybody's credentials in the order of ids.
func (s *Store) AllCredentials(ctx context.Context, after string, limit int) (list []*store.Credential, err error) {
	err = s.do(ctx, "list credentials", asAdmin, func(b *pgx.Batch) {
		all(b.Queue(`SELECT `+credentialColumns+` FROM credentials WHERE id > $1 ORDER BY id LIMIT $2`, after, limit), &list, scanCredential)
	})
	return list, err
}
