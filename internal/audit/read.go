package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"flowgate/store"
)

// Filter narrows a list of entries; zero fields do not.
type Filter struct {
	Capability string
	Refused    bool // only refusals
	Since      time.Time
	Until      time.Time
}

func (f *Filter) admits(e *store.AuditEntry) bool {
	return (f.Capability == "" || e.Capability == f.Capability) && (!f.Refused || !e.Allowed) &&
		(f.Since.IsZero() || !e.At.Before(f.Since)) && (f.Until.IsZero() || e.At.Before(f.Until))
}

// Reader reads the log.
type Reader struct{ Store store.Audit }

// chunksAtOnce is how many rows are read at a time.
const chunksAtOnce = 64

// List returns entries of a subject's calls, everybody's when it is "", from
// newest to oldest; those of different processes, and of different subjects,
// in the order in which they were written.
func (r Reader) List(ctx context.Context, subject string, f Filter, page store.Page) ([]store.AuditEntry, string, error) {
	q := store.AuditQuery{Since: f.Since, Until: f.Until, Limit: chunksAtOnce}
	skip := 0
	if page.Cursor != "" {
		var err error
		if q.FromAt, q.FromID, skip, err = parseCursor(page.Cursor); err != nil {
			return nil, "", err
		}
	}
	var list []store.AuditEntry
	for {
		chunks, err := r.Store.ListAudit(ctx, subject, q)
		if err != nil {
			return nil, "", err
		}
		for i := range chunks {
			c := &chunks[i]
			if c.ID() != q.FromID {
				skip = 0
			}
			entries, err := decode(c)
			if err != nil {
				return nil, "", err
			}
			for n := len(entries) - 1 - skip; n >= 0; n-- {
				if !f.admits(&entries[n]) {
					continue
				}
				if len(list) == page.Size() {
					return list, cursor(c, len(entries)-1-n), nil
				}
				list = append(list, entries[n])
			}
			q.FromAt, q.FromID, skip = c.LastAt, c.ID(), len(entries)
		}
		if len(chunks) < chunksAtOnce {
			return list, "", nil
		}
	}
}

// cursor is the place behind skip entries of a chunk, counted from its newest.
func cursor(c *store.AuditChunk, skip int) string {
	return store.Cursor{At: c.LastAt, ID: c.ID() + ":" + strconv.Itoa(skip)}.Encode(store.ListOfAudit)
}

func parseCursor(text string) (at time.Time, id string, skip int, err error) {
	c, err := store.ParseCursor(store.ListOfAudit, text)
	if err != nil {
		return at, "", 0, err
	}
	id, number, _ := strings.Cut(c.ID, ":")
	if skip, err = strconv.Atoi(number); err != nil || skip < 0 {
		_, err = store.ParseCursor(store.ListOfAudit, "!")
		return at, "", 0, err
	}
	return c.At, id, skip, nil
}

// decode returns a chunk's entries, oldest first.
func decode(c *store.AuditChunk) ([]store.AuditEntry, error) {
	var entries []store.AuditEntry
	if err := json.Unmarshal(c.Entries, &entries); err != nil {
		return nil, fmt.Errorf("the audit log's chunk %s is damaged: %w", c.ID(), err)
	}
	for i := range entries {
		entries[i].Subject, entries[i].ID = c.Subject, c.ID()+":"+strconv.Itoa(i)
	}
	return entries, nil
}
