package grpcclient_test

import (
	"encoding/json"
	"testing"

	"flowgate/grpcclient"
	"flowgate/internal/agent"
	"flowgate/internal/workflow"
	"flowgate/proto/agenttest"

	"google.golang.org/grpc"
)

// turnOf has one turn and returns its events and the state after it, which
// went through the store's JSON.
func turnOf(t *testing.T, c *grpcclient.Client, state *workflow.AgentState, message string) ([]workflow.TurnEvent, *workflow.AgentState) {
	t.Helper()
	var events []workflow.TurnEvent
	err := c.Converse(t.Context(), workflow.Turn{SessionID: "s", OwnerID: "ann", Message: message, State: state}, func(e workflow.TurnEvent) error {
		if events = append(events, e); e.State == nil {
			return nil
		}
		data, err := json.Marshal(e.State)
		if err != nil {
			return err
		}
		state = &workflow.AgentState{}
		return json.Unmarshal(data, state)
	})
	if err != nil {
		t.Fatal(err)
	}
	return events, state
}

// TestOlderContract holds a whole conversation with an agent that speaks only
// the contract of 26 July 2025: nothing of the state is lost on the way, the
// last response does not put it back, and the workflow is delivered.
func TestOlderContract(t *testing.T) {
	t.Parallel()
	lis := agent.NewInProcess()
	var seen []agenttest.Request
	agenttest.Serve(t, lis, agenttest.July26, func(s grpc.ServerStream, r agenttest.Request, send func(string) error) error {
		seen = append(seen, r)
		return agenttest.Conversation(s, r, send)
	})
	c := dial(t, grpcclient.Options{Dialer: lis.Dial})
	if err := c.Health(t.Context()); err != nil {
		t.Errorf("an agent without health service: %v", err)
	}

	events, state := turnOf(t, c, nil, "Send me the orders")
	last := events[len(events)-1]
	if len(events) != 3 || events[0].Status.Stage != workflow.StageClarification || events[1].Status.Stage != workflow.StageNegotiation ||
		!last.Final || last.Message.Kind != "question" || last.Message.Questions[0].ID != "q_1" {
		t.Fatalf("the first answer is %+v", events)
	}
	if state.Stage != workflow.StageNegotiation || state.Clarification == nil || len(state.Clarification.Pending) != 1 || state.Clarification.Collected["a"] != "b" {
		t.Fatalf("the state after the question is %+v", state)
	}
	if seen[0].State() != nil {
		t.Errorf("the first turn came with the state %v", seen[0].State())
	}

	events, state = turnOf(t, c, state, "The paid ones")
	if last = events[len(events)-1]; last.Message.Kind != "options" || last.Message.Role != "assistant" || len(state.Alternatives) != 1 || state.Alternatives[0].TradeOffs[0] != "slow" || len(state.Gaps) != 1 {
		t.Fatalf("the second answer is %+v, the state %+v", last.Message, state)
	}
	clarification, _ := seen[1].State()["clarification_context"].(map[string]any)
	if clarification["purpose"] != "initial_intent" || seen[1].State()["stage"] != "STAGE_NEGOTIATION" {
		t.Errorf("the agent got back %v", seen[1].State())
	}

	events, state = turnOf(t, c, state, "1")
	var doc *workflow.Document
	for i, e := range events {
		if e.Workflow != nil {
			doc = e.Workflow.Document
		}
		if e.Final != (i == len(events)-1) {
			t.Errorf("event %d of %d: %+v", i, len(events), e)
		}
	}
	if doc == nil || doc.Name != "Orders" || len(doc.Nodes) != 1 || state.Stage != workflow.StageCompleted || state.Document == "" {
		t.Fatalf("no workflow came: %+v, state %+v", events, state)
	}
	if alternatives, _ := seen[2].State()["alternatives"].([]any); len(alternatives) != 1 {
		t.Errorf("the choice had nothing to refer to: %v", seen[2].State())
	}
}

// TestOtherVersions: agents whose messages have other numbers are told apart
// from what they seem to say, whatever comes first, and count as no failure of
// the connection.
func TestOtherVersions(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ version, first string }{
		"state moved":       {agenttest.July28, `{"session_id":"s","updated_state":{"stage":"STAGE_NEGOTIATION"},"timestamp":"1753000000000"}`},
		"end moved":         {agenttest.July28, `{"session_id":"s","is_final":true}`},
		"error moved":       {agenttest.July28, `{"session_id":"s","error":{"error_code":"X","message":"Y","is_recoverable":true}}`},
		"message is text":   {agenttest.July29, `{"session_id":"s","response_type":"RESPONSE_TYPE_MESSAGE","message":"Hello, what shall I build for you?"}`},
		"short message":     {agenttest.July29, `{"session_id":"s","response_type":"RESPONSE_TYPE_MESSAGE","message":"好"}`},
		"workflow is text":  {agenttest.July29, `{"session_id":"s","response_type":"RESPONSE_TYPE_WORKFLOW","workflow":"{\"nodes\":[]}"}`},
		"an error, of last": {agenttest.July29, `{"session_id":"s","response_type":"RESPONSE_TYPE_ERROR","error":{"error_code":"X"},"is_final":true}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lis := agent.NewInProcess()
			agenttest.Serve(t, lis, tt.version, func(_ grpc.ServerStream, _ agenttest.Request, send func(string) error) error { return send(tt.first) })
			c := dial(t, grpcclient.Options{Dialer: lis.Dial})
			for range 6 {
				err := c.Converse(t.Context(), workflow.Turn{SessionID: "s", OwnerID: "ann", Message: "hi"}, func(e workflow.TurnEvent) error {
					t.Errorf("it was understood as %+v", e)
					return nil
				})
				if wantCode(t, err, workflow.CodeDownstream); !grpcclient.Incompatible(err) {
					t.Errorf("the error is %v", err)
				}
			}
			if c.BreakerState() != "closed" {
				t.Error("an answer counted as a failure")
			}
		})
	}
}
