package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"flowgate/internal/workflow"
	"flowgate/store"
)

const credentialColumns = `id, owner_id, type, name, created_at, updated_at, sealed`

var _ store.Credentials = (*Store)(nil)

func scanCredential(row scanner) (*store.Credential, error) {
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
	_, err := s.write.ExecContext(ctx, `INSERT INTO credentials (`+credentialColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		c.ID, c.OwnerID, c.Type, c.Name, micros(c.CreatedAt), micros(c.UpdatedAt), sealedBytes(c.Sealed))
	return credentialClash(err, "store the credential", c)
}

func credentialClash(err error, doing string, c *store.Credential) error {
	if isConstraint(err) {
		return workflow.Wrap(workflow.CodeConflict, err, "There is a credential "+c.Name+" of the type "+c.Type+" already. Give this one another name.")
	}
	return fail(doing, err)
}

func sealedBytes(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// Credential returns the owner's credential with that id.
func (s *Store) Credential(ctx context.Context, owner, id string) (*store.Credential, error) {
	c, err := scanCredential(s.read.QueryRowContext(ctx,
		`SELECT `+credentialColumns+` FROM credentials WHERE id = ? AND owner_id = ?`, id, owner))
	if err != nil {
		return nil, orNotFound(err, "read the credential", "credential", id)
	}
	return c, nil
}

// CredentialByName returns the owner's credential of that type and name.
func (s *Store) CredentialByName(ctx context.Context, owner, kind, name string) (*store.Credential, error) {
	c, err := scanCredential(s.read.QueryRowContext(ctx,
		`SELECT `+credentialColumns+` FROM credentials WHERE owner_id = ? AND type = ? AND name = ?`, owner, kind, name))
	if err != nil {
		return nil, orNotFound(err, "read the credential", "credential of the type "+kind, name)
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
	if err := w.after(store.ListOfCredentials, page, "created_at"); err != nil {
		return nil, "", err
	}
	list, err := collect(ctx, s.read, scanCredential,
		`SELECT id, owner_id, type, name, created_at, updated_at, NULL FROM credentials`+w.String()+page.Order("created_at", "id")+` LIMIT ?`,
		append(w.args, page.Size()+1)...)
	if err != nil {
		return nil, "", fail("list credentials", err)
	}
	list, next := store.Trim(page.Of(store.ListOfCredentials), list, page.Size(), func(c *store.Credential) store.Cursor {
		return store.Cursor{At: c.CreatedAt, ID: c.ID}
	})
	return list, next, nil
}

// UpdateCredential stores name, values and UpdatedAt of c.
func (s *Store) UpdateCredential(ctx context.Context, c *store.Credential, sealedBefore []byte) error {
	return s.tx(ctx, "change the credential", func(ctx context.Context, tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE credentials SET name = ?, sealed = ?, updated_at = ? WHERE id = ? AND owner_id = ? AND sealed = ?`,
			c.Name, sealedBytes(c.Sealed), micros(c.UpdatedAt), c.ID, c.OwnerID, sealedBytes(sealedBefore))
		if err != nil {
			return credentialClash(err, "change the credential", c)
		}
		if n, err := res.RowsAffected(); err != nil || n > 0 {
			return err
		}
		var there int
		err = tx.QueryRowContext(ctx, `SELECT 1 FROM credentials WHERE id = ? AND owner_id = ?`, c.ID, c.OwnerID).Scan(&there)
		if errors.Is(err, sql.ErrNoRows) {
			return notFound("credential", c.ID)
		}
		if err != nil {
			return err
		}
		return workflow.Errorf(workflow.CodeConflict, "The credential %q was changed meanwhile; try again.", c.ID)
	})
}

// DeleteCredential deletes the owner's credential.
func (s *Store) DeleteCredential(ctx context.Context, owner, id string) error {
	res, err := s.write.ExecContext(ctx, `DELETE FROM credentials WHERE id = ? AND owner_id = ?`, id, owner)
	if err != nil {
		return fail("delete the credential", err)
	}
	return touched(res, "credential", id)
}

// AllCredentials returns everybody's credentials in the order of ids.
func (s *Store) AllCredentials(ctx context.Context, after string, limit int) ([]*store.Credential, error) {
	list, err := collect(ctx, s.read, scanCredential,
		`SELECT `+credentialColumns+` FROM credentials WHERE id > ? ORDER BY id LIMIT ?`, after, limit)
	return list, fail("list credentials", err)
}
