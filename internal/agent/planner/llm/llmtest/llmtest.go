// Package llmtest scripts servers that speak the wire formats of language
// models' providers, for tests.
package llmtest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"unicode/utf8"
)

// Call is a tool call of a scripted answer.
type Call struct{ ID, Name, Args string }

// Say is a scripted answer: words, then tool calls.
type Say struct {
	Text  string
	Calls []Call
	// Stop is why the answer ends, in OpenAI's words: "stop", "tool_calls",
	// "length", "content_filter"; "" is what fits. The other provider's words
	// are found by themselves.
	Stop string
	// Break ends the stream before the answer does.
	Break bool
	// Error is an error in the midst of the stream: its type.
	Error string
	// Hold, when not nil, is waited for in the midst of the text, as is the
	// client's end; Began is closed before.
	Hold, Began chan struct{}
}

// Fail is a scripted refusal by status.
type Fail struct {
	Status     int
	Type       string
	RetryAfter string
}

// Server plays a script. Requests that the script does not foresee get 500.
type Server struct {
	*httptest.Server
	// Provider is "openai" or "anthropic".
	Provider string

	mu       sync.Mutex
	script   []any // Say or Fail
	requests []Request
}

// Request is what was asked.
type Request struct {
	Header http.Header
	Path   string
	Body   string
}

// Start serves a script of Say and Fail until the test ends.
func Start(t testing.TB, provider string, script ...any) *Server {
	t.Helper()
	s := &Server{Provider: provider, script: script}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Server.Close)
	return s
}

// Base is the address to configure.
func (s *Server) Base() string {
	if s.Provider == "openai" {
		return s.URL + "/v1"
	}
	return s.URL
}

// Add lengthens the script.
func (s *Server) Add(script ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script = append(s.script, script...)
}

