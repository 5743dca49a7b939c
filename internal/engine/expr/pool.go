package expr

import (
	"io"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Options configure a Pool. The zero value works.
type Options struct {
	// Size is how many idle VMs are kept, of each kind and over all owners:
	// those longest idle go. More are made when needed, so that executions
	// never wait for each other. A VM takes about 2 MiB. 0: two per CPU, 16
	// at least.
	Size int
	// Ready is how many VMs of each kind that was asked for are kept besides
	// that nobody has used, for owners who have none yet. 0: none.
	Ready int
	// ExprTimeout bounds one expression. 0: one second, which leaves room for
	// a busy machine; plain expressions take microseconds.
	ExprTimeout time.Duration
	// CodeTimeout bounds one run of user code. 0: 60 seconds.
	CodeTimeout time.Duration
	// MaxDepth is the depth of calls. 0: 1000.
	MaxDepth int
	// MaxStringBytes bounds text that is made or returned at once. 0: 16 MiB.
	MaxStringBytes int
	// MaxHeapBytes is how far the heap may grow while an expression or code
	// runs. 0: 256 MiB.
	MaxHeapBytes int64
	// AllowEnv shows Env as $env; otherwise $env is refused.
	AllowEnv bool
	Env      map[string]string
	Vars     map[string]any // $vars
	Logger   *slog.Logger   `json:"-"` // nil: discarded
}

func (o Options) withDefaults() Options {
	if o.Size <= 0 {
		o.Size = max(16, 2*runtime.GOMAXPROCS(0))
	}
	if o.ExprTimeout <= 0 {
		o.ExprTimeout = time.Second
	}
	if o.CodeTimeout <= 0 {
		o.CodeTimeout = time.Minute
	}
	if o.MaxDepth <= 0 {
		o.MaxDepth = 1000
	}
	if o.MaxStringBytes <= 0 {
		o.MaxStringBytes = 16 << 20
	}
	if o.MaxHeapBytes <= 0 {
		o.MaxHeapBytes = 256 << 20
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	return o
}

// maxTemplates bounds the cache of compiled parameters, maxCodes that of
// compiled code.
const (
	maxTemplates = 4096
	maxCodes     = 512
)

// Pool holds compiled expressions and idle VMs. It is safe for concurrent use.
type Pool struct {
	opts      Options
	libs      *libraries
	mu        sync.Mutex
	idle      map[bool][]*vm // by whether the date library is loaded, longest idle first
	ready     map[bool][]*vm // never used
	readying  map[bool]bool  // one is being made
	making    sync.WaitGroup // what makes them
	closed    atomic.Bool
	templates map[string]*compiled
	codes     map[string]*compiledCode
	watch     watcher
	confined  bool         // the process is limited: realms for code need hold no more than the code names
	made      atomic.Int64 // VMs made, for tests and metrics
}

// compiled is a parsed parameter, or why it cannot be.
type compiled struct {
	t   *template
	err error
}

// NewPool returns a pool.
func NewPool(opts Options) *Pool {
	limitRegexps()
	p := &Pool{opts: opts.withDefaults(), libs: newLibraries(), idle: map[bool][]*vm{},
		ready: map[bool][]*vm{}, readying: map[bool]bool{},
		templates: map[string]*compiled{}, codes: map[string]*compiledCode{}}
	p.watch.limit = p.opts.MaxHeapBytes
	return p
}

// closeWait bounds how long Close waits for what is being evaluated.
const closeWait = 2 * time.Second

// Close drops the idle VMs and ends the watcher. Nothing can be evaluated any
// more; what is being evaluated is waited for, but not long. Sessions may
// still be closed.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed.Store(true)
	p.idle, p.ready = map[bool][]*vm{}, map[bool][]*vm{}
	p.mu.Unlock()
	p.making.Wait()
	p.watch.close(closeWait)
}

// Warm makes VMs ahead in the background, so that the first expressions need
// not wait for them. Without Options.Ready it does nothing.
func (p *Pool) Warm() { p.prepare(false) }

// prepare fills up the unused VMs of a kind in the background.
func (p *Pool) prepare(luxon bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed.Load() || p.readying[luxon] || len(p.ready[luxon]) >= p.opts.Ready {
		return
	}
	p.readying[luxon] = true
	p.making.Go(func() {
		for p.prepareOne(luxon) {
		}
	})
}

// prepareOne makes one and reports whether another is wanted.
func (p *Pool) prepareOne(luxon bool) bool {
	v, err := newExpressionVM(p, luxon)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil && !p.closed.Load() {
		p.made.Add(1)
		p.ready[luxon] = append(p.ready[luxon], v)
	}
	more := err == nil && !p.closed.Load() && len(p.ready[luxon]) < p.opts.Ready
	p.readying[luxon] = more
	return more
}

// VMs is how many VMs were made so far.
func (p *Pool) VMs() int64 { return p.made.Load() }

// acquire returns a VM for owner: one that has served no one else.
func (p *Pool) acquire(owner string, luxon bool) (*vm, error) {
	v := p.takeIdle(owner, luxon)
	if v == nil {
		v = p.takeReady(luxon)
	}
	if v == nil {
		var err error
		if v, err = newExpressionVM(p, luxon); err != nil {
			return nil, err
		}
		p.made.Add(1)
	}
	v.owner = owner
	return v, nil
}

// takeIdle takes the VM that owner used last, nil when there is none.
func (p *Pool) takeIdle(owner string, luxon bool) *vm {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := p.idle[luxon]
	for i := len(list) - 1; i >= 0; i-- {
		if v := list[i]; v.owner == owner {
			p.idle[luxon] = slices.Delete(list, i, i+1)
			return v
		}
	}
	return nil
}

// takeReady takes a VM that nobody used, nil when there is none, and has
// another one made.
func (p *Pool) takeReady(luxon bool) (v *vm) {
	p.mu.Lock()
	if list := p.ready[luxon]; len(list) > 0 {
		v, p.ready[luxon] = list[len(list)-1], list[:len(list)-1]
	}
	p.mu.Unlock()
	p.prepare(luxon)
	return v
}

// release takes a VM back. One that was interrupted may hold half-done work
// and is dropped.
func (p *Pool) release(v *vm) {
	v.reset()
	p.mu.Lock()
	defer p.mu.Unlock()
	if v.spoiled || p.closed.Load() {
		return
	}
	list := append(p.idle[v.luxon], v)
	if over := len(list) - p.opts.Size; over > 0 {
		list = slices.Delete(list, 0, over)
	}
	p.idle[v.luxon] = list
}

// template returns raw parsed, from the cache where it was before.
func (p *Pool) template(raw string) (*template, error) {
	p.mu.Lock()
	c, ok := p.templates[raw]
	p.mu.Unlock()
	if ok {
		return c.t, c.err
	}
	t, err := parseTemplate(raw)
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.templates) >= maxTemplates {
		dropSome(p.templates)
	}
	if len(raw) <= maxChunkBytes {
		p.templates[raw] = &compiled{t, err}
	}
	return t, err
}

// dropSome makes room by forgetting a quarter of a cache, whichever the map
// yields first.
func dropSome[V any](m map[string]V) {
	n := len(m) / 4
	for k := range m {
		if n--; n < 0 {
			return
		}
		delete(m, k)
	}
}
