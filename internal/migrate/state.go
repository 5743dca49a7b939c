package migrate

import (
	"encoding/json"
	"strconv"

	"flowgate/internal/workflow"
)

var stages = map[workflow.Stage]bool{workflow.StageClarification: true, workflow.StageNegotiation: true, workflow.StageGapAnalysis: true,
	workflow.StageAlternatives: true, workflow.StageGeneration: true, workflow.StageDebug: true, workflow.StageCompleted: true, workflow.StageError: true}

// stateOf reads an agent's state.
func stateOf(r row) (*workflow.AgentState, []string) {
	s := &workflow.AgentState{
		Stage: workflow.Stage(r.text("stage")), PreviousStage: workflow.Stage(r.text("previous_stage")),
		IntentSummary: r.text("intent_summary"), Document: r.text("current_workflow_json"), DebugResult: r.text("debug_result"),
		DebugLoops: int32(r.number("debug_loop_count")), History: r.list("execution_history"),
		Gaps:      append(r.list("gaps"), r.list("identified_gaps", "description", "title", "gap", "required_capability")...),
		CreatedAt: millis(r.time("created_at")), UpdatedAt: millis(r.time("updated_at")),
	}
	var remarks []string
	if !stages[s.Stage] {
		remarks = append(remarks, "its stage "+strconv.Quote(string(s.Stage))+" is not known here: the conversation goes on with clarification")
		s.Stage = workflow.StageClarification
	}
	if !stages[s.PreviousStage] {
		s.PreviousStage = ""
	}
	for _, one := range objectsOf(r.raw("conversations")) {
		s.Conversations = append(s.Conversations, workflow.Said{Role: one.text("role"), Text: one.text("text", "content", "message"),
			At: millis(one.time("timestamp", "created_at")), Metadata: textsOf(one.raw("metadata"))})
	}
	s.Alternatives = alternativesOf(r.raw("alternatives"))
	if c := rowOf(r.raw("clarification_context")); len(c) > 0 {
		s.Clarification = &workflow.Clarification{Purpose: c.text("purpose"), Collected: textsOf(c.raw("collected_info")),
			Pending: c.list("pending_questions", "question", "text"), Origin: c.text("origin")}
	}
	if c := rowOf(r.raw("workflow_context")); len(c) > 0 {
		s.Context = &workflow.ConversationContext{Origin: c.text("origin"), SourceWorkflowID: c.text("source_workflow_id"), Modification: c.text("modification_intent")}
	}
	if k := rowOf(r.raw("rag_context")); len(k) > 0 {
		s.Knowledge = knowledgeOf(k)
	}
	return s, remarks
}

func alternativesOf(v json.RawMessage) (out []workflow.Alternative) {
	var many []json.RawMessage
	_ = json.Unmarshal(v, &many)
	for i, one := range many {
		a := rowOf(one)
		alternative := workflow.Alternative{ID: a.text("id"), Title: a.text("title", "name"), Description: a.text("description"), Approach: a.text("approach"),
			TradeOffs: a.list("trade_offs"), Complexity: a.text("complexity")}
		if a == nil {
			alternative.Title = textOf(one)
		}
		if alternative.ID == "" {
			alternative.ID = strconv.Itoa(i + 1)
		}
		out = append(out, alternative)
	}
	return out
}

func knowledgeOf(k row) *workflow.Knowledge {
	out := &workflow.Knowledge{Query: k.text("query"), At: millis(k.time("timestamp")), Metadata: textsOf(k.raw("metadata"))}
	for _, one := range objectsOf(k.raw("results")) {
		out.Results = append(out.Results, workflow.KnowledgeResult{ID: one.text("id"), NodeType: one.text("node_type"), Title: one.text("title"),
			Description: one.text("description"), Content: one.text("content"), Similarity: float32(one.number("similarity")), Metadata: textsOf(one.raw("metadata"))})
	}
	return out
}

// objectsOf returns an array's objects.
func objectsOf(v json.RawMessage) (out []row) {
	var many []json.RawMessage
	_ = json.Unmarshal(v, &many)
	for _, one := range many {
		if r := rowOf(one); r != nil {
			out = append(out, r)
		}
	}
	return out
}

// rowOf returns an object's members, nil when v is none. An object may be
// written as a text.
func rowOf(v json.RawMessage) row {
	var r row
	if json.Unmarshal(v, &r) == nil {
		return r
	}
	var s string
	if json.Unmarshal(v, &s) == nil {
		_ = json.Unmarshal([]byte(s), &r)
	}
	return r
}
