package store

import (
	"context"
	"time"

	"flowgate/internal/workflow"
)

// SignIn is a user's session with the local issuer. It lives until ExpiresAt
// or until it is ended; each use of its refresh token makes the next
// Generation of that token the good one.
type SignIn struct {
	ID         string
	UserID     string
	Generation int64
	CreatedAt  time.Time
	RotatedAt  time.Time
	ExpiresAt  time.Time
}

// SignIns keeps sessions of the local issuer. Expired ones are as good as gone.
type SignIns interface {
	// CreateSignIn stores s, and that its user signed in then; CodeNotFound
	// when there is no such user.
	CreateSignIn(ctx context.Context, s *SignIn) error
	SignIn(ctx context.Context, id string) (*SignIn, error)
	// RotateSignIn makes generation+1 the good one; CodeConflict when
	// generation is not, for instance since another call was first.
	RotateSignIn(ctx context.Context, id string, generation int64, at, expires time.Time) error
	// EndSignIn ends one; one that is gone is no error.
	EndSignIn(ctx context.Context, id string) error
	// EndSignIns ends all of a user's but the one with the id except.
	EndSignIns(ctx context.Context, userID, except string) error
}

// Passwords keeps password hashes, apart from the users they belong to.
type Passwords interface {
	// SetPassword stores the hash in place of any other; CodeNotFound when
	// there is no such user.
	SetPassword(ctx context.Context, userID, hash string) error
	// Password is CodeNotFound for a user who has none.
	Password(ctx context.Context, userID string) (hash string, err error)
}

// Nonces remembers which single-use values were used.
type Nonces interface {
	// UseNonce notes the value until then; CodeConflict when it is noted
	// already. Of many callers with one value exactly one succeeds.
	UseNonce(ctx context.Context, scope, nonce string, until time.Time) error
}

// Grant says what an OAuth client may do for a user.
type Grant struct {
	UserID     string
	ClientID   string
	ClientName string
	Scopes     []string
	CreatedAt  time.Time
	UpdatedAt  time.Time
	RevokedAt  time.Time // zero: not revoked
}

// Grants keeps what users let OAuth clients do.
type Grants interface {
	// EnsureGrant returns the stored grant of g's user and client, storing g
	// when there is none.
	EnsureGrant(ctx context.Context, g *Grant) (*Grant, error)
	Grant(ctx context.Context, userID, clientID string) (*Grant, error)
	ListGrants(ctx context.Context, userID string, page Page) (list []*Grant, next string, err error)
	// UpdateGrant stores name, scopes, UpdatedAt and RevokedAt.
	UpdateGrant(ctx context.Context, g *Grant) error
}

// ErrKeyRevoked is what RotateKey says of a revoked key.
func ErrKeyRevoked() error {
	return workflow.Errorf(workflow.CodeConflict, "The key is revoked for good; make a new one.")
}

// ErrNotThatGeneration is what RotateSignIn says when another call was first,
// or the sign-in is over.
func ErrNotThatGeneration() error {
	return workflow.Errorf(workflow.CodeConflict, "The sign-in was renewed or ended meanwhile.")
}

// ErrNonceUsed is what UseNonce says of a value that was used.
func ErrNonceUsed() error {
	return workflow.Errorf(workflow.CodeConflict, "The nonce was used already; each request needs a new one.")
}

// GrantCursor is the place of g in lists.
func GrantCursor(g *Grant) Cursor { return Cursor{At: g.CreatedAt, ID: g.ClientID} }
