package store

import (
	"context"
	"time"
)

// Strategy says how calls are counted against a limit.
type Strategy string

// The strategies.
const (
	// SlidingWindow allows at most the limit in any window, wherever it
	// begins. What was taken comes back in steps of a sixteenth of the window.
	SlidingWindow Strategy = "sliding_window"
	// FixedWindow counts anew at each multiple of the window: around one of
	// them twice the limit can pass.
	FixedWindow Strategy = "fixed_window"
)

// WindowSteps is how finely a sliding window moves.
const WindowSteps = 16

// CounterRule is one limit: so many calls of a subject in a window.
type CounterRule struct {
	Name   string
	Limit  int64
	Window time.Duration
}

// CounterState is how a limit stands after a call was counted, or refused.
type CounterState struct {
	Remaining int64
	// Reset is how long until some of what was taken comes back; 0 when
	// nothing was.
	Reset time.Duration
}

// Counters counts calls. Every method takes all rules of one subject in one
// atomic step, whoever else counts.
type Counters interface {
	// Take counts one call against every rule, or, where one of them is used
	// up, against none; refused is then the first such rule's place, else -1.
	Take(ctx context.Context, strategy Strategy, subject string, rules []CounterRule) (states []CounterState, refused int, err error)
}
