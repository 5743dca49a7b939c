package auth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"flowgate/internal/workflow"
	"flowgate/store"
)

const (
	// signInLife is how long a session lives without being used.
	signInLife = 30 * 24 * time.Hour
	// reuseGrace is how long the refresh token before the good one still gets
	// an answer, for clients that sent it twice or lost the answer.
	reuseGrace = 10 * time.Second
)

// Session is what a signed-in client holds, as Supabase Auth writes it.
type Session struct {
	AccessToken  string   `json:"access_token"`
	TokenType    string   `json:"token_type"` // "bearer"
	ExpiresIn    int64    `json:"expires_in"` // seconds
	ExpiresAt    int64    `json:"expires_at"` // seconds since 1970
	RefreshToken string   `json:"refresh_token"`
	User         *Account `json:"user"`
}

// Account is a user as Supabase Auth writes it.
type Account struct {
	ID               string          `json:"id"`
	Aud              string          `json:"aud"`
	Role             string          `json:"role"`
	Email            string          `json:"email"`
	EmailConfirmedAt *time.Time      `json:"email_confirmed_at,omitempty"`
	Phone            string          `json:"phone"`
	ConfirmedAt      *time.Time      `json:"confirmed_at,omitempty"`
	LastSignInAt     *time.Time      `json:"last_sign_in_at,omitempty"`
	AppMetadata      appMetadata     `json:"app_metadata"`
	UserMetadata     json.RawMessage `json:"user_metadata"`
	Identities       []any           `json:"identities"`
	CreatedAt        time.Time       `json:"created_at"`
	UpdatedAt        time.Time       `json:"updated_at"`
	Anonymous        bool            `json:"is_anonymous"`
}

func accountOf(u *workflow.User) *Account {
	a := &Account{ID: u.ID, Aud: userAudience, Role: userAudience, Email: u.Email, AppMetadata: appMetadataOf(u), UserMetadata: u.Metadata,
		Identities: []any{}, CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt, Anonymous: u.Anonymous}
	if len(a.UserMetadata) == 0 {
		a.UserMetadata = json.RawMessage("{}")
	}
	if a.UpdatedAt.IsZero() {
		a.UpdatedAt = u.CreatedAt
	}
	if !u.Anonymous {
		a.EmailConfirmedAt, a.ConfirmedAt = &u.CreatedAt, &u.CreatedAt
	}
	if !u.SignedInAt.IsZero() {
		a.LastSignInAt = &u.SignedInAt
	}
	return a
}

// open begins a session.
func (a *Accounts) open(ctx context.Context, u *workflow.User) (*Session, error) {
	now := a.now().UTC()
	s := &store.SignIn{ID: uuid.NewString(), UserID: u.ID, Generation: 1, CreatedAt: now, RotatedAt: now, ExpiresAt: now.Add(signInLife)}
	if err := a.Store.CreateSignIn(ctx, s); err != nil {
		return nil, err
	}
	u.SignedInAt = now
	return a.session(u, s.ID, s.Generation)
}

func (a *Accounts) session(u *workflow.User, id string, generation int64) (*Session, error) {
	token, expires, err := a.Issuer.sessionToken(u, id, accessLife)
	if err != nil {
		return nil, err
	}
	return &Session{AccessToken: token, TokenType: "bearer", ExpiresIn: int64(accessLife.Seconds()), ExpiresAt: expires.Unix(),
		RefreshToken: a.refreshToken(id, generation), User: accountOf(u)}, nil
}

