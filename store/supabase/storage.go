package supabase

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store"
)

// Bucket is the project's bucket of users' files.
const Bucket = "flowgate-files"

// StorageOptions says how to open a Storage. URL and Key are required.
type StorageOptions struct {
	URL    string // of the project
	Key    string // its secret one
	Bucket string // "" means Bucket
	// Transport carries the requests; nil means one of the Storage's own.
	Transport http.RoundTripper
	// Patience is how long the project may do nothing before a transfer ends;
	// 0 means 30 seconds.
	Patience time.Duration
}

// Storage keeps the content of users' files in a private bucket of a project's
// Supabase Storage, so that all servers find it. Safe for concurrent use.
//
// It asks with the project's secret key, for ids alone: whose they are was found
// out before. Nobody else comes to the bucket (postgres.Store.GuardBucket).
//
// It speaks to Storage's REST interface itself. The library's client for it
// (storage-go) knows no contexts, deadlines or ranges, reads what it downloads
// into memory whole, and keeps the headers of a call, such as its content type,
// in one map for all calls at once.
type Storage struct {
	base     *url.URL
	key      string
	bucket   string
	out      http.RoundTripper
	patience time.Duration
	idle     *http.Transport // to be closed; nil: another's

	ready atomic.Bool // the bucket was there
}

var _ store.Contents = (*Storage)(nil)

// OpenStorage returns the storage; nothing is asked yet. The caller closes it.
func OpenStorage(o StorageOptions) (*Storage, error) {
	base, err := projectURL(o.URL)
	if err != nil {
		return nil, err
	}
	if o.Key == "" {
		return nil, workflow.Errorf(workflow.CodeInvalid, "The project's secret key is missing.")
	}
	s := &Storage{base: base, key: o.Key, bucket: o.Bucket, out: o.Transport, patience: o.Patience}
	if s.bucket == "" {
		s.bucket = Bucket
	}
	if s.patience <= 0 {
		s.patience = longest
	}
	if s.out == nil {
		if _, err := theDoor(); err != nil {
			return nil, err
		}
		s.idle = newTransport() // of its own: who loads files slowly must not take the connections of users' calls
		s.idle.IdleConnTimeout = idleStorage
		s.out = s.idle
	}
	return s, nil
}

// idleStorage is how long a connection waits for the next file: shorter than
// servers and proxies do, since a file on its way cannot be sent a second time.
const idleStorage = 4 * time.Second

// bucketRow is what is known of a bucket.
type bucketRow struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Public bool   `json:"public"`
}

// Prepare makes the bucket when it is missing, and private when it is not.
func (s *Storage) Prepare(ctx context.Context) error {
	if s.ready.Load() {
		return nil
	}
	err := s.prepare(ctx) // by several at once: no harm
	s.ready.Store(err == nil)
	return failStorage("prepare the bucket of files", err)
}

func (s *Storage) prepare(ctx context.Context) error {
	b, err := s.lookAtBucket(ctx)
	switch {
	case missing(err):
		err = s.ask(ctx, http.MethodPost, "bucket", bucketRow{ID: s.bucket, Name: s.bucket}, nil)
		if a := (*answer)(nil); errors.As(err, &a) && a.status == http.StatusConflict { // another server was faster
			return nil
		}
	case err == nil && b.Public:
		err = s.ask(ctx, http.MethodPut, "bucket/"+s.bucket, map[string]any{"public": false}, nil)
	}
	return err
}

func (s *Storage) lookAtBucket(ctx context.Context) (*bucketRow, error) {
	var b bucketRow
	if err := s.ask(ctx, http.MethodGet, "bucket/"+s.bucket, nil, &b); err != nil {
		return nil, err
	}
	return &b, nil
}

// Ping asks whether files can be kept and had.
func (s *Storage) Ping(ctx context.Context) error {
	if !s.ready.Load() {
		return s.Prepare(ctx)
	}
	_, err := s.lookAtBucket(ctx)
	s.forget(err)
	return failStorage("ask for the bucket of files", err)
}

// forget has the bucket made again when somebody deleted it.
func (s *Storage) forget(err error) {
	if missing(err) {
		s.ready.Store(false)
	}
}

// Check asks, changing nothing, whether the key is accepted and whether the
// bucket is as it should be, once it is there.
func (s *Storage) Check(ctx context.Context) error {
	b, err := s.lookAtBucket(ctx)
	switch {
	case missing(err): // the first start makes it
		return nil
	case err == nil && b.Public:
		return workflow.Errorf(workflow.CodeForbidden, "The bucket %s is public: whoever knows a file's address may read it. The next start makes it private.", s.bucket)
	}
	return failStorage("ask for the bucket of files", err)
}

// Close closes the connections that nobody uses.
func (s *Storage) Close() error {
	if s.idle != nil {
		s.idle.CloseIdleConnections()
	}
	return nil
}
