package auth

import (
	"bytes"
	"context"
	"encoding/json"
	"net/mail"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"flowgate/internal/workflow"
	"flowgate/store"
)

const (
	accessLife = time.Hour
	// liveLife bounds how long an ended session or a disabled user is still
	// let in.
	liveLife    = 750 * time.Millisecond
	maxMetadata = 16 << 10
	maxEmail    = 254
)

// AccountStore is what accounts are kept in.
type AccountStore interface {
	store.Users
	store.SignIns
	store.Passwords
}

// AccountOptions are what Accounts are made of. Store, Issuer and Secret are
// required.
type AccountOptions struct {
	Store  AccountStore
	Issuer *Issuer
	Secret []byte // refresh tokens are made with it; the same in all processes
	// SignUp lets strangers make themselves an account.
	SignUp bool
	// Guests lets people in without an account.
	Guests   bool
	Attempts Attempts // a LocalAttempts when nil
	// Tell has other processes forget what they know of a person.
	Tell Teller
}

// Accounts are the people of the embedded sign-in: what Supabase Auth is to a
// deployment with Supabase. Safe for concurrent use.
type Accounts struct {
	AccountOptions
	passwords *passwords
	now       func() time.Time
	life      time.Duration // of what is known of a person

	mu    sync.Mutex
	known map[string]liveness // by user and session
}

// NewAccounts returns the accounts in o.Store.
func NewAccounts(o AccountOptions) *Accounts {
	if o.Attempts == nil {
		o.Attempts = &LocalAttempts{}
	}
	return &Accounts{AccountOptions: o, passwords: newPasswords(), now: o.Issuer.now, life: liveLife, known: map[string]liveness{}}
}

// NewAccount is what a person gives to get one.
type NewAccount struct {
	Email    string
	Password string
	Metadata json.RawMessage // JSON object; may be empty
}

// Register makes an account for a stranger and signs it in. Without an email
// address it is a guest's. How many one address makes is bounded.
func (a *Accounts) Register(ctx context.Context, n NewAccount, from string) (*Session, error) {
	guest := n.Email == "" && n.Password == ""
	switch {
	case guest && !a.Guests:
		return nil, workflow.Errorf(workflow.CodeForbidden, "anonymous sign-ins are switched off here; the operator switches them on with guest_sessions_enabled (GUEST_SESSIONS_ENABLED)").WithReason("anonymous_provider_disabled")
	case !a.SignUp:
		return nil, workflow.Errorf(workflow.CodeForbidden, "signing up is switched off here; the operator makes accounts with: flowgate users create, or switches it on with signup (SIGNUP)").WithReason("signup_disabled")
	}
	if err := a.Attempts.Allow(ctx, "signup "+from); err != nil {
		return nil, err
	}
	a.Attempts.Failed(ctx, "signup "+from)
	if !guest {
		if err := checkOwnEmail(n.Email); err != nil {
			return nil, err
		}
	}
	make := a.Create
	if guest {
		make = func(ctx context.Context, n NewAccount) (*workflow.User, error) { return a.create(ctx, n, true) }
	}
	u, err := make(ctx, n)
	if err != nil {
		return nil, err
	}
	return a.open(ctx, u)
}

// Create makes an account.
func (a *Accounts) Create(ctx context.Context, n NewAccount) (*workflow.User, error) {
	if err := checkEmail(n.Email); err != nil {
		return nil, err
	}
	if err := checkPassword(n.Password, n.Email); err != nil {
		return nil, err
	}
	return a.create(ctx, n, false)
}

func (a *Accounts) create(ctx context.Context, n NewAccount, guest bool) (*workflow.User, error) {
	metadata, err := mergeMetadata(nil, n.Metadata)
	if err != nil {
		return nil, err
	}
	now := a.now().UTC()
	u := &workflow.User{ID: uuid.NewString(), Email: strings.TrimSpace(n.Email), Role: "user", Anonymous: guest, Metadata: metadata, CreatedAt: now, UpdatedAt: now}
	hash := ""
	if !guest {
		if hash, err = a.passwords.hash(ctx, n.Password); err != nil {
			return nil, err
		}
	}
	if err := a.Store.CreateUser(ctx, u); err != nil {
		if workflow.CodeOf(err) == workflow.CodeConflict {
			return nil, workflow.Wrap(workflow.CodeConflict, err, "there is an account with this email address already").WithReason("user_already_exists")
		}
		return nil, err
	}
	if guest {
		return u, nil
	}
	return u, a.Store.SetPassword(ctx, u.ID, hash)
}

