package planner

import (
	"context"
	"fmt"
	"sync"
	"time"

	"flowgate/internal/agent/planner/llm"
	"flowgate/internal/workflow"
)

// Budget bounds what language models may use up in one turn of a conversation.
// A zero field is no bound.
type Budget struct {
	Calls  int           // of the model
	Tokens int64         // read and written together
	Time   time.Duration // that the model is waited for
	Cost   float64       // by the prices below, in their currency
	// InputPrice and OutputPrice are for a million tokens.
	InputPrice, OutputPrice float64
}

// Meter counts what a turn uses up of its budget. Safe for concurrent use.
type Meter struct {
	budget Budget

	mu    sync.Mutex
	calls int
	used  llm.Usage
	took  time.Duration
}

// NewMeter returns a meter at zero.
func NewMeter(b Budget) *Meter { return &Meter{budget: b} }

// ReasonBudget is the reason of errors for turns that used up their budget.
const ReasonBudget = "MODEL_BUDGET_EXHAUSTED"

// begin counts a call that is about to be made, for which about input tokens
// are sent, and bounds its time. The caller calls done with what it used.
func (m *Meter) begin(ctx context.Context, input int64) (within context.Context, done func(llm.Usage), err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.budget
	switch {
	case b.Calls > 0 && m.calls >= b.Calls:
		return nil, nil, exhausted("%d calls of the model", b.Calls)
	case b.Tokens > 0 && m.used.Input+m.used.Output+input > b.Tokens:
		return nil, nil, exhausted("%d tokens", b.Tokens)
	case b.Cost > 0 && m.cost(llm.Usage{Input: m.used.Input + input, Output: m.used.Output}) > b.Cost:
		return nil, nil, exhausted("a cost of %g", b.Cost)
	case b.Time > 0 && m.took >= b.Time:
		return nil, nil, exhausted("%s of the model's time", b.Time)
	}
	m.calls++
	within, cancel := ctx, context.CancelFunc(func() {})
	if b.Time > 0 {
		within, cancel = context.WithTimeout(ctx, b.Time-m.took)
	}
	began := time.Now()
	return within, func(u llm.Usage) {
		cancel()
		m.mu.Lock()
		defer m.mu.Unlock()
		m.used.Add(u)
		m.took += time.Since(began)
	}, nil
}

func (m *Meter) cost(u llm.Usage) float64 {
	return (float64(u.Input)*m.budget.InputPrice + float64(u.Output)*m.budget.OutputPrice) / 1e6
}

func exhausted(format string, args ...any) error {
	return workflow.Errorf(workflow.CodeUnrunnable, "The language model used up what one message may cost (%s) before the workflow was done. Ask for less at once, or have the operator raise the limit.",
		fmt.Sprintf(format, args...)).WithReason(ReasonBudget)
}
