package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"flowgate/store"
)

const auditColumns = `id, subject, first_at, last_at, entries, hash`

var _ store.Audit = (*Store)(nil)

func scanAudit(row scanner) (store.AuditChunk, error) {
	var c store.AuditChunk
	var id string
	err := row.Scan(&id, &c.Subject, stamp{&c.FirstAt}, stamp{&c.LastAt}, &c.Entries, &c.Hash)
	c.Chain, c.Seq = store.ParseAuditID(id)
	return c, err
}

// AppendAudit adds chunks to a chain and moves its head.
func (s *Store) AppendAudit(ctx context.Context, c store.AuditChain, chunks []store.AuditChunk) error {
	return s.tx(ctx, "write the audit log", func(ctx context.Context, tx *sql.Tx) error {
		for i := range chunks {
			k := &chunks[i]
			_, err := tx.ExecContext(ctx, `INSERT INTO audit_log (`+auditColumns+`) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
				k.ID(), k.Subject, micros(k.FirstAt), micros(k.LastAt), bytesOf(k.Entries), bytesOf(k.Hash))
			if err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO audit_chains (name, anchor_seq, anchor_hash, anchor_mac, head_seq, head_hash, head_mac, last_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET head_seq = excluded.head_seq, head_hash = excluded.head_hash,
				head_mac = excluded.head_mac, last_at = excluded.last_at WHERE excluded.head_seq > head_seq`,
			c.Name, c.Anchor.Seq, bytesOf(c.Anchor.Hash), bytesOf(c.Anchor.MAC), c.Head.Seq, bytesOf(c.Head.Hash), bytesOf(c.Head.MAC), micros(c.LastAt))
		return err
	})
}

func bytesOf(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// ListAudit returns chunks, newest first.
func (s *Store) ListAudit(ctx context.Context, subject string, q store.AuditQuery) ([]store.AuditChunk, error) {
	var w where
	if subject != "" {
		w.and("subject = ?", subject)
	}
	if !q.Since.IsZero() {
		w.and("last_at >= ?", micros(q.Since))
	}
	if !q.Until.IsZero() {
		w.and("first_at < ?", micros(q.Until))
	}
	if q.FromID != "" {
		w.and("(last_at, id) <= (?, ?)", micros(q.FromAt), q.FromID)
	}
	list, err := collect(ctx, s.read, scanAudit,
		`SELECT `+auditColumns+` FROM audit_log`+w.String()+` ORDER BY last_at DESC, id DESC LIMIT ?`, append(w.args, q.Limit)...)
	return list, fail("read the audit log", err)
}

// AuditChains returns every chain, by name.
func (s *Store) AuditChains(ctx context.Context) ([]store.AuditChain, error) {
	list, err := collect(ctx, s.read, func(row scanner) (c store.AuditChain, err error) {
		err = row.Scan(&c.Name, &c.Anchor.Seq, &c.Anchor.Hash, &c.Anchor.MAC, &c.Head.Seq, &c.Head.Hash, &c.Head.MAC, stamp{&c.LastAt})
		return c, err
	}, `SELECT name, anchor_seq, anchor_hash, anchor_mac, head_seq, head_hash, head_mac, last_at FROM audit_chains ORDER BY name`)
	return list, fail("read the audit log", err)
}

// AuditChunks returns chunks of a chain in order.
func (s *Store) AuditChunks(ctx context.Context, chain string, after int64, limit int) ([]store.AuditChunk, error) {
	list, err := collect(ctx, s.read, scanAudit, `SELECT `+auditColumns+` FROM audit_log WHERE id > ? AND id < ? ORDER BY id LIMIT ?`,
		store.AuditID(chain, after), chain+"/", limit) // "/" follows "."
	return list, fail("read the audit log", err)
}

// AuditBefore returns the last place before all that is not older than t.
func (s *Store) AuditBefore(ctx context.Context, chain string, t time.Time) (store.AuditMark, error) {
	var id string
	var m store.AuditMark
	err := s.read.QueryRowContext(ctx, `SELECT id, hash FROM audit_log WHERE id > ?1 AND id < coalesce(
			(SELECT min(id) FROM audit_log WHERE id > ?1 AND id < ?2 AND last_at >= ?3), ?2) ORDER BY id DESC LIMIT 1`,
		chain+".", chain+"/", micros(t)).Scan(&id, &m.Hash)
	if errors.Is(err, sql.ErrNoRows) {
		return store.AuditMark{}, nil
	}
	_, m.Seq = store.ParseAuditID(id)
	return m, fail("read the audit log", err)
}

// PruneAudit removes the beginning of a chain.
func (s *Store) PruneAudit(ctx context.Context, chain string, anchor store.AuditMark) error {
	return s.tx(ctx, "prune the audit log", func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM audit_log WHERE id > ? AND id <= ?`, chain+".", store.AuditID(chain, anchor.Seq)); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM audit_chains WHERE name = ? AND head_seq <= ?`, chain, anchor.Seq); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE audit_chains SET anchor_seq = ?, anchor_hash = ?, anchor_mac = ? WHERE name = ? AND anchor_seq < ?`,
			anchor.Seq, bytesOf(anchor.Hash), bytesOf(anchor.MAC), chain, anchor.Seq)
		return err
	})
}
