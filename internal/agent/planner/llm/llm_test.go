package llm_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/sdk/trace"

	"flowgate/internal/agent/planner/llm"
	"flowgate/internal/agent/planner/llm/llmtest"
	"flowgate/internal/egress"
	"flowgate/internal/telemetry"
	"flowgate/internal/workflow"
)

const secret = "sk-test-0123456789-secret"

var providers = []string{llm.OpenAI, llm.Anthropic}

// pauses records what was waited for and waits not at all.
type pauses struct {
	mu   sync.Mutex
	list []time.Duration
}

func (p *pauses) wait(ctx context.Context, d time.Duration) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.list = append(p.list, d)
	return ctx.Err()
}

func modelOf(t *testing.T, s *llmtest.Server, change func(*llm.Options)) llm.Model {
	t.Helper()
	o := llm.Options{Provider: s.Provider, Model: "test-model", Key: secret, BaseURL: s.Base(), Pause: (&pauses{}).wait}
	if change != nil {
		change(&o)
	}
	m, err := llm.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func call() llm.Call {
	return llm.Call{System: "be brief", MaxTokens: 1000, Messages: []llm.Message{{Text: "hello"}},
		Tools: []llm.Tool{{Name: "look", Description: "looks", Schema: map[string]any{"type": "object", "properties": map[string]any{"at": map[string]any{"type": "string"}}, "required": []string{"at"}}}}}
}

func looks(id, args string) llmtest.Call {
	return llmtest.Call{ID: id, Name: "look", Args: args}
}

// each runs a test against both providers.
func each(t *testing.T, test func(t *testing.T, provider string)) {
	t.Parallel()
	for _, p := range providers {
		t.Run(p, func(t *testing.T) {
			t.Parallel()
			test(t, p)
		})
	}
}

// TestStreaming hears the words in pieces, in Chinese and English, and gets
// parallel tool calls with their arguments.
func TestStreaming(t *testing.T) {
	each(t, func(t *testing.T, provider string) {
		words := "I look at both. 我来查找节点类型，请稍等。"
		s := llmtest.Start(t, provider, llmtest.Say{Text: words, Calls: []llmtest.Call{looks("call_a", `{"at":"首页, \"quoted\""}`), looks("call_b", `{"at":"there"}`)}})
		var heard []string
		a, err := modelOf(t, s, nil).Ask(t.Context(), call(), func(p string) { heard = append(heard, p) })
		if err != nil {
			t.Fatal(err)
		}
		if a.Text != words || strings.Join(heard, "") != words || len(heard) < 5 {
			t.Errorf("heard %q, answer %q", heard, a.Text)
		}
		if len(a.Calls) != 2 || a.Calls[0].ID != "call_a" || a.Calls[1].Name != "look" || string(a.Calls[0].Args) != `{"at":"首页, \"quoted\""}` || string(a.Calls[1].Args) != `{"at":"there"}` {
			t.Errorf("calls %+v", a.Calls)
		}
		if a.Usage != (llm.Usage{Input: 120, Output: 30}) || a.Refused || a.Cut {
			t.Errorf("%+v", a)
		}
	})
}

// TestWire looks at what is sent: the key in its header alone, tools, and a
// history with calls and results, an empty one
// among them. Malformed arguments go back as an object.
func TestWire(t *testing.T) {
	each(t, func(t *testing.T, provider string) {
		s := llmtest.Start(t, provider, llmtest.Say{Text: "done"})
		c := call()
		c.Messages = append(c.Messages, llm.Message{Assistant: true, Text: "looking", Calls: []llm.ToolCall{{ID: "1", Name: "look", Args: json.RawMessage(`{"at":"x"}`)}, {ID: "2", Name: "look", Args: json.RawMessage(`{"at":`)}}},
			llm.Message{Results: []llm.ToolResult{{ID: "1", Text: ""}, {ID: "2", Text: "bad", Failed: true}}})
		if _, err := modelOf(t, s, nil).Ask(t.Context(), c, nil); err != nil {
			t.Fatal(err)
		}
		r := s.Requests()[0]
		if strings.Contains(r.Body, secret) {
			t.Error("the key is in the body")
		}
		path, header, value := "/v1/chat/completions", "Authorization", "Bearer "+secret
		if provider == llm.Anthropic {
			path, header, value = "/v1/messages", "X-Api-Key", secret
		}
		if r.Path != path || r.Header.Get(header) != value || provider == llm.Anthropic && r.Header.Get("Anthropic-Version") != "2023-06-01" {
			t.Errorf("%s %v", r.Path, r.Header)
		}
		var got, want any
		if err := errors.Join(json.Unmarshal([]byte(r.Body), &got), json.Unmarshal([]byte(bodies[provider]), &want)); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("sent\n%s\nwant\n%s", r.Body, bodies[provider])
		}
	})
}

