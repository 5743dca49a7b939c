package agent

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"flowgate/internal/agent/planner"
	"flowgate/internal/workflow"
	agentv1 "flowgate/proto/agent/v1"
	"flowgate/proto/agentconv"
)

// maxTurn is how long a turn may take.
const maxTurn = 5 * time.Minute

// Trial is what a test run of a document without side effects showed.
type Trial struct {
	Ran     []string // nodes that were run
	Skipped []string // nodes that reach outside and were not
	Problem string   // why a node failed that had all its data, for people
}

// conversationService is the WorkflowAgent service.
type conversationService struct {
	agentv1.UnimplementedWorkflowAgentServer
	opts Options
}

// ProcessConversation answers one message. What fails is said in an error
// event, which carries no state; the stream itself fails only for the caller's
// sake.
func (s conversationService) ProcessConversation(req *agentv1.ConversationRequest, stream agentv1.WorkflowAgent_ProcessConversationServer) error {
	if s.opts.Planner == nil {
		return workflow.Errorf(workflow.CodeUnsupported, "This workflow agent runs workflows but does not hold conversations.")
	}
	ctx, cancel := context.WithTimeout(stream.Context(), maxTurn)
	defer cancel()
	t := agentconv.TurnFromProto(req)
	err := Converse(ctx, s.opts, t, func(e workflow.TurnEvent) error {
		p, err := agentconv.TurnEventToProto(t.SessionID, e)
		if err != nil {
			return err
		}
		return stream.Send(p)
	})
	if err == nil || stream.Context().Err() != nil {
		return err
	}
	s.opts.Logger.WarnContext(ctx, "a turn failed", "session_id", t.SessionID, "error", err)
	p, err := agentconv.TurnEventToProto(t.SessionID, workflow.TurnEvent{Failure: failure(err), At: time.Now(), Final: true})
	if err != nil {
		return err
	}
	return stream.Send(p)
}

// failure says of an error what the user may know.
func failure(err error) *workflow.TurnFailure {
	f := &workflow.TurnFailure{Code: "INTERNAL_ERROR", Message: workflow.MessageOf(err), Recoverable: true}
	var known *workflow.Error
	if errors.As(err, &known) {
		f.Code = workflow.ReasonOf(err)
		f.Recoverable = known.Code != workflow.CodeInvalid && known.Code != workflow.CodeForbidden
	}
	if errors.Is(err, context.DeadlineExceeded) {
		f.Code, f.Message = "TIMEOUT", "That took too long. Please send the message again."
	}
	return f
}

// Keys of what is kept beside something said.
const (
	metaKind      = "kind"      // of a user's words: "wish", "answer" or "choice"
	metaBegin     = "begin"     // the wish is a new one
	metaQuestions = "questions" // of the agent's words: what was asked, JSON
	metaGap       = "gap"       // what the alternatives are for
)

// kept returns what is kept under a key of the newest words of the agent.
func kept(s *workflow.AgentState, key string) string {
	for i := len(s.Conversations) - 1; i >= 0; i-- {
		if s.Conversations[i].Role == "assistant" {
			return s.Conversations[i].Metadata[key]
		}
	}
	return ""
}

// asked returns the questions that wait for an answer.
func asked(s *workflow.AgentState) []planner.Question {
	var list []planner.Question
	_ = json.Unmarshal([]byte(kept(s, metaQuestions)), &list) // none, when it is not ours
	return list
}

// wish returns what the user asked for since the last finished workflow.
func wish(s *workflow.AgentState) []string {
	var out []string
	for _, c := range s.Conversations {
		if c.Role != "user" {
			continue
		}
		if c.Metadata[metaBegin] != "" {
			out = nil
		}
		if kind := c.Metadata[metaKind]; kind == "wish" || kind == "" {
			out = append(out, c.Text)
		}
	}
	return out
}