// SignIn opens a session for who knows the password. from is the address of
// the caller, whose failures are bounded, as are the account's.
func (a *Accounts) SignIn(ctx context.Context, email, password, from string) (*Session, error) {
	u, err := a.attempt(ctx, email, password, from)
	if err != nil {
		return nil, err
	}
	return a.open(ctx, u)
}

func (a *Accounts) attempt(ctx context.Context, email, password, from string) (*workflow.User, error) {
	keys := []string{"ip " + from, "account " + strings.ToLower(strings.TrimSpace(email))}
	if err := a.mayTry(ctx, keys); err != nil {
		return nil, err
	}
	u, hash, err := a.stored(ctx, email)
	if err != nil {
		return nil, err
	}
	ok, err := a.passwords.matches(ctx, password, hash)
	if err != nil {
		return nil, err
	}
	if err := a.mayTry(ctx, keys); err != nil { // others failed while this one was compared
		return nil, err
	}
	if !ok {
		for _, key := range keys {
			a.Attempts.Failed(ctx, key)
		}
		return nil, workflow.Errorf(workflow.CodeInvalid, "Invalid login credentials").WithReason("invalid_credentials")
	}
	if u.Disabled {
		return nil, errDisabled()
	}
	return u, nil
}

func (a *Accounts) mayTry(ctx context.Context, keys []string) error {
	for _, key := range keys {
		if err := a.Attempts.Allow(ctx, key); err != nil {
			return err
		}
	}
	return nil
}

// stored returns the user with the hash of the password; no user and "" when
// there is none of the two.
func (a *Accounts) stored(ctx context.Context, email string) (*workflow.User, string, error) {
	u, err := a.Store.UserByEmail(ctx, email)
	if workflow.CodeOf(err) == workflow.CodeNotFound {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	hash, err := a.Store.Password(ctx, u.ID)
	if workflow.CodeOf(err) == workflow.CodeNotFound {
		return u, "", nil
	}
	return u, hash, err
}

func errDisabled() error {
	return workflow.Errorf(workflow.CodeForbidden, "this account is switched off; ask the operator").WithReason("user_banned")
}

// LocalEmail is the email of the person at this machine: the owner of what
// is made without a server or by a keyless local client.
const LocalEmail = "local@flowgate"

// checkOwnEmail is checkEmail for an address that somebody says is theirs.
func checkOwnEmail(email string) error {
	if strings.EqualFold(strings.TrimSpace(email), LocalEmail) {
		return workflow.Errorf(workflow.CodeForbidden, "email: %s is the person at the server's own machine, who sets a password there with flowgate users reset", LocalEmail).WithReason("email_address_not_authorized")
	}
	return checkEmail(email)
}

func checkEmail(email string) error {
	a, err := mail.ParseAddress(strings.TrimSpace(email))
	if err != nil || a.Name != "" || len(email) > maxEmail || !strings.EqualFold(a.Address, strings.TrimSpace(email)) {
		return workflow.Errorf(workflow.CodeInvalid, "email: %.80q is not an email address", email).WithReason("validation_failed")
	}
	return nil
}

// mergeMetadata puts the fields of change over those of old; null takes one away.
func mergeMetadata(old, change json.RawMessage) (json.RawMessage, error) {
	if len(change) == 0 || bytes.Equal(change, []byte("null")) {
		return old, nil
	}
	fields, news := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	if len(old) > 0 {
		if err := json.Unmarshal(old, &fields); err != nil {
			return nil, err
		}
	}
	if json.Unmarshal(change, &news) != nil {
		return nil, workflow.Errorf(workflow.CodeInvalid, "data: must be a JSON object").WithReason("validation_failed")
	}
	for name, value := range news {
		if string(value) == "null" {
			delete(fields, name)
		} else {
			fields[name] = value
		}
	}
	out, err := json.Marshal(fields)
	if err == nil && len(out) > maxMetadata {
		return nil, workflow.Errorf(workflow.CodeInvalid, "data: takes at most %d bytes", maxMetadata).WithReason("validation_failed")
	}
	return out, err
}
