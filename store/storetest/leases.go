package storetest

import (
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store"
)

func lease(name, holder string) store.Lease {
	return store.Lease{Name: name, Holder: holder, Host: "hôst/boot", PID: 42}
}

func (w *world) acquire(name, holder string, ttl time.Duration, steal *store.Lease) store.Lease {
	w.Helper()
	l, err := w.AcquireLease(w.Context(), lease(name, holder), ttl, steal)
	w.ok(err)
	return l
}

var leaseTests = map[string]func(w *world){
	"lease is held by one": func(w *world) {
		l := w.acquire("n", "a", time.Hour, nil)
		if l.Fence <= 0 || time.Until(l.ExpiresAt) < 59*time.Minute || l.Host != "hôst/boot" || l.PID != 42 {
			w.Fatalf("got %+v", l)
		}
		_, err := w.AcquireLease(w.Context(), lease("n", "b"), time.Hour, nil)
		w.code(workflow.CodeConflict, err)
		if again := w.acquire("n", "a", time.Hour, nil); again.Fence != l.Fence {
			w.Fatalf("the holder's fence changed: %+v, %+v", l, again)
		}
		w.acquire("other", "b", time.Hour, nil)
	},
	"lease that expired is free, with a higher fence": func(w *world) {
		old := w.acquire("n", "a", -time.Second, nil)
		l := w.acquire("n", "b", time.Hour, nil)
		if l.Fence <= old.Fence {
			w.Fatalf("fence %d after %d", l.Fence, old.Fence)
		}
		_, err := w.RenewLease(w.Context(), old, time.Hour)
		w.code(workflow.CodeConflict, err)
		w.ok(w.ReleaseLease(w.Context(), old))
		_, err = w.AcquireLease(w.Context(), lease("n", "c"), time.Hour, nil)
		w.code(workflow.CodeConflict, err) // the release of a lost lease released nothing
	},
	"lease is renewed": func(w *world) {
		l := w.acquire("n", "a", -time.Second, nil)
		l, err := w.RenewLease(w.Context(), l, time.Hour) // nobody took it meanwhile
		w.ok(err)
		if time.Until(l.ExpiresAt) < 59*time.Minute {
			w.Fatalf("expires %v", l.ExpiresAt)
		}
		_, err = w.AcquireLease(w.Context(), lease("n", "b"), time.Hour, nil)
		w.code(workflow.CodeConflict, err)
		wrong := l
		wrong.Holder = "b"
		_, err = w.RenewLease(w.Context(), wrong, time.Hour)
		w.code(workflow.CodeConflict, err)
		_, err = w.RenewLease(w.Context(), lease("none", "a"), time.Hour)
		w.code(workflow.CodeConflict, err)
	},
	"lease that was given up is free, and its fence does not come again": func(w *world) {
		last := int64(0)
		for _, holder := range []string{"a", "b", "a"} {
			l := w.acquire("n", holder, time.Hour, nil)
			if l.Fence <= last {
				w.Fatalf("fence %d after %d", l.Fence, last)
			}
			last = l.Fence
			w.ok(w.ReleaseLease(w.Context(), l))
			w.ok(w.ReleaseLease(w.Context(), l))
		}
	},
	"lease is stolen only as it was seen": func(w *world) {
		seen := w.acquire("n", "dead", time.Hour, nil)
		stolen := w.acquire("n", "b", time.Hour, &seen)
		if stolen.Fence <= seen.Fence {
			w.Fatalf("fence %d after %d", stolen.Fence, seen.Fence)
		}
		_, err := w.AcquireLease(w.Context(), lease("n", "c"), time.Hour, &seen) // b is not dead
		w.code(workflow.CodeConflict, err)
		_, err = w.RenewLease(w.Context(), seen, time.Hour)
		w.code(workflow.CodeConflict, err)
	},
	"lease race has one winner": func(w *world) {
		seen := w.acquire("steal", "dead", time.Hour, nil)
		w.acquire("expired", "dead", -time.Second, nil)
		for name, steal := range map[string]*store.Lease{"free": nil, "expired": nil, "steal": &seen} {
			var won atomic.Int32
			together(12, func(i int) {
				_, err := w.AcquireLease(w.Context(), lease(name, fmt.Sprint("h", i)), time.Hour, steal)
				switch workflow.CodeOf(err) {
				case "":
					won.Add(1)
				case workflow.CodeConflict:
				default:
					w.Error(err)
				}
			})
			if won.Load() != 1 {
				w.Errorf("%s: %d won", name, won.Load())
			}
		}
	},
	"leases are listed by prefix": func(w *world) {
		a := w.acquire("exec/ä", "a", time.Hour, nil)
		b := w.acquire("exec/b", "b", -time.Hour, nil)
		w.acquire("exe", "c", time.Hour, nil)
		w.acquire("other", "c", time.Hour, nil)
		w.acquire("exec_", "c", time.Hour, nil)
		got, err := w.ListLeases(w.Context(), "exec/")
		w.ok(err)
		slices.SortFunc(got, func(x, y store.Lease) int { return int(x.Fence - y.Fence) })
		w.same("leases", got, []store.Lease{a, b})
		all, err := w.ListLeases(w.Context(), "")
		if w.ok(err); len(all) != 5 {
			w.Fatalf("%d leases", len(all))
		}
	},
}
