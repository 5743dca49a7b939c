// Package postgres keeps everything in a PostgreSQL database (14 or newer)
// that any number of processes on any number of machines share.
//
// Tables lie in a schema of their own, flowgate, which no PostgREST or Supabase
// API exposes unless it is told to; the durable library's lie beside it in
// flowgate_durable. Every statement runs under a role that may do little: what
// is done for a user as authenticated with that user's claims, so that
// row-level security holds even where a query forgot its owner; what precedes
// or crosses users as flowgate_auth, flowgate_engine or flowgate_admin. The
// role and the statements travel in one round trip.
package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"flowgate/internal/workflow"
	"flowgate/store"
)

// DefaultSchema is where the tables are.
const DefaultSchema = "flowgate"

// Options says how to open a Store. URL is required.
type Options struct {
	// URL of the database, postgres://user:password@host/name, or a list of
	// key=value; a direct connection, or a pooler in session mode.
	URL string
	// Schema the tables are in, made when there is none; "" means DefaultSchema.
	Schema string
	// Wait is for how long a database that does not answer is waited for.
	Wait time.Duration
	// Connections is the most this Store opens; 0 means 12, unless URL says
	// pool_max_conns.
	Connections int32
	// WithoutPolicies does users' statements as the log-in, which row-level
	// security must not bind: ownership is then checked by the queries alone.
	WithoutPolicies bool
	// Logger gets migrations and waiting; nil discards them.
	Logger *slog.Logger
	// Now is the clock of stamps this package sets, leases apart, which go by
	// the database's own; nil means time.Now.
	Now func() time.Time
}

// Store is a store.Store in a database. It is safe for concurrent use.
type Store struct {
	pool   *pgxpool.Pool
	now    func() time.Time
	closed atomic.Bool
	bare   bool // users' statements run as the log-in
}

var (
	_ store.Store        = (*Store)(nil)
	_ store.Credentials  = (*Store)(nil)
	_ store.TestWebhooks = (*Store)(nil)
	_ store.Supervision  = (*Store)(nil)
)

// longest is how long a call may take whose caller sets no limit: a database
// that was cut off without a word must not hold it for ever.
const longest = 30 * time.Second

// Open connects, brings the tables to this version and returns the store; the
// caller closes it. Of processes that open a new database at once one migrates
// and the others wait. A database made by a newer version is refused.
func Open(ctx context.Context, o Options) (*Store, error) {
	o = o.withDefaults()
	cfg, err := poolConfig(o)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fail("set up connections to the database", err)
	}
	s := &Store{pool: pool, now: o.Now, bare: o.WithoutPolicies}
	if err := s.open(ctx, o, cfg); err != nil {
		pool.Close()
		return nil, err
	}
	return s, nil
}

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Schema == "" {
		o.Schema = DefaultSchema
	}
	return o
}

func (s *Store) open(ctx context.Context, o Options, cfg *pgxpool.Config) error {
	if err := s.await(ctx, o, cfg); err != nil {
		return err
	}
	if err := migrate(ctx, s.pool, o.Schema, o.Logger); err != nil {
		return fail("bring the database's tables to this version", err)
	}
	return nil
}

func poolConfig(o Options) (*pgxpool.Config, error) {
	cfg, err := pgxpool.ParseConfig(o.URL)
	if err != nil { // pgx keeps the password out of it
		return nil, workflow.Wrap(workflow.CodeInvalid, err, "The database's address is not understood; it is like postgres://user:password@host:5432/name")
	}
	if o.Connections > 0 {
		cfg.MaxConns = o.Connections
	} else if !strings.Contains(o.URL, "pool_max_conns") {
		cfg.MaxConns = 12
	}
	if cfg.ConnConfig.RuntimeParams["application_name"] == "" {
		cfg.ConnConfig.RuntimeParams["application_name"] = "flowgate"
	}
	// Not as a start-up parameter, which poolers refuse.
	path := "SET search_path = " + pgx.Identifier{o.Schema}.Sanitize()
	cfg.AfterConnect = func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.Exec(ctx, path)
		return err
	}
	return cfg, nil
}

// await returns when the database answers. What waiting does not mend, such
// as a wrong password, ends it at once.
func (s *Store) await(ctx context.Context, o Options, cfg *pgxpool.Config) error {
	deadline := time.Now().Add(o.Wait)
	where := fmt.Sprintf("%s:%d", cfg.ConnConfig.Host, cfg.ConnConfig.Port)
	for told := false; ; told = true {
		attempt, cancel := context.WithTimeout(ctx, 5*time.Second)
		err := s.pool.Ping(attempt)
		cancel()
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return fail("reach the database", ctx.Err())
		case refused(err):
			return workflow.Wrap(workflow.CodeUnavailable, err, "The database at "+where+" refuses this program.")
		case !time.Now().Before(deadline):
			message := "The database at " + where + " does not answer."
			if o.Wait > 0 {
				message = fmt.Sprintf("The database at %s did not answer within %s.", where, o.Wait)
			}
			return workflow.Wrap(workflow.CodeUnavailable, err, message)
		}
		if !told {
			o.Logger.WarnContext(ctx, "the database does not answer yet; waiting for it", "address", where, "at_most", o.Wait, "error", err)
		}
		pause(ctx, min(250*time.Millisecond, max(time.Until(deadline), time.Millisecond)))
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// Pool returns the connections, for a library that keeps its tables in the
// same database. The Store owns them.
func (s *Store) Pool() *pgxpool.Pool { return s.pool }

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	return fail("reach the database", s.repeat(ctx, s.pool.Ping))
}

// Close waits for what runs and closes the connections.
func (s *Store) Close() error {
	s.closed.Store(true)
	s.pool.Close()
	return nil
}

// stampNow is the process's clock as the tables can hold it.
func (s *Store) stampNow() time.Time { return s.now().UTC().Truncate(time.Microsecond) }
