package engine

import (
	"context"
	"slices"
	"sync"

	"flowgate/internal/workflow"
	"flowgate/store"
)

// maxWriteBatch is how many executions' progress goes into one transaction.
const maxWriteBatch = 64

// writer gathers progress of many executions into few transactions: while one
// is under way the next batch fills.
type writer struct {
	store store.Engine
	queue chan write
	done  sync.WaitGroup

	mu     sync.RWMutex // held to write by close, to read while handing in
	closed bool
}

type write struct {
	ctx      context.Context
	progress store.Progress
	result   chan writeResult
}

type writeResult struct {
	rejected bool
	err      error
}

func newWriter(st store.Engine) *writer {
	w := &writer{store: st, queue: make(chan write, maxWriteBatch)}
	w.done.Go(w.loop)
	return w
}

// close ends the writer when all that was handed in is written. What comes
// afterwards is refused.
func (w *writer) close() {
	w.mu.Lock()
	if !w.closed {
		w.closed = true
		close(w.queue)
	}
	w.mu.Unlock()
	w.done.Wait()
}

// save writes p and returns when it is stored.
func (w *writer) save(ctx context.Context, p store.Progress) error {
	_, err := w.saveChecked(ctx, p)
	return err
}

// saveChecked also reports whether the store rejected p, because the
// execution is final or another process's.
func (w *writer) saveChecked(ctx context.Context, p store.Progress) (rejected bool, err error) {
	job := write{ctx: ctx, progress: p, result: make(chan writeResult, 1)}
	if err := w.handIn(ctx, job); err != nil {
		return false, err
	}
	res := <-job.result
	return res.rejected, res.err
}

func (w *writer) handIn(ctx context.Context, job write) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		return errStopping()
	}
	select {
	case w.queue <- job:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *writer) loop() {
	for first := range w.queue {
		batch := []write{first}
		for len(batch) < maxWriteBatch {
			select {
			case next, ok := <-w.queue:
				if !ok {
					w.commit(batch)
					return
				}
				batch = append(batch, next)
				continue
			default:
			}
			break
		}
		w.commit(batch)
	}
}

// commit writes a batch. When the batch as a whole fails each part is tried
// alone, so that one that cannot be written does not hold up the others.
func (w *writer) commit(batch []write) {
	ctx := context.WithoutCancel(batch[0].ctx)
	progress := make([]store.Progress, len(batch))
	for i, b := range batch {
		progress[i] = b.progress
	}
	rejected, err := w.store.SaveProgress(ctx, progress)
	if err != nil && len(batch) > 1 && workflow.CodeOf(err) != workflow.CodeUnavailable {
		for _, b := range batch {
			w.commit([]write{b})
		}
		return
	}
	for _, b := range batch {
		b.result <- writeResult{rejected: slices.Contains(rejected, b.progress.Execution.ID), err: err}
	}
}
