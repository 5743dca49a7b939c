package grpcclient

import (
	"flowgate/internal/workflow"
	agentv1 "flowgate/proto/agent/v1"
	"flowgate/proto/agentconv"

	"google.golang.org/protobuf/proto"
)

// older makes up for what agents of the contract of 26 July 2025 leave out:
// they keep the workflow in the state instead of delivering it, and with the
// last response they send the state from before the turn. It does nothing to
// an agent that says which stage its states are meant to be in.
type older struct {
	before    *workflow.AgentState // the turn's request
	newest    *workflow.AgentState // of this turn
	delivered bool
}

// read returns what a response means.
func (o *older) read(resp *agentv1.ConversationResponse, e workflow.TurnEvent) []workflow.TurnEvent {
	o.delivered = o.delivered || e.Workflow != nil
	if s := resp.GetUpdatedState(); s != nil && e.State != nil && !s.GetHasStage() {
		o.take(&e)
	} else if e.State != nil {
		o.delivered = true // of a newer agent, which delivers by itself
	}
	if !e.Final || e.Failure != nil || o.delivered {
		return []workflow.TurnEvent{e}
	}
	return append(o.workflow(e), e)
}

// take keeps the newest state of the turn and drops one that goes back behind
// it. In these agents' states the first stage looks like none.
func (o *older) take(e *workflow.TurnEvent) {
	if e.State.Stage == "" {
		e.State.Stage = workflow.StageClarification
	}
	if o.newest != nil && o.goesBack(e) {
		e.State = nil
		return
	}
	o.newest = e.State
}

// goesBack reports a state from before the turn.
func (o *older) goesBack(e *workflow.TurnEvent) bool {
	back := e.Final && e.State.Stage == workflow.StageClarification && o.newest.Stage != workflow.StageClarification
	return back || len(e.State.Conversations) < len(o.newest.Conversations) || o.asBefore(e.State)
}

func (o *older) asBefore(s *workflow.AgentState) bool {
	if o.before == nil {
		return false
	}
	then := *o.before
	if then.Stage == "" {
		then.Stage = workflow.StageClarification
	}
	now := *s
	then.UpdatedAt, now.UpdatedAt = 0, 0
	return proto.Equal(agentconv.StateToProto(&then), agentconv.StateToProto(&now))
}

// workflow delivers the document of a turn that came to its end with a new
// one; nobody has looked at it. One that is no document is spoken of.
func (o *older) workflow(last workflow.TurnEvent) []workflow.TurnEvent {
	s := o.newest
	if s == nil || s.Stage != workflow.StageCompleted || s.Document == "" || o.before != nil && o.before.Document == s.Document {
		return nil
	}
	doc, err := agentconv.DocumentFromProto([]byte(s.Document))
	if err != nil {
		return []workflow.TurnEvent{{At: last.At, Message: &workflow.TurnMessage{Role: "system", Kind: "text", Text: "The workflow agent is of an older version and wrote a workflow that cannot be read here: " + workflow.MessageOf(err)}}}
	}
	return []workflow.TurnEvent{{At: last.At, Workflow: &workflow.TurnWorkflow{Document: doc}}}
}
