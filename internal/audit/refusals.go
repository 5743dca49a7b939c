package audit

import (
	"context"
	"time"

	"flowgate/store"
)

// refusal is what makes refusals alike.
type refusal struct{ subject, keyID, ip, door, capability, reason string }

// repeats counts the refusals like one that was recorded.
type repeats struct {
	until time.Time
	n     int
	last  store.AuditEntry
}

const (
	// repeatWindow is how long refusals like one recorded are only counted: a
	// flood of them costs a row each window, whoever sends it.
	repeatWindow = 10 * time.Second
	// maxRefusals bounds the memory of a flood from many addresses; what is
	// beyond is counted by what was refused alone.
	maxRefusals = 4096
)

// Refuse records a refusal: at once when it is the first of its kind for ten
// seconds, else with the others like it as one entry that counts them. args may
// be nil. It waits for a place as Reserve does; the refusal stands either way.
func (l *Log) Refuse(ctx context.Context, e store.AuditEntry, args []byte) {
	if l == nil {
		return
	}
	e.Allowed = false
	if l.repeated(&e) {
		return
	}
	if ok, err := l.Reserve(ctx, true); err != nil || !ok {
		l.Logger.ErrorContext(ctx, "a refusal was not recorded: the audit log is behind", "subject", e.Subject, "key_id", e.KeyID,
			"ip", e.IP, "capability", e.Capability, "reason", e.Reason)
		return
	}
	l.Record(e, args)
}

// repeated notes that e was refused and reports whether its like was
// recorded just before.
func (l *Log) repeated(e *store.AuditEntry) bool {
	now := time.Now()
	k := refusal{e.Subject, e.KeyID, e.IP, e.Door, e.Capability, e.Reason}
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.refused[k]
	if r == nil && len(l.refused) >= maxRefusals {
		k = refusal{door: e.Door, capability: e.Capability, reason: e.Reason}
		if r = l.refused[k]; r != nil {
			e.Subject, e.KeyID, e.ClientName, e.Kind, e.RequestID, e.IP = "", "", "", "", "", ""
		}
	}
	if r == nil {
		l.refused[k] = &repeats{until: now.Add(repeatWindow)}
		return false
	}
	r.n++
	r.last = *e
	return true
}

// repeatedLocked removes the windows that ended and returns an entry for each
// in which something was only counted. With all those that have not, too.
func (l *Log) repeatedLocked(now time.Time, all bool) []store.AuditEntry {
	var out []store.AuditEntry
	for k, r := range l.refused {
		if !all && now.Before(r.until) {
			continue
		}
		delete(l.refused, k)
		if r.n > 0 {
			e := r.last
			e.Count = r.n
			tidy(&e)
			out = append(out, e)
		}
	}
	return out
}
