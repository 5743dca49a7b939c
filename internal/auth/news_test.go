package auth

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"flowgate/internal/workflow"
)

// TestNews: a process whose clock stands still goes on by what it remembers,
// until it hears of a revocation.
func TestNews(t *testing.T) {
	t.Parallel()
	here, st := newKeys(t)
	elsewhere := NewAPIKeys(st, here.pepper)
	hears := &Authenticator{Keys: elsewhere}
	here.Tell = func(_ context.Context, what string) { hears.Hear(what) }
	still := time.Now()
	elsewhere.now = func() time.Time { return still }
	secret, key, err := here.Create(t.Context(), NewKey{OwnerID: "ann", ClientName: "x", Scopes: []string{ScopeToolsExecute}})
	if err != nil {
		t.Fatal(err)
	}
	verify := func() error {
		_, err := elsewhere.Verify(t.Context(), secret, netip.Addr{})
		return err
	}
	if err := verify(); err != nil {
		t.Fatal(err)
	}
	if err := st.RevokeKey(t.Context(), "ann", key.ID, still); err != nil {
		t.Fatal(err)
	}
	if err := verify(); err != nil {
		t.Errorf("nothing was heard, and it was read a moment ago: %v", err)
	}
	for _, strange := range []string{"", "key", "user:u", "grant:", "grant:u c", "other:" + key.ID} {
		hears.Hear(strange)
	}
	here.changed(t.Context(), key.ID)
	if err := verify(); workflow.ReasonOf(err) != "invalid_api_key" {
		t.Errorf("it was heard of: %v", err)
	}
}
