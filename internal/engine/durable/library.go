package durable

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"
	_ "github.com/dbos-inc/dbos-transact-golang/dbos/driver/sqlite" // registers the error codes of modernc.org/sqlite
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	schema     = "flowgate_durable" // on PostgreSQL; SQLite has one namespace
	appName    = "flowgate"
	appVersion = "1"            // the library resumes runs of its own version only: never change it
	runName    = "flowgate.run" // as recorded with each run: never change it
	queueName  = "flowgate"     // resumed runs are taken from here
)

// openLibrary opens and starts the library as executor, whose unfinished runs
// it resumes at once. The caller shuts it down, and has to close own, the
// handle it works on, if that fails.
func openLibrary(ctx context.Context, o Options, executor string, body dbos.Workflow[string, outcome]) (dbos.Context, error) {
	// The library lets these override its configuration.
	for _, name := range []string{"DBOS__VMID", "DBOS__APPVERSION", "DBOS__CLOUD"} {
		if os.Getenv(name) != "" {
			return nil, fmt.Errorf("durable: unset the environment variable %s", name)
		}
	}
	cfg := dbos.Config{
		AppName:                  appName,
		ApplicationVersion:       appVersion,
		ExecutorID:               executor,
		DatabaseSchema:           schema,
		Logger:                   slog.New(quiet{o.Logger.Handler()}),
		Serializer:               codec{},
		SchedulerPollingInterval: time.Hour, // schedules are not used
		SystemDBStartupTimeout:   time.Minute,
	}
	var lent *sql.DB
	var pool *pgxpool.Pool
	if o.SQLite != nil {
		if err := prepareLibrary(ctx, o.SQLite); err != nil {
			return nil, err
		}
		lent = borrow(o.SQLite)
		cfg.SQLiteSystemDB = lent
	} else {
		pc := o.Postgres.Config()
		pc.MaxConns = o.Connections
		pc.MinConns, pc.MinIdleConns = 0, 0
		var err error
		if pool, err = pgxpool.NewWithConfig(ctx, pc); err != nil {
			return nil, fmt.Errorf("durable: open pool: %w", err)
		}
		cfg.SystemDBPool = pool
	}
	fail := func(err error) (dbos.Context, error) {
		if lent != nil {
			_ = lent.Close()
		} else {
			pool.Close()
		}
		return nil, fmt.Errorf("durable: open library: %w", err)
	}
	// The library must outlive ctx, which only bounds the opening.
	var lib dbos.Context
	err := oneAtATime(ctx, o.Postgres, func() (err error) {
		lib, err = dbos.NewContext(context.WithoutCancel(ctx), cfg)
		return err
	})
	if err != nil {
		return fail(err)
	}
	dbos.RegisterWorkflow(lib, body, dbos.WithWorkflowName(runName), dbos.WithMaxRecoveryAttempts(0))
	_, err = dbos.RegisterQueue(lib, queueName, dbos.WithWorkerConcurrency(o.Concurrency),
		dbos.WithQueueBasePollingInterval(o.WatchEvery), dbos.WithQueueOnConflict(dbos.QueueConflictAlwaysUpdate))
	if err != nil {
		return fail(err)
	}
	dbos.ListenQueues(lib, queueName)
	if err := dbos.Launch(lib); err != nil {
		return nil, fmt.Errorf("durable: launch library: %w", err) // Launch closed what it had
	}
	return lib, nil
}

// oneAtATime keeps processes that start together from migrating the library's
// schema together, which it survives on SQLite only. It asks for the lock
// instead of waiting in the database, since the migrations build indexes
// concurrently and would wait for the waiting.
func oneAtATime(ctx context.Context, pool *pgxpool.Pool, migrate func() error) error {
	if pool == nil {
		return migrate()
	}
	for {
		conn, err := pool.Acquire(ctx)
		if err != nil {
			return err
		}
		mine, err := migrateLocked(ctx, conn, migrate)
		if err != nil || mine {
			return err
		}
		if !sleep(ctx, 50*time.Millisecond) {
			return ctx.Err()
		}
	}
}

// migrateLocked calls migrate if the lock is free, and releases conn.
func migrateLocked(ctx context.Context, conn *pgxpool.Conn, migrate func() error) (mine bool, err error) {
	defer conn.Release()
	if err := conn.QueryRow(ctx, `SELECT pg_try_advisory_lock(7310579005)`).Scan(&mine); err != nil || !mine {
		return false, err
	}
	defer func() {
		if _, err := conn.Exec(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock(7310579005)`); err != nil {
			_ = conn.Conn().Close(context.WithoutCancel(ctx)) // the lock goes with the connection
		}
	}()
	return true, migrate()
}

// quiet lowers the library's log: its news are debugging to us, its warnings
// are mostly expected, and it takes our refusal to encode for an error.
type quiet struct{ slog.Handler }

func lowered(l slog.Level) slog.Level {
	if l >= slog.LevelError {
		return slog.LevelWarn
	}
	return slog.LevelDebug
}

func (q quiet) Enabled(ctx context.Context, l slog.Level) bool {
	return q.Handler.Enabled(ctx, lowered(l))
}

func (q quiet) Handle(ctx context.Context, r slog.Record) error {
	if strings.HasPrefix(r.Message, "Failed to serialize workflow output") {
		return nil
	}
	r.Level = lowered(r.Level)
	r.Attrs(func(a slog.Attr) bool {
		if strings.Contains(a.Value.String(), context.Canceled.Error()) {
			r.Level = slog.LevelDebug // its pollers, while it shuts down
		}
		return true
	})
	r.Message = "durable library: " + r.Message
	if !q.Handler.Enabled(ctx, r.Level) {
		return nil
	}
	return q.Handler.Handle(ctx, r)
}

func (q quiet) WithAttrs(as []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(as)} }
func (q quiet) WithGroup(name string) slog.Handler    { return quiet{q.Handler.WithGroup(name)} }