// bodies are what the providers' references have for TestWire's call.
var bodies = map[string]string{
	llm.OpenAI: `{
		"model": "test-model", "stream": true, "stream_options": {"include_usage": true}, "max_tokens": 1000,
		"messages": [
			{"role": "system", "content": "be brief"},
			{"role": "user", "content": "hello"},
			{"role": "assistant", "content": "looking", "tool_calls": [
				{"id": "1", "type": "function", "function": {"name": "look", "arguments": "{\"at\":\"x\"}"}},
				{"id": "2", "type": "function", "function": {"name": "look", "arguments": "{}"}}]},
			{"role": "tool", "tool_call_id": "1", "content": ""},
			{"role": "tool", "tool_call_id": "2", "content": "bad"}],
		"tools": [{"type": "function", "function": {"name": "look", "description": "looks",
			"parameters": {"type": "object", "properties": {"at": {"type": "string"}}, "required": ["at"]}}}]}`,
	llm.Anthropic: `{
		"model": "test-model", "stream": true, "max_tokens": 1000,
		"system": [{"type": "text", "text": "be brief", "cache_control": {"type": "ephemeral"}}],
		"messages": [
			{"role": "user", "content": [{"type": "text", "text": "hello"}]},
			{"role": "assistant", "content": [{"type": "text", "text": "looking"},
				{"type": "tool_use", "id": "1", "name": "look", "input": {"at": "x"}},
				{"type": "tool_use", "id": "2", "name": "look", "input": {}}]},
			{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1"},
				{"type": "tool_result", "tool_use_id": "2", "is_error": true, "content": [{"type": "text", "text": "bad"}]}]}],
		"tools": [{"name": "look", "description": "looks",
			"input_schema": {"type": "object", "properties": {"at": {"type": "string"}}, "required": ["at"]}}]}`,
}

// TestEnvironment has keys and addresses in the environment: none is used.
func TestEnvironment(t *testing.T) {
	for name, value := range map[string]string{"OPENAI_API_KEY": "env-key", "OPENAI_BASE_URL": "http://127.0.0.1:1/v1", "OPENAI_ORG_ID": "env-org", "ANTHROPIC_API_KEY": "env-key",
		"ANTHROPIC_AUTH_TOKEN": "env-token", "ANTHROPIC_BASE_URL": "http://127.0.0.1:1"} {
		t.Setenv(name, value)
	}
	for _, provider := range providers {
		s := llmtest.Start(t, provider, llmtest.Say{Text: "hi"})
		if _, err := modelOf(t, s, func(o *llm.Options) { o.Key = "" }).Ask(t.Context(), call(), nil); err != nil {
			t.Fatal(err)
		}
		for name, values := range s.Requests()[0].Header {
			if strings.Contains(strings.Join(values, " "), "env-") {
				t.Errorf("%s: the header %s holds what is in the environment", provider, name)
			}
		}
	}
}

// TestAgain has providers limit the rate, be overloaded and break off before
// they answer.
func TestAgain(t *testing.T) {
	each(t, func(t *testing.T, provider string) {
		overloaded := llmtest.Fail{Status: 503, Type: "server_error"}
		if provider == llm.Anthropic {
			overloaded = llmtest.Fail{Status: 529, Type: "overloaded_error"}
		}
		for name, first := range map[string]any{
			"rate limit":         llmtest.Fail{Status: 429, Type: "rate_limit_error", RetryAfter: "7"},
			"overload":           overloaded,
			"truncated text":     llmtest.Say{Text: "half an answ", Break: true},
			"truncated call":     llmtest.Say{Text: "so", Calls: []llmtest.Call{looks("a", `{"at":"somewhere far away"}`)}, Break: true},
			"error in a stream":  llmtest.Say{Text: "so", Error: "overloaded_error"},
			"internal error":     llmtest.Fail{Status: 500, Type: "api_error"},
			"gateway timed out":  llmtest.Fail{Status: 504},
			"nothing at all":     llmtest.Say{Break: true},
			"limit in a stream":  llmtest.Say{Error: "rate_limit_error"},
			"conflict, lock etc": llmtest.Fail{Status: 409},
		} {
			p := &pauses{}
			s := llmtest.Start(t, provider, first, llmtest.Say{Text: "whole"})
			a, err := modelOf(t, s, func(o *llm.Options) { o.Pause = p.wait }).Ask(t.Context(), call(), nil)
			if err != nil || a.Text != "whole" || len(a.Calls) != 0 || len(p.list) != 1 {
				t.Errorf("%s: %v, %+v after %v", name, err, a, p.list)
			}
			if name == "rate limit" && (len(p.list) != 1 || p.list[0] != 7*time.Second) {
				t.Errorf("after a rate limit it waited %v, not the 7 s it was told", p.list)
			}
		}
	})
}