// refreshToken is the one of a session's generation. It is made from both with
// a secret that is not in the store, so that nothing stored is worth stealing.
func (a *Accounts) refreshToken(id string, generation int64) string {
	body := id + "." + strconv.FormatInt(generation, 36)
	m := hmac.New(sha256.New, a.Secret)
	m.Write([]byte("flowgate refresh token\x00" + body))
	return body + "." + base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// parseRefresh returns the session and generation of a token that was made here.
func (a *Accounts) parseRefresh(token string) (id string, generation int64, ok bool) {
	if len(token) > 256 {
		return "", 0, false
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", 0, false
	}
	generation, err := strconv.ParseInt(parts[1], 36, 64)
	if err != nil || !hmac.Equal([]byte(token), []byte(a.refreshToken(parts[0], generation))) {
		return "", 0, false
	}
	return parts[0], generation, true
}

// Refresh gives a session its next tokens. A refresh token is good once; one
// that comes again later was copied, and ends the session. from is the address of the caller, whose failures are
// bounded.
func (a *Accounts) Refresh(ctx context.Context, token, from string) (*Session, error) {
	if err := a.Attempts.Allow(ctx, "ip "+from); err != nil {
		return nil, err
	}
	id, generation, ok := a.parseRefresh(token)
	if !ok {
		a.Attempts.Failed(ctx, "ip "+from)
		return nil, errNoRefresh()
	}
	s, err := a.Store.SignIn(ctx, id)
	if workflow.CodeOf(err) == workflow.CodeNotFound {
		return nil, errNoRefresh()
	}
	if err != nil {
		return nil, err
	}
	u, err := a.Store.User(ctx, s.UserID)
	if err != nil {
		return nil, err
	}
	if u.Disabled {
		return nil, errDisabled()
	}
	now := a.now().UTC()
	if generation == s.Generation {
		err := a.Store.RotateSignIn(ctx, id, generation, now, now.Add(signInLife))
		if err == nil {
			return a.session(u, id, generation+1)
		}
		if workflow.CodeOf(err) != workflow.CodeConflict {
			return nil, err
		}
		if s, err = a.Store.SignIn(ctx, id); err != nil { // another call was first
			return nil, errNoRefresh()
		}
	}
	if generation == s.Generation-1 && now.Sub(s.RotatedAt) < reuseGrace {
		return a.session(u, id, s.Generation)
	}
	if err := a.Store.EndSignIn(ctx, id); err != nil {
		return nil, err
	}
	a.Changed(ctx, s.UserID)
	return nil, workflow.Errorf(workflow.CodeInvalid, "Invalid Refresh Token: Already Used").WithReason("refresh_token_already_used")
}

func errNoRefresh() error {
	return workflow.Errorf(workflow.CodeInvalid, "Invalid Refresh Token: Refresh Token Not Found").WithReason("refresh_token_not_found")
}

// SignOut ends sessions of id's user: "global" all, "local" the one of id's
// token, "others" all but that.
func (a *Accounts) SignOut(ctx context.Context, id *Identity, scope string) error {
	defer a.Changed(ctx, id.Subject)
	switch scope {
	case "", "global":
		return a.Store.EndSignIns(ctx, id.Subject, "")
	case "local":
		return a.Store.EndSignIn(ctx, id.SessionID)
	case "others":
		return a.Store.EndSignIns(ctx, id.Subject, id.SessionID)
	}
	return workflow.Errorf(workflow.CodeInvalid, "scope: %.20q is not one of global, local, others", scope).WithReason("validation_failed")
}

// Account returns the user behind an identity.
func (a *Accounts) Account(ctx context.Context, id *Identity) (*Account, error) {
	u, err := a.Store.User(ctx, id.Subject)
	if err != nil {
		return nil, err
	}
	return accountOf(u), nil
}

// Change is what a user changes of itself; empty fields stay.
type Change struct {
	Email    string
	Password string
	Metadata json.RawMessage // fields to set; null takes one away
}

// Update changes the user's own account. A new password ends its other
// sessions. A guest that gets an email address is one no more, where signing
// up is allowed.
func (a *Accounts) Update(ctx context.Context, id *Identity, c Change) (*Account, error) {
	u, err := a.Store.User(ctx, id.Subject)
	if err != nil {
		return nil, err
	}
	if u.Metadata, err = mergeMetadata(u.Metadata, c.Metadata); err != nil {
		return nil, err
	}
	if err := a.changeEmail(u, c.Email); err != nil {
		return nil, err
	}
	if c.Password != "" {
		if err := checkPassword(c.Password, u.Email); err != nil {
			return nil, err
		}
		if u.Anonymous {
			return nil, workflow.Errorf(workflow.CodeInvalid, "password: give an email address first").WithReason("validation_failed")
		}
	}
	u.UpdatedAt = a.now().UTC()
	if err := a.Store.UpdateProfile(ctx, u); err != nil {
		if workflow.CodeOf(err) == workflow.CodeConflict {
			return nil, workflow.Wrap(workflow.CodeConflict, err, "there is an account with this email address already").WithReason("email_exists")
		}
		return nil, err
	}
	if c.Password != "" {
		if err := a.SetPassword(ctx, u, c.Password, id.SessionID); err != nil {
			return nil, err
		}
	}
	return accountOf(u), nil
}

func (a *Accounts) changeEmail(u *workflow.User, email string) error {
	if email == "" {
		return nil
	}
	if err := checkOwnEmail(email); err != nil {
		return err
	}
	if u.Anonymous && !a.SignUp {
		return workflow.Errorf(workflow.CodeForbidden, "signing up is switched off here").WithReason("signup_disabled")
	}
	u.Email, u.Anonymous = strings.TrimSpace(email), false
	return nil
}

// SetPassword gives the user a password and ends its sessions but the one
// with the id except.
func (a *Accounts) SetPassword(ctx context.Context, u *workflow.User, password, except string) error {
	if err := checkPassword(password, u.Email); err != nil {
		return err
	}
	hash, err := a.passwords.hash(ctx, password)
	if err != nil {
		return err
	}
	if err := a.Store.SetPassword(ctx, u.ID, hash); err != nil {
		return err
	}
	defer a.Changed(ctx, u.ID)
	return a.Store.EndSignIns(ctx, u.ID, except)
}

// SetUser stores role and state of a person. One who is switched off is signed
// out everywhere.
func (a *Accounts) SetUser(ctx context.Context, u *workflow.User) error {
	if err := a.Store.UpdateUser(ctx, u); err != nil {
		return err
	}
	defer a.Changed(ctx, u.ID)
	if !u.Disabled {
		return nil
	}
	return a.Store.EndSignIns(ctx, u.ID, "")
}

// NewPassword returns a random password that is good to give to a person.
func NewPassword() string { return rand.Text()[:20] }

// liveness is what is known of a user and a session of it.
type liveness struct {
	user  *workflow.User
	ended bool
	read  time.Time
}

// live refuses an identity whose session has ended or whose user is switched
// off, and gives it the rights that the user has now.
func (a *Accounts) live(ctx context.Context, id *Identity) error {
	l, err := a.look(ctx, id.Subject, id.SessionID)
	switch {
	case err != nil:
		return err
	case l.user == nil && id.Kind == KindAPIKey:
		return nil // its workspace is its own
	case l.user == nil || l.ended:
		return tokenError(nil, "invalid_token", "this session has ended; sign in again")
	case l.user.Disabled:
		return errDisabled()
	case id.Kind == KindAnonymous && !a.Guests:
		return errNoGuests()
	}
	id.Admin = l.user.Role == roleAdmin && id.Kind == KindUser
	return nil
}

func (a *Accounts) look(ctx context.Context, user, session string) (l liveness, err error) {
	now, key := a.now(), user+"\x00"+session
	a.mu.Lock()
	l, ok := a.known[key]
	a.mu.Unlock()
	if ok && now.Sub(l.read) < a.life {
		return l, nil
	}
	l = liveness{read: now}
	if l.user, err = a.Store.User(ctx, user); err != nil && workflow.CodeOf(err) != workflow.CodeNotFound {
		return l, err
	}
	if session != "" && l.user != nil {
		s, err := a.Store.SignIn(ctx, session)
		if err != nil && workflow.CodeOf(err) != workflow.CodeNotFound {
			return l, err
		}
		l.ended = s == nil || s.UserID != user
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.known) >= keyCacheSize {
		clear(a.known)
	}
	a.known[key] = l
	return l, nil
}

// Changed has a person and its sessions read anew, here and elsewhere.
func (a *Accounts) Changed(ctx context.Context, user string) {
	a.forget(user)
	a.Tell.tell(ctx, newsUser+user)
}

func (a *Accounts) forget(user string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	maps.DeleteFunc(a.known, func(key string, _ liveness) bool { return strings.HasPrefix(key, user+"\x00") })
}
