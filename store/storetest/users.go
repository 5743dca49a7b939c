package storetest

import (
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store"
)

var userTests = map[string]func(w *world){
	"user is stored and found by id and email": func(w *world) {
		u := &workflow.User{ID: "u1", Email: "Ada@Example.org", Role: "user", CreatedAt: epoch()}
		w.ok(w.CreateUser(w.Context(), u))
		for _, email := range []string{"Ada@Example.org", "ada@example.org", " ADA@example.org "} {
			got, err := w.UserByEmail(w.Context(), email)
			w.ok(err)
			w.same("user by "+email, got, u)
		}
		got, err := w.User(w.Context(), "u1")
		w.ok(err)
		w.same("user", got, u)
	},
	"user's absence is told": func(w *world) {
		_, err := w.User(w.Context(), "nobody")
		w.code(workflow.CodeNotFound, err)
		_, err = w.UserByEmail(w.Context(), "nobody@example.org")
		w.code(workflow.CodeNotFound, err)
		_, err = w.UserByEmail(w.Context(), "")
		w.code(workflow.CodeNotFound, err)
		w.code(workflow.CodeNotFound, w.UpdateUser(w.Context(), &workflow.User{ID: "nobody"}))
	},
	"user's email is taken once, by one of many": func(w *world) {
		var won, lost atomic.Int32
		together(8, func(i int) {
			err := w.CreateUser(w.Context(), &workflow.User{ID: fmt.Sprint("u", i), Email: "a@b.c"})
			switch workflow.CodeOf(err) {
			case "":
				won.Add(1)
			case workflow.CodeConflict:
				lost.Add(1)
			default:
				w.Error(err)
			}
		})
		if won.Load() != 1 || lost.Load() != 7 {
			w.Fatalf("%d won, %d lost", won.Load(), lost.Load())
		}
	},
	"user is changed, but not to a taken email": func(w *world) {
		w.ok(w.CreateUser(w.Context(), &workflow.User{ID: "u1", Email: "a@b.c", Role: "user"}))
		w.ok(w.CreateUser(w.Context(), &workflow.User{ID: "u2", Email: "d@e.f", Role: "user"}))
		w.code(workflow.CodeConflict, w.UpdateUser(w.Context(), &workflow.User{ID: "u2", Email: "A@B.C"}))
		w.ok(w.UpdateUser(w.Context(), &workflow.User{ID: "u2", Email: "new@e.f", Role: "admin", Disabled: true}))
		got, err := w.UserByEmail(w.Context(), "new@e.f")
		w.ok(err)
		if got.ID != "u2" || got.Role != "admin" || !got.Disabled || got.CreatedAt.IsZero() {
			w.Fatalf("got %+v", got)
		}
	},
	"users without email are several": func(w *world) {
		w.ok(w.CreateUser(w.Context(), &workflow.User{ID: "u1"}))
		w.ok(w.CreateUser(w.Context(), &workflow.User{ID: "u2"}))
	},
	"users are paged": func(w *world) {
		var want []string
		for i := range 11 {
			id := fmt.Sprintf("u%02d", i)
			at := epoch().Add(time.Duration(i/4) * time.Second) // several at one time
			w.ok(w.CreateUser(w.Context(), &workflow.User{ID: id, Email: id + "@b.c", CreatedAt: at}))
			want = append(want, id)
		}
		slices.Reverse(want)
		list := func(p store.Page) ([]string, string, error) {
			users, next, err := w.ListUsers(w.Context(), p)
			return idsOf(users, func(u *workflow.User) string { return u.ID }), next, err
		}
		w.same("users", w.walk(3, list, nothing), want)
		w.refusesCursors(func(p store.Page) error { _, _, err := w.ListUsers(w.Context(), p); return err })
	},
}
