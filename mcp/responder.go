package mcp

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"

	protocol "github.com/mark3labs/mcp-go/mcp"
)

// writeTimeout bounds how long one write may wait for a slow reader.
const writeTimeout = 30 * time.Second

// responder is the response of one request, as the library writes it. It adds
// notifications of its own: the first makes the response an event stream, and
// the library's answer becomes that stream's last event. What the library
// writes as plain text, its refusals, becomes JSON-RPC.
type responder struct {
	w       http.ResponseWriter
	control *http.ResponseController
	flusher http.Flusher
	accepts bool            // event streams
	id      json.RawMessage // of the request
	session string          // of the older generation
	backs   *backs          // requests to the client that wait

	mu     sync.Mutex
	status int    // 0 until headers are sent
	failed string // what was written said of a failure, see failureIn
	mode   func(p []byte) ([]byte, error)
}

func newResponder(w http.ResponseWriter, r *http.Request, id json.RawMessage) *responder {
	flusher, _ := w.(http.Flusher)
	out := &responder{w: w, control: http.NewResponseController(w), flusher: flusher, id: id}
	out.accepts = flusher != nil && strings.Contains(r.Header.Get("Accept"), "text/event-stream")
	return out
}

// notify implements notifier.
func (r *responder) notify(method string, params map[string]any) bool {
	data, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "method": method, "params": params})
	return err == nil && r.push(data)
}

// push sends a message of the server's own before the answer.
func (r *responder) push(data []byte) bool {
	if !r.accepts {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.status == 0 {
		h := r.w.Header()
		h.Set("Content-Type", "text/event-stream")
		h.Set("Cache-Control", "no-cache")
		h.Set("X-Accel-Buffering", "no")
		r.sendHeader(http.StatusOK)
	}
	if err := r.send(sseEvent(data)); err != nil {
		return false
	}
	r.flusher.Flush()
	return true
}

// Header implements server.HTTPResponseWriter, as do the other methods.
func (r *responder) Header() http.Header { return r.w.Header() }

// WriteHeader decides how what is written next reaches the client.
func (r *responder) WriteHeader(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.w.Header()
	kind := h.Get("Content-Type")
	if r.status != 0 { // a stream by now: an answer becomes an event
		if strings.HasPrefix(kind, "application/json") {
			r.mode = func(p []byte) ([]byte, error) { return sseEvent(bytes.TrimRight(p, "\n")), nil }
		}
		return
	}
	switch {
	case strings.HasPrefix(kind, "text/plain") && status >= 400:
		h.Set("Content-Type", "application/json")
		r.mode = r.plainAsRPC(status)
	case strings.HasPrefix(kind, "text/event-stream"):
		h.Set("X-Accel-Buffering", "no")
	}
	r.sendHeader(status)
}

func (r *responder) plainAsRPC(status int) func([]byte) ([]byte, error) {
	return func(p []byte) ([]byte, error) {
		e := &rpcError{Code: protocol.INVALID_REQUEST, Message: strings.TrimSpace(string(p)), Data: map[string]any{"status": status}}
		return append(e.encode(r.id), '\n'), nil
	}
}

// Write sends p; each call of the library's is one whole message.
func (r *responder) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.status == 0 {
		r.sendHeader(http.StatusOK)
	}
	if f := failureIn(p); f != "" {
		r.failed = f
	}
	out := p
	if r.mode != nil {
		var err error
		if out, err = r.mode(p); err != nil {
			return 0, err
		}
	}
	if err := r.send(out); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Flush sends what was written so far.
func (r *responder) Flush() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.flusher != nil {
		r.flusher.Flush()
	}
}

// CanStream reports whether event streams reach the client as they are made.
func (r *responder) CanStream() bool { return r.flusher != nil }

// SetWriteDeadline lets the library bound its own writes.
func (r *responder) SetWriteDeadline(t time.Time) error { return r.control.SetWriteDeadline(t) }

// answered reports whether anything was sent.
func (r *responder) answered() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.status != 0
}

func (r *responder) sendHeader(status int) {
	r.status = status
	r.w.WriteHeader(status)
}

func (r *responder) send(p []byte) error {
	// Not every writer has deadlines; those of real connections do.
	_ = r.control.SetWriteDeadline(time.Now().Add(writeTimeout))
	_, err := r.w.Write(p)
	return err
}

func sseEvent(data []byte) []byte {
	out := make([]byte, 0, len(data)+24)
	out = append(out, "event: message\ndata: "...)
	return append(append(out, data...), "\n\n"...)
}
