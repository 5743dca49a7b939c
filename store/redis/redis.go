// Package redis shares between processes what lives for a short time: counters
// of rate limits, used nonces, news of revoked keys, what happens in executions
// and conversations, and the newest events of these. Nothing of it is kept for
// good: an empty Redis is as good as a full one.
package redis

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"sync"
	"time"

	client "github.com/redis/go-redis/v9"

	"flowgate/internal/workflow"
)

// Options says how to reach Redis. URL is required.
type Options struct {
	URL       string // redis://user:password@host:6379/0, rediss:// for TLS
	Namespace string // begins every key; "flowgate" when empty
	// NonceLife is how long before its end a nonce may have been used for the
	// first time. One whose time began before this Redis remembers is refused. 0:
	// a Redis that lost its memory takes each once more.
	NonceLife time.Duration
	// Timeout bounds each trip to Redis; 500 ms when 0.
	Timeout time.Duration
	// Failed is told what could not be done, one of count, nonce, tell, hear,
	// announce, chat and ping. Nil: nobody is.
	Failed func(operation string)
}

// What Options.Failed is told.
const (
	opCount    = "count"
	opNonce    = "nonce"
	opTell     = "tell"
	opHear     = "hear"
	opAnnounce = "announce"
	opChat     = "chat"
	opPing     = "ping"
)

// Store is a connection pool. Safe for concurrent use; the caller closes it.
type Store struct {
	db        *client.Client
	namespace string
	nonceLife time.Duration
	onFailure func(operation string)
}

// quiet keeps the library from writing to standard error by itself: what fails
// comes back as errors.
var quiet = sync.OnceFunc(func() { client.SetLogger(silent{}) }) //nolint:gochecknoglobals // the library has one logger for all

type silent struct{}

// Printf implements the library's logger.
func (silent) Printf(context.Context, string, ...any) {}

// Open prepares connections; the server need not be there yet. It fails only
// when the address is not understood.
func Open(o Options) (*Store, error) {
	quiet()
	opts, err := client.ParseURL(o.URL)
	if err != nil { // its text may hold the password
		return nil, workflow.Errorf(workflow.CodeInvalid, "the address of Redis is not understood; it is like redis://user:password@host:6379/0")
	}
	if o.Timeout <= 0 {
		o.Timeout = 500 * time.Millisecond
	}
	opts.DialTimeout, opts.ReadTimeout, opts.WriteTimeout = o.Timeout, o.Timeout, o.Timeout
	opts.PoolSize, opts.MinIdleConns, opts.PoolTimeout = 32, 1, o.Timeout
	opts.MaxRetries = -1 // a call whose end is not known must not count twice
	opts.ContextTimeoutEnabled = true
	opts.DisableIdentity = true
	if o.Namespace == "" {
		o.Namespace = "flowgate"
	}
	if o.Failed == nil {
		o.Failed = func(string) {}
	}
	return &Store{db: client.NewClient(opts), namespace: o.Namespace, nonceLife: o.NonceLife, onFailure: o.Failed}, nil
}

// Ping reports whether Redis answers.
func (s *Store) Ping(ctx context.Context) error {
	return s.failed(opPing, "reach Redis", s.db.Ping(ctx).Err())
}

// Close gives the connections back.
func (s *Store) Close() error { return s.db.Close() }

// key names a value such that all of one subject's are on one node of a
// cluster.
func (s *Store) key(kind, subject, name string) string {
	return s.namespace + ":" + kind + ":{" + plain(subject) + "}:" + name
}

// plain is text that can stand in a key's braces: itself, or its hash.
func plain(text string) string {
	if len(text) <= 100 && !strings.ContainsAny(text, "{}") {
		return text
	}
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + hex.EncodeToString(sum[:])
}

// failed is err as this product's.
func (s *Store) failed(operation, doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled):
		return workflow.Wrap(workflow.CodeCancelled, err, "could not "+doing)
	}
	s.onFailure(operation)
	return workflow.Wrap(workflow.CodeUnavailable, err, "could not "+doing)
}
