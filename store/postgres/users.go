package postgres

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"flowgate/internal/workflow"
	"flowgate/store"
)

const userColumns = `id, email, role, disabled, created_at, anonymous, updated_at, signed_in_at, metadata`

func scanUser(row pgx.Row) (*workflow.User, error) {
	var u workflow.User
	err := row.Scan(&u.ID, &u.Email, &u.Role, &u.Disabled, stamp{&u.CreatedAt},
		&u.Anonymous, stamp{&u.UpdatedAt}, stamp{&u.SignedInAt}, (*[]byte)(&u.Metadata))
	return &u, err
}

func emailKey(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

// CreateUser stores u; CreatedAt is now when it is zero.
func (s *Store) CreateUser(ctx context.Context, u *workflow.User) error {
	if u.CreatedAt.IsZero() {
		u.CreatedAt = s.stampNow()
	}
	err := s.do(ctx, "create the user", asAdmin, func(b *pgx.Batch) {
		b.Queue(`INSERT INTO users (id, email, email_key, role, disabled, created_at, anonymous, updated_at, signed_in_at, metadata)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
			u.ID, u.Email, emailKey(u.Email), u.Role, u.Disabled, at(u.CreatedAt), u.Anonymous, at(u.UpdatedAt), at(u.SignedInAt), []byte(u.Metadata))
	})
	return userClash(err, u)
}

func userClash(err error, u *workflow.User) error {
	if violates(err) {
		return workflow.Wrap(workflow.CodeConflict, err, "There is a user "+u.Email+" already.")
	}
	return err
}

// User returns the user with that id.
func (s *Store) User(ctx context.Context, id string) (*workflow.User, error) {
	return s.user(ctx, id, `SELECT `+userColumns+` FROM users WHERE id = $1`, id)
}

// UserByEmail returns the user with that address, upper and lower case being
// the same.
func (s *Store) UserByEmail(ctx context.Context, email string) (*workflow.User, error) {
	return s.user(ctx, email, `SELECT `+userColumns+` FROM users WHERE email_key = $1 AND email_key <> ''`, emailKey(email))
}

func (s *Store) user(ctx context.Context, name, query string, args ...any) (u *workflow.User, err error) {
	err = s.do(ctx, "read the user", asAuth, func(b *pgx.Batch) {
		one(b.Queue(query, args...), &u, func(row pgx.Row) (*workflow.User, error) {
			u, err := scanUser(row)
			return u, orNotFound(err, "user", name)
		})
	})
	if err != nil {
		return nil, err
	}
	return u, nil
}

// ListUsers returns users, newest first.
func (s *Store) ListUsers(ctx context.Context, page store.Page) ([]*workflow.User, string, error) {
	var w where
	if err := w.after(store.ListOfUsers, page, "", "created_at"); err != nil {
		return nil, "", err
	}
	var list []*workflow.User
	query := `SELECT ` + userColumns + ` FROM users` + w.String() + page.Order("created_at", "id") + ` LIMIT ` + w.arg(page.Size()+1)
	err := s.do(ctx, "list users", asAdmin, func(b *pgx.Batch) { all(b.Queue(query, w.args...), &list, scanUser) })
	if err != nil {
		return nil, "", err
	}
	list, next := store.Trim(page.Of(store.ListOfUsers), list, page.Size(), func(u *workflow.User) store.Cursor {
		return store.Cursor{At: u.CreatedAt, ID: u.ID}
	})
	return list, next, nil
}

// UpdateUser stores email, role and disabled of u.
func (s *Store) UpdateUser(ctx context.Context, u *workflow.User) error {
	return s.updateUser(ctx, u, `role = $4, disabled = $5`, u.Role, u.Disabled)
}

// UpdateProfile stores what users change themselves.
func (s *Store) UpdateProfile(ctx context.Context, u *workflow.User) error {
	return s.updateUser(ctx, u, `anonymous = $4, metadata = $5, updated_at = $6`, u.Anonymous, []byte(u.Metadata), at(u.UpdatedAt))
}

func (s *Store) updateUser(ctx context.Context, u *workflow.User, set string, args ...any) error {
	var n int64
	err := s.do(ctx, "change the user", asAdmin, func(b *pgx.Batch) {
		affected(b.Queue(`UPDATE users SET email = $2, email_key = $3, `+set+` WHERE id = $1`,
			append([]any{u.ID, u.Email, emailKey(u.Email)}, args...)...), &n)
	})
	if err == nil && n == 0 {
		return notFound("user", u.ID)
	}
	return userClash(err, u)
}