// TestFailures asks those who never answer. Nothing of it repeats what the
// provider says of the key.
func TestFailures(t *testing.T) {
	each(t, func(t *testing.T, provider string) {
		for name, c := range map[string]struct {
			fail   llmtest.Fail
			reason string
			tries  int
		}{
			"overloaded for long": {llmtest.Fail{Status: 503, Type: "overloaded_error"}, llm.ReasonUnavailable, 4},
			"limited for long":    {llmtest.Fail{Status: 429, Type: "rate_limit_error", RetryAfter: "1"}, llm.ReasonLimited, 4},
			"limited for an hour": {llmtest.Fail{Status: 429, Type: "rate_limit_error", RetryAfter: "3600"}, llm.ReasonLimited, 1},
			"no quota":            {llmtest.Fail{Status: 429, Type: "insufficient_quota"}, llm.ReasonLimited, 1},
			"wrong key":           {llmtest.Fail{Status: 401, Type: "authentication_error"}, llm.ReasonKey, 1},
			"unknown model":       {llmtest.Fail{Status: 404, Type: "not_found_error"}, llm.ReasonRequest, 1},
			"too long":            {llmtest.Fail{Status: 400, Type: "invalid_request_error"}, llm.ReasonRequest, 1},
		} {
			var log strings.Builder
			s := llmtest.Start(t, provider, c.fail, c.fail, c.fail, c.fail, c.fail)
			_, err := modelOf(t, s, func(o *llm.Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) }).Ask(t.Context(), call(), nil)
			if workflow.ReasonOf(err) != c.reason || len(s.Requests()) != c.tries {
				t.Errorf("%s: %v after %d tries", name, err, len(s.Requests()))
			}
			if all := log.String() + err.Error() + workflow.MessageOf(err); strings.Contains(all, "sk-") || strings.Contains(all, secret) {
				t.Errorf("%s: the key, or part of it, is told: %s", name, all)
			}
		}
	})
}

// TestRefusal has the model or its provider decline, and an answer cut off.
func TestRefusal(t *testing.T) {
	each(t, func(t *testing.T, provider string) {
		s := llmtest.Start(t, provider, llmtest.Say{Text: "I can't help with that.", Stop: "content_filter"}, llmtest.Say{Text: "and so on", Stop: "length"})
		m := modelOf(t, s, nil)
		a, err := m.Ask(t.Context(), call(), nil)
		if err != nil || !a.Refused || a.Text != "I can't help with that." {
			t.Errorf("%v %+v", err, a)
		}
		if a, err = m.Ask(t.Context(), call(), nil); err != nil || !a.Cut || a.Refused {
			t.Errorf("%v %+v", err, a)
		}
	})
}

// TestCancelled ends a call in the midst of the stream; it is not tried again.
func TestCancelled(t *testing.T) {
	each(t, func(t *testing.T, provider string) {
		hold, began := make(chan struct{}), make(chan struct{})
		defer close(hold)
		s := llmtest.Start(t, provider, llmtest.Say{Text: "a long answer that nobody waits for", Hold: hold, Began: began})
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-began; cancel() }()
		_, err := modelOf(t, s, nil).Ask(ctx, call(), nil)
		if !errors.Is(err, context.Canceled) || len(s.Requests()) != 1 {
			t.Errorf("%v after %d requests", err, len(s.Requests()))
		}
	})
}

// TestSilent has a provider stop in the midst of an answer without hanging up.
func TestSilent(t *testing.T) {
	each(t, func(t *testing.T, provider string) {
		hold, began := make(chan struct{}), make(chan struct{})
		defer close(hold)
		s := llmtest.Start(t, provider, llmtest.Say{Text: "hm, let me think about that", Hold: hold, Began: began}, llmtest.Say{Text: "yes"})
		a, err := modelOf(t, s, func(o *llm.Options) { o.Idle = 2 * time.Second }).Ask(t.Context(), call(), nil)
		if err != nil || a.Text != "yes" {
			t.Errorf("%v %+v", err, a)
		}
	})
}

