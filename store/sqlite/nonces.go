package sqlite

import (
	"context"
	"database/sql"
	"time"

	"flowgate/store"
)

// UseNonce notes the value, and forgets those of everybody's that expired.
func (s *Store) UseNonce(ctx context.Context, scope, nonce string, until time.Time) error {
	return s.tx(ctx, "note the nonce", func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM nonces WHERE expires_at <= ?`, micros(s.stampNow())); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO nonces (scope, nonce, expires_at) VALUES (?, ?, ?)`, scope, nonce, micros(until))
		if isConstraint(err) {
			return store.ErrNonceUsed()
		}
		return err
	})
}
