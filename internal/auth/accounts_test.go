package auth

import (
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store/sqlite"
)

// people are accounts over a real store, with an authenticator for their tokens.
type peopleWorld struct {
	*Accounts
	store *sqlite.Store
	keys  *APIKeys
	door  *Authenticator
}

func newPeople(t *testing.T, change func(*AccountOptions)) *peopleWorld {
	t.Helper()
	st, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "t.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	is, err := NewIssuer(t.Context(), st)
	if err != nil {
		t.Fatal(err)
	}
	o := AccountOptions{Store: st, Issuer: is, Secret: []byte("secret"), SignUp: true, Guests: true}
	if change != nil {
		change(&o)
	}
	w := &peopleWorld{Accounts: NewAccounts(o), store: st, keys: NewAPIKeys(st, []byte("pepper"))}
	w.door = &Authenticator{Keys: w.keys, Issuer: is, Accounts: w.Accounts}
	return w
}

const password = "correct horse"

func (w *peopleWorld) ann(t *testing.T) *Session {
	t.Helper()
	s, err := w.Register(t.Context(), NewAccount{Email: "Ann@Example.org", Password: password, Metadata: []byte(`{"name":"Ann"}`)}, "ip")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (w *peopleWorld) app(t *testing.T, token string) (*Identity, error) {
	t.Helper()
	return w.door.Authenticate(t.Context(), Presented{Bearer: token, Tier: TierApp})
}

func TestSignUpAndIn(t *testing.T) {
	t.Parallel()
	w := newPeople(t, nil)
	s := w.ann(t)
	id, err := w.app(t, s.AccessToken)
	if err != nil || id.Subject != s.User.ID || id.Email != "Ann@Example.org" || id.Kind != KindUser || id.SessionID == "" || id.Admin {
		t.Fatalf("got %+v, %v", id, err)
	}
	if hash, err := w.store.Password(t.Context(), id.Subject); err != nil || !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("the password is kept as %q, %v", hash, err)
	}
	again, err := w.SignIn(t.Context(), "ann@example.org", password, "ip")
	if err != nil || again.User.ID != id.Subject || again.User.LastSignInAt == nil || string(again.User.UserMetadata) != `{"name":"Ann"}` {
		t.Errorf("got %+v, %v", again, err)
	}
	for name, c := range map[string]struct {
		account NewAccount
		reason  string
	}{
		"the same address":  {NewAccount{Email: "ANN@example.org", Password: password}, "user_already_exists"},
		"a short password":  {NewAccount{Email: "b@example.org", Password: "short"}, "weak_password"},
		"a long password":   {NewAccount{Email: "b@example.org", Password: strings.Repeat("x", 257)}, "weak_password"},
		"the address again": {NewAccount{Email: "bob@example.org", Password: "Bob@example.org"}, "weak_password"},
		"no password":       {NewAccount{Email: "b@example.org"}, "weak_password"},
		"no address":        {NewAccount{Email: "bob", Password: password}, "validation_failed"},
		"a named address":   {NewAccount{Email: "Bob <b@example.org>", Password: password}, "validation_failed"},
		"odd metadata":      {NewAccount{Email: "b@example.org", Password: password, Metadata: []byte(`[1]`)}, "validation_failed"},
		"much metadata":     {NewAccount{Email: "b@example.org", Password: password, Metadata: []byte(`{"a":"` + strings.Repeat("x", maxMetadata) + `"}`)}, "validation_failed"},
	} {
		if _, err := w.Register(t.Context(), c.account, "other"); workflow.ReasonOf(err) != c.reason {
			t.Errorf("%s: %v", name, err)
		}
	}
	texts := map[string]bool{}
	for _, c := range [][2]string{{"ann@example.org", "wrong password"}, {"nobody@example.org", password}, {"", ""}, {"ann@example.org", strings.Repeat("x", 1<<20)}} {
		_, err := w.SignIn(t.Context(), c[0], c[1], "ip2")
		if workflow.ReasonOf(err) != "invalid_credentials" {
			t.Errorf("%.40q: %v", c, err)
		}
		texts[err.Error()] = true
	}
	if len(texts) != 1 {
		t.Errorf("unknown people and wrong passwords can be told apart: %v", texts)
	}
}

