package agenttest

import (
	"encoding/json"
	"fmt"

	"google.golang.org/grpc"
)

// Document is the workflow that a Conversation arrives at.
const Document = `{"name":"Orders","nodes":[{"id":"1","name":"Start","type":"n8n-nodes-base.manualTrigger","typeVersion":1,"position":[0,0],"parameters":{}}],"connections":{}}`

// Conversation is a Turn of the contract of 26 July 2025 as its agents held
// it: first a question, then options, then the workflow, which stays in the
// state; with the last response of each turn comes the state from before it.
func Conversation(_ grpc.ServerStream, r Request, send func(string) error) error {
	s := r.State()
	said, _ := s["conversations"].([]any)
	said = append(said, map[string]any{"role": "user", "text": r["user_message"]})
	before, _ := json.Marshal(s)
	if s == nil {
		before = []byte(`{"session_id":"s"}`)
	}
	state := func(stage string, more string) string {
		list, _ := json.Marshal(said)
		return fmt.Sprintf(`{"session_id":"s","user_id":"ann","stage":%q,"conversations":%s%s}`, stage, list, more)
	}
	var pieces []string
	switch len(said) {
	case 1:
		more := `,"clarification_context":{"purpose":"initial_intent","origin":"create","pending_questions":["Which orders?"],"collected_info":{"a":"b"}}`
		pieces = []string{
			`{"type":"RESPONSE_STATUS","status":{"new_stage":"STAGE_CLARIFICATION","stage_description":"Entering clarification stage"},"updated_state":` + state("STAGE_CLARIFICATION", "") + `}`,
			`{"type":"RESPONSE_STATUS","status":{"new_stage":"STAGE_NEGOTIATION","previous_stage":"STAGE_CLARIFICATION"},"updated_state":` + state("STAGE_NEGOTIATION", more) + `}`,
			`{"message":{"text":"Which orders?","role":"assistant","message_type":"question","questions":[{"id":"q_1","question":"Which orders?","category":"general","is_required":true}]},"is_final":true,"updated_state":` + string(before) + `}`,
		}
	case 2:
		more := `,"gaps":["No shop"],"alternatives":[{"id":"a","title":"By webhook","trade_offs":["slow"],"complexity":"simple"}],"clarification_context":{"pending_questions":["Choose"]}`
		pieces = []string{
			`{"type":"RESPONSE_STATUS","status":{"new_stage":"STAGE_ALTERNATIVE_GENERATION","previous_stage":"STAGE_NEGOTIATION"},"updated_state":` + state("STAGE_NEGOTIATION", more) + `}`,
			`{"message":{"text":"Choose","message_type":"options","alternatives":[{"id":"a","title":"By webhook"}]},"is_final":true,"updated_state":` + string(before) + `}`,
		}
	default:
		doc, _ := json.Marshal(Document)
		more := `,"current_workflow_json":` + string(doc)
		pieces = []string{
			`{"message":{"text":"Generating your workflow..."},"updated_state":` + state("STAGE_WORKFLOW_GENERATION", more) + `}`,
			`{"type":"RESPONSE_STATUS","status":{"new_stage":"STAGE_COMPLETED","previous_stage":"STAGE_DEBUG"},"updated_state":` + state("STAGE_COMPLETED", more) + `}`,
			`{"message":{"text":"Workflow processing completed!"},"is_final":true,"updated_state":` + string(before) + `}`,
		}
	}
	for _, p := range pieces {
		if err := send(p); err != nil {
			return err
		}
	}
	return nil
}
