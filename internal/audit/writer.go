package audit

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"time"

	"flowgate/store"
)

// writer is the goroutine that owns a process's chain.
type writer struct {
	log     *Log
	link    *linker
	chain   string
	seq     int64
	last    []byte // hash of seq
	unsaved []store.AuditChunk
	held    int // places of what is unsaved
	anchor  store.AuditMark
	swept   time.Time
}

func (w *writer) run() {
	defer close(w.log.done)
	w.last = w.link.genesis(w.chain)
	w.anchor = w.link.sign("anchor", w.chain, 0, w.last)
	tick := time.NewTicker(repeatWindow / 2)
	defer tick.Stop()
	prune := time.NewTimer(time.Minute)
	defer prune.Stop()
	for {
		select {
		case <-w.log.stop:
			w.finish()
			return
		case <-w.log.wake:
			w.gather()
		case <-tick.C:
		case <-prune.C:
			if n, err := w.log.Prune(w.log.living, time.Now()); err != nil && w.log.living.Err() == nil {
				w.log.Logger.Warn("the audit log was not pruned", "pruned_chains", n, "error", err)
			}
			prune.Reset(pruneEvery)
		}
		w.write(context.Background(), false)
	}
}

// gather waits a little for more entries.
func (w *writer) gather() {
	t := time.NewTimer(w.log.Flush)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			return
		case <-w.log.stop:
			return
		case <-w.log.wake:
			if w.log.full() {
				return
			}
		}
	}
}

func (l *Log) full() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.queue) >= batch
}

// finish writes what is left, windows that have not ended included.
func (w *writer) finish() {
	ctx, cancel := context.WithTimeout(context.Background(), lastWrite)
	defer cancel()
	w.write(ctx, true)
	if len(w.unsaved) > 0 {
		w.log.Logger.Error("the end of the audit log was not written", "entries", w.held)
	}
}

// write stores everything there is. While the store does not take it, it
// tries again; what is new waits in the queue meanwhile.
func (w *writer) write(ctx context.Context, ending bool) {
	for {
		if len(w.unsaved) == 0 && !w.take(ending) {
			return
		}
		err := w.save(ctx)
		if err == nil {
			w.log.free(w.held)
			w.unsaved = w.unsaved[:0]
			continue
		}
		w.log.Logger.Error("the audit log was not written; trying again", "entries", w.held, "error", err)
		select {
		case <-time.After(retry):
		case <-ctx.Done():
			return
		case <-w.log.stop:
			if !ending {
				return // finish tries once more
			}
			if ctx.Err() != nil || !pause(ctx, retry/4) {
				return
			}
		}
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// take moves at most a batch from the queue and links it to the chain.
func (w *writer) take(ending bool) bool {
	l := w.log
	now := time.Now()
	l.mu.Lock()
	n := min(len(l.queue), batch)
	list := append(make([]store.AuditEntry, 0, n+1), l.queue[:n]...)
	rest := copy(l.queue, l.queue[n:])
	clear(l.queue[rest:])
	l.queue = l.queue[:rest]
	if ending || now.Sub(w.swept) > repeatWindow/2 {
		list = append(list, l.repeatedLocked(now, ending)...)
		w.swept = now
	}
	if l.unseen > 0 {
		list = append(list, store.AuditEntry{At: now.UTC().Truncate(time.Microsecond), Capability: "audit", Allowed: true, Outcome: "not_recorded", Count: l.unseen})
		l.unseen = 0
	}
	l.reserved += len(list) - n // those are the writer's own
	l.mu.Unlock()
	w.held = len(list)
	w.chunk(list)
	return len(list) > 0
}

// chunk makes chunks of entries, one for each subject.
func (w *writer) chunk(list []store.AuditEntry) {
	w.unsaved = w.unsaved[:0]
	for len(list) > 0 {
		c := store.AuditChunk{Chain: w.chain, Subject: list[0].Subject, FirstAt: list[0].At, LastAt: list[0].At}
		var others []store.AuditEntry
		c.Entries = append(c.Entries, '[')
		for i := range list {
			e := &list[i]
			if e.Subject != c.Subject {
				others = append(others, *e)
				continue
			}
			if e.At.Before(c.FirstAt) {
				c.FirstAt = e.At
			}
			if e.At.After(c.LastAt) {
				c.LastAt = e.At
			}
			if len(c.Entries) > 1 {
				c.Entries = append(c.Entries, ',')
			}
			c.Entries = appendEntry(c.Entries, e)
		}
		c.Entries = append(c.Entries, ']')
		w.seq++
		c.Seq = w.seq
		c.Hash = w.link.link(w.last, &c)
		w.last = c.Hash
		w.unsaved = append(w.unsaved, c)
		list = others
	}
}

// appendEntry is e as encoding/json would have it, which reads it again, made
// faster: every call pays for it.
func appendEntry(b []byte, e *store.AuditEntry) []byte {
	b = append(b, `{"at":"`...)
	b = e.At.AppendFormat(b, time.RFC3339Nano)
	b = append(b, `","allowed":`...)
	b = strconv.AppendBool(b, e.Allowed)
	for _, f := range [...]struct{ name, text string }{
		{`,"capability":`, e.Capability}, {`,"outcome":`, e.Outcome}, {`,"reason":`, e.Reason}, {`,"kind":`, e.Kind}, {`,"key_id":`, e.KeyID},
		{`,"client":`, e.ClientName}, {`,"door":`, e.Door}, {`,"request_id":`, e.RequestID}, {`,"ip":`, e.IP},
	} {
		if f.text != "" {
			b = appendQuoted(append(b, f.name...), f.text)
		}
	}
	if len(e.Arguments) > 0 {
		b = append(b, `,"arguments":"`...)
		b = append(base64.StdEncoding.AppendEncode(b, e.Arguments), '"')
	}
	b = strconv.AppendInt(append(b, `,"ns":`...), int64(e.Duration), 10)
	b = strconv.AppendInt(append(b, `,"count":`...), int64(e.Count), 10)
	return append(b, '}')
}

func appendQuoted(b []byte, s string) []byte {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f || s[i] == '"' || s[i] == '\\' {
			data, err := json.Marshal(s)
			if err != nil { // texts always encode
				data = []byte(`""`)
			}
			return append(b, data...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

func (w *writer) save(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, w.log.Attempt)
	defer cancel()
	last := &w.unsaved[len(w.unsaved)-1]
	c := store.AuditChain{Name: w.chain, Anchor: w.anchor, Head: w.link.sign("head", w.chain, last.Seq, last.Hash), LastAt: last.LastAt}
	if err := w.log.Store.AppendAudit(ctx, c, w.unsaved); err != nil {
		return err
	}
	// Should the chain be pruned to its end, it goes on from here.
	w.anchor = w.link.sign("anchor", w.chain, last.Seq, last.Hash)
	return nil
}

// free gives places back.
func (l *Log) free(n int) {
	l.mu.Lock()
	l.reserved -= n
	l.mu.Unlock()
	signal(l.space)
}
