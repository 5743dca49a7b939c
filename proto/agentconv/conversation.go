package agentconv

import (
	"math"
	"strings"
	"time"

	"flowgate/internal/workflow"
	agentv1 "flowgate/proto/agent/v1"
)

var stages = []workflow.Stage{workflow.StageClarification, workflow.StageNegotiation, workflow.StageGapAnalysis, workflow.StageAlternatives,
	workflow.StageGeneration, workflow.StageDebug, workflow.StageCompleted, workflow.StageError}

// stageToProto returns the stage and whether there is one.
func stageToProto(s workflow.Stage) (agentv1.WorkflowStage, bool) {
	for i, name := range stages {
		if name == s {
			return agentv1.WorkflowStage(i), true //nolint:gosec // eight stages
		}
	}
	return 0, false
}

// stageFromProto reads a stage. Value 0 counts only where has says that it is
// meant, since older agents leave it out for "none" and for clarification.
func stageFromProto(p agentv1.WorkflowStage, has bool) workflow.Stage {
	if (p != 0 || has) && int(p) >= 0 && int(p) < len(stages) {
		return stages[p]
	}
	return ""
}

// StateToProto returns the state for the wire, nil for nil: a missing state is
// not the same as an empty one.
func StateToProto(s *workflow.AgentState) *agentv1.AgentState {
	if s == nil {
		return nil
	}
	p := &agentv1.AgentState{SessionId: text(s.SessionID), UserId: text(s.UserID), IntentSummary: text(s.IntentSummary), Gaps: texts(s.Gaps),
		Alternatives: alternativesToProto(s.Alternatives), CurrentWorkflowJson: text(s.Document), DebugLoopCount: s.DebugLoops,
		CreatedAt: s.CreatedAt, UpdatedAt: s.UpdatedAt, ExecutionHistory: texts(s.History), DebugResult: text(s.DebugResult), WorkflowContext: contextToProto(s.Context)}
	p.Stage, p.HasStage = stageToProto(s.Stage)
	p.PreviousStage, p.HasPreviousStage = stageToProto(s.PreviousStage)
	for _, c := range s.Conversations {
		p.Conversations = append(p.Conversations, &agentv1.Conversation{Role: text(c.Role), Text: text(c.Text), Timestamp: c.At, Metadata: textMap(c.Metadata)})
	}
	if c := s.Clarification; c != nil {
		p.ClarificationContext = &agentv1.ClarificationContext{Purpose: text(c.Purpose), CollectedInfo: textMap(c.Collected), PendingQuestions: texts(c.Pending), Origin: text(c.Origin)}
	}
	if k := s.Knowledge; k != nil {
		p.RagContext = &agentv1.RAGContext{Query: text(k.Query), Timestamp: k.At, Metadata: textMap(k.Metadata)}
		for _, r := range k.Results {
			p.RagContext.Results = append(p.RagContext.Results, &agentv1.RAGResult{Id: text(r.ID), NodeType: text(r.NodeType), Title: text(r.Title),
				Description: text(r.Description), Content: text(r.Content), Similarity: r.Similarity, Metadata: textMap(r.Metadata)})
		}
	}
	return p
}

// StateFromProto returns the state as the domain has it, nil for nil.
func StateFromProto(p *agentv1.AgentState) *workflow.AgentState {
	if p == nil {
		return nil
	}
	s := &workflow.AgentState{SessionID: p.GetSessionId(), UserID: p.GetUserId(), Stage: stageFromProto(p.GetStage(), p.GetHasStage()),
		PreviousStage: stageFromProto(p.GetPreviousStage(), p.GetHasPreviousStage()), IntentSummary: p.GetIntentSummary(), Gaps: p.GetGaps(),
		Alternatives: alternativesFromProto(p.GetAlternatives()), Document: p.GetCurrentWorkflowJson(), DebugLoops: p.GetDebugLoopCount(),
		DebugResult: p.GetDebugResult(), Context: contextFromProto(p.GetWorkflowContext()), History: p.GetExecutionHistory(),
		CreatedAt: p.GetCreatedAt(), UpdatedAt: p.GetUpdatedAt()}
	for _, c := range p.GetConversations() {
		s.Conversations = append(s.Conversations, workflow.Said{Role: c.GetRole(), Text: c.GetText(), At: c.GetTimestamp(), Metadata: c.GetMetadata()})
	}
	if c := p.GetClarificationContext(); c != nil {
		s.Clarification = &workflow.Clarification{Purpose: c.GetPurpose(), Collected: c.GetCollectedInfo(), Pending: c.GetPendingQuestions(), Origin: c.GetOrigin()}
	}
	if k := p.GetRagContext(); k != nil {
		s.Knowledge = &workflow.Knowledge{Query: k.GetQuery(), At: k.GetTimestamp(), Metadata: k.GetMetadata()}
		for _, r := range k.GetResults() {
			s.Knowledge.Results = append(s.Knowledge.Results, workflow.KnowledgeResult{ID: r.GetId(), NodeType: r.GetNodeType(), Title: r.GetTitle(),
				Description: r.GetDescription(), Content: r.GetContent(), Similarity: r.GetSimilarity(), Metadata: r.GetMetadata()})
		}
	}
	return s
}

