package sqlite

import (
	"context"
	"database/sql"
	"errors"
)

// Secret returns the secret under name. When there is none, make is called,
// outside any transaction and perhaps in several processes at once; the first
// to store its value wins and all get that one.
func (s *Store) Secret(ctx context.Context, name string, make func() ([]byte, error)) ([]byte, error) {
	value, err := s.secret(ctx, name)
	if err == nil {
		return value, nil
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return nil, fail("read a secret", err)
	}
	made, err := make()
	if err != nil {
		return nil, err
	}
	if made == nil {
		made = []byte{}
	}
	_, err = s.write.ExecContext(ctx, `INSERT INTO secrets (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING`, name, made)
	if err != nil {
		return nil, fail("keep a secret", err)
	}
	value, err = s.secret(ctx, name)
	return value, fail("read a secret", err)
}

func (s *Store) secret(ctx context.Context, name string) (value []byte, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT value FROM secrets WHERE name = ?`, name).Scan(&value)
	return value, err
}
