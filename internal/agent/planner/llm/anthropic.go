package llm

import (
	"context"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"
)

// claude speaks Anthropic's messages.
type claude struct {
	opts     Options
	messages anthropic.MessageService
}

// newAnthropic makes the service by itself: anthropic.NewClient would take
// keys and addresses from the environment.
func newAnthropic(o Options) *claude {
	opts := []option.RequestOption{option.WithBaseURL(o.BaseURL), option.WithHTTPClient(o.Client), option.WithMaxRetries(0)}
	if o.Key != "" {
		opts = append(opts, option.WithAPIKey(o.Key))
	}
	return &claude{opts: o, messages: anthropic.NewMessageService(opts...)}
}

func (m *claude) ask(ctx context.Context, c Call, heard func(string) error) (Answer, error) {
	b := &builder{heard: heard}
	stream := m.messages.NewStreaming(ctx, m.params(c))
	defer func() { _ = stream.Close() }() // all that was wanted was read
	stop, ended := "", false
	places := map[int64]int{}
	for stream.Next() {
		e := stream.Current()
		err := heard("")
		switch e.Type {
		case "message_start":
			u := e.Message.Usage
			b.answer.Usage = Usage{Input: u.InputTokens + u.CacheCreationInputTokens + u.CacheReadInputTokens, Output: u.OutputTokens}
		case "content_block_start":
			if e.ContentBlock.Type == "tool_use" {
				places[e.Index] = b.call(e.ContentBlock.ID, e.ContentBlock.Name)
			} else {
				err = b.say(e.ContentBlock.Text)
			}
		case "content_block_delta":
			if at, tool := places[e.Index]; tool {
				err = b.arg(at, e.Delta.PartialJSON)
			} else {
				err = b.say(e.Delta.Text)
			}
		case "message_delta":
			stop = string(e.Delta.StopReason)
			b.answer.Usage.Output = max(b.answer.Usage.Output, e.Usage.OutputTokens)
		case "message_stop":
			ended = true
		}
		if err != nil {
			return b.done(), err
		}
	}
	if err := stream.Err(); err != nil {
		return b.done(), anthropicFault(err)
	}
	if !ended || stop == "" {
		return b.done(), &fault{kind: kindBroken, says: "the stream ended before the answer did"}
	}
	b.answer.Refused, b.answer.Cut = stop == "refusal", stop == "max_tokens"
	return b.done(), nil
}

func (m *claude) params(c Call) anthropic.MessageNewParams {
	p := anthropic.MessageNewParams{Model: m.opts.Model, MaxTokens: c.MaxTokens,
		System: []anthropic.TextBlockParam{{Text: c.System, CacheControl: anthropic.NewCacheControlEphemeralParam()}}}
	for _, t := range c.Tools {
		schema := anthropic.ToolInputSchemaParam{Properties: t.Schema["properties"]}
		schema.Required, _ = t.Schema["required"].([]string)
		p.Tools = append(p.Tools, anthropic.ToolUnionParam{OfTool: &anthropic.ToolParam{Name: t.Name, Description: anthropic.String(t.Description), InputSchema: schema}})
	}
	for _, msg := range c.Messages {
		var blocks []anthropic.ContentBlockParamUnion
		for _, r := range msg.Results {
			blocks = append(blocks, anthropic.NewToolResultBlock(r.ID, r.Text, r.Failed))
		}
		if msg.Text != "" {
			blocks = append(blocks, anthropic.NewTextBlock(msg.Text))
		}
		for _, call := range msg.Calls {
			blocks = append(blocks, anthropic.NewToolUseBlock(call.ID, object(call.Args), call.Name))
		}
		if msg.Assistant {
			p.Messages = append(p.Messages, anthropic.NewAssistantMessage(blocks...))
		} else {
			p.Messages = append(p.Messages, anthropic.NewUserMessage(blocks...))
		}
	}
	return p
}
