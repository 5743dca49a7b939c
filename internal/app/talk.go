package app

import (
	"context"
	"time"

	"flowgate/grpcclient"
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
	opts := a.engine.conversationOptions(agent.Options{Engine: agentEngine{nil, a.engine.Catalogue}, Logger: a.Log})
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