// texts makes each text one that the wire can carry.
func texts(list []string) []string {
	out := make([]string, 0, len(list))
	for _, s := range list {
		out = append(out, text(s))
	}
	return out
}

func textMap(m map[string]string) map[string]string {
	out := make(map[string]string, len(m))
	for k, v := range m {
		out[text(k)] = text(v)
	}
	return out
}

func alternativesToProto(list []workflow.Alternative) []*agentv1.AlternativeOption {
	var out []*agentv1.AlternativeOption
	for _, a := range list {
		out = append(out, &agentv1.AlternativeOption{Id: text(a.ID), Title: text(a.Title), Description: text(a.Description), Approach: text(a.Approach), TradeOffs: texts(a.TradeOffs), Complexity: text(a.Complexity)})
	}
	return out
}

func alternativesFromProto(list []*agentv1.AlternativeOption) []workflow.Alternative {
	var out []workflow.Alternative
	for _, a := range list {
		out = append(out, workflow.Alternative{ID: a.GetId(), Title: a.GetTitle(), Description: a.GetDescription(), Approach: a.GetApproach(), TradeOffs: a.GetTradeOffs(), Complexity: a.GetComplexity()})
	}
	return out
}

func questionsToProto(list []workflow.Question) []*agentv1.ClarificationQuestion {
	var out []*agentv1.ClarificationQuestion
	for _, q := range list {
		out = append(out, &agentv1.ClarificationQuestion{Id: text(q.ID), Question: text(q.Question), Category: text(q.Category), IsRequired: q.Required, Options: texts(q.Options)})
	}
	return out
}

func questionsFromProto(list []*agentv1.ClarificationQuestion) []workflow.Question {
	var out []workflow.Question
	for _, q := range list {
		out = append(out, workflow.Question{ID: q.GetId(), Question: q.GetQuestion(), Category: q.GetCategory(), Required: q.GetIsRequired(), Options: q.GetOptions()})
	}
	return out
}

func contextToProto(c *workflow.ConversationContext) *agentv1.WorkflowContext {
	if c == nil {
		return nil
	}
	return &agentv1.WorkflowContext{Origin: text(c.Origin), SourceWorkflowId: text(c.SourceWorkflowID), ModificationIntent: text(c.Modification)}
}

func contextFromProto(p *agentv1.WorkflowContext) *workflow.ConversationContext {
	if p == nil {
		return nil
	}
	return &workflow.ConversationContext{Origin: p.GetOrigin(), SourceWorkflowID: p.GetSourceWorkflowId(), Modification: p.GetModificationIntent()}
}

// TurnToProto returns the request of a turn.
func TurnToProto(t workflow.Turn) *agentv1.ConversationRequest {
	return &agentv1.ConversationRequest{SessionId: text(t.SessionID), UserId: text(t.OwnerID), UserMessage: text(t.Message), CurrentState: StateToProto(t.State),
		WorkflowContext: contextToProto(t.Context), Config: &agentv1.ConversationConfig{EnableStreaming: t.Streaming, Language: text(t.Language),
			MaxTurns: int32(min(max(t.MaxCalls, 0), math.MaxInt32)), TimeoutSeconds: int32(min(max(t.Timeout/time.Second, 0), math.MaxInt32)), Preferences: preferences(t)}}
}

// The names of a turn's preferences.
const (
	preferModel      = "model"
	preferCredential = "model_credential"
	preferScopes     = "scopes" // with commas
)

