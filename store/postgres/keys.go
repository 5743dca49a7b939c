package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"flowgate/internal/workflow"
	"flowgate/store"
)

const keyColumns = `id, owner_id, client_name, hash, scopes, rate_limit_tier, active,
	created_at, expires_at, last_used_at, revoked_at, signing, allowed_ips, previous_hash, previous_until`

func scanKey(row pgx.Row) (*workflow.Key, error) {
	var k workflow.Key
	err := row.Scan(&k.ID, &k.OwnerID, &k.ClientName, &k.Hash, &k.Scopes, &k.RateLimitTier, &k.Active,
		stamp{&k.CreatedAt}, stamp{&k.ExpiresAt}, stamp{&k.LastUsedAt}, stamp{&k.RevokedAt},
		&k.Signing, &k.AllowedIPs, &k.PreviousHash, stamp{&k.PreviousUntil})
	return &k, err
}

// CreateKey stores k; CreatedAt is now when it is zero.
func (s *Store) CreateKey(ctx context.Context, k *workflow.Key) error {
	if k.CreatedAt.IsZero() {
		k.CreatedAt = s.stampNow()
	}
	return s.do(ctx, "create the key", user(k.OwnerID), func(b *pgx.Batch) {
		b.Queue(`INSERT INTO api_keys (`+keyColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
			k.ID, k.OwnerID, k.ClientName, append([]byte{}, k.Hash...), append([]string{}, k.Scopes...), k.RateLimitTier, k.Active,
			at(k.CreatedAt), at(k.ExpiresAt), at(k.LastUsedAt), at(k.RevokedAt),
			k.Signing, append([]string{}, k.AllowedIPs...), k.PreviousHash, at(k.PreviousUntil))
	})
}

// Key returns the key with that id.
func (s *Store) Key(ctx context.Context, id string) (k *workflow.Key, err error) {
	err = s.do(ctx, "read the key", asAuth, func(b *pgx.Batch) {
		one(b.Queue(`SELECT `+keyColumns+` FROM api_keys WHERE id = $1`, id), &k, func(row pgx.Row) (*workflow.Key, error) {
			k, err := scanKey(row)
			return k, orNotFound(err, "key", id)
		})
	})
	if err != nil {
		return nil, err
	}
	return k, nil
}

// ListKeys returns the owner's keys, newest first, revoked ones included.
func (s *Store) ListKeys(ctx context.Context, owner string, page store.Page) ([]*workflow.Key, string, error) {
	var w where
	w.and("owner_id = ?", owner)
	if err := w.after(store.ListOfKeys, page, "", "created_at"); err != nil {
		return nil, "", err
	}
	var list []*workflow.Key
	query := `SELECT ` + keyColumns + ` FROM api_keys` + w.String() + page.Order("created_at", "id") + ` LIMIT ` + w.arg(page.Size()+1)
	err := s.do(ctx, "list keys", user(owner), func(b *pgx.Batch) { all(b.Queue(query, w.args...), &list, scanKey) })
	if err != nil {
		return nil, "", err
	}
	list, next := store.Trim(page.Of(store.ListOfKeys), list, page.Size(), func(k *workflow.Key) store.Cursor {
		return store.Cursor{At: k.CreatedAt, ID: k.ID}
	})
	return list, next, nil
}

// RotateKey puts a new hash in the place of the key's, which becomes the
// previous one.
func (s *Store) RotateKey(ctx context.Context, owner, id string, hash []byte, until time.Time) error {
	var w where
	query := `UPDATE api_keys SET previous_hash = CASE WHEN revoked_at IS NULL THEN hash ELSE previous_hash END, 
		previous_until = CASE WHEN revoked_at IS NULL THEN ` + w.arg(at(until)) + `::timestamptz ELSE previous_until END, hash = CASE WHEN revoked_at IS NULL THEN ` + w.arg(hash) + `::bytea ELSE hash END`
	w.and("id = ?", id)
	as := asAdmin
	if owner != "" {
		as = user(owner)
		w.and("owner_id = ?", owner)
	}
	var revoked []bool
	err := s.do(ctx, "rotate the key", as, func(b *pgx.Batch) {
		all(b.Queue(query+w.String()+` RETURNING revoked_at IS NOT NULL`, w.args...), &revoked, func(row pgx.Row) (r bool, err error) {
			err = row.Scan(&r)
			return r, err
		})
	})
	switch {
	case err != nil:
		return err
	case len(revoked) == 0:
		return notFound("key", id)
	case revoked[0]:
		return store.ErrKeyRevoked()
	}
	return nil
}

// RevokeKey makes the key inactive and stamps it; a second call keeps the
// first stamp.
func (s *Store) RevokeKey(ctx context.Context, owner, id string, when time.Time) error {
	var w where
	query := `UPDATE api_keys SET active = false, revoked_at = coalesce(revoked_at, ` + w.arg(at(when)) + `)`
	w.and("id = ?", id)
	as := asAdmin
	if owner != "" {
		as = user(owner)
		w.and("owner_id = ?", owner)
	}
	var n int64
	err := s.do(ctx, "revoke the key", as, func(b *pgx.Batch) { affected(b.Queue(query+w.String(), w.args...), &n) })
	if err == nil && n == 0 {
		return notFound("key", id)
	}
	return err
}

// TouchKeys notes when keys were last used, in one statement. A time never
// goes back, and ids that are not there are passed over.
func (s *Store) TouchKeys(ctx context.Context, lastUsed map[string]time.Time) error {
	if len(lastUsed) == 0 {
		return nil
	}
	ids, times := make([]string, 0, len(lastUsed)), make([]time.Time, 0, len(lastUsed))
	for id, t := range lastUsed {
		ids, times = append(ids, id), append(times, t.UTC())
	}
	return s.do(ctx, "note the use of keys", asAuth, func(b *pgx.Batch) {
		b.Queue(`UPDATE api_keys k SET last_used_at = greatest(k.last_used_at, u.at) FROM unnest($1::text[], $2::timestamptz[]) u (id, at) WHERE k.id = u.id`, ids, times)
	})
}
