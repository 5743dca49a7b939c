// Package llm asks language models: OpenAI, what speaks its interface, and
// Anthropic, behind one small interface. Answers are streamed; a provider that
// is overloaded, limits the rate or breaks off is asked again.
package llm

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"flowgate/internal/telemetry"
	"flowgate/internal/workflow"
)

// The providers.
const (
	OpenAI    = "openai" // and whatever speaks its chat completions
	Anthropic = "anthropic"
)

// Addresses of the providers' own services.
const (
	OpenAIBase    = "https://api.openai.com/v1"
	AnthropicBase = "https://api.anthropic.com"
)

// Model answers calls. Safe for concurrent use.
type Model interface {
	// Name is the model's, as its provider calls it.
	Name() string
	// Ask answers a call. text gets the answer's words as they come; nil:
	// nobody listens. The answer holds what was used up, also beside an error,
	// which is a *workflow.Error with one of the reasons below or ctx's.
	Ask(ctx context.Context, c Call, text func(piece string)) (Answer, error)
}

// Reasons of errors.
const (
	ReasonUnavailable = "MODEL_UNAVAILABLE"  // away, overloaded, or broken off again and again
	ReasonLimited     = "MODEL_RATE_LIMITED" // the provider's limits or quota
	ReasonKey         = "MODEL_KEY_REFUSED"
	ReasonRequest     = "MODEL_REQUEST_REFUSED" // an unknown model, too long a conversation
)

// Call is what a model is asked.
type Call struct {
	System    string
	Messages  []Message // begins with the user's
	Tools     []Tool
	MaxTokens int64 // of the answer
}

// Message is one of the user (Text, or Results of the calls before) or of the
// model (Text and Calls).
type Message struct {
	Assistant bool
	Text      string
	Calls     []ToolCall
	Results   []ToolResult
}

// Tool is something a model may call.
type Tool struct {
	Name, Description string
	Schema            map[string]any // JSON schema of an object
}

// ToolCall is a model's wish to have a tool called.
type ToolCall struct {
	ID, Name string
	Args     json.RawMessage // as the model wrote them; may be no JSON
}

// ToolResult answers a ToolCall.
type ToolResult struct {
	ID, Text string
	Failed   bool
}

// Answer is what a model said.
type Answer struct {
	Text    string
	Calls   []ToolCall
	Usage   Usage
	Refused bool // the model or its provider declines
	Cut     bool // MaxTokens were not enough
}

// Usage is what answers cost in tokens.
type Usage struct{ Input, Output int64 }

// Add adds what was used besides.
func (u *Usage) Add(v Usage) { u.Input, u.Output = u.Input+v.Input, u.Output+v.Output }

// Options say which model and how it is reached.
type Options struct {
	Provider     string
	Model        string
	Key          string // "": none is sent
	BaseURL      string // "": the provider's own
	Organization string // OpenAI's, "" for none
	// Client makes the requests; it is copied, and follows no redirects, which
	// would carry the key elsewhere. Nil: an ordinary one.
	Client *http.Client
	// Label names the model in metrics, whose values come from a fixed set.
	// "": "other".
	Label   string
	Metrics *telemetry.Metrics
	Tracer  *telemetry.Tracer
	Logger  *slog.Logger

	Attempts int           // of one call; 0: 4
	Idle     time.Duration // longest silence of a provider, twice as long before its first word; 0: 90 s
	// Pause waits between attempts. Nil: it does so by the clock.
	Pause func(ctx context.Context, d time.Duration) error
}

const (
	defaultAttempts = 4
	defaultIdle     = 90 * time.Second
	maxAnswer       = 2 << 20 // bytes of one answer
)

// New returns a model. CodeInvalid for options that cannot be.
func New(o Options) (Model, error) {
	if o.Model == "" {
		return nil, workflow.Errorf(workflow.CodeInvalid, "model: Name the model.")
	}
	if o.BaseURL == "" {
		o.BaseURL = base(o.Provider)
	}
	o.BaseURL = strings.TrimRight(o.BaseURL, "/")
	if u, err := url.Parse(o.BaseURL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, workflow.Errorf(workflow.CodeInvalid, "The model's address is not one such as %s.", OpenAIBase)
	}
	o.Client = direct(o.Client)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Attempts <= 0 {
		o.Attempts = defaultAttempts
	}
	if o.Idle <= 0 {
		o.Idle = defaultIdle
	}
	if o.Pause == nil {
		o.Pause = pause
	}
	if o.Label == "" {
		o.Label = "other"
	}
	m := &model{opts: o}
	switch o.Provider {
	case OpenAI:
		m.ask = newOpenAI(o).ask
	case Anthropic:
		m.ask = newAnthropic(o).ask
	default:
		return nil, workflow.Errorf(workflow.CodeInvalid, "provider: %q is neither openai nor anthropic.", o.Provider)
	}
	return m, nil
}

// base is the address of a provider's own service, "" for none.
func base(provider string) string {
	return map[string]string{OpenAI: OpenAIBase, Anthropic: AnthropicBase}[provider]
}

// direct returns a copy of c that follows no redirects.
func direct(c *http.Client) *http.Client {
	out := &http.Client{}
	if c != nil {
		*out = *c
	}
	out.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return out
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// asker asks a provider once.
type asker func(ctx context.Context, c Call, heard func(piece string) error) (Answer, error)

// builder gathers an answer from its pieces, within bounds.
type builder struct {
	answer Answer
	text   strings.Builder
	args   []*strings.Builder
	size   int
	heard  func(piece string) error
}

func (b *builder) grow(n int) error {
	if b.size += n; b.size > maxAnswer {
		return &fault{kind: kindRequest, says: "the answer is longer than 2 MiB"}
	}
	return nil
}

func (b *builder) say(piece string) error {
	if piece == "" {
		return nil
	}
	if err := b.grow(len(piece)); err != nil {
		return err
	}
	b.text.WriteString(piece)
	return b.heard(piece)
}

// call begins another tool call and returns its place.
func (b *builder) call(id, name string) int {
	b.answer.Calls = append(b.answer.Calls, ToolCall{ID: id, Name: name})
	b.args = append(b.args, &strings.Builder{})
	return len(b.args) - 1
}

func (b *builder) arg(i int, piece string) error {
	b.args[i].WriteString(piece)
	return b.grow(len(piece))
}

func (b *builder) done() Answer {
	b.answer.Text = b.text.String()
	for i, args := range b.args {
		b.answer.Calls[i].Args = json.RawMessage(args.String())
	}
	return b.answer
}

// object returns args as an object for the history: providers refuse others.
func object(args json.RawMessage) json.RawMessage {
	var o map[string]json.RawMessage
	if json.Unmarshal(args, &o) != nil || o == nil {
		return json.RawMessage("{}")
	}
	return args
}
