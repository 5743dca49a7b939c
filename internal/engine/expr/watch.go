package expr

import (
	"context"
	"fmt"
	"runtime/metrics"
	"sync"
	"time"

	"github.com/dlclark/regexp2/v2"
	"github.com/dop251/goja"
)

const (
	watchTick = 5 * time.Millisecond
	// minSuspect is how long a run must have lasted before a growing heap is
	// held against it; plain expressions are over long before.
	minSuspect = 15 * time.Millisecond
	// regexTimeout ends backtracking, which the VM cannot interrupt. It is
	// longer than an expression may take, so that a match given up is always
	// followed by the timeout and never by a wrong answer.
	regexTimeout = 1100 * time.Millisecond
)

var regexOnce sync.Once // the regexp package keeps its limit for the process

func limitRegexps() {
	regexOnce.Do(func() {
		if regexp2.DefaultMatchTimeout > regexTimeout {
			regexp2.DefaultMatchTimeout = regexTimeout
		}
	})
}

// run is something that is being evaluated, as the watcher sees it.
type run struct {
	mu      sync.Mutex
	rt      *goja.Runtime // nil when nothing is running
	ctx     context.Context
	started time.Time
	limit   time.Duration
	ceiling int64 // of the heap; 0 before the first look
	killed  *Error
}

// begin starts the clock of r.
func (r *run) begin(ctx context.Context, rt *goja.Runtime, limit time.Duration) {
	r.mu.Lock()
	r.rt, r.ctx, r.started, r.limit, r.ceiling, r.killed = rt, ctx, time.Now(), limit, 0, nil
	r.mu.Unlock()
}

// end stops it and returns why the run was interrupted, nil when it was not.
func (r *run) end() *Error {
	r.mu.Lock()
	defer r.mu.Unlock()
	killed := r.killed
	if killed != nil && r.rt != nil {
		r.rt.ClearInterrupt()
	}
	r.rt, r.ctx = nil, nil
	return killed
}

// dead reports whether the run has been told to stop.
func (r *run) dead() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.killed != nil
}

func (r *run) kill(e *Error) {
	if r.rt != nil && r.killed == nil {
		r.killed = e
		r.rt.Interrupt(e)
	}
}

// abort ends the run from within, where a limit is found exceeded.
func (r *run) abort(e *Error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kill(e)
}

// look interrupts r when its time is up, its context ended, or the heap has
// grown too far while it ran. It reports whether r runs.
func (r *run) look(now time.Time, heap, live, limit int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.rt == nil || r.killed != nil {
		return r.rt != nil
	}
	if r.ceiling == 0 {
		// up to twice the live heap is garbage that the collector left alone
		r.ceiling = max(heap, 2*live) + limit
	}
	switch age := now.Sub(r.started); {
	case r.ctx.Err() != nil:
		r.kill(failure(KindTimeout, "the evaluation was stopped: "+r.ctx.Err().Error()))
	case age > r.limit:
		r.kill(failure(KindTimeout, fmt.Sprintf("timed out: it did not end within %v", r.limit)))
	case heap > r.ceiling && age > minSuspect:
		r.kill(failure(KindMemory, fmt.Sprintf("out of memory: it used more than %d MiB", limit>>20)))
	}
	return true
}

// watcher looks at the running evaluations of a pool. Its goroutine lives
// only while there are sessions with a VM.
type watcher struct {
	limit int64
	mu    sync.Mutex
	runs  map[*run]struct{}
	done  chan struct{} // closed when the goroutine has ended
	ended bool          // watch only what runs still
}

func (w *watcher) add(r *run) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.runs == nil {
		w.runs = map[*run]struct{}{}
	}
	w.runs[r] = struct{}{}
	if w.done == nil {
		w.done = make(chan struct{})
		go w.loop(w.done)
	}
}

func (w *watcher) remove(r *run) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.runs, r)
}

// close lets the goroutine end when nothing runs, and waits for it so long.
func (w *watcher) close(limit time.Duration) {
	w.mu.Lock()
	w.ended = true
	done := w.done
	w.mu.Unlock()
	if done == nil {
		return
	}
	select {
	case <-done:
	case <-time.After(limit):
	}
}

func (w *watcher) loop(done chan struct{}) {
	defer close(done)
	tick := time.NewTicker(watchTick)
	defer tick.Stop()
	samples := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/gc/heap/live:bytes"}}
	for now := range tick.C {
		metrics.Read(samples)
		if !w.round(now, int64(samples[0].Value.Uint64()), int64(samples[1].Value.Uint64())) {
			return
		}
	}
}

// round looks at every run once; false when there is none left.
func (w *watcher) round(now time.Time, heap, live int64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	running := false
	for r := range w.runs {
		running = r.look(now, heap, live, w.limit) || running
	}
	if len(w.runs) == 0 || w.ended && !running {
		w.done = nil
		return false
	}
	return true
}
