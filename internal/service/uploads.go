package service

import (
	"sync"

	"flowgate/internal/workflow"
	"flowgate/store"
)

const (
	maxOwnUploads = 8  // of one owner's at once
	maxUploads    = 64 // at once in this process
)

// uploads are the files on their way in. What they may come to counts against
// their owners' quotas before they are stored. The zero value has none.
type uploads struct {
	mu     sync.Mutex
	all    int
	owners map[string]store.FileUsage
}

// enter begins an upload of an owner's. left tells how many bytes it may take
// from what the owner keeps and what other uploads may come to; most is the
// room it has then. leave ends it.
func (u *uploads) enter(owner string, left func(underWay store.FileUsage) (int64, error)) (most int64, leave func(), err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	mine := u.owners[owner]
	if u.all >= maxUploads || mine.Count >= maxOwnUploads {
		return 0, nil, busy("too many files are being uploaded at once; try again when some are there")
	}
	if most, err = left(mine); err != nil {
		return 0, nil, err
	}
	if u.owners == nil {
		u.owners = map[string]store.FileUsage{}
	}
	u.all++
	u.owners[owner] = store.FileUsage{Bytes: mine.Bytes + most, Count: mine.Count + 1}
	return most, sync.OnceFunc(func() { u.leave(owner, most) }), nil
}

func (u *uploads) leave(owner string, bytes int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.all--
	mine := u.owners[owner]
	if mine.Count--; mine.Count == 0 {
		delete(u.owners, owner)
		return
	}
	mine.Bytes -= bytes
	u.owners[owner] = mine
}

func busy(message string) error {
	e := workflow.Errorf(workflow.CodeRateLimited, "%s", message).WithReason("uploads_under_way")
	e.Details = map[string]any{"retry_after": 5}
	return e
}