// TestEndless has a provider that writes without end.
func TestEndless(t *testing.T) {
	t.Parallel()
	big := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		piece := []byte("event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"" + strings.Repeat("x", 256<<10) + "\"}}\n\n")
		for range 64 {
			if _, err := w.Write(piece); err != nil {
				return
			}
		}
	}))
	defer big.Close()
	m, err := llm.New(llm.Options{Provider: llm.Anthropic, Model: "m", BaseURL: big.URL, Pause: (&pauses{}).wait})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Ask(t.Context(), call(), nil); workflow.ReasonOf(err) != llm.ReasonRequest {
		t.Errorf("%v", err)
	}
}

// TestRedirect has a provider send the caller elsewhere: the key stays.
func TestRedirect(t *testing.T) {
	each(t, func(t *testing.T, provider string) {
		elsewhere := llmtest.Start(t, provider, llmtest.Say{Text: "gotcha"})
		s := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
		defer s.Close()
		m, err := llm.New(llm.Options{Provider: provider, Model: "m", Key: secret, BaseURL: s.URL, Pause: (&pauses{}).wait})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Ask(t.Context(), call(), nil); err == nil || len(elsewhere.Requests()) != 0 {
			t.Errorf("%v; elsewhere was asked %d times", err, len(elsewhere.Requests()))
		}
	})
}

// TestGuarded reaches an address inside by the guarded client.
func TestGuarded(t *testing.T) {
	each(t, func(t *testing.T, provider string) {
		s := llmtest.Start(t, provider, llmtest.Say{Text: "inside"})
		guard := egress.New(egress.Options{})
		_, err := modelOf(t, s, func(o *llm.Options) { o.Client = guard.Client() }).Ask(t.Context(), call(), nil)
		if workflow.CodeOf(err) != workflow.CodeForbidden || len(s.Requests()) != 0 {
			t.Errorf("%v after %d requests", err, len(s.Requests()))
		}
	})
}

// spansKept keeps what is exported, also when the tracer is closed.
type spansKept struct{ list []trace.ReadOnlySpan }

func (s *spansKept) ExportSpans(_ context.Context, list []trace.ReadOnlySpan) error {
	s.list = append(s.list, list...)
	return nil
}

func (*spansKept) Shutdown(context.Context) error { return nil }

// TestSpans looks at what a trace tells: each attempt with what it used up and
// how it failed, and nothing that was said.
func TestSpans(t *testing.T) {
	each(t, func(t *testing.T, provider string) {
		memory := &spansKept{}
		tracer, err := telemetry.NewTracer(t.Context(), telemetry.TraceOptions{Exporter: memory, Ratio: 1})
		if err != nil {
			t.Fatal(err)
		}
		s := llmtest.Start(t, provider, llmtest.Fail{Status: 503, Type: "overloaded_error"}, llmtest.Say{Text: "the words of the answer"})
		if _, err := modelOf(t, s, func(o *llm.Options) { o.Tracer = tracer }).Ask(t.Context(), call(), nil); err != nil {
			t.Fatal(err)
		}
		if err := tracer.Close(t.Context()); err != nil { // which exports them
			t.Fatal(err)
		}
		spans := memory.list
		if len(spans) != 2 {
			t.Fatalf("%d spans", len(spans))
		}
		for i, want := range []string{`error.type=overloaded`, `gen_ai.usage.input_tokens=120 gen_ai.usage.output_tokens=30`} {
			var told []string
			for _, a := range spans[i].Attributes() {
				told = append(told, string(a.Key)+"="+a.Value.String())
			}
			all := strings.Join(told, " ")
			if spans[i].Name() != "chat test-model" || !strings.Contains(all, "gen_ai.operation.name=chat gen_ai.provider.name="+provider+" gen_ai.request.model=test-model") || !strings.Contains(all, want) ||
				strings.Contains(all, "words") || strings.Contains(all, "hello") || strings.Contains(all, secret) {
				t.Errorf("the span %s tells %s", spans[i].Name(), all)
			}
		}
	})
}

// TestProbe asks whether a provider is there and takes the key.
func TestProbe(t *testing.T) {
	each(t, func(t *testing.T, provider string) {
		s := llmtest.Start(t, provider)
		if err := llm.Probe(t.Context(), llm.Options{Provider: provider, BaseURL: s.Base(), Key: secret}); err != nil {
			t.Error(err)
		}
		refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
		defer refuses.Close()
		if err := llm.Probe(t.Context(), llm.Options{Provider: provider, BaseURL: refuses.URL, Key: secret}); workflow.ReasonOf(err) != llm.ReasonKey {
			t.Error(err)
		}
		refuses.Close()
		if err := llm.Probe(t.Context(), llm.Options{Provider: provider, BaseURL: refuses.URL, Key: secret}); workflow.ReasonOf(err) != llm.ReasonUnavailable {
			t.Error(err)
		}
	})
}
