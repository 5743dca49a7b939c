package llm

import (
	"context"
	"fmt"
	"io"
	"net/http"
)

// openAI speaks chat completions, the interface that other services and local
// servers offer, too.
type openAI struct {
	opts Options
	wire wire
}

func newOpenAI(o Options) *openAI {
	h := http.Header{}
	if o.Key != "" {
		h.Set("Authorization", "Bearer "+o.Key)
	}
	if o.Organization != "" {
		h.Set("OpenAI-Organization", o.Organization)
	}
	return &openAI{opts: o, wire: wire{client: o.Client, url: o.BaseURL + "/chat/completions", header: h}}
}

// What is sent.
type (
	chatRequest struct {
		Model         string        `json:"model"`
		Messages      []chatMessage `json:"messages"`
		Tools         []chatTool    `json:"tools,omitempty"`
		Stream        bool          `json:"stream"`
		StreamOptions struct {
			IncludeUsage bool `json:"include_usage"`
		} `json:"stream_options"`
		MaxCompletionTokens int64 `json:"max_completion_tokens,omitempty"`
		MaxTokens           int64 `json:"max_tokens,omitempty"`
	}
	chatMessage struct {
		Role       string     `json:"role"`
		Content    *string    `json:"content,omitempty"` // all have one but a model's calls without words
		ToolCalls  []chatCall `json:"tool_calls,omitempty"`
		ToolCallID string     `json:"tool_call_id,omitempty"`
	}
	chatCall struct {
		Index    int64        `json:"index,omitempty"` // in answers only
		ID       string       `json:"id"`
		Type     string       `json:"type"`
		Function chatFunction `json:"function"`
	}
	chatFunction struct {
		Name        string         `json:"name"`
		Description string         `json:"description,omitempty"` // of a tool
		Parameters  map[string]any `json:"parameters,omitempty"`  // of a tool
		Arguments   string         `json:"arguments,omitempty"`   // of a call: JSON as text
	}
	chatTool struct {
		Type     string       `json:"type"`
		Function chatFunction `json:"function"`
	}
)

// chatChunk is one piece of an answer.
type chatChunk struct {
	Choices []struct {
		Delta        chatDelta `json:"delta"`
		FinishReason string    `json:"finish_reason"`
	} `json:"choices"`
	Usage *struct {
		PromptTokens     int64 `json:"prompt_tokens"`
		CompletionTokens int64 `json:"completion_tokens"`
	} `json:"usage"`
}

type chatDelta struct {
	Content   string     `json:"content"`
	Refusal   string     `json:"refusal"`
	ToolCalls []chatCall `json:"tool_calls"`
}

func (m *openAI) ask(ctx context.Context, c Call, heard func(string) error) (Answer, error) {
	b := &builder{heard: heard}
	finish := ""
	places := map[int64]int{}
	err := m.wire.stream(ctx, m.request(c), func(data string) error {
		if data == "[DONE]" {
			return io.EOF
		}
		var chunk chatChunk
		if err := piece(data, &chunk); err != nil {
			return err
		}
		if u := chunk.Usage; u != nil {
			b.answer.Usage = Usage{Input: u.PromptTokens, Output: u.CompletionTokens}
		}
		if len(chunk.Choices) == 0 {
			return heard("")
		}
		choice := chunk.Choices[0]
		if choice.FinishReason != "" {
			finish = choice.FinishReason
		}
		b.answer.Refused = b.answer.Refused || choice.Delta.Refusal != ""
		return b.delta(choice.Delta, places)
	})
	switch {
	case err != nil:
		return b.done(), err
	case finish == "":
		return b.done(), errCutOff()
	}
	b.answer.Cut, b.answer.Refused = finish == "length", b.answer.Refused || finish == "content_filter"
	return b.done(), nil
}

// delta takes one piece. Some servers send every call under index 0 and tell
// them apart by their ids alone.
func (b *builder) delta(d chatDelta, places map[int64]int) error {
	if err := b.heard(""); err != nil {
		return err
	}
	if err := b.say(d.Content); err != nil {
		return err
	}
	for _, t := range d.ToolCalls {
		at, known := places[t.Index]
		if !known || t.ID != "" && b.answer.Calls[at].ID != t.ID {
			id := t.ID
			if id == "" {
				id = fmt.Sprintf("call_%d", len(b.answer.Calls)+1)
			}
			at = b.call(id, "")
			places[t.Index] = at
		}
		if b.answer.Calls[at].Name == "" {
			b.answer.Calls[at].Name = t.Function.Name
		}
		if err := b.arg(at, t.Function.Arguments); err != nil {
			return err
		}
	}
	return nil
}

func (m *openAI) request(c Call) chatRequest {
	r := chatRequest{Model: m.opts.Model, Messages: []chatMessage{{Role: "system", Content: &c.System}}, Stream: true}
	r.StreamOptions.IncludeUsage = true
	if m.opts.BaseURL == OpenAIBase {
		r.MaxCompletionTokens = c.MaxTokens
	} else { // the name that other servers know
		r.MaxTokens = c.MaxTokens
	}
	for _, t := range c.Tools {
		r.Tools = append(r.Tools, chatTool{Type: "function", Function: chatFunction{Name: t.Name, Description: t.Description, Parameters: t.Schema}})
	}
	for _, msg := range c.Messages {
		r.Messages = append(r.Messages, chatMessages(msg)...)
	}
	return r
}

func chatMessages(m Message) (out []chatMessage) {
	if m.Assistant {
		a := chatMessage{Role: "assistant"}
		if m.Text != "" {
			a.Content = &m.Text
		}
		for _, call := range m.Calls {
			a.ToolCalls = append(a.ToolCalls, chatCall{ID: call.ID, Type: "function", Function: chatFunction{Name: call.Name, Arguments: string(object(call.Args))}})
		}
		return []chatMessage{a}
	}
	for _, r := range m.Results {
		out = append(out, chatMessage{Role: "tool", Content: &r.Text, ToolCallID: r.ID})
	}
	if m.Text != "" {
		out = append(out, chatMessage{Role: "user", Content: &m.Text})
	}
	return out
}
