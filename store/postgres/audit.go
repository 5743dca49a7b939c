package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"flowgate/store"
)

const auditColumns = `id, subject, first_at, last_at, entries, hash`

var _ store.Audit = (*Store)(nil)

func scanAudit(row pgx.Row) (store.AuditChunk, error) {
	var c store.AuditChunk
	var id string
	err := row.Scan(&id, &c.Subject, stamp{&c.FirstAt}, stamp{&c.LastAt}, &c.Entries, &c.Hash)
	c.Chain, c.Seq = store.ParseAuditID(id)
	return c, err
}

// bytesOf is b as an argument of a column that is not null.
func bytesOf(b []byte) []byte { return append([]byte{}, b...) }

// AppendAudit adds chunks to a chain and moves its head.
func (s *Store) AppendAudit(ctx context.Context, c store.AuditChain, chunks []store.AuditChunk) error {
	return s.do(ctx, "write the audit log", asAuth, func(b *pgx.Batch) {
		for i := range chunks {
			k := &chunks[i]
			b.Queue(`INSERT INTO audit_log (`+auditColumns+`) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
				k.ID(), clean(k.Subject), at(k.FirstAt), at(k.LastAt), bytesOf(k.Entries), bytesOf(k.Hash))
		}
		b.Queue(`INSERT INTO audit_chains AS c (name, anchor_seq, anchor_hash, anchor_mac, head_seq, head_hash, head_mac, last_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (name) DO UPDATE SET head_seq = excluded.head_seq, head_hash = excluded.head_hash,
				head_mac = excluded.head_mac, last_at = excluded.last_at WHERE excluded.head_seq > c.head_seq`,
			c.Name, c.Anchor.Seq, bytesOf(c.Anchor.Hash), bytesOf(c.Anchor.MAC), c.Head.Seq, bytesOf(c.Head.Hash), bytesOf(c.Head.MAC), at(c.LastAt))
	})
}

// ListAudit returns chunks, newest first.
func (s *Store) ListAudit(ctx context.Context, subject string, q store.AuditQuery) (list []store.AuditChunk, err error) {
	var w where
	as := asAdmin
	if subject != "" {
		as = user(subject)
		w.and("subject = ?", subject)
	}
	if !q.Since.IsZero() {
		w.and("last_at >= ?", at(q.Since))
	}
	if !q.Until.IsZero() {
		w.and("first_at < ?", at(q.Until))
	}
	if q.FromID != "" {
		w.and("(last_at, id) <= (?, ?)", at(q.FromAt), q.FromID)
	}
	query := `SELECT ` + auditColumns + ` FROM audit_log` + w.String() + ` ORDER BY last_at DESC, id DESC LIMIT ` + w.arg(q.Limit)
	err = s.do(ctx, "read the audit log", as, func(b *pgx.Batch) { all(b.Queue(query, w.args...), &list, scanAudit) })
	return list, err
}

// AuditChains returns every chain, by name.
func (s *Store) AuditChains(ctx context.Context) (list []store.AuditChain, err error) {
	err = s.do(ctx, "read the audit log", asAdmin, func(b *pgx.Batch) {
		all(b.Queue(`SELECT name, anchor_seq, anchor_hash, anchor_mac, head_seq, head_hash, head_mac, last_at FROM audit_chains ORDER BY name`),
			&list, func(row pgx.Row) (c store.AuditChain, err error) {
				err = row.Scan(&c.Name, &c.Anchor.Seq, &c.Anchor.Hash, &c.Anchor.MAC, &c.Head.Seq, &c.Head.Hash, &c.Head.MAC, stamp{&c.LastAt})
				return c, err
			})
	})
	return list, err
}

// AuditChunks returns chunks of a chain in order.
func (s *Store) AuditChunks(ctx context.Context, chain string, after int64, limit int) (list []store.AuditChunk, err error) {
	err = s.do(ctx, "read the audit log", asAdmin, func(b *pgx.Batch) {
		all(b.Queue(`SELECT `+auditColumns+` FROM audit_log WHERE id > $1 AND id < $2 ORDER BY id LIMIT $3`,
			store.AuditID(chain, after), chain+"/", limit), &list, scanAudit) // "/" follows "."
	})
	return list, err
}

// AuditBefore returns the last place before all that is not older than t.
func (s *Store) AuditBefore(ctx context.Context, chain string, t time.Time) (m store.AuditMark, err error) {
	err = s.do(ctx, "read the audit log", asAdmin, func(b *pgx.Batch) {
		one(b.Queue(`SELECT id, hash FROM audit_log WHERE id > $1 AND id < coalesce(
				(SELECT min(id) FROM audit_log WHERE id > $1 AND id < $2 AND last_at >= $3), $2) ORDER BY id DESC LIMIT 1`, chain+".", chain+"/", at(t)),
			&m, func(row pgx.Row) (m store.AuditMark, err error) {
				var id string
				if err := row.Scan(&id, &m.Hash); errors.Is(err, pgx.ErrNoRows) {
					return store.AuditMark{}, nil
				} else if err != nil {
					return m, err
				}
				_, m.Seq = store.ParseAuditID(id)
				return m, nil
			})
	})
	return m, err
}

// PruneAudit removes the beginning of a chain.
func (s *Store) PruneAudit(ctx context.Context, chain string, anchor store.AuditMark) error {
	return s.do(ctx, "prune the audit log", asAdmin, func(b *pgx.Batch) {
		b.Queue(`DELETE FROM audit_log WHERE id > $1 AND id <= $2`, chain+".", store.AuditID(chain, anchor.Seq))
		b.Queue(`DELETE FROM audit_chains WHERE name = $1 AND head_seq <= $2`, chain, anchor.Seq)
		b.Queue(`UPDATE audit_chains SET anchor_seq = $2, anchor_hash = $3, anchor_mac = $4 WHERE name = $1 AND anchor_seq < $2`,
			chain, anchor.Seq, bytesOf(anchor.Hash), bytesOf(anchor.MAC))
	})
}
