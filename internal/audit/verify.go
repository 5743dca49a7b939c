package audit

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"flowgate/store"
)

// page is how many chunks are read at once.
const page = 200

// Fault is something in the log that is not as it was written.
type Fault struct {
	Chain   string `json:"chain"`
	Seq     int64  `json:"seq,omitempty"`
	Problem string `json:"problem"`
}

// Report is what Verify found.
type Report struct {
	Chains  int     `json:"chains"`
	Entries int     `json:"entries"`
	Foreign int     `json:"foreign_chains"` // made under another secret: nothing can be said of them
	Faults  []Fault `json:"faults"`
}

// maxFaults bounds a report of a log that was destroyed.
const maxFaults = 100

// Verify computes every chain of the store anew. What was pruned is missed
// only where no anchor made with secret says so.
//
// Not found out is the removal of a whole chain with its head, or setting it
// back to how it was earlier: for that, keep the heads elsewhere.
func Verify(ctx context.Context, st store.Audit, secret []byte) (*Report, error) {
	k := newKeys(secret)
	v := &verifier{store: st, link: newLinker(k), report: &Report{Faults: []Fault{}}}
	chains, err := st.AuditChains(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range chains {
		v.report.Chains++
		if !k.ours(c.Name) {
			v.report.Foreign++
			continue
		}
		if err := v.settled(ctx, c); err != nil {
			return nil, err
		}
	}
	return v.report, nil
}

type verifier struct {
	store  store.Audit
	link   *linker
	report *Report
}

func (v *verifier) fault(chain string, seq int64, format string, args ...any) {
	if len(v.report.Faults) < maxFaults {
		v.report.Faults = append(v.report.Faults, Fault{Chain: chain, Seq: seq, Problem: fmt.Sprintf(format, args...)})
	}
}

// settled verifies a chain, again where it was pruned meanwhile.
func (v *verifier) settled(ctx context.Context, c store.AuditChain) error {
	before := *v.report
	if err := v.chain(ctx, c); err != nil || len(v.report.Faults) == len(before.Faults) {
		return err
	}
	chains, err := v.store.AuditChains(ctx)
	if err != nil {
		return err
	}
	for _, now := range chains {
		if now.Name != c.Name {
			continue
		}
		if now.Anchor.Seq == c.Anchor.Seq {
			return nil
		}
		*v.report = before
		return v.chain(ctx, now)
	}
	*v.report = before // it is gone
	return nil
}

func (v *verifier) chain(ctx context.Context, c store.AuditChain) error {
	if !v.link.signed("anchor", c.Name, c.Anchor) {
		v.fault(c.Name, c.Anchor.Seq, "the anchor was not made by this server")
	}
	if !v.link.signed("head", c.Name, c.Head) {
		v.fault(c.Name, c.Head.Seq, "the head was not made by this server")
	}
	seq, last := c.Anchor.Seq, c.Anchor.Hash
	for {
		list, err := v.store.AuditChunks(ctx, c.Name, seq, page)
		if err != nil {
			return err
		}
		for i := range list {
			k := &list[i]
			switch entries, err := decode(k); {
			case k.Seq != seq+1:
				v.fault(c.Name, seq+1, "entries are missing up to %d", k.Seq-1)
			case !bytes.Equal(k.Hash, v.link.link(last, k)):
				v.fault(c.Name, k.Seq, "the entries, or those before them, were changed")
			case err != nil:
				v.fault(c.Name, k.Seq, "%v", err)
			default:
				v.report.Entries += len(entries)
			}
			seq, last = k.Seq, k.Hash
		}
		if len(list) < page {
			break
		}
	}
	// A writer may have gone on meanwhile, so that more is no fault.
	if seq < c.Head.Seq {
		v.fault(c.Name, seq+1, "the last entries are missing, up to %d", c.Head.Seq)
	}
	return nil
}

// Prune removes what is older than the retention at now from the beginning of
// every chain and returns of how many. A pruned chain still verifies.
func (l *Log) Prune(ctx context.Context, now time.Time) (pruned int, err error) {
	if l.Retention <= 0 {
		return 0, nil
	}
	before := now.Add(-l.Retention)
	chains, err := l.Store.AuditChains(ctx)
	if err != nil {
		return 0, err
	}
	link := newLinker(l.keys)
	for _, c := range chains {
		m, err := l.Store.AuditBefore(ctx, c.Name, before)
		if err != nil {
			return pruned, err
		}
		if m.Seq == 0 || !l.keys.ours(c.Name) && m.Seq < c.Head.Seq {
			continue // of a chain under another secret all goes or nothing: nobody here can sign an anchor
		}
		if err := l.Store.PruneAudit(ctx, c.Name, link.sign("anchor", c.Name, m.Seq, m.Hash)); err != nil {
			return pruned, err
		}
		pruned++
	}
	return pruned, nil
}