func TestSignUpIsOffForStrangers(t *testing.T) {
	t.Parallel()
	w := newPeople(t, func(o *AccountOptions) { o.SignUp = false })
	if _, err := w.Register(t.Context(), NewAccount{Email: "a@example.org", Password: password}, ""); workflow.ReasonOf(err) != "signup_disabled" {
		t.Errorf("got %v", err)
	}
	if _, err := w.Register(t.Context(), NewAccount{}, ""); workflow.ReasonOf(err) != "signup_disabled" {
		t.Errorf("guest: %v", err)
	}
	if _, err := w.Create(t.Context(), NewAccount{Email: "a@example.org", Password: password}); err != nil {
		t.Errorf("the operator: %v", err)
	}
	if _, err := w.SignIn(t.Context(), "a@example.org", password, ""); err != nil {
		t.Errorf("who was made by the operator: %v", err)
	}
}

func TestGuests(t *testing.T) {
	t.Parallel()
	w := newPeople(t, nil)
	s, err := w.Register(t.Context(), NewAccount{}, "ip")
	if err != nil || !s.User.Anonymous {
		t.Fatalf("got %+v, %v", s, err)
	}
	id, err := w.app(t, s.AccessToken)
	if err != nil || id.Kind != KindAnonymous {
		t.Fatalf("got %+v, %v", id, err)
	}
	if _, err := w.Update(t.Context(), id, Change{Password: password}); workflow.ReasonOf(err) != "validation_failed" {
		t.Errorf("a password without an address: %v", err)
	}
	a, err := w.Update(t.Context(), id, Change{Email: "guest@example.org", Password: password})
	if err != nil || a.Anonymous || a.ID != id.Subject {
		t.Fatalf("got %+v, %v", a, err)
	}
	if s, err := w.SignIn(t.Context(), "guest@example.org", password, "ip"); err != nil || s.User.ID != id.Subject {
		t.Errorf("got %+v, %v", s, err)
	}
	closed := newPeople(t, func(o *AccountOptions) { o.Guests = false })
	if _, err := closed.Register(t.Context(), NewAccount{}, "ip"); workflow.ReasonOf(err) != "anonymous_provider_disabled" {
		t.Errorf("got %v", err)
	}
}

func TestRefreshTokensAreGoodOnce(t *testing.T) {
	t.Parallel()
	w := newPeople(t, nil)
	now := time.Now()
	w.now = func() time.Time { return now }
	first := w.ann(t)
	second, err := w.Refresh(t.Context(), first.RefreshToken, "ip")
	if err != nil || second.RefreshToken == first.RefreshToken {
		t.Fatalf("got %+v, %v", second, err)
	}
	// The answer may have been lost, or another tab been first.
	same, err := w.Refresh(t.Context(), first.RefreshToken, "ip")
	if err != nil || same.RefreshToken != second.RefreshToken {
		t.Fatalf("got %+v, %v", same, err)
	}
	third, err := w.Refresh(t.Context(), second.RefreshToken, "ip")
	if err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Minute)
	if _, err := w.Refresh(t.Context(), first.RefreshToken, "ip"); workflow.ReasonOf(err) != "refresh_token_already_used" {
		t.Fatalf("a copied token: %v", err)
	}
	if _, err := w.Refresh(t.Context(), third.RefreshToken, "ip"); workflow.ReasonOf(err) != "refresh_token_not_found" {
		t.Errorf("after reuse the session goes on: %v", err)
	}
	if _, err := w.app(t, third.AccessToken); workflow.ReasonOf(err) != "invalid_token" {
		t.Errorf("after reuse the access token is good: %v", err)
	}
	for _, bad := range []string{"", "x", third.RefreshToken + "x", strings.Replace(third.RefreshToken, ".3.", ".4.", 1), strings.Repeat(".", 300)} {
		if _, err := w.Refresh(t.Context(), bad, "ip"); workflow.ReasonOf(err) != "refresh_token_not_found" {
			t.Errorf("%.40q: %v", bad, err)
		}
	}
}

