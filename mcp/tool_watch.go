package mcp

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	protocol "github.com/mark3labs/mcp-go/mcp"

	"flowgate/internal/auth"
	"flowgate/internal/service"
)

// Workflows that are tools come and go, by calls here, in other processes,
// and by other doors. Who listens is told when its own list has changed:
// after calls that may have changed it at once, and else by looking now and
// then, once for all listeners of one owner.

// toolWatch looks after the lists of owners that somebody listens for.
type toolWatch struct {
	list  func(ctx context.Context) ([]*service.Capability, error)
	every time.Duration

	mu     sync.Mutex
	owners map[string]*watched // by caller: what a key may see is its own
}

type watched struct {
	subject   string
	listeners map[chan struct{}]struct{}
	wake      chan struct{}
	stop      context.CancelFunc
}

// listen calls changed when the tools of ctx's caller differ from those at
// the time before. The caller calls stop, after which changed is not called.
func (t *toolWatch) listen(ctx context.Context, changed func()) (stop func()) {
	id := auth.FromContext(ctx)
	if id == nil || id.Subject == "" {
		return func() {}
	}
	caller := callerOf(id)
	signal, done, ended := make(chan struct{}, 1), make(chan struct{}), make(chan struct{})
	w, begin := t.join(id, caller, signal)
	begin()
	go func() { // a listener that reads slowly holds up nobody else
		defer close(ended)
		for {
			select {
			case <-signal:
				changed()
			case <-done:
				return
			}
		}
	}()
	return func() {
		t.leave(caller, w, signal)
		close(done)
		<-ended
	}
}

// join adds a listener to the watch of its caller's list. begin, called without
// the lock, starts the watch where there was none.
func (t *toolWatch) join(id *auth.Identity, caller string, signal chan struct{}) (_ *watched, begin func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if w := t.owners[caller]; w != nil {
		w.listeners[signal] = struct{}{}
		return w, func() {}
	}
	if t.owners == nil {
		t.owners = map[string]*watched{}
	}
	w := &watched{subject: id.Subject, listeners: map[chan struct{}]struct{}{signal: {}}, wake: make(chan struct{}, 1)}
	watching, cancel := context.WithCancel(auth.WithIdentity(context.Background(), id))
	w.stop = cancel
	t.owners[caller] = w
	return w, func() {
		first, _ := t.fingerprint(watching) // of a look that failed nothing is known: the next tells
		go t.watch(watching, w, first)
	}
}

func (t *toolWatch) leave(owner string, w *watched, signal chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(w.listeners, signal)
	if len(w.listeners) == 0 && t.owners[owner] == w {
		delete(t.owners, owner)
		w.stop()
	}
}

// watch ends with ctx, which its last listener ends.
func (t *toolWatch) watch(ctx context.Context, w *watched, last string) {
	tick := time.NewTicker(t.every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-w.wake:
		case <-ctx.Done():
			return
		}
		now, err := t.fingerprint(ctx)
		if err != nil || now == last {
			continue
		}
		last = now
		t.tell(w)
	}
}

func (t *toolWatch) tell(w *watched) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for signal := range w.listeners {
		nudge(signal)
	}
}

// nudge makes the reader of a channel act; one that is about to need not be
// told twice.
func nudge(signal chan struct{}) {
	select {
	case signal <- struct{}{}:
	default:
	}
}

// look makes the watches of an owner's callers look now.
func (t *toolWatch) look(owner string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, w := range t.owners {
		if w.subject == owner {
			nudge(w.wake)
		}
	}
}

// fingerprint says what the caller's list of tools holds.
func (t *toolWatch) fingerprint(ctx context.Context) (_ string, err error) {
	defer func() {
		if p := recover(); p != nil { // nobody's request would end with it
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	list, err := t.list(ctx)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, c := range list {
		fmt.Fprintf(&b, "%s\n%s\n%s\n%s\n", c.Name, c.Title, c.Description, c.Input.JSON)
	}
	return b.String(), nil
}

// tellSession notifies, on the stream a session listens on, of changes of the
// list of tools and of resources it subscribed to. stop ends it.
func (s *Server) tellSession(ctx context.Context, to notifier, session string) (stop func()) {
	quiet := s.tools.listen(ctx, func() { to.notify(protocol.MethodNotificationToolsListChanged, map[string]any{}) })
	still := s.tellUpdates(ctx, to, func() []string { return s.sessions.subscribed(session) }, nil)
	return func() { quiet(); still() }
}

// tellListener does the same for a request of the generation without sessions
// that listens, of what it asks for alone.
func (s *Server) tellListener(ctx context.Context, to notifier, m *envelope) (stop func()) {
	if m.Method != protocolListen {
		return func() {}
	}
	quiet, still := func() {}, func() {}
	meta := map[string]any{protocol.MetaKeySubscriptionID: m.ID}
	if m.listensToTools() {
		quiet = s.tools.listen(ctx, func() { to.notify(protocol.MethodNotificationToolsListChanged, map[string]any{"_meta": meta}) })
	}
	if uris := m.resourcesOf(); len(uris) > 0 {
		still = s.tellUpdates(ctx, to, func() []string { return uris }, meta)
	}
	return func() { quiet(); still() }
}
