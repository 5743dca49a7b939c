package app

import (
	"context"
	"time"

	"flowgate/internal/agent"
	"flowgate/internal/agent/planner"
	"flowgate/internal/workflow"
)

// conversationOptions are what an agent of this process holds conversations
// with.
func (e *Engine) conversationOptions(o agent.Options) agent.Options {
	o.Planner, o.Try = planner.NewOffline(e.Catalogue.NodeTypes()), e.Try
	return o
}

// talk has the agent answer a message. With AGENT_FALLBACK=embedded the
// agent of this process takes over while the remote one is down, and says so.
func (a *App) talk(ctx context.Context, t workflow.Turn, fn func(workflow.TurnEvent) error) error {
	began := false
	err := a.Agent.Converse(ctx, t, func(e workflow.TurnEvent) error {
		began = true
		return fn(e)
	})
	code := workflow.CodeOf(err)
	if began || a.Config.AgentFallback != "embedded" || a.Config.WorkflowServiceHost == "" || code != workflow.CodeUnavailable && code != workflow.CodeUnsupported || ctx.Err() != nil {
		return err
	}
	a.Log.WarnContext(ctx, "the workflow agent is down; the embedded one answers", "error", err)
	status := &workflow.TurnStatus{Stage: workflow.StageClarification, Description: "The workflow agent cannot be reached; the embedded one answers meanwhile."}
	if t.State != nil {
		status.Previous = t.State.Stage
	}
	if err := fn(workflow.TurnEvent{Status: status, At: time.Now().UTC()}); err != nil {
		return err
	}
	opts := a.engine.conversationOptions(agent.Options{Engine: agentEngine{nil, a.engine.Catalogue}, Logger: a.Log})
	return agent.Converse(ctx, opts, t, fn)
}
