package sqlite

import (
	"context"
	"strings"

	"flowgate/internal/workflow"
	"flowgate/store"
)

const userColumns = `id, email, role, disabled, created_at, anonymous, updated_at, signed_in_at, metadata`

func scanUser(row scanner) (*workflow.User, error) {
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
	_, err := s.write.ExecContext(ctx,
		`INSERT INTO users (id, email, email_key, role, disabled, created_at, anonymous, updated_at, signed_in_at, metadata) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		u.ID, u.Email, emailKey(u.Email), u.Role, u.Disabled, micros(u.CreatedAt), u.Anonymous, micros(u.UpdatedAt), micros(u.SignedInAt), blob(u.Metadata))
	return userClash(err, "create the user", u)
}

func userClash(err error, doing string, u *workflow.User) error {
	if isConstraint(err) {
		return workflow.Wrap(workflow.CodeConflict, err, "There is a user "+u.Email+" already.")
	}
	return fail(doing, err)
}

// User returns the user with that id.
func (s *Store) User(ctx context.Context, id string) (*workflow.User, error) {
	return s.user(ctx, id, `SELECT `+userColumns+` FROM users WHERE id = ?`, id)
}

// UserByEmail returns the user with that address, upper and lower case being
// the same.
func (s *Store) UserByEmail(ctx context.Context, email string) (*workflow.User, error) {
	return s.user(ctx, email, `SELECT `+userColumns+` FROM users WHERE email_key = ? AND email_key <> ''`, emailKey(email))
}

func (s *Store) user(ctx context.Context, name, query string, args ...any) (*workflow.User, error) {
	u, err := scanUser(s.read.QueryRowContext(ctx, query, args...))
	if err != nil {
		return nil, orNotFound(err, "read the user", "user", name)
	}
	return u, nil
}

// ListUsers returns users, newest first.
func (s *Store) ListUsers(ctx context.Context, page store.Page) ([]*workflow.User, string, error) {
	var w where
	if err := w.after(store.ListOfUsers, page, "created_at"); err != nil {
		return nil, "", err
	}
	list, err := collect(ctx, s.read, scanUser,
		`SELECT `+userColumns+` FROM users`+w.String()+page.Order("created_at", "id")+` LIMIT ?`,
		append(w.args, page.Size()+1)...)
	if err != nil {
		return nil, "", fail("list users", err)
	}
	list, next := store.Trim(page.Of(store.ListOfUsers), list, page.Size(), func(u *workflow.User) store.Cursor {
		return store.Cursor{At: u.CreatedAt, ID: u.ID}
	})
	return list, next, nil
}

// UpdateUser stores email, role and disabled of u.
func (s *Store) UpdateUser(ctx context.Context, u *workflow.User) error {
	return s.updateUser(ctx, u, `email = ?, email_key = ?, role = ?, disabled = ?`, u.Email, emailKey(u.Email), u.Role, u.Disabled)
}

// UpdateProfile stores what users change themselves.
func (s *Store) UpdateProfile(ctx context.Context, u *workflow.User) error {
	return s.updateUser(ctx, u, `email = ?, email_key = ?, anonymous = ?, metadata = ?, updated_at = ?`,
		u.Email, emailKey(u.Email), u.Anonymous, blob(u.Metadata), micros(u.UpdatedAt))
}

func (s *Store) updateUser(ctx context.Context, u *workflow.User, set string, args ...any) error {
	res, err := s.write.ExecContext(ctx, `UPDATE users SET `+set+` WHERE id = ?`, append(args, u.ID)...)
	if err != nil {
		return userClash(err, "change the user", u)
	}
	return touched(res, "user", u.ID)
}
