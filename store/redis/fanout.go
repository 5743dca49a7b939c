package redis

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	client "github.com/redis/go-redis/v9"

	"flowgate/store"
)

const (
	// beatEvery is how often a process tells itself that it is heard; after
	// deafAfter without it is not.
	beatEvery = time.Second
	deafAfter = 3 * time.Second
	// announceBatch is how many messages go out in one trip, announceQueue how
	// many wait for it, and announcePause how long Redis is left alone when one
	// failed.
	announceBatch = 128
	announceQueue = 4096
	announcePause = time.Second
	originLength  = 16
)

// Fanout is a process's part in passing on what happens. Close ends it.
type Fanout struct {
	s      *Store
	origin string // this process, before each message
	queue  chan message
	sub    *client.PubSub
	heard  atomic.Int64 // unix nanoseconds of the last beat
	wake   chan struct{}
	stop   context.CancelFunc
	work   sync.WaitGroup

	mu        sync.Mutex
	listeners map[string]map[*listener]struct{} // by channel
}

type message struct {
	channel string
	data    []byte
}

type listener struct{ fn func([]byte) }

var _ store.Fanout = (*Fanout)(nil)

// NewFanout begins to listen and to announce. The caller closes it before the
// store.
func (s *Store) NewFanout() *Fanout {
	id := make([]byte, originLength/2)
	rand.Read(id)
	f := &Fanout{s: s, origin: hex.EncodeToString(id), queue: make(chan message, announceQueue), wake: make(chan struct{}, 1), listeners: map[string]map[*listener]struct{}{}}
	var ctx context.Context
	ctx, f.stop = context.WithCancel(context.Background())
	f.sub = s.db.Subscribe(ctx)
	f.listen(f.beatChannel(), func([]byte) { f.heard.Store(time.Now().UnixNano()) })
	f.work.Go(func() { f.announce(ctx) })
	f.work.Go(func() { f.subscribe(ctx) })
	f.work.Go(func() { f.hear(f.sub.Channel(client.WithChannelSize(1024))) })
	return f
}

// Close ends it.
func (f *Fanout) Close() error {
	f.stop()
	err := f.sub.Close()
	f.work.Wait()
	return err
}

func (f *Fanout) channel(topic string) string { return f.s.namespace + ":events:" + topic }

func (f *Fanout) beatChannel() string { return f.s.namespace + ":beats:" + f.origin }

// Announce implements store.Fanout.
func (f *Fanout) Announce(topic string, data []byte) {
	select {
	case f.queue <- message{f.channel(topic), data}:
	default: // Redis is away, or slow: the store has it
	}
}

// Connected implements store.Fanout.
func (f *Fanout) Connected() bool { return time.Now().UnixNano()-f.heard.Load() < int64(deafAfter) }

// Listen implements store.Fanout.
func (f *Fanout) Listen(topic string, fn func([]byte)) (stop func()) {
	return f.listen(f.channel(topic), fn)
}

func (f *Fanout) listen(channel string, fn func([]byte)) (stop func()) {
	l := &listener{fn}
	f.mu.Lock()
	if f.listeners[channel] == nil {
		f.listeners[channel] = map[*listener]struct{}{}
	}
	f.listeners[channel][l] = struct{}{}
	f.mu.Unlock()
	f.changed()
	return func() {
		f.mu.Lock()
		delete(f.listeners[channel], l)
		if len(f.listeners[channel]) == 0 {
			delete(f.listeners, channel)
		}
		f.mu.Unlock()
		f.changed()
	}
}

func (f *Fanout) changed() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// subscribe keeps the subscriptions what the listeners want. The library makes
// them anew on a new connection.
func (f *Fanout) subscribe(ctx context.Context) {
	have := map[string]bool{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.wake:
		}
		var more, less []string
		f.mu.Lock()
		for channel := range f.listeners {
			if !have[channel] {
				more = append(more, channel)
			}
		}
		for channel := range have {
			if f.listeners[channel] == nil {
				less = append(less, channel)
			}
		}
		f.mu.Unlock()
		for _, channel := range more {
			have[channel] = true
		}
		for _, channel := range less {
			delete(have, channel)
		}
		// An error means that it is done with the next connection.
		if len(more) > 0 {
			_ = f.sub.Subscribe(ctx, more...)
		}
		if len(less) > 0 {
			_ = f.sub.Unsubscribe(ctx, less...)
		}
	}
}

// hear hands on what others announce.
func (f *Fanout) hear(messages <-chan *client.Message) {
	for m := range messages {
		origin, data, ok := cutOrigin(m.Payload)
		if !ok || origin == f.origin && m.Channel != f.beatChannel() {
			continue
		}
		f.mu.Lock()
		to := make([]*listener, 0, len(f.listeners[m.Channel]))
		for l := range f.listeners[m.Channel] {
			to = append(to, l)
		}
		f.mu.Unlock()
		for _, l := range to {
			l.fn([]byte(data))
		}
	}
}

func cutOrigin(payload string) (origin, data string, ok bool) {
	if len(payload) < originLength || strings.TrimLeft(payload[:originLength], "0123456789abcdef") != "" {
		return "", "", false
	}
	return payload[:originLength], payload[originLength:], true
}

// announce sends what is to be announced, as much as there is in one trip, and
// the beat.
func (f *Fanout) announce(ctx context.Context) {
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	next := message{channel: f.beatChannel()}
	for {
		batch := []message{next}
		for len(batch) < announceBatch {
			select {
			case m := <-f.queue:
				batch = append(batch, m)
				continue
			default:
			}
			break
		}
		if f.send(ctx, batch) != nil {
			f.rest(ctx)
		}
		select {
		case <-ctx.Done():
			return
		case next = <-f.queue:
		case <-beat.C:
			next = message{channel: f.beatChannel()}
		}
	}
}

func (f *Fanout) send(ctx context.Context, batch []message) error {
	_, err := f.s.db.Pipelined(ctx, func(p client.Pipeliner) error {
		for _, m := range batch {
			p.Publish(ctx, m.channel, f.origin+string(m.data))
		}
		return nil
	})
	return f.s.failed(opAnnounce, "tell the other servers what happens", err)
}

// rest leaves Redis alone for a moment, and drops what was to be announced.
func (f *Fanout) rest(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(announcePause):
	}
	for {
		select {
		case <-f.queue:
			continue
		default:
		}
		return
	}
}
