package llm

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"flowgate/internal/telemetry"
)

// maxPause is the longest a provider is waited for between two attempts.
const maxPause = 60 * time.Second

// model asks a provider again where that helps, measures it, and ends what is
// silent for too long.
type model struct {
	opts Options
	ask  asker
}

// Name is the model's.
func (m *model) Name() string { return m.opts.Model }

// Ask implements Model.
func (m *model) Ask(ctx context.Context, c Call, text func(string)) (Answer, error) {
	var used Usage
	for attempt := 1; ; attempt++ {
		a, err := m.once(ctx, c, text)
		used.Add(a.Usage)
		a.Usage = used
		if err == nil {
			return a, nil
		}
		var f *fault
		if !errors.As(err, &f) {
			return a, err // the caller's end
		}
		wait := max(f.after, backoff(attempt))
		deadline, bounded := ctx.Deadline()
		hopeless := wait > maxPause || bounded && time.Until(deadline) < wait
		m.opts.Logger.WarnContext(ctx, "a language model did not answer", "model", m.opts.Model, "attempt", attempt, "error", f)
		if !f.again() || attempt >= m.opts.Attempts || hopeless {
			return a, f.public(m.opts.Model)
		}
		if err := m.opts.Pause(ctx, wait); err != nil {
			return a, err
		}
	}
}

// backoff is half a second doubled by each attempt, and up to as much again.
func backoff(attempt int) time.Duration {
	d := 500 * time.Millisecond << (attempt - 1)
	return d + rand.N(d) //nolint:gosec // spreads attempts, guards nothing
}

var errSilent = errors.New("the model is silent")

// once asks one time.
func (m *model) once(ctx context.Context, c Call, text func(string)) (Answer, error) {
	began := time.Now()
	within, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silent := time.AfterFunc(2*m.opts.Idle, func() { cancel(errSilent) })
	defer silent.Stop()
	spanned, span := m.opts.Tracer.Start(within, "chat "+m.opts.Model, telemetry.Client)
	defer span.End()
	span.Text("gen_ai.operation.name", "chat")
	span.Text("gen_ai.provider.name", m.opts.Provider)
	span.Text("gen_ai.request.model", m.opts.Model)
	a, err := m.ask(spanned, c, func(piece string) error {
		silent.Reset(m.opts.Idle)
		if piece != "" && text != nil {
			text(piece)
		}
		return within.Err()
	})
	if err != nil && errors.Is(context.Cause(within), errSilent) && ctx.Err() == nil {
		err = &fault{kind: kindBroken, says: errSilent.Error()}
	}
	if ctx.Err() != nil && err != nil {
		err = ctx.Err()
	}
	if a.Usage == (Usage{}) && (err == nil || a.Text != "" || len(a.Calls) > 0) {
		a.Usage = estimate(c, a)
	}
	failure := failureOf(err)
	if failure != "" {
		span.Fail(failure)
	}
	span.Number("gen_ai.usage.input_tokens", a.Usage.Input)
	span.Number("gen_ai.usage.output_tokens", a.Usage.Output)
	m.opts.Metrics.ModelCall(m.opts.Provider, m.opts.Label, failure, time.Since(began), a.Usage.Input, a.Usage.Output)
	return a, err
}

// failureOf names an attempt's failure for metrics; "" for none.
func failureOf(err error) string {
	var f *fault
	switch {
	case err == nil:
		return ""
	case errors.As(err, &f):
		return [...]string{"broken", "overloaded", "rate_limited", "quota", "key_refused", "request_refused", "blocked"}[f.kind]
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	}
	return "cancelled"
}

// estimate counts tokens for servers that do not: about four bytes each.
func estimate(c Call, a Answer) Usage {
	out := len(a.Text)
	for _, call := range a.Calls {
		out += len(call.Args) + len(call.Name)
	}
	return Usage{Input: c.Size()/4 + 1, Output: int64(out/4) + 1}
}

// Size is about how many bytes the call has.
func (c Call) Size() int64 {
	n := len(c.System)
	for _, m := range c.Messages {
		n += len(m.Text)
		for _, call := range m.Calls {
			n += len(call.Args)
		}
		for _, r := range m.Results {
			n += len(r.Text)
		}
	}
	return int64(n)
}
