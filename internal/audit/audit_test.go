package audit_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"flowgate/internal/audit"
	"flowgate/internal/workflow"
	"flowgate/store"
	"flowgate/store/sqlite"
)

var secret = []byte("a secret of the installation, long")

func newStore(t testing.TB) (*sqlite.Store, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), sqlite.FileName)
	st, err := sqlite.Open(context.Background(), sqlite.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	return st, path
}

func entry(subject, capability string) store.AuditEntry {
	return store.AuditEntry{At: time.Now(), Subject: subject, Kind: "api_key", KeyID: "k1", ClientName: "laptop", Door: "mcp",
		Capability: capability, Allowed: true, Outcome: "ok", Duration: 1234567 * time.Nanosecond, RequestID: "r", IP: "192.0.2.1"}
}

// write makes n calls in a log of their own and closes it.
func write(t testing.TB, st store.Audit, subject string, n int) {
	t.Helper()
	l := audit.Open(audit.Options{Store: st, Secret: secret})
	for i := range n {
		if ok, err := l.Reserve(t.Context(), true); err != nil || !ok {
			t.Fatal(ok, err)
		}
		l.Record(entry(subject, fmt.Sprint("call", i)), []byte(`{"i":1}`))
	}
	l.Close()
}

func verify(t testing.TB, st store.Audit) *audit.Report {
	t.Helper()
	r, err := audit.Verify(t.Context(), st, secret)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestEverythingIsWrittenAtClose(t *testing.T) {
	t.Parallel()
	st, _ := newStore(t)
	write(t, st, "ada", 1300) // several transactions
	write(t, st, "bob", 3)
	if r := verify(t, st); r.Entries != 1303 || r.Chains != 2 || len(r.Faults) > 0 || r.Foreign > 0 {
		t.Errorf("got %+v", r)
	}
	list, _, err := audit.Reader{Store: st}.List(t.Context(), "bob", audit.Filter{}, store.Page{})
	if err != nil || len(list) != 3 {
		t.Fatal(len(list), err)
	}
	e := list[0]
	if e.Capability != "call2" || e.Outcome != "ok" || e.Duration != 1234*time.Microsecond || e.Count != 1 || len(e.Arguments) != 32 || bytes.Contains(e.Arguments, []byte("i")) {
		t.Errorf("got %+v", e)
	}
	if !bytes.Equal(list[0].Arguments, list[1].Arguments) {
		t.Error("the same arguments have different hashes")
	}
}

// TestTampering changes what is stored in every way that the tables' owner
// could, and expects each to be found out.
func TestTampering(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ change, says string }{
		"changed entries":     {`UPDATE audit_log SET entries = CAST(replace(CAST(entries AS TEXT), 'call4', 'call6') AS BLOB) WHERE id LIKE '%05'`, "were changed"},
		"another subject":     {`UPDATE audit_log SET subject = 'eve' WHERE id LIKE '%05'`, "were changed"},
		"another time":        {`UPDATE audit_log SET first_at = first_at + 1 WHERE id LIKE '%05'`, "were changed"},
		"a hash taken along":  {`UPDATE audit_log SET hash = x'00' WHERE id LIKE '%05'`, "were changed"},
		"a missing entry":     {`DELETE FROM audit_log WHERE id LIKE '%05'`, "missing"},
		"a missing beginning": {`DELETE FROM audit_log WHERE id LIKE '%01' OR id LIKE '%02'`, "missing"},
		"a missing end":       {`DELETE FROM audit_log WHERE id LIKE '%10'`, "the last entries are missing"},
		"an end without a trace": {`UPDATE audit_chains SET head_seq = 9, head_hash = (SELECT hash FROM audit_log WHERE id LIKE '%09');
			DELETE FROM audit_log WHERE id LIKE '%10'`, "head was not made"},
		"a forged pruning": {`UPDATE audit_chains SET anchor_seq = 2, anchor_hash = (SELECT hash FROM audit_log WHERE id LIKE '%02');
			DELETE FROM audit_log WHERE id LIKE '%01' OR id LIKE '%02'`, "anchor was not made"},
		"swapped entries": {`UPDATE audit_log SET entries = (SELECT entries FROM audit_log WHERE id LIKE '%04') WHERE id LIKE '%03'`, "were changed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st, path := newStore(t)
			l := audit.Open(audit.Options{Store: st, Secret: secret})
			for i := range 10 { // a chunk each, since the subjects differ
				if ok, err := l.Reserve(t.Context(), true); !ok {
					t.Fatal(err)
				}
				l.Record(entry(fmt.Sprint("user", i), fmt.Sprint("call", i)), nil)
			}
			l.Close()
			db, err := sql.Open("sqlite", path)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if strings.HasPrefix(c.change, "UPDATE audit_log") {
				if _, err := db.ExecContext(t.Context(), c.change); err == nil {
					t.Error("the table lets itself be changed")
				}
			}
			if _, err := db.ExecContext(t.Context(), `DROP TRIGGER audit_log_unchanging; `+c.change); err != nil {
				t.Fatal(err)
			}
			r := verify(t, st)
			if len(r.Faults) == 0 || !strings.Contains(r.Faults[0].Problem, c.says) {
				t.Errorf("got %+v, expected a fault that says %q", r, c.says)
			}
		})
	}
}

