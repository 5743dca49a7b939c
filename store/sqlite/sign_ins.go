package sqlite

import (
	"context"
	"database/sql"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store"
)

func scanSignIn(row scanner) (*store.SignIn, error) {
	var s store.SignIn
	err := row.Scan(&s.ID, &s.UserID, &s.Generation, stamp{&s.CreatedAt}, stamp{&s.RotatedAt}, stamp{&s.ExpiresAt})
	return &s, err
}

// CreateSignIn stores in, and forgets those of everybody's that expired.
func (s *Store) CreateSignIn(ctx context.Context, in *store.SignIn) error {
	return s.tx(ctx, "store the sign-in", func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM sign_ins WHERE expires_at <= ?`, micros(s.stampNow())); err != nil {
			return err
		}
		res, err := tx.ExecContext(ctx, `INSERT INTO sign_ins (id, user_id, generation, created_at, rotated_at, expires_at)
			SELECT ?, id, ?, ?, ?, ? FROM users WHERE id = ?`,
			in.ID, in.Generation, micros(in.CreatedAt), micros(in.RotatedAt), micros(in.ExpiresAt), in.UserID)
		if err != nil {
			return err
		}
		if err := touched(res, "user", in.UserID); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE users SET signed_in_at = ? WHERE id = ?`, micros(in.CreatedAt), in.UserID)
		return err
	})
}

// SignIn returns the sign-in with that id.
func (s *Store) SignIn(ctx context.Context, id string) (*store.SignIn, error) {
	in, err := scanSignIn(s.read.QueryRowContext(ctx, `SELECT id, user_id, generation, created_at, rotated_at, expires_at
		FROM sign_ins WHERE id = ? AND expires_at > ?`, id, micros(s.stampNow())))
	if err != nil {
		return nil, orNotFound(err, "read the sign-in", "sign-in", "")
	}
	return in, nil
}

// RotateSignIn makes the next generation the good one.
func (s *Store) RotateSignIn(ctx context.Context, id string, generation int64, at, expires time.Time) error {
	res, err := s.write.ExecContext(ctx, `UPDATE sign_ins SET generation = generation + 1, rotated_at = ?, expires_at = ?
		WHERE id = ? AND generation = ? AND expires_at > ?`, micros(at), micros(expires), id, generation, micros(s.stampNow()))
	if err != nil {
		return fail("renew the sign-in", err)
	}
	if workflow.CodeOf(touched(res, "sign-in", id)) == workflow.CodeNotFound {
		return store.ErrNotThatGeneration()
	}
	return nil
}

// EndSignIn ends one.
func (s *Store) EndSignIn(ctx context.Context, id string) error {
	_, err := s.write.ExecContext(ctx, `DELETE FROM sign_ins WHERE id = ?`, id)
	return fail("end the sign-in", err)
}

// EndSignIns ends the user's others.
func (s *Store) EndSignIns(ctx context.Context, userID, except string) error {
	_, err := s.write.ExecContext(ctx, `DELETE FROM sign_ins WHERE user_id = ? AND id <> ?`, userID, except)
	return fail("end the sign-ins", err)
}

// SetPassword stores the hash.
func (s *Store) SetPassword(ctx context.Context, userID, hash string) error {
	res, err := s.write.ExecContext(ctx, `INSERT INTO passwords (user_id, hash) SELECT id, ? FROM users WHERE id = ?
		ON CONFLICT (user_id) DO UPDATE SET hash = excluded.hash`, hash, userID)
	if err != nil {
		return fail("store the password", err)
	}
	return touched(res, "user", userID)
}

// Password returns the user's hash.
func (s *Store) Password(ctx context.Context, userID string) (string, error) {
	hash, err := scanString(s.read.QueryRowContext(ctx, `SELECT hash FROM passwords WHERE user_id = ?`, userID))
	if err != nil {
		return "", orNotFound(err, "read the password", "password of", userID)
	}
	return hash, nil
}