func TestRefreshAtOnceGivesOneGeneration(t *testing.T) {
	t.Parallel()
	w := newPeople(t, nil)
	s := w.ann(t)
	got := make(chan string, 8)
	for range cap(got) {
		go func() {
			next, err := w.Refresh(t.Context(), s.RefreshToken, "ip")
			if err != nil {
				got <- err.Error()
				return
			}
			got <- next.RefreshToken
		}()
	}
	tokens := map[string]bool{}
	for range cap(got) {
		tokens[<-got] = true
	}
	if len(tokens) != 1 {
		t.Errorf("tabs that refresh at once got %v", tokens)
	}
}

func TestSignOutEndsSessionsAtOnce(t *testing.T) {
	t.Parallel()
	w := newPeople(t, nil)
	other := NewAccounts(w.AccountOptions) // another process
	now := time.Now()
	other.now = func() time.Time { return now }
	a := w.ann(t)
	b, err := w.SignIn(t.Context(), "ann@example.org", password, "ip")
	if err != nil {
		t.Fatal(err)
	}
	id, err := w.app(t, a.AccessToken)
	if err != nil {
		t.Fatal(err)
	}
	far := &Authenticator{Issuer: w.Issuer, Accounts: other}
	if _, err := far.Authenticate(t.Context(), Presented{Bearer: b.AccessToken, Tier: TierApp}); err != nil {
		t.Fatal(err)
	}
	if err := w.SignOut(t.Context(), id, "others"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.app(t, b.AccessToken); workflow.ReasonOf(err) != "invalid_token" {
		t.Errorf("a session that was ended: %v", err)
	}
	now = now.Add(2 * time.Second)
	if _, err := far.Authenticate(t.Context(), Presented{Bearer: b.AccessToken, Tier: TierApp}); workflow.ReasonOf(err) != "invalid_token" {
		t.Errorf("two seconds later, in another process: %v", err)
	}
	if _, err := w.app(t, a.AccessToken); err != nil {
		t.Errorf("its own session: %v", err)
	}
	if err := w.SignOut(t.Context(), id, "everywhere"); workflow.CodeOf(err) != workflow.CodeInvalid {
		t.Errorf("got %v", err)
	}
	if err := w.SignOut(t.Context(), id, "local"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.app(t, a.AccessToken); workflow.ReasonOf(err) != "invalid_token" {
		t.Errorf("after signing out: %v", err)
	}
	if _, err := w.Refresh(t.Context(), a.RefreshToken, "ip"); workflow.ReasonOf(err) != "refresh_token_not_found" {
		t.Errorf("after signing out: %v", err)
	}
}

// TestSwitchedOffPeople: what they hold, keys included, is refused.
func TestSwitchedOffPeople(t *testing.T) {
	t.Parallel()
	w := newPeople(t, nil)
	now := time.Now()
	w.now = func() time.Time { return now }
	s := w.ann(t)
	secret, _, err := w.keys.Create(t.Context(), NewKey{OwnerID: s.User.ID, ClientName: "x", Scopes: []string{ScopeToolsExecute}})
	if err != nil {
		t.Fatal(err)
	}
	key := Presented{APIKey: secret, Tier: TierMCP}
	if _, err := w.door.Authenticate(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	change := func(f func(*workflow.User)) {
		u, err := w.store.User(t.Context(), s.User.ID)
		if err != nil {
			t.Fatal(err)
		}
		f(u)
		if err := w.store.UpdateUser(t.Context(), u); err != nil {
			t.Fatal(err)
		}
		now = now.Add(2 * time.Second)
	}
	change(func(u *workflow.User) { u.Role = "admin" })
	if id, err := w.app(t, s.AccessToken); err != nil || !id.Admin {
		t.Errorf("promoted: %+v, %v", id, err)
	}
	if id, err := w.door.Authenticate(t.Context(), key); err != nil || id.Admin {
		t.Errorf("an admin's key: %+v, %v", id, err)
	}
	change(func(u *workflow.User) { u.Role, u.Disabled = "user", true })
	for name, f := range map[string]func() error{
		"token":   func() error { _, err := w.app(t, s.AccessToken); return err },
		"key":     func() error { _, err := w.door.Authenticate(t.Context(), key); return err },
		"stream":  func() error { _, err := w.door.Reauthenticate(t.Context(), key); return err },
		"refresh": func() error { _, err := w.Refresh(t.Context(), s.RefreshToken, "ip"); return err },
		"sign-in": func() error { _, err := w.SignIn(t.Context(), "ann@example.org", password, "ip"); return err },
	} {
		if err := f(); workflow.ReasonOf(err) != "user_banned" {
			t.Errorf("%s: %v", name, err)
		}
	}
	change(func(u *workflow.User) { u.Disabled = false })
	if id, err := w.app(t, s.AccessToken); err != nil || id.Admin {
		t.Errorf("switched on again: %+v, %v", id, err)
	}
}

func TestNewPasswordEndsOtherSessions(t *testing.T) {
	t.Parallel()
	w := newPeople(t, nil)
	a := w.ann(t)
	b, err := w.SignIn(t.Context(), "ann@example.org", password, "ip")
	if err != nil {
		t.Fatal(err)
	}
	id, err := w.app(t, a.AccessToken)
	if err != nil {
		t.Fatal(err)
	}
	account, err := w.Update(t.Context(), id, Change{Password: "another horse", Metadata: []byte(`{"name":null,"theme":"dark"}`)})
	if err != nil || string(account.UserMetadata) != `{"theme":"dark"}` {
		t.Fatalf("got %+v, %v", account, err)
	}
	if _, err := w.app(t, b.AccessToken); workflow.ReasonOf(err) != "invalid_token" {
		t.Errorf("the other session: %v", err)
	}
	if _, err := w.app(t, a.AccessToken); err != nil {
		t.Errorf("the session it was changed in: %v", err)
	}
	if _, err := w.SignIn(t.Context(), "ann@example.org", password, "ip"); workflow.ReasonOf(err) != "invalid_credentials" {
		t.Errorf("the old password: %v", err)
	}
	if _, err := w.Update(t.Context(), id, Change{Password: "short"}); workflow.ReasonOf(err) != "weak_password" {
		t.Errorf("got %v", err)
	}
	if _, err := w.Create(t.Context(), NewAccount{Email: "bo@example.org", Password: password}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Update(t.Context(), id, Change{Email: "Bo@example.org"}); workflow.ReasonOf(err) != "email_exists" {
		t.Errorf("somebody else's address: %v", err)
	}
}

// TestPasswordGuessingIsBounded: by where it comes from, and by the account.
func TestPasswordGuessingIsBounded(t *testing.T) {
	t.Parallel()
	w := newPeople(t, nil)
	w.ann(t)
	for i := range failuresAllowed {
		from := "attacker"
		if i%2 == 0 {
			from = "another"
		}
		if _, err := w.SignIn(t.Context(), "ann@example.org", "guess", from); workflow.ReasonOf(err) != "invalid_credentials" {
			t.Fatal(err)
		}
	}
	if _, err := w.SignIn(t.Context(), "Ann@Example.org", password, "third"); workflow.CodeOf(err) != workflow.CodeRateLimited {
		t.Errorf("guesses from several addresses are not bounded: %v", err)
	}
	for range failuresAllowed {
		_, _ = w.Refresh(t.Context(), "guess", "refresher")
	}
	if _, err := w.Refresh(t.Context(), "guess", "refresher"); workflow.CodeOf(err) != workflow.CodeRateLimited {
		t.Errorf("guesses of refresh tokens are not bounded: %v", err)
	}
	for range failuresAllowed {
		_, _ = w.Register(t.Context(), NewAccount{}, "maker")
	}
	if _, err := w.Register(t.Context(), NewAccount{}, "maker"); workflow.CodeOf(err) != workflow.CodeRateLimited {
		t.Errorf("guests without end: %v", err)
	}
}

// TestPasswordGuessesAtOnceAreBounded: many that begin together are told of
// their password hardly more often than as many one after another.
func TestPasswordGuessesAtOnceAreBounded(t *testing.T) {
	t.Parallel()
	w := newPeople(t, nil)
	w.ann(t)
	var told atomic.Int32
	var guesses sync.WaitGroup
	for range 40 {
		guesses.Go(func() {
			if _, err := w.SignIn(t.Context(), "ann@example.org", "guess", "attacker"); workflow.ReasonOf(err) == "invalid_credentials" {
				told.Add(1)
			}
		})
	}
	guesses.Wait()
	if n := int(told.Load()); n > failuresAllowed+hashersAtOnce {
		t.Errorf("%d of 40 guesses at once were answered; at most %d and the %d being compared may be", n, failuresAllowed, hashersAtOnce)
	}
}

// TestTheMachinesPersonIsNobodyElses: its email is not to be had from afar.
func TestTheMachinesPersonIsNobodyElses(t *testing.T) {
	t.Parallel()
	w := newPeople(t, nil)
	if _, err := w.Register(t.Context(), NewAccount{Email: " Local@Flowgate ", Password: password}, "stranger"); workflow.ReasonOf(err) != "email_address_not_authorized" {
		t.Errorf("signing up: %v", err)
	}
	id, err := w.app(t, w.ann(t).AccessToken)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Update(t.Context(), id, Change{Email: LocalEmail}); workflow.ReasonOf(err) != "email_address_not_authorized" {
		t.Errorf("taking it over: %v", err)
	}
	if _, err := w.Create(t.Context(), NewAccount{Email: LocalEmail, Password: password}); err != nil {
		t.Errorf("the operator makes it: %v", err)
	}
}

func TestFailuresAreForgotten(t *testing.T) {
	t.Parallel()
	now := time.Now()
	f := &LocalAttempts{now: func() time.Time { return now }}
	for range failuresAllowed + 5 {
		f.Failed(t.Context(), "a")
	}
	err := f.Allow(t.Context(), "a")
	if workflow.CodeOf(err) != workflow.CodeRateLimited || err.(*workflow.Error).Details["retry_after"] != 301 { //nolint:errorlint // as made
		t.Errorf("got %v", err)
	}
	if err := f.Allow(t.Context(), "b"); err != nil {
		t.Error(err)
	}
	now = now.Add(failuresWindow)
	if err := f.Allow(t.Context(), "a"); err != nil {
		t.Error(err)
	}
	for i := range failuresKeys + 10 {
		f.Failed(t.Context(), strings.Repeat("x", i%100)+string(rune(i)))
	}
	if len(f.since) > failuresKeys {
		t.Errorf("%d keys are kept", len(f.since))
	}
}

func TestRecheckEndsWithTheToken(t *testing.T) {
	t.Parallel()
	w := newPeople(t, nil)
	s := w.ann(t)
	id, err := w.app(t, s.AccessToken)
	if err != nil || id.Expires.Unix() != s.ExpiresAt {
		t.Fatalf("good until %v, want %d; %v", id.Expires, s.ExpiresAt, err)
	}
	if err := w.door.Recheck(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	over := *id
	over.Expires = time.Now().Add(-time.Millisecond)
	if err := w.door.Recheck(t.Context(), &over); workflow.ReasonOf(err) != "token_expired" {
		t.Errorf("got %v", err)
	}
	if err := w.door.Recheck(t.Context(), nil); workflow.ReasonOf(err) != "missing_token" {
		t.Errorf("nobody: %v", err)
	}
}