func TestAnotherSecretCannotVerify(t *testing.T) {
	t.Parallel()
	st, _ := newStore(t)
	write(t, st, "ada", 3)
	r, err := audit.Verify(t.Context(), st, []byte("another"))
	if err != nil || r.Foreign != 1 || len(r.Faults) != 0 {
		t.Errorf("got %+v, %v", r, err)
	}
}

func TestPrunedChainsVerify(t *testing.T) {
	t.Parallel()
	st, _ := newStore(t)
	write(t, st, "ada", 5)
	l := audit.Open(audit.Options{Store: st, Secret: secret, Retention: time.Hour})
	defer l.Close()
	add := func(at time.Time, n int) {
		for range n {
			if ok, err := l.Reserve(t.Context(), true); err != nil || !ok {
				t.Fatal(ok, err)
			}
			e := entry("bob", "x")
			e.At = at
			l.Record(e, nil)
		}
	}
	add(time.Now(), 4)
	until(t, func() bool { return verify(t, st).Entries == 9 })
	add(time.Now().Add(2*time.Hour), 3)
	until(t, func() bool { return verify(t, st).Entries == 12 })
	add(time.Now().Add(2*time.Hour), 3)
	until(t, func() bool { return verify(t, st).Entries == 15 })
	n, err := l.Prune(t.Context(), time.Now().Add(90*time.Minute))
	if err != nil || n != 2 {
		t.Fatal(n, err)
	}
	if r := verify(t, st); r.Entries != 6 || r.Chains != 1 || len(r.Faults) > 0 {
		t.Errorf("got %+v", r)
	}
	// A writer whose chain was pruned to its end goes on.
	if _, err := l.Prune(t.Context(), time.Now().Add(99*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if r := verify(t, st); r.Entries != 0 || r.Chains != 0 {
		t.Errorf("got %+v", r)
	}
	add(time.Now(), 2)
	until(t, func() bool { return verify(t, st).Entries == 2 })
	if r := verify(t, st); r.Chains != 1 || len(r.Faults) > 0 {
		t.Errorf("got %+v", r)
	}
}

// TestManyWriters: processes that share a store have a chain each.
func TestManyWriters(t *testing.T) {
	t.Parallel()
	st, path := newStore(t)
	other, err := sqlite.Open(t.Context(), sqlite.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	var all sync.WaitGroup
	for i := range 4 {
		s := []*sqlite.Store{st, other}[i%2]
		all.Go(func() { write(t, s, fmt.Sprint("w", i), 200) })
	}
	all.Wait()
	if r := verify(t, st); r.Entries != 800 || r.Chains != 4 || len(r.Faults) > 0 {
		t.Errorf("got %+v", r)
	}
}

func TestFloodOfRefusalsIsCounted(t *testing.T) {
	t.Parallel()
	st, _ := newStore(t)
	l := audit.Open(audit.Options{Store: st, Secret: secret})
	const n = 20000
	for i := range n {
		e := entry("", "authenticate")
		e.KeyID, e.Reason = "", "invalid_api_key"
		e.IP = fmt.Sprint("2001:db8::", i) // each from another address
		if i%2 == 0 {
			e.IP = "192.0.2.66"
		}
		l.Refuse(t.Context(), e, nil)
	}
	l.Close()
	sum, rows := 0, 0
	for page := (store.Page{Limit: 1000}); ; {
		list, next, err := audit.Reader{Store: st}.List(t.Context(), "", audit.Filter{Refused: true}, page)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			sum += e.Count
			rows++
			if e.IP == "192.0.2.66" && e.Count != 1 && e.Count != n/2-1 {
				t.Errorf("counted %d", e.Count)
			}
		}
		if page.Cursor = next; next == "" {
			break
		}
	}
	if sum != n || rows > 6000 {
		t.Errorf("%d refusals in %d rows", sum, rows)
	}
	if r := verify(t, st); len(r.Faults) > 0 {
		t.Errorf("got %+v", r)
	}
}

// slow is a store whose writes fail until it is told otherwise.
type slow struct {
	store.Audit
	up    atomic.Bool
	tried chan struct{}
}

func (s *slow) AppendAudit(ctx context.Context, c store.AuditChain, list []store.AuditChunk) error {
	select {
	case s.tried <- struct{}{}:
	default:
	}
	if !s.up.Load() {
		return errors.New("the store is away")
	}
	return s.Audit.AppendAudit(ctx, c, list)
}

// TestFullQueue: what changes something waits and is then refused, reading
// goes on and is counted, and nothing that was recorded is lost.
func TestFullQueue(t *testing.T) {
	t.Parallel()
	st, _ := newStore(t)
	away := &slow{Audit: st, tried: make(chan struct{}, 1)}
	l := audit.Open(audit.Options{Store: away, Secret: secret, Queue: 8, Patience: 20 * time.Millisecond, Flush: time.Millisecond})
	for range 8 {
		if ok, err := l.Reserve(t.Context(), true); !ok || err != nil {
			t.Fatal(ok, err)
		}
		l.Record(entry("ada", "kept"), nil)
	}
	<-away.tried
	if ok, err := l.Reserve(t.Context(), true); ok || workflow.CodeOf(err) != workflow.CodeUnavailable {
		t.Errorf("what must be recorded got %v, %v", ok, err)
	}
	for range 3 {
		if ok, err := l.Reserve(t.Context(), false); ok || err != nil {
			t.Errorf("reading got %v, %v", ok, err)
		}
	}
	away.up.Store(true)
	until(t, func() bool {
		ok, err := l.Reserve(t.Context(), true)
		if ok {
			l.Record(entry("ada", "later"), nil)
		}
		return err == nil && ok
	})
	l.Close()
	list, _, err := audit.Reader{Store: st}.List(t.Context(), "", audit.Filter{}, store.Page{})
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, e := range list {
		count[e.Capability+" "+e.Outcome] += e.Count
	}
	if count["kept ok"] != 8 || count["later ok"] != 1 || count["audit not_recorded"] != 3 {
		t.Errorf("got %v", count)
	}
	if r := verify(t, st); len(r.Faults) > 0 {
		t.Errorf("got %+v", r)
	}
}

// TestWaitingForAPlace: with the store only slow, what must be recorded waits
// and goes through.
func TestWaitingForAPlace(t *testing.T) {
	t.Parallel()
	st, _ := newStore(t)
	l := audit.Open(audit.Options{Store: st, Secret: secret, Queue: 4, Patience: time.Minute, Flush: time.Millisecond})
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for range 25 {
				ok, err := l.Reserve(t.Context(), true)
				if !ok || err != nil {
					t.Error(ok, err)
					return
				}
				l.Record(entry("ada", "x"), nil)
			}
		})
	}
	all.Wait()
	l.Close()
	if r := verify(t, st); r.Entries != 400 || len(r.Faults) > 0 {
		t.Errorf("got %+v", r)
	}
}

