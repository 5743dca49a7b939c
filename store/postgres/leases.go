package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"flowgate/internal/workflow"
	"flowgate/store"
)

const leaseColumns = `name, holder, host, pid, fence, expires_at`

func scanLease(row pgx.Row) (l store.Lease, err error) {
	err = row.Scan(&l.Name, &l.Holder, &l.Host, &l.PID, &l.Fence, stamp{&l.ExpiresAt})
	return l, err
}

// The database's clock, and the one of this moment: a statement that waited
// for another's lock must not go by when it began.
const acquireLease = `INSERT INTO leases AS l (` + leaseColumns + `)
	VALUES ($1, $2, $3, $4, nextval('lease_fence'), clock_timestamp() + $5 * interval '1 microsecond')
	ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, host = excluded.host, pid = excluded.pid,
		fence = CASE WHEN l.holder = excluded.holder AND l.expires_at > clock_timestamp() THEN l.fence ELSE excluded.fence END,
		expires_at = clock_timestamp() + $5 * interval '1 microsecond'
	WHERE l.expires_at <= clock_timestamp() OR l.holder = excluded.holder OR (l.holder = $6 AND l.fence = $7)
	RETURNING ` + leaseColumns

// AcquireLease takes the lease. A holder that still has it keeps its fence;
// in every other case the fence grows.
func (s *Store) AcquireLease(ctx context.Context, l store.Lease, ttl time.Duration, steal *store.Lease) (store.Lease, error) {
	if steal == nil {
		steal = &store.Lease{Fence: -1} // which no lease has
	}
	var taken, held []store.Lease
	err := s.do(ctx, "acquire the lease "+l.Name, asEngine, func(b *pgx.Batch) {
		all(b.Queue(acquireLease, l.Name, l.Holder, l.Host, l.PID, ttl.Microseconds(), steal.Holder, steal.Fence), &taken, scanLease)
		all(b.Queue(`SELECT `+leaseColumns+` FROM leases WHERE name = $1`, l.Name), &held, scanLease)
	})
	switch {
	case err != nil:
		return store.Lease{}, err
	case len(taken) == 1:
		return taken[0], nil
	case len(held) == 0: // it was given up just after it was found held
		return store.Lease{}, workflow.Errorf(workflow.CodeConflict, "The lease %q was held.", l.Name)
	}
	e := workflow.Errorf(workflow.CodeConflict, "The lease %q is held by %q.", l.Name, held[0].Holder)
	e.Details = map[string]any{"holder": held[0].Holder, "expires_at": held[0].ExpiresAt}
	return store.Lease{}, e
}

// RenewLease extends the lease by ttl from now. An expired lease that nobody
// took is still the holder's.
func (s *Store) RenewLease(ctx context.Context, l store.Lease, ttl time.Duration) (store.Lease, error) {
	var renewed []store.Lease
	err := s.do(ctx, "renew the lease "+l.Name, asEngine, func(b *pgx.Batch) {
		all(b.Queue(`UPDATE leases SET expires_at = clock_timestamp() + $1 * interval '1 microsecond'
			WHERE name = $2 AND holder = $3 AND fence = $4 RETURNING `+leaseColumns, ttl.Microseconds(), l.Name, l.Holder, l.Fence), &renewed, scanLease)
	})
	if err != nil {
		return store.Lease{}, err
	}
	if len(renewed) == 0 {
		return store.Lease{}, workflow.Errorf(workflow.CodeConflict, "The lease %q was lost.", l.Name)
	}
	return renewed[0], nil
}

// ReleaseLease removes the lease if l is still the one that is stored.
func (s *Store) ReleaseLease(ctx context.Context, l store.Lease) error {
	return s.do(ctx, "release the lease "+l.Name, asEngine, func(b *pgx.Batch) {
		b.Queue(`DELETE FROM leases WHERE name = $1 AND holder = $2 AND fence = $3`, l.Name, l.Holder, l.Fence)
	})
}

// ListLeases returns the leases whose name begins with prefix, by name.
func (s *Store) ListLeases(ctx context.Context, prefix string) (list []store.Lease, err error) {
	err = s.do(ctx, "list leases", asEngine, func(b *pgx.Batch) {
		all(b.Queue(`SELECT `+leaseColumns+` FROM leases WHERE name >= $1 AND starts_with(name, $1) ORDER BY name`, prefix), &list, scanLease)
	})
	return list, err
}
