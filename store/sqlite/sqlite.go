// Package sqlite keeps everything in one SQLite file that any number of
// processes of one machine share.
//
// Each Store has one connection for writing, so that writers queue in Go and
// not on the file's lock, and a few for reading, which never wait for a
// writer. Rows carry their owner and every query of them names it.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"flowgate/store"
)

// FileName is the database's name inside the data folder.
const FileName = "flowgate.db"

// Options says how to open a Store. Path is required.
type Options struct {
	// Path of the database file. Its folder exists; the file is made when it
	// does not, readable by its owner only.
	Path string
	// Logger gets migrations and slow start-ups; nil discards them.
	Logger *slog.Logger
	// SyncFull makes every commit survive a power loss (synchronous FULL).
	// Without it only the newest commits can be lost with the power; the
	// death of a process loses nothing either way.
	SyncFull bool
	// Readers is the number of reading connections; 0 means 4.
	Readers int
	// Now is the clock of leases and of stamps this package sets; nil means
	// time.Now. All processes of a file are on one machine, so the wall clock
	// is common to them and the database needs none of its own.
	Now func() time.Time
}

// Store is a store.Store in a file. It is safe for concurrent use by
// goroutines, and several Stores in several processes may share the file.
type Store struct {
	write *sql.DB // one connection, every transaction immediate
	read  *sql.DB // query_only
	now   func() time.Time
	hot   statements
	group *group
	docs  documents
}

var _ store.Store = (*Store)(nil)

// Open opens the file, brings its tables to this version and returns the
// store; the caller closes it. Processes that open a new file at once wait
// for the one that migrates it. A file made by a newer version is refused.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Path == "" {
		return nil, errors.New("sqlite: Options.Path is empty")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if err := makeFile(o.Path); err != nil {
		return nil, fmt.Errorf("sqlite: prepare %s: %w", o.Path, err)
	}
	s := &Store{now: o.Now, group: newGroup()}
	if err := s.open(ctx, o); err != nil {
		_ = s.Close()
		return nil, fail("open the database "+o.Path, err)
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, o Options) (err error) {
	if s.write, err = openHandle(writerDSN(o), 1); err != nil {
		return err
	}
	if err := useWAL(ctx, s.write); err != nil {
		return err
	}
	if err := migrate(ctx, s.write, o.Logger); err != nil {
		return err
	}
	readers := o.Readers
	if readers <= 0 {
		readers = 4
	}
	if s.read, err = openHandle(readerDSN(o), readers); err != nil {
		return err
	}
	return s.hot.prepare(ctx, s.write, s.read)
}

// makeFile creates the file with mode 0600, which SQLite gives to the files
// beside it too, and narrows the mode of one that is there.
func makeFile(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Mode().Perm()&0o077 == 0 {
		return err
	}
	return f.Chmod(0o600)
}

// DB returns the writing handle for a library that keeps its tables in the
// same file. It has one connection: whoever holds a transaction or open rows
// on it must not ask it for another, nor call this Store's writing methods,
// before they are closed. The Store owns it.
func (s *Store) DB() *sql.DB { return s.write }

// Ping reports whether the file can be read.
func (s *Store) Ping(ctx context.Context) error {
	var n int
	return fail("reach the database", s.read.QueryRowContext(ctx, `SELECT count(*) FROM lease_fence`).Scan(&n))
}

// Close waits for what runs and closes the file. The last one to close it in
// any process folds the write-ahead log into the database.
func (s *Store) Close() error {
	var errs []error
	for _, db := range []*sql.DB{s.read, s.write} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return fail("close the database", errors.Join(errs...))
}
