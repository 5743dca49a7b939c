package llm

import (
	"context"
	"fmt"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/shared"
)

// openAI speaks chat completions, the interface that other services and local
// servers offer, too.
type openAI struct {
	opts  Options
	chats openai.ChatCompletionService
}

// newOpenAI makes the service by itself: openai.NewClient would take keys and
// addresses from the environment.
func newOpenAI(o Options) *openAI {
	opts := []option.RequestOption{option.WithBaseURL(o.BaseURL), option.WithHTTPClient(o.Client), option.WithMaxRetries(0)}
	if o.Key != "" {
		opts = append(opts, option.WithAPIKey(o.Key))
	}
	if o.Organization != "" {
		opts = append(opts, option.WithOrganization(o.Organization))
	}
	return &openAI{opts: o, chats: openai.NewChatCompletionService(opts...)}
}

func (m *openAI) ask(ctx context.Context, c Call, heard func(string) error) (Answer, error) {
	b := &builder{heard: heard}
	stream := m.chats.NewStreaming(ctx, m.params(c))
	defer func() { _ = stream.Close() }() // all that was wanted was read
	finish := ""
	places := map[int64]int{}
	for stream.Next() {
		chunk := stream.Current()
		if u := chunk.Usage; u.TotalTokens > 0 || u.PromptTokens > 0 {
			b.answer.Usage = Usage{Input: u.PromptTokens, Output: u.CompletionTokens}
		}
		if len(chunk.Choices) == 0 {
			if err := heard(""); err != nil {
				return b.done(), err
			}
			continue
		}
		choice := chunk.Choices[0]
		if choice.FinishReason != "" {
			finish = choice.FinishReason
		}
		if choice.Delta.Refusal != "" {
			b.answer.Refused = true
		}
		if err := b.delta(choice.Delta, places); err != nil {
			return b.done(), err
		}
	}
	if err := stream.Err(); err != nil {
		return b.done(), openAIFault(err)
	}
	if finish == "" {
		return b.done(), &fault{kind: kindBroken, says: "the stream ended before the answer did"}
	}
	b.answer.Cut, b.answer.Refused = finish == "length", b.answer.Refused || finish == "content_filter"
	return b.done(), nil
}

// delta takes one piece. Some servers send every call under index 0 and tell
// them apart by their ids alone.
func (b *builder) delta(d openai.ChatCompletionChunkChoiceDelta, places map[int64]int) error {
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

func (m *openAI) params(c Call) openai.ChatCompletionNewParams {
	p := openai.ChatCompletionNewParams{Model: m.opts.Model, Messages: []openai.ChatCompletionMessageParamUnion{openai.SystemMessage(c.System)},
		StreamOptions: openai.ChatCompletionStreamOptionsParam{IncludeUsage: param.NewOpt(true)}}
	if c.MaxTokens > 0 && m.opts.BaseURL == OpenAIBase {
		p.MaxCompletionTokens = param.NewOpt(c.MaxTokens)
	} else if c.MaxTokens > 0 { // the name that other servers know
		p.MaxTokens = param.NewOpt(c.MaxTokens)
	}
	for _, t := range c.Tools {
		p.Tools = append(p.Tools, openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{Name: t.Name,
			Description: param.NewOpt(t.Description), Parameters: t.Schema}))
	}
	for _, msg := range c.Messages {
		p.Messages = append(p.Messages, openAIMessages(msg)...)
	}
	return p
}

func openAIMessages(m Message) []openai.ChatCompletionMessageParamUnion {
	if !m.Assistant {
		var out []openai.ChatCompletionMessageParamUnion
		for _, r := range m.Results {
			out = append(out, openai.ToolMessage(r.Text, r.ID))
		}
		if m.Text != "" {
			out = append(out, openai.UserMessage(m.Text))
		}
		return out
	}
	a := &openai.ChatCompletionAssistantMessageParam{}
	if m.Text != "" {
		a.Content.OfString = param.NewOpt(m.Text)
	}
	for _, call := range m.Calls {
		a.ToolCalls = append(a.ToolCalls, openai.ChatCompletionMessageToolCallUnionParam{OfFunction: &openai.ChatCompletionMessageFunctionToolCallParam{
			ID: call.ID, Function: openai.ChatCompletionMessageFunctionToolCallFunctionParam{Name: call.Name, Arguments: string(object(call.Args))}}})
	}
	return []openai.ChatCompletionMessageParamUnion{{OfAssistant: a}}
}
