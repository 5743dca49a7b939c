package agentv1_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	agentv1 "flowgate/proto/agent/v1"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// kept is the contract of 26 July 2025, which agents in use speak: numbers,
// names and types must stay.
const kept = `
ConversationRequest: 1 session_id string; 2 user_id string; 3 user_message string; 4 current_state AgentState; 5 workflow_context WorkflowContext; 6 config ConversationConfig
ConversationResponse: 1 session_id string; 2 type ResponseType; 3 message MessageContent; 4 status StatusContent; 5 error ErrorContent; 8 updated_state AgentState; 9 timestamp int64; 10 is_final bool
ResponseType: 0 RESPONSE_MESSAGE; 1 RESPONSE_STATUS; 2 RESPONSE_ERROR
AgentState: 1 session_id string; 2 user_id string; 12 created_at int64; 13 updated_at int64; 3 stage WorkflowStage; 14 previous_stage WorkflowStage; 15 execution_history repeated string; 10 clarification_context ClarificationContext; 4 conversations repeated Conversation; 5 intent_summary string; 6 gaps repeated string; 7 alternatives repeated AlternativeOption; 8 current_workflow_json string; 16 debug_result string; 9 debug_loop_count int32; 11 workflow_context WorkflowContext; 17 rag_context RAGContext
WorkflowStage: 0 STAGE_CLARIFICATION; 1 STAGE_NEGOTIATION; 2 STAGE_GAP_ANALYSIS; 3 STAGE_ALTERNATIVE_GENERATION; 4 STAGE_WORKFLOW_GENERATION; 5 STAGE_DEBUG; 6 STAGE_COMPLETED; 7 STAGE_ERROR
Conversation: 1 role string; 2 text string; 3 timestamp int64; 4 metadata map<string,string>
ClarificationQuestion: 1 id string; 2 question string; 3 category string; 4 is_required bool; 5 options repeated string
AlternativeOption: 1 id string; 2 title string; 3 description string; 4 approach string; 5 trade_offs repeated string; 6 complexity string
ClarificationContext: 1 purpose string; 2 collected_info map<string,string>; 3 pending_questions repeated string; 4 origin string
WorkflowContext: 1 origin string; 2 source_workflow_id string; 3 modification_intent string
ConversationConfig: 1 enable_streaming bool; 2 max_turns int32; 3 timeout_seconds int32; 4 language string; 5 enable_rag bool; 6 preferences map<string,string>
MessageContent: 1 text string; 2 role string; 3 message_type string; 4 metadata map<string,string>; 5 questions repeated ClarificationQuestion; 6 alternatives repeated AlternativeOption
StatusContent: 1 new_stage WorkflowStage; 2 previous_stage WorkflowStage; 3 stage_description string; 4 pending_actions repeated string
ErrorContent: 1 error_code string; 2 message string; 3 details string; 4 is_recoverable bool
RAGContext: 1 results repeated RAGResult; 2 query string; 3 timestamp int64; 4 metadata map<string,string>
RAGResult: 1 id string; 2 node_type string; 3 title string; 4 description string; 5 content string; 6 similarity float; 7 metadata map<string,string>
`

func TestKeptContract(t *testing.T) {
	t.Parallel()
	var checked int
	for line := range strings.Lines(strings.TrimSpace(kept)) {
		name, members, _ := strings.Cut(strings.TrimSpace(line), ": ")
		have := membersOf(t, protoreflect.FullName("workflow_agent."+name))
		for want := range strings.SplitSeq(members, "; ") {
			checked++
			if !slices.Contains(have, want) {
				t.Errorf("%s lacks %q; it has %q", name, want, have)
			}
		}
	}
	if checked < 90 {
		t.Errorf("only %d members were checked", checked)
	}
	method := agentv1.File_agent_v1_agent_proto.Services().ByName("WorkflowAgent").Methods().ByName("ProcessConversation")
	if agentv1.WorkflowAgent_ProcessConversation_FullMethodName != "/workflow_agent.WorkflowAgent/ProcessConversation" ||
		method.Input().Name() != "ConversationRequest" || method.Output().Name() != "ConversationResponse" ||
		method.IsStreamingClient() || !method.IsStreamingServer() {
		t.Error("the service changed")
	}
}

func membersOf(t *testing.T, name protoreflect.FullName) (out []string) {
	t.Helper()
	d, err := protoregistry.GlobalFiles.FindDescriptorByName(name)
	if err != nil {
		t.Fatal(err)
	}
	switch d := d.(type) {
	case protoreflect.EnumDescriptor:
		for i := range d.Values().Len() {
			out = append(out, fmt.Sprintf("%d %s", d.Values().Get(i).Number(), d.Values().Get(i).Name()))
		}
	case protoreflect.MessageDescriptor:
		for i := range d.Fields().Len() {
			f := d.Fields().Get(i)
			out = append(out, fmt.Sprintf("%d %s %s", f.Number(), f.Name(), typeOf(f)))
		}
	}
	return out
}

func typeOf(f protoreflect.FieldDescriptor) string {
	switch {
	case f.IsMap():
		return "map<" + typeOf(f.MapKey()) + "," + typeOf(f.MapValue()) + ">"
	case f.IsList():
		return "repeated " + kindOf(f)
	}
	return kindOf(f)
}

func kindOf(f protoreflect.FieldDescriptor) string {
	switch {
	case f.Message() != nil:
		return string(f.Message().Name())
	case f.Enum() != nil:
		return string(f.Enum().Name())
	}
	return f.Kind().String()
}
