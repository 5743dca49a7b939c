package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"sync"
	"time"

	protocol "github.com/mark3labs/mcp-go/mcp"
)

// In the older generation a server asks its client by a request of its own,
// on the stream of the call that needs the answer. The library can, too, but
// loses answers when the session opens its listening stream meanwhile.

// asker asks the client of the call being served. errCannotAsk: there is no
// way to it.
type asker interface {
	ask(ctx context.Context, method string, params any) (result json.RawMessage, err error)
}

type askerKey struct{}

func withAsker(ctx context.Context, a asker) context.Context {
	return context.WithValue(ctx, askerKey{}, a)
}

var errCannotAsk = errors.New("the client cannot be asked on this connection")

// backs are the server's requests that wait for their answers, by session
// and id: nobody answers those of another's session.
type backs struct {
	mu      sync.Mutex
	last    int
	waiting map[string]chan []byte
}

// begin makes a request's id and the channel of its answer; the caller calls
// end.
func (b *backs) begin(session string) (id string, answer <-chan []byte, end func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last++
	id = "ask-" + strconv.Itoa(b.last)
	key, c := session+"\x00"+id, make(chan []byte, 1)
	if b.waiting == nil {
		b.waiting = map[string]chan []byte{}
	}
	b.waiting[key] = c
	return id, c, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.waiting, key)
	}
}

// answered hands a message to the request of the session that it answers;
// false: to none.
func (b *backs) answered(session string, id json.RawMessage, message []byte) bool {
	var name string
	if json.Unmarshal(id, &name) != nil {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	key := session + "\x00" + name
	c, ok := b.waiting[key]
	if ok {
		c <- append([]byte(nil), message...)
		delete(b.waiting, key)
	}
	return ok
}

// wait sends a request by send and waits for its answer; meanwhile alive is
// called now and then, so that the connection is not taken for dead.
func (b *backs) wait(ctx context.Context, session, method string, params any, send func(message []byte) bool, alive func()) (json.RawMessage, error) {
	id, answer, end := b.begin(session)
	defer end()
	message, err := json.Marshal(map[string]any{"jsonrpc": protocol.JSONRPC_VERSION, "id": id, "method": method, "params": params})
	if err != nil {
		return nil, err
	}
	if !send(message) {
		return nil, errCannotAsk
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	for {
		select {
		case data := <-answer:
			var m struct{ Result, Error json.RawMessage }
			if err := json.Unmarshal(data, &m); err != nil || len(m.Result) == 0 {
				return nil, errCannotAsk
			}
			return m.Result, nil
		case <-tick.C:
			alive()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// ask implements asker over HTTP.
func (r *responder) ask(ctx context.Context, method string, params any) (json.RawMessage, error) {
	if r.backs == nil || r.session == "" {
		return nil, errCannotAsk
	}
	return r.backs.wait(ctx, r.session, method, params, r.push, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.send([]byte(": waiting for an answer\n\n")) == nil {
			r.flusher.Flush()
		}
	})
}

// ask implements asker over stdio.
func (c *stdioConn) ask(ctx context.Context, method string, params any) (json.RawMessage, error) {
	return c.server.backs.wait(ctx, c.session.id, method, params, c.write, func() {})
}
