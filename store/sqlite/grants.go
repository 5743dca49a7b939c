package sqlite

import (
	"context"

	"flowgate/store"
)

const grantColumns = `owner_id, client_id, client_name, scopes, created_at, updated_at, revoked_at`

func scanGrant(row scanner) (*store.Grant, error) {
	var g store.Grant
	err := row.Scan(&g.UserID, &g.ClientID, &g.ClientName, jsonInto{&g.Scopes}, stamp{&g.CreatedAt}, stamp{&g.UpdatedAt}, stamp{&g.RevokedAt})
	return &g, err
}

// EnsureGrant returns the stored grant, storing g when there is none.
func (s *Store) EnsureGrant(ctx context.Context, g *store.Grant) (*store.Grant, error) {
	scopes, err := jsonText(g.Scopes)
	if err != nil {
		return nil, err
	}
	_, err = s.write.ExecContext(ctx, `INSERT INTO oauth_grants (`+grantColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		g.UserID, g.ClientID, g.ClientName, scopes, micros(g.CreatedAt), micros(g.UpdatedAt), micros(g.RevokedAt))
	if err != nil {
		return nil, fail("store the grant", err)
	}
	return s.Grant(ctx, g.UserID, g.ClientID)
}

// Grant returns what the user lets the client do.
func (s *Store) Grant(ctx context.Context, userID, clientID string) (*store.Grant, error) {
	g, err := scanGrant(s.read.QueryRowContext(ctx, `SELECT `+grantColumns+` FROM oauth_grants WHERE owner_id = ? AND client_id = ?`, userID, clientID))
	if err != nil {
		return nil, orNotFound(err, "read the grant", "grant to", clientID)
	}
	return g, nil
}

// ListGrants returns the user's grants, newest first, revoked ones included.
func (s *Store) ListGrants(ctx context.Context, userID string, page store.Page) ([]*store.Grant, string, error) {
	var w where
	w.and("owner_id = ?", userID)
	if page.Cursor != "" {
		c, err := store.ParseCursor(page.Of(store.ListOfGrants), page.Cursor)
		if err != nil {
			return nil, "", err
		}
		w.and("(created_at, client_id)"+page.Behind()+"(?, ?)", micros(c.At), c.ID)
	}
	list, err := collect(ctx, s.read, scanGrant,
		`SELECT `+grantColumns+` FROM oauth_grants`+w.String()+page.Order("created_at", "client_id")+` LIMIT ?`, append(w.args, page.Size()+1)...)
	if err != nil {
		return nil, "", fail("list grants", err)
	}
	list, next := store.Trim(page.Of(store.ListOfGrants), list, page.Size(), store.GrantCursor)
	return list, next, nil
}

// UpdateGrant stores what can change of g.
func (s *Store) UpdateGrant(ctx context.Context, g *store.Grant) error {
	scopes, err := jsonText(g.Scopes)
	if err != nil {
		return err
	}
	res, err := s.write.ExecContext(ctx, `UPDATE oauth_grants SET client_name = ?, scopes = ?, updated_at = ?, revoked_at = ? WHERE owner_id = ? AND client_id = ?`,
		g.ClientName, scopes, micros(g.UpdatedAt), micros(g.RevokedAt), g.UserID, g.ClientID)
	if err != nil {
		return fail("change the grant", err)
	}
	return touched(res, "grant to", g.ClientID)
}
