package sqlite

import (
	"context"
	"database/sql"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store"
)

const keyColumns = `id, owner_id, client_name, hash, scopes, rate_limit_tier, active,
	created_at, expires_at, last_used_at, revoked_at, signing, allowed_ips, previous_hash, previous_until`

func scanKey(row scanner) (*workflow.Key, error) {
	var k workflow.Key
	err := row.Scan(&k.ID, &k.OwnerID, &k.ClientName, &k.Hash, jsonInto{&k.Scopes}, &k.RateLimitTier, &k.Active,
		stamp{&k.CreatedAt}, stamp{&k.ExpiresAt}, stamp{&k.LastUsedAt}, stamp{&k.RevokedAt},
		&k.Signing, jsonInto{&k.AllowedIPs}, &k.PreviousHash, stamp{&k.PreviousUntil})
	return &k, err
}

// CreateKey stores k; CreatedAt is now when it is zero.
func (s *Store) CreateKey(ctx context.Context, k *workflow.Key) error {
	if k.CreatedAt.IsZero() {
		k.CreatedAt = s.stampNow()
	}
	scopes, err := jsonText(k.Scopes)
	if err != nil {
		return err
	}
	ranges, err := jsonText(k.AllowedIPs)
	if err != nil {
		return err
	}
	hash := k.Hash
	if hash == nil {
		hash = []byte{}
	}
	_, err = s.write.ExecContext(ctx,
		`INSERT INTO api_keys (`+keyColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		k.ID, k.OwnerID, k.ClientName, hash, scopes, k.RateLimitTier, k.Active,
		micros(k.CreatedAt), micros(k.ExpiresAt), micros(k.LastUsedAt), micros(k.RevokedAt),
		k.Signing, ranges, blob(k.PreviousHash), micros(k.PreviousUntil))
	return fail("create the key", err)
}

// Key returns the key with that id.
func (s *Store) Key(ctx context.Context, id string) (*workflow.Key, error) {
	k, err := scanKey(s.hot.key.QueryRowContext(ctx, id))
	if err != nil {
		return nil, orNotFound(err, "read the key", "key", id)
	}
	return k, nil
}

// ListKeys returns the owner's keys, newest first, revoked ones included.
func (s *Store) ListKeys(ctx context.Context, owner string, page store.Page) ([]*workflow.Key, string, error) {
	var w where
	w.and("owner_id = ?", owner)
	if err := w.after(store.ListOfKeys, page, "created_at"); err != nil {
		return nil, "", err
	}
	list, err := collect(ctx, s.read, scanKey,
		`SELECT `+keyColumns+` FROM api_keys`+w.String()+page.Order("created_at", "id")+` LIMIT ?`,
		append(w.args, page.Size()+1)...)
	if err != nil {
		return nil, "", fail("list keys", err)
	}
	list, next := store.Trim(page.Of(store.ListOfKeys), list, page.Size(), func(k *workflow.Key) store.Cursor {
		return store.Cursor{At: k.CreatedAt, ID: k.ID}
	})
	return list, next, nil
}

// RotateKey puts a new hash in the place of the key's, which becomes the
// previous one.
func (s *Store) RotateKey(ctx context.Context, owner, id string, hash []byte, until time.Time) error {
	return s.tx(ctx, "rotate the key", func(ctx context.Context, tx *sql.Tx) error {
		var revoked int64
		err := tx.QueryRowContext(ctx, `SELECT revoked_at FROM api_keys WHERE id = ? AND (owner_id = ? OR ? = '')`, id, owner, owner).Scan(&revoked)
		if err != nil {
			return orNotFound(err, "rotate the key", "key", id)
		}
		if revoked != 0 {
			return store.ErrKeyRevoked()
		}
		_, err = tx.ExecContext(ctx, `UPDATE api_keys SET previous_hash = hash, previous_until = ?, hash = ? WHERE id = ?`, micros(until), hash, id)
		return err
	})
}

// RevokeKey makes the key inactive and stamps it; a second call keeps the
// first stamp.
func (s *Store) RevokeKey(ctx context.Context, owner, id string, at time.Time) error {
	res, err := s.write.ExecContext(ctx,
		`UPDATE api_keys SET active = 0, revoked_at = CASE revoked_at WHEN 0 THEN ? ELSE revoked_at END
		WHERE id = ? AND (owner_id = ? OR ? = '')`, micros(at), id, owner, owner)
	if err != nil {
		return fail("revoke the key", err)
	}
	return touched(res, "key", id)
}

// TouchKeys notes when keys were last used, in one transaction. A time never
// goes back, and ids that are not there are passed over.
func (s *Store) TouchKeys(ctx context.Context, lastUsed map[string]time.Time) error {
	if len(lastUsed) == 0 {
		return nil
	}
	return s.tx(ctx, "note the use of keys", func(ctx context.Context, tx *sql.Tx) error {
		for id, at := range lastUsed {
			_, err := tx.ExecContext(ctx,
				`UPDATE api_keys SET last_used_at = max(last_used_at, ?) WHERE id = ?`, micros(at), id)
			if err != nil {
				return err
			}
		}
		return nil
	})
}
