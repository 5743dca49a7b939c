package storetest

import (
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store"
)

func (w *world) signIn(id, user string) *store.SignIn {
	w.Helper()
	now := time.Now().UTC().Truncate(time.Millisecond)
	s := &store.SignIn{ID: id, UserID: user, Generation: 1, CreatedAt: now, RotatedAt: now, ExpiresAt: now.Add(time.Hour)}
	w.ok(w.CreateSignIn(w.Context(), s))
	return s
}

var identityTests = map[string]func(w *world){
	"sign-in is renewed by one of many and ended": func(w *world) {
		w.ok(w.CreateUser(w.Context(), &workflow.User{ID: ada}))
		s := w.signIn("s1", ada)
		got, err := w.SignIn(w.Context(), "s1")
		w.ok(err)
		w.same("sign-in", got, s)
		u, err := w.User(w.Context(), ada)
		if w.ok(err); !u.SignedInAt.Equal(s.CreatedAt) {
			w.Fatalf("got %+v", u)
		}
		w.code(workflow.CodeNotFound, w.CreateSignIn(w.Context(), &store.SignIn{ID: "x", UserID: "nobody", ExpiresAt: s.ExpiresAt}))
		later := s.RotatedAt.Add(time.Second)
		var won atomic.Int32
		together(6, func(int) {
			switch err := w.RotateSignIn(w.Context(), "s1", 1, later, later.Add(time.Hour)); workflow.CodeOf(err) {
			case "":
				won.Add(1)
			case workflow.CodeConflict:
			default:
				w.Error(err)
			}
		})
		if won.Load() != 1 {
			w.Fatalf("%d callers renewed one generation", won.Load())
		}
		got, err = w.SignIn(w.Context(), "s1")
		w.ok(err)
		if got.Generation != 2 || !got.RotatedAt.Equal(later) || !got.ExpiresAt.Equal(later.Add(time.Hour)) {
			w.Fatalf("got %+v", got)
		}
		w.signIn("s2", ada)
		w.signIn("s3", ada)
		w.ok(w.EndSignIns(w.Context(), ada, "s2"))
		w.ok(w.EndSignIns(w.Context(), bob, ""))
		_, err = w.SignIn(w.Context(), "s1")
		w.code(workflow.CodeNotFound, err)
		w.code(workflow.CodeConflict, w.RotateSignIn(w.Context(), "s1", 2, later, later))
		_, err = w.SignIn(w.Context(), "s2")
		w.ok(err)
		w.ok(w.EndSignIn(w.Context(), "s2"))
		w.ok(w.EndSignIn(w.Context(), "s2"))
		_, err = w.SignIn(w.Context(), "s2")
		w.code(workflow.CodeNotFound, err)
	},
	"sign-in expires": func(w *world) {
		w.ok(w.CreateUser(w.Context(), &workflow.User{ID: ada}))
		past := time.Now().Add(-time.Minute)
		w.ok(w.CreateSignIn(w.Context(), &store.SignIn{ID: "old", UserID: ada, CreatedAt: past, RotatedAt: past, ExpiresAt: past}))
		_, err := w.SignIn(w.Context(), "old")
		w.code(workflow.CodeNotFound, err)
		w.code(workflow.CodeConflict, w.RotateSignIn(w.Context(), "old", 0, time.Now(), time.Now().Add(time.Hour)))
	},
	"password is kept apart and replaced": func(w *world) {
		w.code(workflow.CodeNotFound, w.SetPassword(w.Context(), "nobody", "h"))
		w.ok(w.CreateUser(w.Context(), &workflow.User{ID: ada, Metadata: []byte(`{"a":"ü"}`), Anonymous: true, SignedInAt: epoch()}))
		_, err := w.Password(w.Context(), ada)
		w.code(workflow.CodeNotFound, err)
		for _, hash := range []string{"$argon2id$1", "$argon2id$2"} {
			w.ok(w.SetPassword(w.Context(), ada, hash))
			got, err := w.Password(w.Context(), ada)
			if w.ok(err); got != hash {
				w.Fatalf("got %q", got)
			}
		}
		u, err := w.User(w.Context(), ada)
		w.ok(err)
		if string(u.Metadata) != `{"a":"ü"}` || !u.Anonymous || !u.SignedInAt.Equal(epoch()) {
			w.Fatalf("got %+v", u)
		}
		u.Anonymous, u.Email, u.Metadata, u.UpdatedAt = false, "ada@example.org", nil, epoch()
		u.Disabled = true // not the user's to change
		w.ok(w.UpdateProfile(w.Context(), u))
		w.code(workflow.CodeNotFound, w.UpdateProfile(w.Context(), &workflow.User{ID: "nobody"}))
		u, err = w.UserByEmail(w.Context(), "ada@example.org")
		w.ok(err)
		if u.Disabled || u.Anonymous || len(u.Metadata) > 0 || !u.UpdatedAt.Equal(epoch()) {
			w.Fatalf("got %+v", u)
		}
	},
	"key is rotated with an overlap": func(w *world) {
		k := &workflow.Key{ID: "k1", OwnerID: ada, Hash: []byte("one"), Signing: true, AllowedIPs: []string{"10.0.0.0/8", "::1/128"}, Active: true, CreatedAt: epoch()}
		w.ok(w.CreateKey(w.Context(), k))
		w.code(workflow.CodeNotFound, w.RotateKey(w.Context(), bob, "k1", []byte("x"), epoch()))
		w.code(workflow.CodeNotFound, w.RotateKey(w.Context(), "", "none", []byte("x"), epoch()))
		w.ok(w.RotateKey(w.Context(), ada, "k1", []byte("two"), epoch().Add(time.Hour)))
		got, err := w.Key(w.Context(), "k1")
		w.ok(err)
		if string(got.Hash) != "two" || string(got.PreviousHash) != "one" || !got.PreviousUntil.Equal(epoch().Add(time.Hour)) || !got.Signing || !slices.Equal(got.AllowedIPs, k.AllowedIPs) {
			w.Fatalf("got %+v", got)
		}
		w.ok(w.RotateKey(w.Context(), "", "k1", []byte("three"), time.Time{}))
		w.ok(w.RevokeKey(w.Context(), ada, "k1", epoch()))
		w.code(workflow.CodeConflict, w.RotateKey(w.Context(), ada, "k1", []byte("four"), epoch()))
		got, err = w.Key(w.Context(), "k1")
		w.ok(err)
		if string(got.Hash) != "three" || string(got.PreviousHash) != "two" || !got.PreviousUntil.IsZero() {
			w.Fatalf("got %+v", got)
		}
	},
	"nonce is used once, by one of many": func(w *world) {
		until := time.Now().Add(time.Hour)
		var won atomic.Int32
		together(8, func(int) {
			switch err := w.UseNonce(w.Context(), "k1", "n", until); workflow.CodeOf(err) {
			case "":
				won.Add(1)
			case workflow.CodeConflict:
			default:
				w.Error(err)
			}
		})
		if won.Load() != 1 {
			w.Fatalf("%d callers used one nonce", won.Load())
		}
		w.ok(w.UseNonce(w.Context(), "k2", "n", until))
		w.ok(w.UseNonce(w.Context(), "k1", "m", time.Now().Add(-time.Second)))
		w.ok(w.UseNonce(w.Context(), "k1", "m", until)) // expired ones are forgotten
		w.code(workflow.CodeConflict, w.UseNonce(w.Context(), "k1", "n", until))
	},
	"grant is made once and changed by its user": func(w *world) {
		g := &store.Grant{UserID: ada, ClientID: "c1", ClientName: "Clïent", Scopes: []string{"workflows:read"}, CreatedAt: epoch(), UpdatedAt: epoch()}
		got, err := w.EnsureGrant(w.Context(), g)
		w.ok(err)
		w.same("grant", got, g)
		got, err = w.EnsureGrant(w.Context(), &store.Grant{UserID: ada, ClientID: "c1", Scopes: []string{"all"}, CreatedAt: epoch()})
		w.ok(err)
		w.same("grant made twice", got, g)
		_, err = w.Grant(w.Context(), bob, "c1")
		w.code(workflow.CodeNotFound, err)
		g.Scopes, g.RevokedAt, g.UpdatedAt = []string{}, epoch().Add(time.Hour), epoch().Add(time.Hour)
		w.ok(w.UpdateGrant(w.Context(), g))
		got, err = w.Grant(w.Context(), ada, "c1")
		w.ok(err)
		w.same("changed grant", got, g)
		w.code(workflow.CodeNotFound, w.UpdateGrant(w.Context(), &store.Grant{UserID: bob, ClientID: "c1"}))
	},
	"grants are paged": func(w *world) {
		var want []string
		for i := range 5 {
			id := fmt.Sprint("c", i)
			for _, u := range []string{ada, bob} {
				_, err := w.EnsureGrant(w.Context(), &store.Grant{UserID: u, ClientID: id, CreatedAt: epoch()})
				w.ok(err)
			}
			want = append(want, id)
		}
		slices.Reverse(want)
		list := func(p store.Page) ([]string, string, error) {
			grants, next, err := w.ListGrants(w.Context(), ada, p)
			return idsOf(grants, func(g *store.Grant) string { return g.ClientID }), next, err
		}
		w.same("grants", w.walk(2, list, nothing), want)
		w.refusesCursors(func(p store.Page) error { _, _, err := w.ListGrants(w.Context(), ada, p); return err })
	},
}
