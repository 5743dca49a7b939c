package engine

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store"
)

// followEvery is how often the store is asked for events of an execution that
// runs in another process: once for all its watchers.
const followEvery = 200 * time.Millisecond

// hub tells watchers the events of executions as they happen.
type hub struct {
	ctx   context.Context
	store store.Executions
	log   *slog.Logger

	mu     sync.Mutex
	topics map[string]*topic
	locals map[string]bool // executions that compute in this process
	work   sync.WaitGroup

	fan      store.Fanout                     // nil: processes do not pass events on
	deaf     func()                           // ends listening to it
	unsaved  func(id string) []workflow.Event // events of an execution here that are not stored
	followed map[string]time.Time             // executions that other processes follow, and until when
}

// topic is an execution that is watched.
type topic struct {
	owner    string
	last     int64 // newest Seq told
	watchers map[*watcher]struct{}
	stop     context.CancelFunc
	look     chan struct{} // holds a token when the store has news
}

// tell passes an event to those who watch.
func (t *topic) tell(e workflow.Event) {
	t.last = max(t.last, e.Seq)
	for w := range t.watchers {
		w.add(false, e)
	}
}

// watcher collects what one watcher was not told yet.
type watcher struct {
	mu     sync.Mutex
	news   news
	signal chan struct{} // holds a token when there is news
}

// news are live events, and whether to look into the store.
type news struct {
	events []workflow.Event
	look   bool
}

func (w *watcher) add(look bool, events ...workflow.Event) {
	w.mu.Lock()
	w.news.events = append(w.news.events, events...)
	w.news.look = w.news.look || look
	w.mu.Unlock()
	select {
	case w.signal <- struct{}{}:
	default:
	}
}

func (w *watcher) take() news {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := w.news
	w.news = news{}
	return n
}

func newHub(ctx context.Context, st store.Executions, log *slog.Logger) *hub {
	return &hub{ctx: ctx, store: st, log: log, topics: map[string]*topic{}, locals: map[string]bool{}, followed: map[string]time.Time{}}
}

// close waits for the followers, which end with the hub's context.
func (h *hub) close() {
	h.work.Wait()
	if h.deaf != nil {
		h.deaf()
	}
}

// local notes whether an execution computes here, so that its events need not
// be fetched.
func (h *hub) local(id string, here bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if here {
		h.locals[id] = true
	} else {
		delete(h.locals, id)
	}
}

// publish tells an event to those who watch its execution, here and elsewhere.
func (h *hub) publish(e workflow.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if t := h.topics[e.ExecutionID]; t != nil {
		t.tell(e)
	}
	h.passOn(e.ExecutionID, e)
}

// fetched tells events that the store had.
func (h *hub) fetched(id string, events []workflow.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if t := h.topics[id]; t != nil {
		for _, e := range events {
			t.tell(e)
		}
	}
}

// finish makes watchers look into the store: the execution's end is there.
func (h *hub) finish(id string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if t := h.topics[id]; t != nil {
		for w := range t.watchers {
			w.add(true)
		}
	}
	h.passOn(id)
}

// join adds a watcher of the execution.
func (h *hub) join(owner, id string) *watcher {
	w := &watcher{signal: make(chan struct{}, 1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if t := h.topics[id]; t != nil {
		t.watchers[w] = struct{}{}
		return w
	}
	ctx, stop := context.WithCancel(h.ctx)
	t := &topic{owner: owner, watchers: map[*watcher]struct{}{w: {}}, stop: stop, look: make(chan struct{}, 1)}
	h.topics[id] = t
	h.work.Go(func() { h.follow(ctx, id, t) })
	return w
}

// leave ends a watcher, and the topic with its last one.
func (h *hub) leave(id string, w *watcher) {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.topics[id]
	if t == nil {
		return
	}
	delete(t.watchers, w)
	if len(t.watchers) == 0 {
		t.stop()
		delete(h.topics, id)
	}
}

// follow fetches events of an execution that computes elsewhere: from the store,
// less often where they come by themselves.
func (h *hub) follow(ctx context.Context, id string, t *topic) {
	defer h.listen(id, t)()
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	var looked, asked time.Time
	for {
		look := false
		select {
		case <-ctx.Done():
			return
		case <-t.look:
			look = true
		case <-tick.C:
		}
		h.mu.Lock()
		here, last := h.locals[id], t.last
		h.mu.Unlock()
		if here {
			continue
		}
		if since := time.Since(asked); since > askEvery || look && since > askAgain {
			h.ask(id)
			asked = time.Now()
		}
		if !look && h.connected() && time.Since(looked) < followRelaxed {
			continue
		}
		looked = time.Now()
		events, err := h.store.Events(ctx, t.owner, id, last, watchBatch)
		if err != nil && ctx.Err() == nil {
			h.log.Warn("an execution's events could not be read; it will be tried again", "execution_id", id, "error", err)
		}
		h.fetched(id, events)
	}
}
