package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
)

// Secret returns the secret under name. When there is none, make is called,
// outside any transaction and perhaps in several processes at once; the first
// to store its value wins and all get that one.
func (s *Store) Secret(ctx context.Context, name string, make func() ([]byte, error)) ([]byte, error) {
	value, err := s.secret(ctx, name)
	if !errors.Is(err, pgx.ErrNoRows) {
		return value, err
	}
	made, err := make()
	if err != nil {
		return nil, err
	}
	err = s.do(ctx, "keep a secret", asAuth, func(b *pgx.Batch) {
		b.Queue(`INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING`, name, append([]byte{}, made...))
	})
	if err != nil {
		return nil, err
	}
	return s.secret(ctx, name)
}

func (s *Store) secret(ctx context.Context, name string) (value []byte, err error) {
	err = s.do(ctx, "read a secret", asAuth, func(b *pgx.Batch) {
		b.Queue(`SELECT value FROM secrets WHERE name = $1`, name).QueryRow(func(row pgx.Row) error { return row.Scan(&value) })
	})
	return value, err
}