func TestHostileTexts(t *testing.T) {
	t.Parallel()
	st, _ := newStore(t)
	l := audit.Open(audit.Options{Store: st, Secret: secret})
	e := entry("a\x00b", "x")
	e.ClientName, e.IP = "\xff\xfe"+string(bytes.Repeat([]byte("x"), 10000)), "ü\"\\\n<"
	if ok, _ := l.Reserve(t.Context(), true); !ok {
		t.Fatal("no place")
	}
	l.Record(e, nil)
	l.Close()
	if r := verify(t, st); r.Entries != 1 || len(r.Faults) > 0 {
		t.Errorf("got %+v", r)
	}
	list, _, err := audit.Reader{Store: st}.List(t.Context(), "a\uFFFDb", audit.Filter{}, store.Page{})
	if err != nil || len(list) != 1 || list[0].IP != "ü\"\\\n<" {
		t.Errorf("got %+v, %v", list, err)
	}
}

// TestPaging walks the log in small pages, everybody's and one's own.
func TestPaging(t *testing.T) {
	t.Parallel()
	st, _ := newStore(t)
	l := audit.Open(audit.Options{Store: st, Secret: secret})
	for i := range 300 {
		if ok, err := l.Reserve(t.Context(), true); !ok {
			t.Fatal(err)
		}
		e := entry(fmt.Sprint("user", i%3), fmt.Sprint("call", i))
		e.Allowed = i%4 != 0
		l.Record(e, nil)
	}
	l.Close()
	for subject, want := range map[string]int{"user1": 100, "": 300, "nobody": 0} {
		for refused, want := range map[bool]int{false: want, true: want / 4} {
			seen := map[string]bool{}
			for page := (store.Page{Limit: 7}); ; {
				list, next, err := audit.Reader{Store: st}.List(t.Context(), subject, audit.Filter{Refused: refused}, page)
				if err != nil || len(list) > 7 {
					t.Fatal(len(list), err)
				}
				for _, e := range list {
					if seen[e.ID] || subject != "" && e.Subject != subject || refused && e.Allowed {
						t.Fatalf("%q %v: %+v", subject, refused, e)
					}
					seen[e.ID] = true
				}
				if page.Cursor = next; next == "" {
					break
				}
			}
			if len(seen) != want {
				t.Errorf("%q, refused %v: %d entries instead of %d", subject, refused, len(seen), want)
			}
		}
	}
	for _, bad := range []string{"x", store.Cursor{At: time.Now(), ID: "c"}.Encode(store.ListOfAudit), store.Cursor{At: time.Now(), ID: "c:-1"}.Encode(store.ListOfAudit)} {
		if _, _, err := (audit.Reader{Store: st}).List(t.Context(), "", audit.Filter{}, store.Page{Cursor: bad}); workflow.CodeOf(err) != workflow.CodeInvalid {
			t.Errorf("cursor %q: %v", bad, err)
		}
	}
}

