package app

import (
	"context"
	"encoding/json"
	"time"

	"flowgate/grpcclient"
	"flowgate/internal/agent"
	"flowgate/internal/agent/planner"
	"flowgate/internal/workflow"
)

// caller calls a capability for the identity in ctx.
type caller func(ctx context.Context, name string, args json.RawMessage) (any, error)

// conversationOptions are what an agent of this process holds conversations
// with: a language model where there is one for the turn, else rules. Models
// look at what users have by call.
func (c *Core) conversationOptions(e *Engine, call caller) agent.Options {
	offline := planner.NewOffline(e.Catalogue.NodeTypes())
	desk := planner.Desk{Types: e.Catalogue.NodeTypes(), Near: e.Catalogue.Near, Normalize: e.Catalogue.Normalize,
		Validate: agentEngine{nil, e.Catalogue}.Validate, Look: looker(call)}
	o := agent.Options{Try: e.Try, Budget: budgetOf(c.Config),
		Planner: &planner.LLM{Desk: desk, Model: newModels(c, e).forTurn, Without: offline, MaxTokens: c.Config.LLMMaxOutput}}
	if c.Config.LLMFallback == "offline" {
		o.Fallback = offline
	}
	return o
}

// talk has the agent answer a message, and looks at a workflow that the agent
// itself did not look at. With AGENT_FALLBACK=embedded the agent of this
// process takes over while the remote one is down or cannot be understood, and
// says so.
func (a *App) talk(ctx context.Context, t workflow.Turn, fn func(workflow.TurnEvent) error) error {
	began := false
	err := a.Agent.Converse(ctx, t, func(e workflow.TurnEvent) error {
		began = true
		if e.Workflow != nil && e.Workflow.Validation.Errors == nil {
			e.Workflow.Validation = a.engine.Catalogue.Validate(e.Workflow.Document)
		}
		return fn(e)
	})
	if err == nil || began || ctx.Err() != nil || !a.fallsBack(err) {
		return err
	}
	a.Log.WarnContext(ctx, "the embedded agent answers in place of the remote one", "error", err)
	status := &workflow.TurnStatus{Stage: workflow.StageClarification, Description: workflow.MessageOf(err) + " The embedded agent answers meanwhile."}
	if t.State != nil {
		status.Previous = t.State.Stage
	}
	if err := fn(workflow.TurnEvent{Status: status, At: time.Now().UTC()}); err != nil {
		return err
	}
	opts := a.talking
	opts.Engine, opts.Logger = agentEngine{nil, a.engine.Catalogue}, a.Log
	return agent.Converse(ctx, opts, t, fn)
}

// fallsBack reports whether the embedded agent may take over for an error.
func (a *App) fallsBack(err error) bool {
	if a.Config.AgentFallback != "embedded" || a.Config.WorkflowServiceHost == "" {
		return false
	}
	code := workflow.CodeOf(err)
	return code == workflow.CodeUnavailable || code == workflow.CodeUnsupported || grpcclient.Incompatible(err)
}
