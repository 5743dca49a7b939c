// Package audit writes the log of who called what, and what was refused:
// append-only, hash-chained, off the callers' path.
//
// Each process writes a chain of its own, so that processes sharing a store
// need not agree on an order. Entries are gathered and written a few times a
// second by one goroutine; a process that is killed loses those of the last
// moment, one that ends in good order none.
//
// What must not happen unseen (anything that changes something) gets its place
// in the queue before it happens, and is refused when there is none for
// Options.Patience: the store is away, or too slow. Mere reading goes on then;
// how many such calls were not recorded is an entry itself.
package audit

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"log/slog"
	"strings"
	"sync"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store"
)

// Options are what a Log is made of. Store and Secret are required.
type Options struct {
	Store  store.Audit
	Secret []byte // of the installation, the same in all its processes
	// Retention is how long entries are kept; 0: for ever.
	Retention time.Duration
	// Queue is how many entries may wait to be written; 4096 when 0.
	Queue int
	// Patience is how long what must be recorded waits for a place; 5 s when 0.
	Patience time.Duration
	// Flush is how long an entry may wait for others; 250 ms when 0.
	Flush time.Duration
	// Attempt is how long the store may take for one write before it is tried
	// anew; 15 s when 0.
	Attempt time.Duration
	Logger  *slog.Logger
}

// Log is the audit log as a process writes it. Safe for concurrent use; the
// owner closes it before the store.
type Log struct {
	Options
	keys  keys
	macs  sync.Pool // of the arguments' key
	space chan struct{}
	wake  chan struct{}
	stop  chan struct{}
	done  chan struct{}
	once  sync.Once

	living context.Context //nolint:containedctx // of the writer's pruning, which Close cuts short
	die    context.CancelFunc

	mu       sync.Mutex
	reserved int // places taken, queue included
	queue    []store.AuditEntry
	unseen   int // reading calls that found no place
	refused  map[refusal]*repeats
}

const (
	batch      = 512             // entries of one transaction
	retry      = time.Second     // between attempts to write
	pruneEvery = 1 * time.Hour   // and some time after the start
	lastWrite  = 5 * time.Second // for what is left at Close
)

// Open starts a log. Nothing is written before there is an entry.
func Open(o Options) *Log {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Queue <= 0 {
		o.Queue = 4096
	}
	if o.Patience <= 0 {
		o.Patience = 5 * time.Second
	}
	if o.Flush <= 0 {
		o.Flush = 250 * time.Millisecond
	}
	if o.Attempt <= 0 {
		o.Attempt = 15 * time.Second
	}
	l := &Log{Options: o, keys: newKeys(o.Secret), refused: map[refusal]*repeats{},
		space: make(chan struct{}, 1), wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{})}
	l.living, l.die = context.WithCancel(context.Background())
	l.macs.New = func() any { return hmac.New(sha256.New, l.keys.arguments) }
	w := &writer{log: l, link: newLinker(l.keys), chain: l.keys.newChain()}
	go w.run()
	return l
}

// Close writes what is left and ends the log. It may be called more than once,
// and of a nil Log.
func (l *Log) Close() {
	if l == nil {
		return
	}
	l.once.Do(func() {
		l.die()
		close(l.stop)
	})
	<-l.done
}

// Reserve takes a place for an entry that Record will bring. With must it
// waits for one, and CodeUnavailable means that what was to be recorded may
// not be done; otherwise false means that it is not recorded. A nil Log records
// nothing.
func (l *Log) Reserve(ctx context.Context, must bool) (bool, error) {
	if l == nil {
		return false, nil
	}
	l.mu.Lock()
	free := l.takeLocked()
	if !free && !must {
		l.unseen++
	}
	l.mu.Unlock()
	if free || !must {
		return free, nil
	}
	return l.await(ctx)
}

func (l *Log) takeLocked() bool {
	if l.reserved >= l.Queue {
		return false
	}
	l.reserved++
	return true
}

// await is Reserve for who has to wait.
func (l *Log) await(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, l.Patience)
	defer cancel()
	for {
		select {
		case <-l.space:
		case <-l.done:
			return false, errFull
		case <-ctx.Done():
			return false, errFull
		}
		l.mu.Lock()
		free, more := l.takeLocked(), l.reserved < l.Queue
		l.mu.Unlock()
		if more {
			signal(l.space) // for the next who waits
		}
		if free {
			return true, nil
		}
	}
}

var errFull = workflow.Errorf(workflow.CodeUnavailable, "the call was not made, since it cannot be recorded: the audit log is behind; try again in a few seconds")

// Record adds the entry for which a place was reserved. args are hashed under
// the log's key, so that short ones cannot be guessed.
func (l *Log) Record(e store.AuditEntry, args []byte) {
	if len(args) > 0 {
		e.Arguments = l.hash(args)
	}
	e.Count = max(e.Count, 1)
	tidy(&e)
	l.mu.Lock()
	l.queue = append(l.queue, e)
	first := len(l.queue) == 1 || len(l.queue) == batch
	l.mu.Unlock()
	if first {
		signal(l.wake)
	}
}

func (l *Log) hash(args []byte) []byte {
	m, ok := l.macs.Get().(hash.Hash)
	if !ok {
		return nil
	}
	m.Reset()
	m.Write(args)
	sum := m.Sum(nil)
	l.macs.Put(m)
	return sum
}

// maxText bounds what callers choose.
const maxText = 200

// tidy makes an entry what every store gives back as it got it.
func tidy(e *store.AuditEntry) {
	e.At = e.At.UTC().Truncate(time.Microsecond)
	e.Duration = e.Duration.Truncate(time.Microsecond)
	for _, text := range []*string{&e.Subject, &e.ClientName, &e.Capability, &e.RequestID, &e.IP, &e.KeyID, &e.Reason} {
		if len(*text) > maxText {
			*text = (*text)[:maxText]
		}
		if plain(*text) {
			continue
		}
		*text = strings.ReplaceAll(strings.ToValidUTF8(*text, "\uFFFD"), "\x00", "\uFFFD")
	}
}

func plain(s string) bool {
	for i := range len(s) {
		if s[i] == 0 || s[i] >= 0x80 {
			return false
		}
	}
	return true
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
