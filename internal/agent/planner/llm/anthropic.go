package llm

import (
	"context"
	"encoding/json"
	"net/http"
)

// anthropicVersion is the version of Anthropic's interface that is spoken.
const anthropicVersion = "2023-06-01"

// claude speaks Anthropic's messages.
type claude struct {
	opts Options
	wire wire
}

func newAnthropic(o Options) *claude {
	h := http.Header{}
	h.Set("Anthropic-Version", anthropicVersion)
	if o.Key != "" {
		h.Set("X-Api-Key", o.Key)
	}
	return &claude{opts: o, wire: wire{client: o.Client, url: o.BaseURL + "/v1/messages", header: h}}
}

// What is sent.
type (
	claudeRequest struct {
		Model     string          `json:"model"`
		MaxTokens int64           `json:"max_tokens"`
		System    []claudeBlock   `json:"system"`
		Messages  []claudeMessage `json:"messages"`
		Tools     []claudeTool    `json:"tools,omitempty"`
		Stream    bool            `json:"stream"`
	}
	claudeMessage struct {
		Role    string        `json:"role"`
		Content []claudeBlock `json:"content"`
	}
	// claudeBlock is a text, a tool's use or its result, by Type.
	claudeBlock struct {
		Type         string          `json:"type"`
		Text         string          `json:"text,omitempty"`
		CacheControl *claudeCache    `json:"cache_control,omitempty"`
		ID           string          `json:"id,omitempty"`
		Name         string          `json:"name,omitempty"`
		Input        json.RawMessage `json:"input,omitempty"`
		ToolUseID    string          `json:"tool_use_id,omitempty"`
		Content      []claudeBlock   `json:"content,omitempty"`
		IsError      bool            `json:"is_error,omitempty"`
	}
	claudeCache struct {
		Type string `json:"type"`
	}
	claudeTool struct {
		Name        string         `json:"name"`
		Description string         `json:"description"`
		InputSchema map[string]any `json:"input_schema"`
	}
)

type claudeUsage struct {
	InputTokens              int64 `json:"input_tokens"`
	CacheCreationInputTokens int64 `json:"cache_creation_input_tokens"`
	CacheReadInputTokens     int64 `json:"cache_read_input_tokens"`
	OutputTokens             int64 `json:"output_tokens"`
}

// claudeEvent is one piece of an answer.
type claudeEvent struct {
	Type    string `json:"type"`
	Index   int64  `json:"index"`
	Message struct {
		Usage claudeUsage `json:"usage"`
	} `json:"message"`
	ContentBlock claudeBlock `json:"content_block"`
	Delta        struct {
		Text        string `json:"text"`
		PartialJSON string `json:"partial_json"`
		StopReason  string `json:"stop_reason"`
	} `json:"delta"`
	Usage claudeUsage `json:"usage"`
}

func (m *claude) ask(ctx context.Context, c Call, heard func(string) error) (Answer, error) {
	b := &builder{heard: heard}
	stop, ended := "", false
	places := map[int64]int{}
	err := m.wire.stream(ctx, m.request(c), func(data string) error {
		var e claudeEvent
		if err := piece(data, &e); err != nil {
			return err
		}
		if err := heard(""); err != nil {
			return err
		}
		switch e.Type {
		case "message_start":
			u := e.Message.Usage
			b.answer.Usage = Usage{Input: u.InputTokens + u.CacheCreationInputTokens + u.CacheReadInputTokens, Output: u.OutputTokens}
		case "content_block_start":
			if e.ContentBlock.Type != "tool_use" {
				return b.say(e.ContentBlock.Text)
			}
			places[e.Index] = b.call(e.ContentBlock.ID, e.ContentBlock.Name)
		case "content_block_delta":
			if at, tool := places[e.Index]; tool {
				return b.arg(at, e.Delta.PartialJSON)
			}
			return b.say(e.Delta.Text)
		case "message_delta":
			stop = e.Delta.StopReason
			b.answer.Usage.Output = max(b.answer.Usage.Output, e.Usage.OutputTokens)
		case "message_stop":
			ended = true
		}
		return nil
	})
	switch {
	case err != nil:
		return b.done(), err
	case !ended || stop == "":
		return b.done(), errCutOff()
	}
	b.answer.Refused, b.answer.Cut = stop == "refusal", stop == "max_tokens"
	return b.done(), nil
}

func (m *claude) request(c Call) claudeRequest {
	r := claudeRequest{Model: m.opts.Model, MaxTokens: c.MaxTokens, Stream: true,
		System: []claudeBlock{{Type: "text", Text: c.System, CacheControl: &claudeCache{Type: "ephemeral"}}}}
	for _, t := range c.Tools {
		r.Tools = append(r.Tools, claudeTool{Name: t.Name, Description: t.Description, InputSchema: t.Schema})
	}
	for _, msg := range c.Messages {
		role := "user"
		if msg.Assistant {
			role = "assistant"
		}
		r.Messages = append(r.Messages, claudeMessage{Role: role, Content: claudeBlocks(msg)})
	}
	return r
}

// claudeBlocks are results first: they must come before the words.
func claudeBlocks(m Message) (out []claudeBlock) {
	for _, r := range m.Results {
		b := claudeBlock{Type: "tool_result", ToolUseID: r.ID, IsError: r.Failed}
		if r.Text != "" {
			b.Content = []claudeBlock{{Type: "text", Text: r.Text}}
		}
		out = append(out, b)
	}
	if m.Text != "" {
		out = append(out, claudeBlock{Type: "text", Text: m.Text})
	}
	for _, call := range m.Calls {
		out = append(out, claudeBlock{Type: "tool_use", ID: call.ID, Name: call.Name, Input: object(call.Args)})
	}
	return out
}