// Requests returns what was asked so far.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// Left returns how much of the script was not asked for.
func (s *Server) Left() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.script)
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if r.Method == http.MethodGet {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"object":"list","data":[]}`)
		return
	}
	s.mu.Lock()
	s.requests = append(s.requests, Request{Header: r.Header.Clone(), Path: r.URL.Path, Body: string(body)})
	var next any = Fail{Status: 500, Type: "script_over"}
	if len(s.script) > 0 {
		next, s.script = s.script[0], s.script[1:]
	}
	s.mu.Unlock()
	switch next := next.(type) {
	case Fail:
		s.fail(w, next)
	case Say:
		w.Header().Set("Content-Type", "text/event-stream")
		e := &emitter{w: w, done: r.Context().Done()}
		if s.Provider == "openai" {
			next.openAI(e)
		} else {
			next.anthropic(e)
		}
	}
}

func (s *Server) fail(w http.ResponseWriter, f Fail) {
	if f.RetryAfter != "" {
		w.Header().Set("Retry-After", f.RetryAfter)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(f.Status)
	if s.Provider == "openai" {
		fmt.Fprintf(w, `{"error":{"message":"Incorrect API key provided: sk-te****cret. Try later.","type":%q,"param":null,"code":%q}}`, f.Type, f.Type)
		return
	}
	fmt.Fprintf(w, `{"type":"error","error":{"type":%q,"message":"sk-te****cret"},"request_id":"req_011CSHoEeqs5C35K2UUqR7Fy"}`, f.Type)
}

// emitter writes events and flushes each.
type emitter struct {
	w    http.ResponseWriter
	done <-chan struct{}
}

func (e *emitter) event(name string, data any) {
	if name != "" {
		fmt.Fprintf(e.w, "event: %s\n", name)
	}
	text, ok := data.(string)
	if !ok {
		encoded, _ := json.Marshal(data)
		text = string(encoded)
	}
	fmt.Fprintf(e.w, "data: %s\n\n", text)
	e.w.(http.Flusher).Flush()
}

// hold waits in the midst of an answer.
func (e *emitter) hold(s Say) {
	if s.Hold == nil {
		return
	}
	close(s.Began)
	select {
	case <-s.Hold:
	case <-e.done:
	}
}

// pieces cuts text into small parts at rune borders.
func pieces(text string, size int) []string {
	var out []string
	for len(text) > 0 {
		n := min(size, len(text))
		for n < len(text) && !utf8.RuneStart(text[n]) {
			n++
		}
		out = append(out, text[:n])
		text = text[n:]
	}
	return out
}

type object = map[string]any

func (s Say) openAI(e *emitter) {
	chunk := func(delta object, finish any) object {
		return object{"id": "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT", "object": "chat.completion.chunk", "created": 1764300000, "model": "test-model",
			"service_tier": "default", "system_fingerprint": "fp_44709d6fcb", "choices": []any{object{"index": 0, "delta": delta, "logprobs": nil, "finish_reason": finish}}, "usage": nil}
	}
	e.event("", chunk(object{"role": "assistant", "content": "", "refusal": nil}, nil))
	for i, p := range pieces(s.Text, 7) {
		e.event("", chunk(object{"content": p}, nil))
		if i == 0 {
			e.hold(s)
		}
	}
	if s.Error != "" {
		e.event("", object{"error": object{"message": "The server had an error", "type": s.Error, "param": nil, "code": nil}})
		return
	}
	for i, c := range s.Calls {
		e.event("", chunk(object{"tool_calls": []any{object{"index": i, "id": c.ID, "type": "function", "function": object{"name": c.Name, "arguments": ""}}}}, nil))
		parts := pieces(c.Args, 11)
		if s.Break {
			parts = parts[:len(parts)/2]
		}
		for _, p := range parts {
			e.event("", chunk(object{"tool_calls": []any{object{"index": i, "function": object{"arguments": p}}}}, nil))
		}
	}
	if s.Break {
		return
	}
	stop := s.Stop
	if stop == "" {
		stop = "stop"
		if len(s.Calls) > 0 {
			stop = "tool_calls"
		}
	}
	e.event("", chunk(object{}, stop))
	last := chunk(object{}, nil)
	last["choices"], last["usage"] = []any{}, object{"prompt_tokens": 120, "completion_tokens": 30, "total_tokens": 150}
	e.event("", last)
	e.event("", "[DONE]")
}

func (s Say) anthropic(e *emitter) {
	e.event("message_start", object{"type": "message_start", "message": object{"id": "msg_01XFDUDYJgAACzvnptvVoYEL", "type": "message", "role": "assistant", "content": []any{},
		"model": "test-model", "stop_reason": nil, "stop_sequence": nil, "usage": object{"input_tokens": 100, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 20, "output_tokens": 1}}})
	e.event("ping", object{"type": "ping"})
	at := 0
	if s.Text != "" {
		e.event("content_block_start", object{"type": "content_block_start", "index": at, "content_block": object{"type": "text", "text": ""}})
		for i, p := range pieces(s.Text, 7) {
			e.event("content_block_delta", object{"type": "content_block_delta", "index": at, "delta": object{"type": "text_delta", "text": p}})
			if i == 0 {
				e.hold(s)
			}
		}
		e.event("content_block_stop", object{"type": "content_block_stop", "index": at})
		at++
	}
	if s.Error != "" {
		e.event("error", object{"type": "error", "error": object{"type": s.Error, "message": "Overloaded"}})
		return
	}
	for _, c := range s.Calls {
		e.event("content_block_start", object{"type": "content_block_start", "index": at, "content_block": object{"type": "tool_use", "id": c.ID, "name": c.Name, "input": object{}}})
		parts := pieces(c.Args, 11)
		if s.Break {
			parts = parts[:len(parts)/2]
		}
		for _, p := range append([]string{""}, parts...) {
			e.event("content_block_delta", object{"type": "content_block_delta", "index": at, "delta": object{"type": "input_json_delta", "partial_json": p}})
		}
		if s.Break {
			return
		}
		e.event("content_block_stop", object{"type": "content_block_stop", "index": at})
		at++
	}
	if s.Break {
		return
	}
	stop := map[string]string{"": "end_turn", "stop": "end_turn", "length": "max_tokens", "content_filter": "refusal", "tool_calls": "tool_use"}[s.Stop]
	if s.Stop == "" && len(s.Calls) > 0 {
		stop = "tool_use"
	}
	e.event("message_delta", object{"type": "message_delta", "delta": object{"stop_reason": stop, "stop_sequence": nil}, "usage": object{"output_tokens": 30}})
	e.event("message_stop", object{"type": "message_stop"})
}
