package planner

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"flowgate/internal/agent/planner/llm"
	"flowgate/internal/workflow"
)

// Desk is what a model works with besides the conversation.
type Desk struct {
	// Types is the catalogue, and Near finds names in it that resemble one.
	Types []workflow.NodeType
	Near  func(name string) []string
	// Normalize fills in what a document leaves out.
	Normalize func(*workflow.Document)
	// Validate judges a document.
	Validate func(ctx context.Context, owner string, doc *workflow.Document) (workflow.Validation, error)
	// Look asks for what the user has, with what the caller of this turn may
	// do and no more. Nil: the model sees nothing of it.
	Look func(ctx context.Context, l Look) (string, error)
}

// Look is a question about what the user has.
type Look struct {
	OwnerID string
	Scopes  []string // of the turn's caller
	Tool    string   // a read-only capability
	Args    []byte   // its arguments, JSON
}

// LLM plans with language models. Safe for concurrent use.
type LLM struct {
	// Desk is what the models work with.
	Desk Desk
	// Model returns the model for a request; nil: none is set up, and Without
	// plans.
	Model   func(ctx context.Context, r Request) (llm.Model, error)
	Without Planner
	// MaxTokens bounds one answer; 0: 8192.
	MaxTokens int64
}

var _ Planner = (*LLM)(nil)

// Reasons of errors, besides the ones of models.
const (
	ReasonRefused = "MODEL_REFUSED" // the model declines the wish
	ReasonNoPlan  = "MODEL_NO_PLAN" // it came to no end
	ReasonChoice  = "UNKNOWN_MODEL" // the user chose one that there is not
)

const (
	defaultMaxTokens = 8192
	maxNudges        = 2 // times a model is told to end with one of the tools
)

// Name is for people.
func (*LLM) Name() string { return "language model" }

// Plan has the model work with its tools until it asks, offers or delivers.
func (p *LLM) Plan(ctx context.Context, r Request) (Plan, error) {
	m, err := p.Model(ctx, r)
	if err != nil {
		return Plan{}, err
	}
	if m == nil {
		return p.Without.Plan(ctx, r)
	}
	if r.Meter == nil {
		r.Meter = NewMeter(Budget{})
	}
	w := &work{planner: p, model: m, req: r, tools: p.tools(r)}
	w.lang = r.Language
	if w.lang == "" {
		w.lang = languageOf(strings.Join(r.Wish, "\n"))
	}
	w.call = llm.Call{System: systemPrompt(w.lang), Messages: conversation(r), MaxTokens: p.MaxTokens}
	if w.call.MaxTokens <= 0 {
		w.call.MaxTokens = defaultMaxTokens
	}
	for _, t := range w.tools {
		w.call.Tools = append(w.call.Tools, t.Tool)
	}
	plan, err := w.run(ctx)
	plan.Said, plan.By, plan.Language = strings.TrimSpace(w.said.String()), m.Name(), w.lang
	return plan, err
}

// work is one plan on its way.
type work struct {
	planner *LLM
	model   llm.Model
	req     Request
	tools   []tool
	call    llm.Call
	lang    string
	said    strings.Builder
	nudges  int
}

// run asks the model and calls its tools until one of them ends the plan.
func (w *work) run(ctx context.Context) (Plan, error) {
	for {
		a, err := w.ask(ctx)
		if err != nil {
			return Plan{}, err
		}
		if a.Refused {
			return Plan{}, refused(w.lang, a.Text)
		}
		w.call.Messages = append(w.call.Messages, llm.Message{Assistant: true, Text: a.Text, Calls: a.Calls})
		if len(a.Calls) == 0 {
			if err := w.nudge(a); err != nil {
				return Plan{}, err
			}
			continue
		}
		results := llm.Message{}
		var plan *Plan
		for _, c := range a.Calls {
			text, ended, err := w.use(ctx, c, a.Cut)
			if ctx.Err() != nil {
				return Plan{}, ctx.Err()
			}
			if ended != nil && plan == nil {
				plan = ended
			}
			r := llm.ToolResult{ID: c.ID, Text: bounded(text, maxResult)}
			if err != nil {
				r.Text, r.Failed = workflow.MessageOf(err), true
			}
			results.Results = append(results.Results, r)
		}
		if plan != nil {
			return *plan, nil
		}
		w.call.Messages = append(w.call.Messages, results)
	}
}

// ask asks the model once, within the turn's budget.
func (w *work) ask(ctx context.Context) (llm.Answer, error) {
	within, done, err := w.req.Meter.begin(ctx, w.call.Size()/4)
	if err != nil {
		return llm.Answer{}, err
	}
	before := w.said.Len()
	a, err := w.model.Ask(within, w.call, func(piece string) {
		if w.said.Len() == before && before > 0 {
			w.hear("\n\n")
		}
		w.hear(piece)
	})
	late := within.Err() != nil && ctx.Err() == nil
	done(a.Usage)
	if err != nil && late {
		return a, exhausted("%s of the model's time", w.req.Meter.budget.Time)
	}
	if err != nil { // what was heard of attempts that broke off is not the answer
		return a, err
	}
	said := w.said.String()[:before]
	w.said.Reset()
	w.said.WriteString(said)
	if a.Text != "" && said != "" {
		w.said.WriteString("\n\n")
	}
	w.said.WriteString(a.Text)
	return a, nil
}

func (w *work) hear(piece string) {
	w.said.WriteString(piece)
	if w.req.Text != nil {
		w.req.Text(piece)
	}
}

// nudge tells a model that only talks how to go on.
func (w *work) nudge(a llm.Answer) error {
	if w.nudges++; w.nudges > maxNudges {
		return workflow.Errorf(workflow.CodeDownstream, "The model %s talked, but neither asked nor delivered a workflow. Choose a model that can call tools, or say it in other words.", w.model.Name()).WithReason(ReasonNoPlan)
	}
	if a.Text == "" {
		w.call.Messages = w.call.Messages[:len(w.call.Messages)-1] // an empty answer is no message
	}
	text := "End by calling one of the tools ask_user, offer_alternatives or submit_workflow; text alone reaches nobody."
	if a.Cut {
		text = "Your answer was cut off for its length. Be shorter, and end by calling one of the tools."
	}
	w.call.Messages = append(w.call.Messages, llm.Message{Text: text})
	return nil
}

func refused(lang, text string) error {
	message := "The language model declines this request"
	if lang == "zh" {
		message = "语言模型拒绝了这个请求"
	}
	if text = strings.TrimSpace(text); text != "" {
		message += ": " + bounded(text, 300)
	}
	return workflow.Errorf(workflow.CodeUnrunnable, "%s", message).WithReason(ReasonRefused)
}

// Gave reports whether err is a model's failure to plan, so that another
// planner may try; not the caller's end, a wrong choice or a refusal.
func Gave(err error) bool {
	var e *workflow.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Reason {
	case llm.ReasonUnavailable, llm.ReasonLimited, llm.ReasonKey, llm.ReasonRequest, ReasonBudget, ReasonNoPlan:
		return true
	}
	return false
}

// bounded cuts a text at a rune's end and says so.
func bounded(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	cut := strings.ToValidUTF8(text[:limit], "")
	return fmt.Sprintf("%s… (%d more bytes)", cut, len(text)-len(cut))
}
