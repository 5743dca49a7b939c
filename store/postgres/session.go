package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// actor is whom statements run as: a role, and for users the claims that
// row-level security goes by.
type actor struct{ role, claims string }

var (
	asAuth   = actor{role: "flowgate_auth"}   // looks up who is calling
	asEngine = actor{role: "flowgate_engine"} // runs anybody's executions
	asAdmin  = actor{role: "flowgate_admin"}  // is the operator
)

// user acts for the owner of rows, and sees no others.
func user(owner string) actor {
	claims, _ := json.Marshal(map[string]string{"sub": owner, "role": "authenticated"}) // strings always encode
	return actor{role: "authenticated", claims: string(claims)}
}

// act makes the rest of the transaction run as an actor.
const act = `SELECT set_config('role', $1, true), set_config('request.jwt.claims', $2, true)`

func (a actor) enter(b *pgx.Batch) { b.Queue(act, a.role, a.claims) }

// who is the actor, or the log-in itself where users' policies are switched off.
func (s *Store) who(as actor) actor {
	if s.bare && as.role == "authenticated" {
		as.role = "none"
	}
	return as
}

const attempts = 4

// do runs the statements that queue adds as one transaction and in one round
// trip. queue may be called again, for another attempt: what it and the
// callbacks of its statements set, they set anew. An error of a callback ends
// the reading, but does not undo the transaction.
func (s *Store) do(ctx context.Context, doing string, as actor, queue func(b *pgx.Batch)) error {
	err := s.repeat(ctx, func(ctx context.Context) error {
		var b pgx.Batch
		s.who(as).enter(&b)
		queue(&b)
		return s.pool.SendBatch(ctx, &b).Close()
	})
	return fail(doing, err)
}

// tx runs a transaction whose end depends on what its beginning reads, in two
// round trips: then is called with what first's statements found, and queues
// the rest, or gives the transaction up by its error.
func (s *Store) tx(ctx context.Context, doing string, as actor, first func(b *pgx.Batch), then func(b *pgx.Batch) error) error {
	err := s.repeat(ctx, func(ctx context.Context) error {
		conn, err := s.pool.Acquire(ctx)
		if err != nil {
			return err
		}
		defer conn.Release()
		if err := transact(ctx, conn, s.who(as), first, then); err != nil {
			rollBack(ctx, conn)
			return err
		}
		return nil
	})
	return fail(doing, err)
}

func transact(ctx context.Context, conn *pgxpool.Conn, as actor, first func(b *pgx.Batch), then func(b *pgx.Batch) error) error {
	var begin, end pgx.Batch
	begin.Queue("BEGIN")
	as.enter(&begin)
	first(&begin)
	if err := conn.SendBatch(ctx, &begin).Close(); err != nil {
		return err
	}
	if err := then(&end); err != nil {
		return err
	}
	end.Queue("COMMIT")
	return conn.SendBatch(ctx, &end).Close()
}

// rollBack ends the transaction also when its context has ended. Should that
// fail, the pool drops a connection that is in one.
func rollBack(ctx context.Context, conn *pgxpool.Conn) {
	if conn.Conn().IsClosed() || conn.Conn().PgConn().TxStatus() == 'I' {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_, _ = conn.Exec(ctx, "ROLLBACK")
}

// repeat calls f again where that is known to be safe and worth it: when two
// transactions were in each other's way, or a connection turned out to be dead
// before anything was sent.
func (s *Store) repeat(ctx context.Context, f func(ctx context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	for n := 1; ; n++ {
		err := f(limited)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case s.closed.Load():
			return errClosed
		case limited.Err() != nil:
			return errSilent
		case n == attempts || !passing(err):
			return err
		}
		pause(limited, time.Duration(n*n)*5*time.Millisecond)
	}
}

func passing(err error) bool {
	var pe *pgconn.PgError
	if errors.As(err, &pe) {
		return pe.Code == "40001" || pe.Code == "40P01" // serialization failure, deadlock
	}
	return pgconn.SafeToRetry(err)
}
