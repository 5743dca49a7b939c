package auth

import (
	"context"
	"sync"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store"
)

// Grants says what OAuth clients may do for users: reading, until the user
// widens it. Safe for concurrent use.
type Grants struct {
	Store store.Grants
	// Tell has other processes forget what they know of a grant.
	Tell Teller
	now  func() time.Time
	life time.Duration // of what is known of a grant

	mu    sync.Mutex
	known map[[2]string]knownGrant
}

type knownGrant struct {
	grant *store.Grant
	read  time.Time
}

// NewGrants returns the grants kept in st.
func NewGrants(st store.Grants) *Grants {
	return &Grants{Store: st, now: time.Now, life: liveLife, known: map[[2]string]knownGrant{}}
}

// ReadOnlyScopes are what a new OAuth client may do.
func ReadOnlyScopes() []string {
	return []string{ScopeToolsRead, ScopeWorkflowsRead, ScopeExecutionsRead, ScopeNodesRead, ScopeFilesRead}
}

// Scopes returns what the client may do for the user, noting it the first time.
func (g *Grants) Scopes(ctx context.Context, user, client string) ([]string, error) {
	now, key := g.now(), [2]string{user, client}
	g.mu.Lock()
	k, ok := g.known[key]
	g.mu.Unlock()
	if !ok || now.Sub(k.read) >= g.life {
		at := now.UTC()
		stored, err := g.Store.EnsureGrant(ctx, &store.Grant{UserID: user, ClientID: client, Scopes: ReadOnlyScopes(), CreatedAt: at, UpdatedAt: at})
		if err != nil {
			return nil, err
		}
		k = knownGrant{grant: stored, read: now}
		g.mu.Lock()
		if len(g.known) >= keyCacheSize {
			clear(g.known)
		}
		g.known[key] = k
		g.mu.Unlock()
	}
	if !k.grant.RevokedAt.IsZero() {
		return nil, workflow.Errorf(workflow.CodeForbidden,
			"you have withdrawn what this client was allowed; allow it again with PUT /api/app/oauth-grants/%s", client).WithReason("client_disabled")
	}
	return k.grant.Scopes, nil
}

// Changed has the grant read anew, here and elsewhere.
func (g *Grants) Changed(ctx context.Context, user, client string) {
	g.forget(user, client)
	g.Tell.tell(ctx, newsGrant+user+" "+client)
}

func (g *Grants) forget(user, client string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.known, [2]string{user, client})
}
