package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"flowgate/store"
)

func scanSignIn(row pgx.Row) (*store.SignIn, error) {
	var s store.SignIn
	err := row.Scan(&s.ID, &s.UserID, &s.Generation, stamp{&s.CreatedAt}, stamp{&s.RotatedAt}, stamp{&s.ExpiresAt})
	return &s, err
}

// CreateSignIn stores in, and forgets those of everybody's that expired.
func (s *Store) CreateSignIn(ctx context.Context, in *store.SignIn) error {
	var n int64
	err := s.do(ctx, "store the sign-in", asAuth, func(b *pgx.Batch) {
		b.Queue(`DELETE FROM sign_ins WHERE expires_at <= $1`, at(s.stampNow()))
		affected(b.Queue(`INSERT INTO sign_ins (id, user_id, generation, created_at, rotated_at, expires_at)
			SELECT $1, id, $3, $4, $5, $6 FROM users WHERE id = $2`,
			in.ID, in.UserID, in.Generation, at(in.CreatedAt), at(in.RotatedAt), at(in.ExpiresAt)), &n)
		b.Queue(`UPDATE users SET signed_in_at = $2 WHERE id = $1`, in.UserID, at(in.CreatedAt))
	})
	if err == nil && n == 0 {
		return notFound("user", in.UserID)
	}
	return err
}

// SignIn returns the sign-in with that id.
func (s *Store) SignIn(ctx context.Context, id string) (in *store.SignIn, err error) {
	err = s.do(ctx, "read the sign-in", asAuth, func(b *pgx.Batch) {
		one(b.Queue(`SELECT id, user_id, generation, created_at, rotated_at, expires_at FROM sign_ins WHERE id = $1 AND expires_at > $2`,
			id, at(s.stampNow())), &in, func(row pgx.Row) (*store.SignIn, error) {
			in, err := scanSignIn(row)
			return in, orNotFound(err, "sign-in", "")
		})
	})
	if err != nil {
		return nil, err
	}
	return in, nil
}

// RotateSignIn makes the next generation the good one.
func (s *Store) RotateSignIn(ctx context.Context, id string, generation int64, when, expires time.Time) error {
	var n int64
	err := s.do(ctx, "renew the sign-in", asAuth, func(b *pgx.Batch) {
		affected(b.Queue(`UPDATE sign_ins SET generation = generation + 1, rotated_at = $1, expires_at = $2
			WHERE id = $3 AND generation = $4 AND expires_at > $5`, at(when), at(expires), id, generation, at(s.stampNow())), &n)
	})
	if err == nil && n == 0 {
		return store.ErrNotThatGeneration()
	}
	return err
}

// EndSignIn ends one.
func (s *Store) EndSignIn(ctx context.Context, id string) error {
	return s.do(ctx, "end the sign-in", asAuth, func(b *pgx.Batch) { b.Queue(`DELETE FROM sign_ins WHERE id = $1`, id) })
}

// EndSignIns ends the user's others.
func (s *Store) EndSignIns(ctx context.Context, userID, except string) error {
	return s.do(ctx, "end the sign-ins", asAuth, func(b *pgx.Batch) {
		b.Queue(`DELETE FROM sign_ins WHERE user_id = $1 AND id <> $2`, userID, except)
	})
}

// SetPassword stores the hash.
func (s *Store) SetPassword(ctx context.Context, userID, hash string) error {
	var n int64
	err := s.do(ctx, "store the password", asAuth, func(b *pgx.Batch) {
		affected(b.Queue(`INSERT INTO passwords (user_id, hash) SELECT id, $2 FROM users WHERE id = $1
			ON CONFLICT (user_id) DO UPDATE SET hash = excluded.hash`, userID, hash), &n)
	})
	if err == nil && n == 0 {
		return notFound("user", userID)
	}
	return err
}

// Password returns the user's hash.
func (s *Store) Password(ctx context.Context, userID string) (hash string, err error) {
	err = s.do(ctx, "read the password", asAuth, func(b *pgx.Batch) {
		one(b.Queue(`SELECT hash FROM passwords WHERE user_id = $1`, userID), &hash, func(row pgx.Row) (string, error) {
			hash, err := scanString(row)
			return hash, orNotFound(err, "password of", userID)
		})
	})
	return hash, err
}

// UseNonce notes the value, and forgets those of everybody's that expired.
func (s *Store) UseNonce(ctx context.Context, scope, nonce string, until time.Time) error {
	var n int64
	err := s.do(ctx, "note the nonce", asAuth, func(b *pgx.Batch) {
		b.Queue(`DELETE FROM nonces WHERE expires_at <= $1`, at(s.stampNow()))
		affected(b.Queue(`INSERT INTO nonces (scope, nonce, expires_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, scope, nonce, at(until)), &n)
	})
	if err == nil && n == 0 {
		return store.ErrNonceUsed()
	}
	return err
}
