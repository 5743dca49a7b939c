package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store"
)

const leaseColumns = `name, holder, host, pid, fence, expires_at`

func scanLease(row scanner) (store.Lease, error) {
	var l store.Lease
	err := row.Scan(&l.Name, &l.Holder, &l.Host, &l.PID, &l.Fence, stamp{&l.ExpiresAt})
	return l, err
}

// AcquireLease takes the lease. A holder that still has it keeps its fence;
// in every other case the fence grows.
func (s *Store) AcquireLease(ctx context.Context, l store.Lease, ttl time.Duration, steal *store.Lease) (store.Lease, error) {
	err := s.tx(ctx, "acquire the lease "+l.Name, func(ctx context.Context, tx *sql.Tx) error {
		now := s.stampNow()
		held, err := scanLease(tx.QueryRowContext(ctx, `SELECT `+leaseColumns+` FROM leases WHERE name = ?`, l.Name))
		switch {
		case errors.Is(err, sql.ErrNoRows):
			held = store.Lease{}
		case err != nil:
			return err
		}
		l.ExpiresAt = now.Add(ttl).Truncate(time.Microsecond)
		if live := held.ExpiresAt.After(now); live && held.Holder == l.Holder {
			l.Fence = held.Fence
		} else if live && !(steal != nil && steal.Holder == held.Holder && steal.Fence == held.Fence) {
			return leaseHeld(held)
		} else if l.Fence, err = nextFence(ctx, tx); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT OR REPLACE INTO leases (`+leaseColumns+`) VALUES (?, ?, ?, ?, ?, ?)`,
			l.Name, l.Holder, l.Host, l.PID, l.Fence, micros(l.ExpiresAt))
		return err
	})
	if err != nil {
		return store.Lease{}, err
	}
	return l, nil
}

func nextFence(ctx context.Context, tx *sql.Tx) (fence int64, err error) {
	err = tx.QueryRowContext(ctx, `UPDATE lease_fence SET last = last + 1 RETURNING last`).Scan(&fence)
	return fence, err
}

func leaseHeld(held store.Lease) error {
	e := workflow.Errorf(workflow.CodeConflict, "The lease %q is held by %q.", held.Name, held.Holder)
	e.Details = map[string]any{"holder": held.Holder, "expires_at": held.ExpiresAt}
	return e
}

// RenewLease extends the lease by ttl from now. An expired lease that nobody
// took is still the holder's.
func (s *Store) RenewLease(ctx context.Context, l store.Lease, ttl time.Duration) (store.Lease, error) {
	l.ExpiresAt = s.stampNow().Add(ttl).Truncate(time.Microsecond)
	res, err := s.write.ExecContext(ctx, `UPDATE leases SET expires_at = ? WHERE name = ? AND holder = ? AND fence = ?`,
		micros(l.ExpiresAt), l.Name, l.Holder, l.Fence)
	if err != nil {
		return store.Lease{}, fail("renew the lease "+l.Name, err)
	}
	if touched(res, "lease", l.Name) != nil {
		return store.Lease{}, workflow.Errorf(workflow.CodeConflict, "The lease %q was lost.", l.Name)
	}
	return l, nil
}

// ReleaseLease removes the lease if l is still the one that is stored.
func (s *Store) ReleaseLease(ctx context.Context, l store.Lease) error {
	_, err := s.write.ExecContext(ctx, `DELETE FROM leases WHERE name = ? AND holder = ? AND fence = ?`,
		l.Name, l.Holder, l.Fence)
	return fail("release the lease "+l.Name, err)
}

// ListLeases returns the leases whose name begins with prefix, by name.
func (s *Store) ListLeases(ctx context.Context, prefix string) ([]store.Lease, error) {
	list, err := collect(ctx, s.read, scanLease,
		`SELECT `+leaseColumns+` FROM leases WHERE name >= ?1 AND substr(name, 1, length(?1)) = ?1 ORDER BY name`, prefix)
	return list, fail("list leases", err)
}

// stampNow is the store's clock as the tables can hold it.
func (s *Store) stampNow() time.Time { return s.now().UTC().Truncate(time.Microsecond) }
