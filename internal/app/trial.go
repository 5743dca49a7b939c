package app

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/google/uuid"

	"flowgate/internal/agent"
	"flowgate/internal/engine"
	"flowgate/internal/workflow"
)

// trialTime is how long a test run may take.
const trialTime = 5 * time.Second

// errNoReach is what a test run gets that tries to reach outside.
var errNoReach = errors.New("a test run does not reach outside")

type noHTTP struct{}

func (noHTTP) RoundTrip(*http.Request) (*http.Response, error) { return nil, errNoReach }

// Try runs of a document what has no side effects: nodes that reach outside
// or wait give an empty item instead. What fails behind one of these may fail
// for want of data, and is no problem of the document's.
func (e *Engine) Try(ctx context.Context, doc *workflow.Document) agent.Trial {
	var t agent.Trial
	ctx, cancel := context.WithTimeout(ctx, trialTime)
	defer cancel()
	copied := *doc
	copied.PinData = workflow.PinData{}
	blind := map[string]bool{} // nodes whose data a test run cannot know
	for _, n := range doc.Nodes {
		kind := e.Registry.Lookup(n.Type)
		if kind == nil {
			return t
		}
		if kind.SideEffects {
			copied.PinData[n.Name] = []any{workflow.NewObject("json", &workflow.Object{})}
			t.Skipped = append(t.Skipped, n.Name)
			blind[n.Name] = true
		}
		if kind.Trigger {
			blind[n.Name] = true
		}
	}
	e.spread(doc, blind)
	now := time.Now().UTC()
	outcome := e.Runner.Run(ctx, trialJob(&copied, now))
	for _, name := range outcome.Order {
		if copied.PinData[name] == nil {
			t.Ran = append(t.Ran, name)
		}
	}
	if outcome.Error != nil && !blind[outcome.Error.Node] {
		t.Problem = outcome.Error.Node + ": " + outcome.Error.Message
	}
	return t
}

// spread marks what lies behind marked nodes.
func (e *Engine) spread(doc *workflow.Document, marked map[string]bool) {
	for changed := true; changed; {
		changed = false
		for from, outs := range doc.Connections {
			for _, out := range outs["main"] {
				for _, to := range out {
					if marked[from] && !marked[to.Node] {
						marked[to.Node], changed = true, true
					}
				}
			}
		}
	}
}

func trialJob(doc *workflow.Document, now time.Time) engine.Job {
	return engine.Job{HTTP: &http.Client{Transport: noHTTP{}},
		Workflow: &workflow.Workflow{ID: "trial", Document: *doc, Version: 1, CreatedAt: now, UpdatedAt: now},
		Execution: &workflow.Execution{ID: uuid.NewString(), WorkflowID: "trial", WorkflowVersion: 1, Mode: workflow.ModeManual,
			Start: workflow.Start{PinData: true}, Clock: now, CreatedAt: now, StartedAt: now}}
}