// until waits for what background work brings about.
func until(t testing.TB, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !f(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not happen")
		}
	}
}

// BenchmarkRecord is what a call pays on its own path.
func BenchmarkRecord(b *testing.B) {
	l := audit.Open(audit.Options{Store: discard{}, Secret: secret})
	defer l.Close()
	args := []byte(`{"workflow_id":"0198a000-0000-7000-8000-000000000001","inputs":{"name":"x"}}`)
	for b.Loop() {
		if ok, err := l.Reserve(b.Context(), true); !ok {
			b.Fatal(err)
		}
		l.Record(entry("ada", "get_workflow"), args)
	}
}

// BenchmarkWrite is all of it, the store included.
func BenchmarkWrite(b *testing.B) {
	st, _ := newStore(b)
	l := audit.Open(audit.Options{Store: st, Secret: secret, Flush: 10 * time.Millisecond})
	args := []byte(`{"workflow_id":"0198a000-0000-7000-8000-000000000001","inputs":{"name":"x"}}`)
	for b.Loop() {
		if ok, err := l.Reserve(b.Context(), true); !ok {
			b.Fatal(err)
		}
		l.Record(entry("ada", "get_workflow"), args)
	}
	l.Close()
}

type discard struct{ store.Audit }

func (discard) AppendAudit(context.Context, store.AuditChain, []store.AuditChunk) error { return nil }

// hanging is a store whose first write does not end by itself.
type hanging struct {
	*sqlite.Store
	writes atomic.Int64
}

func (h *hanging) AppendAudit(ctx context.Context, c store.AuditChain, chunks []store.AuditChunk) error {
	if h.writes.Add(1) == 1 {
		<-ctx.Done()
		return ctx.Err()
	}
	return h.Store.AppendAudit(ctx, c, chunks)
}

// TestWriteThatHangs is given up and made again.
func TestWriteThatHangs(t *testing.T) {
	t.Parallel()
	st, _ := newStore(t)
	h := &hanging{Store: st}
	l := audit.Open(audit.Options{Store: h, Secret: secret, Attempt: 50 * time.Millisecond, Flush: time.Millisecond})
	defer l.Close()
	if ok, err := l.Reserve(t.Context(), true); err != nil || !ok {
		t.Fatal(ok, err)
	}
	l.Record(entry("ann", "call"), nil)
	for deadline := time.Now().Add(time.Minute); h.writes.Load() < 2; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the write hangs")
		}
	}
	l.Close()
	if r := verify(t, st); r.Entries != 1 {
		t.Errorf("%+v", r)
	}
}
