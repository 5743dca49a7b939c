package storetest

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store"
)

func (w *world) credential(owner, kind, name string) *store.Credential {
	w.Helper()
	c := &store.Credential{
		ID: w.id("cr"), OwnerID: owner, Type: kind, Name: name, Sealed: []byte{1, 0, 255, 39, 0},
		CreatedAt: epoch().Add(time.Duration(w.n) * time.Second), UpdatedAt: epoch().Add(time.Hour),
	}
	w.ok(w.CreateCredential(w.Context(), c))
	return c
}

var credentialTests = map[string]func(w *world){
	"credential round trip": func(w *world) {
		c := w.credential(ada, "httpHeaderAuth", "Präfix 'x'")
		got, err := w.Credential(w.Context(), ada, c.ID)
		w.ok(err)
		w.same("credential", got, c)
		got, err = w.CredentialByName(w.Context(), ada, c.Type, c.Name)
		w.ok(err)
		w.same("credential", got, c)
		for _, wrong := range [][2]string{{ada, "none"}, {bob, c.ID}, {"", c.ID}} {
			_, err = w.Credential(w.Context(), wrong[0], wrong[1])
			w.code(workflow.CodeNotFound, err)
		}
		for _, wrong := range [][3]string{{bob, c.Type, c.Name}, {ada, "httpBasicAuth", c.Name}, {ada, c.Type, "other"}, {ada, c.Type, ""}} {
			_, err = w.CredentialByName(w.Context(), wrong[0], wrong[1], wrong[2])
			w.code(workflow.CodeNotFound, err)
		}
		now := &store.Credential{ID: "bare", OwnerID: ada, Type: "t", Name: "n"}
		w.ok(w.CreateCredential(w.Context(), now))
		if now.CreatedAt.IsZero() || now.UpdatedAt.IsZero() {
			w.Fatalf("got %+v", now)
		}
	},
	"credential's name is the owner's and type's own": func(w *world) {
		c := w.credential(ada, "smtp", "mail")
		w.credential(bob, "smtp", "mail")
		w.credential(ada, "httpBasicAuth", "mail")
		again := *c
		again.ID = "another"
		w.code(workflow.CodeConflict, w.CreateCredential(w.Context(), &again))
		again.ID, again.Name = c.ID, "another"
		w.code(workflow.CodeConflict, w.CreateCredential(w.Context(), &again))
		other := w.credential(ada, "smtp", "other")
		other.Name = "mail"
		w.code(workflow.CodeConflict, w.UpdateCredential(w.Context(), other, other.Sealed))
	},
	"credential is changed": func(w *world) {
		c := w.credential(ada, "smtp", "mail")
		before := c.Sealed
		c.Name, c.Sealed, c.UpdatedAt = "post", []byte("new"), epoch().Add(2*time.Hour)
		stranger := *c
		stranger.OwnerID = bob
		w.code(workflow.CodeNotFound, w.UpdateCredential(w.Context(), &stranger, before))
		w.code(workflow.CodeConflict, w.UpdateCredential(w.Context(), c, []byte("stale")))
		w.ok(w.UpdateCredential(w.Context(), c, before))
		got, err := w.Credential(w.Context(), ada, c.ID)
		w.ok(err)
		w.same("credential", got, c)
		w.code(workflow.CodeConflict, w.UpdateCredential(w.Context(), c, before))
	},
	"credential is deleted by its owner": func(w *world) {
		c := w.credential(ada, "smtp", "mail")
		w.code(workflow.CodeNotFound, w.DeleteCredential(w.Context(), bob, c.ID))
		w.ok(w.DeleteCredential(w.Context(), ada, c.ID))
		w.code(workflow.CodeNotFound, w.DeleteCredential(w.Context(), ada, c.ID))
		w.code(workflow.CodeNotFound, w.UpdateCredential(w.Context(), c, c.Sealed))
		w.credential(ada, "smtp", "mail") // its name is free again
	},
	"credentials are paged without values": func(w *world) {
		var want, smtp []string
		for i := range 7 {
			kind := []string{"smtp", "httpBasicAuth"}[i%2]
			c := w.credential(ada, kind, fmt.Sprint("c", i))
			want = append(want, c.ID)
			if kind == "smtp" {
				smtp = append(smtp, c.ID)
			}
			w.credential(bob, kind, fmt.Sprint("c", i))
		}
		slices.Reverse(want)
		slices.Reverse(smtp)
		for kind, want := range map[string][]string{"": want, "smtp": smtp, "none": {}} {
			list := func(p store.Page) ([]string, string, error) {
				rows, next, err := w.ListCredentials(w.Context(), ada, kind, p)
				for _, c := range rows {
					if len(c.Sealed) > 0 {
						w.Error("a list holds values")
					}
				}
				return idsOf(rows, func(c *store.Credential) string { return c.ID }), next, err
			}
			if got := w.walk(2, list, nothing); !slices.Equal(got, want) {
				w.Fatalf("type %q: got %v, want %v", kind, got, want)
			}
		}
		w.refusesCursors(func(p store.Page) error { _, _, err := w.ListCredentials(w.Context(), ada, "", p); return err })
	},
	"all credentials are walked by id": func(w *world) {
		want := map[string]bool{}
		for i := range 5 {
			want[w.credential([]string{ada, bob}[i%2], "smtp", fmt.Sprint(i)).ID] = true
		}
		after := ""
		for {
			list, err := w.AllCredentials(w.Context(), after, 2)
			w.ok(err)
			if len(list) == 0 {
				break
			}
			for _, c := range list {
				if c.ID <= after || !want[c.ID] || !bytes.Equal(c.Sealed, []byte{1, 0, 255, 39, 0}) {
					w.Fatalf("behind %q came %+v", after, c)
				}
				delete(want, c.ID)
				after = c.ID
			}
		}
		if len(want) > 0 {
			w.Fatalf("left out: %v", want)
		}
	},
}
