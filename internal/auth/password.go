package auth

import (
	"context"
	"crypto/rand"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"

	"flowgate/internal/workflow"
)

const (
	minPassword = 8
	maxPassword = 256 // bytes; hashing more would be work for nothing
	// hashersAtOnce bounds the memory that sign-ins take: each takes 19 MiB.
	hashersAtOnce = 4
)

// passwordParams are the first choice of the OWASP password storage guide.
var passwordParams = argon2id.Params{Memory: 19 << 10, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// passwords hashes and checks passwords with Argon2id, a few at a time. Safe
// for concurrent use.
type passwords struct {
	slots chan struct{}
	// nobody is the hash of a random password, for checks that have no other:
	// an unknown user takes as long as a wrong password.
	nobody func() (string, error)
}

func newPasswords() *passwords {
	return &passwords{slots: make(chan struct{}, hashersAtOnce),
		nobody: sync.OnceValues(func() (string, error) { return argon2id.CreateHash(rand.Text(), &passwordParams) })}
}

func (p *passwords) enter(ctx context.Context) error {
	select {
	case p.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// hash returns what to keep of a password.
func (p *passwords) hash(ctx context.Context, password string) (string, error) {
	if err := p.enter(ctx); err != nil {
		return "", err
	}
	defer func() { <-p.slots }()
	return argon2id.CreateHash(password, &passwordParams)
}

// matches reports whether password is the one that hash was made of; with
// hash "" it takes as long and is false.
func (p *passwords) matches(ctx context.Context, password, hash string) (bool, error) {
	if len(password) > maxPassword {
		password = ""
	}
	if err := p.enter(ctx); err != nil {
		return false, err
	}
	defer func() { <-p.slots }()
	nobody, err := p.nobody() // also where it is not needed: the first check would stand out
	if err != nil {
		return false, err
	}
	if hash == "" {
		_, err := argon2id.ComparePasswordAndHash(password, nobody)
		return false, err
	}
	return argon2id.ComparePasswordAndHash(password, hash)
}

// checkPassword says whether a password may be chosen.
func checkPassword(password, email string) error {
	weak := func(format string, args ...any) error {
		return workflow.Errorf(workflow.CodeInvalid, format, args...).WithReason("weak_password")
	}
	switch {
	case utf8.RuneCountInString(password) < minPassword:
		return weak("password: needs at least %d characters", minPassword)
	case len(password) > maxPassword:
		return weak("password: takes at most %d bytes", maxPassword)
	case email != "" && strings.EqualFold(password, email):
		return weak("password: must not be the email address")
	}
	return nil
}
