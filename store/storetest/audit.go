package storetest

import (
	"fmt"
	"slices"
	"time"

	"flowgate/store"
)

// chunks adds n chunks to a chain, one a minute, and returns the chain.
func (w *world) chunks(chain, subject string, from, n int) store.AuditChain {
	w.Helper()
	c := store.AuditChain{Name: chain, Anchor: store.AuditMark{Seq: int64(from - 1), Hash: []byte{byte(from - 1)}, MAC: []byte("a")}}
	var list []store.AuditChunk
	for seq := from; seq < from+n; seq++ {
		at := epoch().Add(time.Duration(seq) * time.Minute)
		list = append(list, store.AuditChunk{Chain: chain, Seq: int64(seq), Subject: subject, FirstAt: at.Add(-30 * time.Second), LastAt: at,
			Entries: []byte(fmt.Sprint("\x00ü", seq)), Hash: []byte{byte(seq), 0}})
		c.Head, c.LastAt = store.AuditMark{Seq: int64(seq), Hash: []byte{byte(seq), 0}, MAC: []byte("h")}, at
	}
	w.ok(w.AppendAudit(w.Context(), c, list))
	return c
}

func chunkIDs(list []store.AuditChunk) []string {
	return idsOf(list, func(c store.AuditChunk) string { return c.ID() })
}

var auditTests = map[string]func(w *world){
	"audit chunks round trip, in order": func(w *world) {
		c := w.chunks("one", ada, 1, 12)
		w.chunks("onetwo", bob, 1, 3)
		got, err := w.AuditChunks(w.Context(), "one", 0, 100)
		w.ok(err)
		if len(got) != 12 || got[0].Seq != 1 || got[11].Seq != 12 {
			w.Fatalf("got %v", chunkIDs(got))
		}
		at := epoch().Add(7 * time.Minute)
		w.same("chunk", got[6], store.AuditChunk{Chain: "one", Seq: 7, Subject: ada, FirstAt: at.Add(-30 * time.Second), LastAt: at,
			Entries: []byte("\x00ü7"), Hash: []byte{7, 0}})
		got, err = w.AuditChunks(w.Context(), "one", 10, 1)
		w.ok(err)
		w.same("ids", chunkIDs(got), []string{store.AuditID("one", 11)})
		chains, err := w.AuditChains(w.Context())
		w.ok(err)
		if len(chains) != 2 {
			w.Fatalf("chains %+v", chains)
		}
		w.same("chain", chains[0], c)
	},
	"audit chunks are never changed": func(w *world) {
		w.chunks("c", ada, 1, 2)
		w.chunks("c", bob, 1, 3) // a repetition that brings a third
		got, err := w.AuditChunks(w.Context(), "c", 0, 10)
		w.ok(err)
		w.same("subjects", idsOf(got, func(c store.AuditChunk) string { return c.Subject }), []string{ada, ada, bob})
		w.chunks("c", bob, 1, 1) // an older head
		chains, err := w.AuditChains(w.Context())
		w.ok(err)
		if chains[0].Head.Seq != 3 || chains[0].Anchor.Seq != 0 {
			w.Fatalf("chain %+v", chains[0])
		}
	},
	"audit log is listed by subject and time": func(w *world) {
		w.chunks("a", ada, 1, 7)
		w.chunks("b", bob, 1, 7)
		w.chunks("n", "", 1, 2) // nobody's
		list := func(subject string, q store.AuditQuery) []string {
			w.Helper()
			if q.Limit == 0 {
				q.Limit = 100
			}
			rows, err := w.ListAudit(w.Context(), subject, q)
			w.ok(err)
			return chunkIDs(rows)
		}
		ids := func(chain string, seqs ...int64) (out []string) {
			for _, s := range seqs {
				out = append(out, store.AuditID(chain, s))
			}
			return out
		}
		minute := func(n int) time.Time { return epoch().Add(time.Duration(n) * time.Minute) }
		w.same("ada's", list(ada, store.AuditQuery{}), ids("a", 7, 6, 5, 4, 3, 2, 1))
		w.same("some", list(ada, store.AuditQuery{Limit: 2}), ids("a", 7, 6))
		w.same("from there", list(ada, store.AuditQuery{Limit: 2, FromAt: minute(5), FromID: store.AuditID("a", 5)}), ids("a", 5, 4))
		w.same("from what is gone", list(ada, store.AuditQuery{Limit: 2, FromAt: minute(5), FromID: "Z"}), ids("a", 4, 3))
		w.same("times", list(ada, store.AuditQuery{Since: minute(3), Until: minute(5)}), ids("a", 5, 4, 3))
		w.same("a little earlier", list(ada, store.AuditQuery{Since: minute(3), Until: minute(5).Add(-30 * time.Second)}), ids("a", 4, 3))
		w.same("everybody's", list("", store.AuditQuery{Limit: 3}), []string{store.AuditID("b", 7), store.AuditID("a", 7), store.AuditID("b", 6)})
		if all := list("", store.AuditQuery{}); len(all) != 16 {
			w.Fatalf("everybody's are %v", all)
		}
		w.same("a stranger's", list("eve", store.AuditQuery{}), []string{})
	},
	"audit log is pruned from the beginning of a chain": func(w *world) {
		w.chunks("c", ada, 1, 10)
		w.chunks("d", ada, 1, 10)
		before := func(chain string, minutes int) int64 {
			w.Helper()
			m, err := w.AuditBefore(w.Context(), chain, epoch().Add(time.Duration(minutes)*time.Minute))
			w.ok(err)
			if m.Seq > 0 && !slices.Equal(m.Hash, []byte{byte(m.Seq), 0}) {
				w.Fatalf("mark %+v", m)
			}
			return m.Seq
		}
		for minutes, want := range map[int]int64{1: 0, 2: 1, 7: 6, 10: 9, 11: 10, 99: 10} {
			if got := before("c", minutes); got != want {
				w.Fatalf("before minute %d: %d instead of %d", minutes, got, want)
			}
		}
		if before("none", 99) != 0 {
			w.Fatal("a chain that is not there")
		}
		w.ok(w.PruneAudit(w.Context(), "c", store.AuditMark{Seq: 4, Hash: []byte{4, 0}, MAC: []byte("m")}))
		w.ok(w.PruneAudit(w.Context(), "c", store.AuditMark{Seq: 2, Hash: []byte{2, 0}, MAC: []byte("late")}))
		got, err := w.AuditChunks(w.Context(), "c", 0, 100)
		w.ok(err)
		chains, err := w.AuditChains(w.Context())
		w.ok(err)
		if len(got) != 6 || got[0].Seq != 5 || len(chains) != 2 {
			w.Fatalf("left are %v of %+v", chunkIDs(got), chains)
		}
		w.same("anchor", chains[0].Anchor, store.AuditMark{Seq: 4, Hash: []byte{4, 0}, MAC: []byte("m")})
		w.ok(w.PruneAudit(w.Context(), "c", store.AuditMark{Seq: 10, Hash: []byte{10, 0}}))
		chains, err = w.AuditChains(w.Context())
		w.ok(err)
		if len(chains) != 1 || chains[0].Name != "d" {
			w.Fatalf("chains %+v", chains)
		}
		w.chunks("c", ada, 11, 2) // its writer goes on
		chains, err = w.AuditChains(w.Context())
		w.ok(err)
		if len(chains) != 2 || chains[0].Anchor.Seq != 10 || chains[0].Head.Seq != 12 {
			w.Fatalf("chains %+v", chains)
		}
	},
}