func preferences(t workflow.Turn) map[string]string {
	out := map[string]string{}
	for name, value := range map[string]string{preferModel: t.Model, preferCredential: t.CredentialID, preferScopes: strings.Join(t.Scopes, ",")} {
		if value != "" {
			out[name] = text(value)
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// TurnFromProto reads the request of a turn.
func TurnFromProto(p *agentv1.ConversationRequest) workflow.Turn {
	c := p.GetConfig()
	t := workflow.Turn{SessionID: p.GetSessionId(), OwnerID: p.GetUserId(), Message: p.GetUserMessage(), State: StateFromProto(p.GetCurrentState()),
		Context: contextFromProto(p.GetWorkflowContext()), Streaming: c.GetEnableStreaming(), Language: c.GetLanguage(),
		Model: c.GetPreferences()[preferModel], CredentialID: c.GetPreferences()[preferCredential],
		MaxCalls: max(0, int(c.GetMaxTurns())), Timeout: max(0, time.Duration(c.GetTimeoutSeconds())*time.Second)}
	if scopes := c.GetPreferences()[preferScopes]; scopes != "" {
		t.Scopes = strings.Split(scopes, ",")
	}
	return t
}

// TurnEventToProto returns one piece of an answer for the wire. A failed turn
// never carries a state.
func TurnEventToProto(sessionID string, e workflow.TurnEvent) (*agentv1.ConversationResponse, error) {
	p := &agentv1.ConversationResponse{SessionId: text(sessionID), UpdatedState: StateToProto(e.State), Timestamp: e.At.UnixMilli(), IsFinal: e.Final}
	switch {
	case e.Message != nil:
		m := e.Message
		p.Type = agentv1.ResponseType_RESPONSE_MESSAGE
		p.Content = &agentv1.ConversationResponse_Message{Message: &agentv1.MessageContent{MessageId: text(m.ID), Text: text(m.Text), Partial: m.Partial, Role: text(m.Role),
			MessageType: text(m.Kind), Metadata: textMap(m.Metadata), Questions: questionsToProto(m.Questions), Alternatives: alternativesToProto(m.Alternatives)}}
	case e.Status != nil:
		s := &agentv1.StatusContent{StageDescription: text(e.Status.Description), PendingActions: texts(e.Status.Pending)}
		s.NewStage, s.HasNewStage = stageToProto(e.Status.Stage)
		s.PreviousStage, s.HasPreviousStage = stageToProto(e.Status.Previous)
		p.Type = agentv1.ResponseType_RESPONSE_STATUS
		p.Content = &agentv1.ConversationResponse_Status{Status: s}
	case e.Workflow != nil:
		data, err := DocumentToProto(e.Workflow.Document)
		if err != nil {
			return nil, err
		}
		p.Type = agentv1.ResponseType_RESPONSE_WORKFLOW
		p.Content = &agentv1.ConversationResponse_Workflow{Workflow: &agentv1.WorkflowContent{Document: data, Validation: ValidationToProto(e.Workflow.Validation)}}
	case e.Failure != nil:
		p.Type, p.UpdatedState = agentv1.ResponseType_RESPONSE_ERROR, nil
		p.Content = &agentv1.ConversationResponse_Error{Error: &agentv1.ErrorContent{ErrorCode: text(e.Failure.Code), Message: text(e.Failure.Message),
			Details: text(e.Failure.Details), IsRecoverable: e.Failure.Recoverable}}
	}
	return p, nil
}

// TurnEventFromProto reads one piece of an answer. It looks at the oneof, as
// agents of older contracts leave the type at 0.
func TurnEventFromProto(p *agentv1.ConversationResponse) (workflow.TurnEvent, error) {
	e := workflow.TurnEvent{State: StateFromProto(p.GetUpdatedState()), Final: p.GetIsFinal(), At: time.Now().UTC()}
	if ms := p.GetTimestamp(); ms > 0 {
		e.At = time.UnixMilli(ms).UTC()
	}
	switch c := p.GetContent().(type) {
	case *agentv1.ConversationResponse_Message:
		m := c.Message
		e.Message = &workflow.TurnMessage{ID: m.GetMessageId(), Text: m.GetText(), Partial: m.GetPartial(), Role: m.GetRole(), Kind: m.GetMessageType(), Metadata: m.GetMetadata(),
			Questions: questionsFromProto(m.GetQuestions()), Alternatives: alternativesFromProto(m.GetAlternatives())}
		if e.Message.Role == "" {
			e.Message.Role = "assistant"
		}
		if e.Message.Kind == "" {
			e.Message.Kind = "text"
		}
	case *agentv1.ConversationResponse_Status:
		s := c.Status
		e.Status = &workflow.TurnStatus{Stage: stageFromProto(s.GetNewStage(), true), Previous: stageFromProto(s.GetPreviousStage(), s.GetHasPreviousStage()),
			Description: s.GetStageDescription(), Pending: s.GetPendingActions()}
	case *agentv1.ConversationResponse_Workflow:
		doc, err := DocumentFromProto(c.Workflow.GetDocument())
		if err != nil {
			return e, err
		}
		e.Workflow = &workflow.TurnWorkflow{Document: doc, Validation: ValidationFromProto(c.Workflow.GetValidation())}
	case *agentv1.ConversationResponse_Error:
		e.State = nil
		e.Failure = &workflow.TurnFailure{Code: strings.TrimSpace(c.Error.GetErrorCode()), Message: c.Error.GetMessage(), Details: c.Error.GetDetails(), Recoverable: c.Error.GetIsRecoverable()}
	}
	return e, nil
}
