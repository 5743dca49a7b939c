package durable

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"flowgate/store"
)

// Options configure Open. Exactly one of SQLite and Postgres, and Leases and
// Func, are required; every other zero value means the default beside it.
type Options struct {
	// SQLite is a handle to the database file, shared with the caller, who
	// closes it after the runtime. Its DSN needs _txlock=immediate and the
	// pragmas journal_mode(WAL), busy_timeout, foreign_keys(1). One
	// connection (SetMaxOpenConns(1)) is fastest: writers then queue in
	// this process, in order, instead of sleeping in SQLite.
	SQLite *sql.DB
	// Postgres is a pool of direct connections (no transaction pooler). The
	// runtime opens a pool of its own from its configuration; tables lie in
	// schema flowgate_durable.
	Postgres *pgxpool.Pool
	// Leases decides which process owns which slot, and so its runs. It must
	// be backed by the same database as the runs.
	Leases store.Leases
	// Func is the body of every run.
	Func Func
	// Logger receives the package's and, quieter, the library's log. Default: discard.
	Logger *slog.Logger
	// EngineVersion is stored with each started run and handed to its Func on
	// every call, whichever binary calls it.
	EngineVersion string
	// Keep returns which of ids, runs that have ended, must not be forgotten
	// yet, because the caller's own records say otherwise. Nil: none.
	Keep func(ctx context.Context, ids []string) ([]string, error)

	TTL          time.Duration // of the slot's lease, renewed every sixth of it; default 9 s
	ScanEvery    time.Duration // between looks for dead processes' runs; default 1 s
	StrayAfter   time.Duration // until a run of ours that is not in progress, and never was, is resumed; default 30 s
	WatchEvery   time.Duration // between looks for cancels and due waits; default 250 ms
	HoldFor      time.Duration // sleeps shorter than this hold the goroutine; default 2 s
	Grace        time.Duration // for steps in flight to end once their run is stopped; default 2 s
	JournalAfter time.Duration // a run that was begun enters the journal by then; default 100 ms
	ForgetAfter  time.Duration // finished runs are forgotten by then; default 1 h, negative never
	Concurrency  int           // of resumed runs in this process; default 256
	Connections  int32         // of the runtime's own Postgres pool; default 8

	// Now is the clock of waits. Default: time.Now.
	Now func() time.Time
}

func (o Options) withDefaults() (Options, error) {
	if (o.SQLite == nil) == (o.Postgres == nil) {
		return o, errors.New("durable: give exactly one of SQLite and Postgres")
	}
	if o.Leases == nil || o.Func == nil {
		return o, errors.New("durable: Leases and Func are required")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&o.TTL, 9*time.Second)
	def(&o.ScanEvery, time.Second)
	def(&o.StrayAfter, 30*time.Second)
	def(&o.WatchEvery, 250*time.Millisecond)
	def(&o.HoldFor, 2*time.Second)
	def(&o.Grace, 2*time.Second)
	def(&o.JournalAfter, 100*time.Millisecond)
	def(&o.ForgetAfter, time.Hour)
	if o.Concurrency <= 0 {
		o.Concurrency = 256
	}
	if o.Connections <= 0 {
		o.Connections = 8
	}
	return o, nil
}
