package expr

import (
	"context"
	"errors"
	"os"
	"runtime"
	"sync"
	"time"
)

// WorkerOptions configure a WorkerPool. The zero value works where the
// running binary has the subcommand "code-worker".
type WorkerOptions struct {
	// Argv starts a worker, which must call ServeWorker on its standard input
	// and output. Nil: this binary with the argument "code-worker".
	Argv []string
	// Size bounds how many workers run at once; others wait. 0: one per CPU.
	Size int
	// Spare is how many idle workers are kept ready. 0: one.
	Spare int
	// Memory bounds what a worker may take beyond what it starts with, in
	// bytes. 0: 512 MiB.
	Memory uint64
	// Uses is after how many runs a worker is replaced. 0: 500.
	Uses int
	// InProcess runs code in this process instead, for a single local user.
	InProcess bool
	// Expr are the limits of the code: CodeTimeout above all.
	Expr Options
}

func (o WorkerOptions) withDefaults() (WorkerOptions, error) {
	if o.Size <= 0 {
		o.Size = runtime.GOMAXPROCS(0)
	}
	if o.Spare <= 0 {
		o.Spare = 1
	}
	if o.Memory == 0 {
		o.Memory = 512 << 20
	}
	if o.Uses <= 0 {
		o.Uses = 500
	}
	o.Expr = o.Expr.withDefaults()
	if len(o.Argv) == 0 && !o.InProcess {
		self, err := os.Executable()
		if err != nil {
			return o, err
		}
		o.Argv = []string{self, "code-worker"}
	}
	return o, nil
}

// killGrace is how long a worker may outlast the code's time limit, which it
// keeps itself, before it is killed.
const killGrace = time.Second

// WorkerPool runs user code in worker processes. It is safe for concurrent use.
type WorkerPool struct {
	opts  WorkerOptions
	local *Pool // for InProcess

	references referenceCache

	slots chan struct{}
	mu    sync.Mutex
	idle  []*worker
	all   map[*worker]struct{}
	done  bool
	wg    sync.WaitGroup
}

// NewWorkerPool returns a pool. It has no worker before the first code runs,
// or Warm is called.
func NewWorkerPool(opts WorkerOptions) (*WorkerPool, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	w := &WorkerPool{opts: opts, slots: make(chan struct{}, opts.Size), all: map[*worker]struct{}{}}
	if opts.InProcess {
		w.local = NewPool(opts.Expr)
		return w, nil
	}
	return w, nil
}

// Warm starts a worker in the background, so that the first code need not
// wait for one.
func (w *WorkerPool) Warm() {
	if w.local == nil {
		w.refill()
	}
}

// Close kills the workers and waits for them.
func (w *WorkerPool) Close() {
	w.mu.Lock()
	w.done = true
	for k := range w.all {
		k.kill()
	}
	w.idle = nil
	w.mu.Unlock()
	w.wg.Wait()
	if w.local != nil {
		w.local.Close()
	}
}

// Code runs user JavaScript, like Session.Code, in a process of its own. It
// waits for a free worker; ctx ends the waiting and the code.
func (w *WorkerPool) Code(ctx context.Context, sc *Scope, req CodeRequest) (CodeResult, error) {
	if w.local != nil {
		s := w.local.Session()
		defer s.Close()
		return s.Code(ctx, sc, req)
	}
	select {
	case w.slots <- struct{}{}:
		defer func() { <-w.slots }()
	case <-ctx.Done():
		return CodeResult{}, ctx.Err()
	}
	msg := gather(sc, req, w.references.get(req.Source))
	k, err := w.take()
	if err != nil {
		return CodeResult{}, &Error{Kind: KindWorker, Message: "a code worker could not be started", Description: err.Error(), Pos: -1}
	}
	reply, err := k.do(ctx, msg, w.opts.Expr.CodeTimeout+killGrace)
	w.give(k, err == nil)
	if err != nil {
		return CodeResult{}, err
	}
	return reply.settle(sc)
}

// take returns an idle worker, or a new one.
func (w *WorkerPool) take() (*worker, error) {
	w.mu.Lock()
	for len(w.idle) > 0 {
		k := w.idle[len(w.idle)-1]
		w.idle = w.idle[:len(w.idle)-1]
		if k.alive() {
			w.mu.Unlock()
			return k, nil
		}
	}
	w.mu.Unlock()
	return w.spawn()
}

// give takes a worker back, or replaces it.
func (w *WorkerPool) give(k *worker, good bool) {
	k.uses++
	w.mu.Lock()
	if good && !w.done && k.uses < w.opts.Uses && len(w.idle) < w.opts.Size {
		w.idle = append(w.idle, k)
		w.mu.Unlock()
		return
	}
	w.mu.Unlock()
	k.kill()
	w.refill()
}

var errPoolClosed = errors.New("the pool of code workers is closed")

// spawn starts a worker and watches for its end.
func (w *WorkerPool) spawn() (*worker, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done {
		return nil, errPoolClosed
	}
	k, err := startWorker(w.opts)
	if err != nil {
		return nil, err
	}
	w.all[k] = struct{}{}
	w.wg.Go(func() {
		k.wait()
		w.mu.Lock()
		delete(w.all, k)
		w.mu.Unlock()
	})
	return k, nil
}

// refill starts spare workers in the background.
func (w *WorkerPool) refill() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done || len(w.idle) >= w.opts.Spare {
		return
	}
	w.wg.Go(func() {
		k, err := w.spawn()
		if err != nil {
			if !errors.Is(err, errPoolClosed) {
				w.opts.Expr.Logger.Error("a spare code worker could not be started", "error", err)
			}
			return
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.done {
			k.kill()
			return
		}
		w.idle = append(w.idle, k)
	})
}
