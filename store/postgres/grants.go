package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"flowgate/store"
)

const grantColumns = `owner_id, client_id, client_name, scopes, created_at, updated_at, revoked_at`

func scanGrant(row pgx.Row) (*store.Grant, error) {
	var g store.Grant
	err := row.Scan(&g.UserID, &g.ClientID, &g.ClientName, &g.Scopes, stamp{&g.CreatedAt}, stamp{&g.UpdatedAt}, stamp{&g.RevokedAt})
	return &g, err
}

const selectGrant = `SELECT ` + grantColumns + ` FROM oauth_grants WHERE owner_id = $1 AND client_id = $2`

// EnsureGrant returns the stored grant, storing g when there is none.
func (s *Store) EnsureGrant(ctx context.Context, g *store.Grant) (*store.Grant, error) {
	var stored []*store.Grant
	err := s.do(ctx, "store the grant", user(g.UserID), func(b *pgx.Batch) {
		b.Queue(`INSERT INTO oauth_grants (`+grantColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
			g.UserID, g.ClientID, g.ClientName, append([]string{}, g.Scopes...), at(g.CreatedAt), at(g.UpdatedAt), at(g.RevokedAt))
		all(b.Queue(selectGrant, g.UserID, g.ClientID), &stored, scanGrant)
	})
	if err != nil {
		return nil, err
	}
	if len(stored) == 0 {
		return nil, notFound("grant to", g.ClientID)
	}
	return stored[0], nil
}

// Grant returns what the user lets the client do.
func (s *Store) Grant(ctx context.Context, userID, clientID string) (g *store.Grant, err error) {
	err = s.do(ctx, "read the grant", user(userID), func(b *pgx.Batch) {
		one(b.Queue(selectGrant, userID, clientID), &g, func(row pgx.Row) (*store.Grant, error) {
			g, err := scanGrant(row)
			return g, orNotFound(err, "grant to", clientID)
		})
	})
	if err != nil {
		return nil, err
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
		w.and("(created_at, client_id)"+page.Behind()+"(?, ?)", at(c.At), c.ID)
	}
	var list []*store.Grant
	query := `SELECT ` + grantColumns + ` FROM oauth_grants` + w.String() + page.Order("created_at", "client_id") + ` LIMIT ` + w.arg(page.Size()+1)
	err := s.do(ctx, "list grants", user(userID), func(b *pgx.Batch) { all(b.Queue(query, w.args...), &list, scanGrant) })
	if err != nil {
		return nil, "", err
	}
	list, next := store.Trim(page.Of(store.ListOfGrants), list, page.Size(), store.GrantCursor)
	return list, next, nil
}

// UpdateGrant stores what can change of g.
func (s *Store) UpdateGrant(ctx context.Context, g *store.Grant) error {
	var n int64
	err := s.do(ctx, "change the grant", user(g.UserID), func(b *pgx.Batch) {
		affected(b.Queue(`UPDATE oauth_grants SET client_name = $3, scopes = $4, updated_at = $5, revoked_at = $6 WHERE owner_id = $1 AND client_id = $2`,
			g.UserID, g.ClientID, g.ClientName, append([]string{}, g.Scopes...), at(g.UpdatedAt), at(g.RevokedAt)), &n)
	})
	if err == nil && n == 0 {
		return notFound("grant to", g.ClientID)
	}
	return err
}
