package storetest

import (
	"fmt"
	"slices"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store"
)

func (w *world) key(id, owner string) *workflow.Key {
	w.Helper()
	k := &workflow.Key{
		ID: id, OwnerID: owner, ClientName: "Clïent", Hash: []byte{0, 255, 1}, Scopes: []string{"tools:read", "a b"},
		RateLimitTier: "premium", AllowedIPs: []string{}, Active: true, CreatedAt: epoch(), ExpiresAt: epoch().Add(time.Hour),
	}
	w.ok(w.CreateKey(w.Context(), k))
	return k
}

var keyTests = map[string]func(w *world){
	"key round trip": func(w *world) {
		k := w.key("k1", ada)
		got, err := w.Key(w.Context(), "k1")
		w.ok(err)
		w.same("key", got, k)
		if !got.LastUsedAt.IsZero() || !got.RevokedAt.IsZero() {
			w.Fatalf("got %+v", got)
		}
		w.code(workflow.CodeConflict, w.CreateKey(w.Context(), k))
		_, err = w.Key(w.Context(), "none")
		w.code(workflow.CodeNotFound, err)
		w.ok(w.CreateKey(w.Context(), &workflow.Key{ID: "bare", OwnerID: ada}))
	},
	"key is revoked for good": func(w *world) {
		w.key("k1", ada)
		w.code(workflow.CodeNotFound, w.RevokeKey(w.Context(), bob, "k1", epoch()))
		w.code(workflow.CodeNotFound, w.RevokeKey(w.Context(), "", "none", epoch()))
		got, err := w.Key(w.Context(), "k1")
		if w.ok(err); !got.Active {
			w.Fatal("revoked by a stranger")
		}
		w.ok(w.RevokeKey(w.Context(), ada, "k1", epoch().Add(time.Minute)))
		w.ok(w.RevokeKey(w.Context(), ada, "k1", epoch().Add(time.Hour)))
		w.ok(w.RevokeKey(w.Context(), "", "k1", epoch().Add(time.Hour)))
		got, err = w.Key(w.Context(), "k1")
		w.ok(err)
		if got.Active || !got.RevokedAt.Equal(epoch().Add(time.Minute)) {
			w.Fatalf("got %+v", got)
		}
		w.key("k2", ada)
		w.ok(w.RevokeKey(w.Context(), "", "k2", epoch())) // the operator may
	},
	"key's use never goes back": func(w *world) {
		w.key("k1", ada)
		w.key("k2", bob)
		w.ok(w.TouchKeys(w.Context(), nil))
		w.ok(w.TouchKeys(w.Context(), map[string]time.Time{"k1": epoch().Add(time.Hour), "k2": epoch(), "none": epoch()}))
		w.ok(w.TouchKeys(w.Context(), map[string]time.Time{"k1": epoch(), "k2": epoch().Add(time.Hour)}))
		for _, id := range []string{"k1", "k2"} {
			got, err := w.Key(w.Context(), id)
			if w.ok(err); !got.LastUsedAt.Equal(epoch().Add(time.Hour)) {
				w.Fatalf("%s last used %v", id, got.LastUsedAt)
			}
		}
	},
	"keys are paged": func(w *world) {
		var want []string
		for i := range 7 {
			want = append(want, w.key(fmt.Sprintf("k%d", i), ada).ID)
			w.key(fmt.Sprintf("b%d", i), bob)
		}
		slices.Reverse(want)
		list := func(p store.Page) ([]string, string, error) {
			keys, next, err := w.ListKeys(w.Context(), ada, p)
			return idsOf(keys, func(k *workflow.Key) string { return k.ID }), next, err
		}
		w.same("keys", w.walk(2, list, nothing), want)
		w.refusesCursors(func(p store.Page) error { _, _, err := w.ListKeys(w.Context(), ada, p); return err })
	},
}
