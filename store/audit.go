package store

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// AuditEntry is one call or refusal in the audit log.
type AuditEntry struct {
	ID string    `json:"-"` // of its chunk, and its number there
	At time.Time `json:"at"`

	Subject    string `json:"-"` // "" where nobody was authenticated
	Kind       string `json:"kind,omitempty"`
	KeyID      string `json:"key_id,omitempty"`
	ClientName string `json:"client,omitempty"`

	Door       string        `json:"door,omitempty"`
	Capability string        `json:"capability"` // "authenticate" for a failed authentication
	Allowed    bool          `json:"allowed"`
	Reason     string        `json:"reason,omitempty"`    // of a refusal
	Outcome    string        `json:"outcome,omitempty"`   // of a call that was allowed: "ok", or why it failed
	Arguments  []byte        `json:"arguments,omitempty"` // keyed hash of them; nil where there were none to see
	Duration   time.Duration `json:"ns,omitempty"`

	RequestID string `json:"request_id,omitempty"`
	IP        string `json:"ip,omitempty"`
	Count     int    `json:"count,omitempty"` // how many like refusals it stands for; 1 for a call
}

// AuditChunk is a row of the audit log: entries of one subject that were
// written together. Its place is Chain and Seq: each writing process has a
// chain of its own, in which every chunk's Hash covers the one before it.
type AuditChunk struct {
	Chain   string
	Seq     int64 // from 1, without gaps
	Subject string
	FirstAt time.Time
	LastAt  time.Time
	Entries []byte
	Hash    []byte
}

// ID names the chunk; in a chain ids sort as the chunks do.
func (c *AuditChunk) ID() string { return AuditID(c.Chain, c.Seq) }

const auditDigits = 14

// AuditID names the chunk of that place.
func AuditID(chain string, seq int64) string { return fmt.Sprintf("%s.%0*d", chain, auditDigits, seq) }

// ParseAuditID is the inverse of AuditID; other text gives the chain "".
func ParseAuditID(id string) (chain string, seq int64) {
	cut := len(id) - auditDigits - 1
	if cut <= 0 {
		return "", 0
	}
	seq, err := strconv.ParseInt(id[cut+1:], 10, 64)
	if err != nil {
		return "", 0
	}
	return id[:cut], seq
}

// AuditMark is a place in a chain with its hash, under a code that only who
// has the key could make.
type AuditMark struct {
	Seq  int64
	Hash []byte
	MAC  []byte
}

// AuditChain is one process's part of the log. What was before Anchor has been
// pruned; Head is the last chunk.
type AuditChain struct {
	Name   string
	Anchor AuditMark
	Head   AuditMark
	LastAt time.Time
}

// AuditQuery asks for chunks, from newest to oldest; zero fields do not narrow
// it.
type AuditQuery struct {
	Since time.Time // chunks that may hold entries not before it
	Until time.Time // chunks that may hold entries before it
	// FromAt and FromID: beginning with the chunk of that LastAt and ID, or
	// the next when it is gone.
	FromAt time.Time
	FromID string
	Limit  int
}

// Audit keeps the audit log. Chunks are never changed; only pruning removes
// them, from the beginning of a chain.
type Audit interface {
	// AppendAudit stores chunks, in order, of the one chain, and its head, in
	// one transaction. Chunks that are stored already are left as they are, so
	// that it may be called again when its end is not known. A chain that is not
	// there begins at chain.Anchor.
	AppendAudit(ctx context.Context, chain AuditChain, chunks []AuditChunk) error
	// ListAudit returns chunks of a subject's, everybody's when it is "".
	ListAudit(ctx context.Context, subject string, q AuditQuery) ([]AuditChunk, error)
	// AuditChains returns every chain, by name.
	AuditChains(ctx context.Context) ([]AuditChain, error)
	// AuditChunks returns at most limit chunks of a chain with Seq > after, in
	// order.
	AuditChunks(ctx context.Context, chain string, after int64, limit int) ([]AuditChunk, error)
	// AuditBefore returns the place of the last chunk of a chain such that it
	// and all before it end before t; Seq 0 when there is none.
	AuditBefore(ctx context.Context, chain string, t time.Time) (AuditMark, error)
	// PruneAudit removes a chain's chunks up to anchor, which becomes its
	// Anchor; a chain of which nothing is left is removed.
	PruneAudit(ctx context.Context, chain string, anchor AuditMark) error
}
