package store

import (
	"context"
	"io"
	"strings"
	"time"

	"flowgate/internal/workflow"
)

// File is what is known of a user's file. Its content is kept apart, under
// its ID, and never changes.
type File struct {
	ID        string
	OwnerID   string
	Name      string
	MimeType  string
	Size      int64
	SHA256    string // of the content, in hex
	CreatedAt time.Time
}

// Check refuses a size that no content has: it would count against the others.
func (f *File) Check() error {
	if f.Size < 0 {
		return workflow.Errorf(workflow.CodeInvalid, "size: must not be below zero")
	}
	return nil
}

// FileQuota is how much a user may keep; zero fields do not limit.
type FileQuota struct {
	Bytes int64
	Count int
}

// FileUsage is how much a user keeps.
type FileUsage struct {
	Bytes int64
	Count int
}

// Files keeps what is known of files.
type Files interface {
	// CreateFile stores f; CodeTooLarge when its owner would then keep more
	// than the quota, however many do so at once.
	CreateFile(ctx context.Context, f *File, quota FileQuota) error
	File(ctx context.Context, owner, id string) (*File, error)
	// ListFiles returns the owner's files, newest first; query is looked for in
	// names, whatever the case.
	ListFiles(ctx context.Context, owner, query string, page Page) (list []*File, next string, err error)
	DeleteFile(ctx context.Context, owner, id string) error
	FileUsage(ctx context.Context, owner string) (FileUsage, error)
	// KnownContents returns which of ids are those of files or executions,
	// whoever's, in no order: contents of others are nobody's.
	KnownContents(ctx context.Context, ids []string) ([]string, error)
}

// Written is what was found while content was written.
type Written struct {
	Size   int64
	SHA256 string // in hex
	Head   []byte // the first 512 bytes at most
}

// Contents keeps the bytes of files by id. It knows no owners: who asks has
// looked the file up before. Ids are those of files, or of ExecutionContent;
// they are of lower-case letters, digits and "-", and never used again.
type Contents interface {
	// Write keeps all of r under id; CodeTooLarge beyond most bytes. It is
	// there whole or not at all, and as old as the moment it is there.
	Write(ctx context.Context, id string, r io.Reader, most int64) (Written, error)
	// Open returns the content, to be closed; CodeNotFound when there is none.
	Open(ctx context.Context, id string) (io.ReadSeekCloser, error)
	// Delete removes the content; none there is no error.
	Delete(ctx context.Context, id string) error
	// DeleteOf removes all contents of an execution; none there is no error.
	DeleteOf(ctx context.Context, execution string) error
	// List calls fn with the ids of what was kept before t, some at a time, in
	// no order; an error of fn ends it. What fn is told of it may delete.
	List(ctx context.Context, t time.Time, fn func(ids []string) error) error
}

// hexSHA256 is the length of a SHA-256 in hex.
const hexSHA256 = 64

// ExecutionContent is the id of content that an execution made: the same for
// the same content, so that an execution computed again keeps it once.
func ExecutionContent(execution, sha256 string) string { return execution + "-" + sha256 }

// OfExecution takes an id of ExecutionContent apart; false for a file's.
func OfExecution(id string) (execution, sha256 string, ok bool) {
	at := len(id) - hexSHA256 - 1
	if at < 1 || id[at] != '-' || strings.Trim(id[at+1:], "0123456789abcdef") != "" {
		return "", "", false
	}
	return id[:at], id[at+1:], true
}

// Exceeded is the error of a user who would keep more than the quota.
func (q FileQuota) Exceeded() error {
	e := workflow.Errorf(workflow.CodeTooLarge, "There is no room for this file: you may keep %d files of %d bytes together. Delete files you no longer need.", q.Count, q.Bytes).
		WithReason("quota_exceeded")
	e.Details = map[string]any{"quota_bytes": q.Bytes, "quota_files": q.Count}
	return e
}
