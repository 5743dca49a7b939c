package auth

import (
	"context"
	"strings"
)

// Teller tells all other processes what they are not to go on remembering: a
// key, a person or a grant, as Hear understands it. A nil Teller tells nobody;
// then others read it anew within a second of their own accord.
type Teller func(ctx context.Context, what string)

func (t Teller) tell(ctx context.Context, what string) {
	if t != nil {
		t(ctx, what)
	}
}

const (
	newsKey   = "key:"
	newsUser  = "user:"
	newsGrant = "grant:"
)

// Hear takes news of another process: what it names is read anew before it is
// let in again. News that are not understood change nothing.
func (a *Authenticator) Hear(what string) {
	kind, name, _ := strings.Cut(what, ":")
	switch kind + ":" {
	case newsKey:
		a.Keys.forget(name)
	case newsUser:
		if a.Accounts != nil {
			a.Accounts.forget(name)
		}
	case newsGrant:
		if user, client, ok := strings.Cut(name, " "); ok && a.Grants != nil {
			a.Grants.forget(user, client)
		}
	}
}
