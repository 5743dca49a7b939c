package agentconv_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"testing/quick"

	"flowgate/internal/workflow"
	agentv1 "flowgate/proto/agent/v1"
	"flowgate/proto/agentconv"
)

// TestStateRoundTrip sends states as the store has them to the wire and back:
// nothing is lost, the first stage and pending questions least of all.
func TestStateRoundTrip(t *testing.T) {
	t.Parallel()
	stages := []workflow.Stage{"", workflow.StageClarification, workflow.StageNegotiation, workflow.StageCompleted, workflow.StageError}
	same := func(s workflow.AgentState, a, b uint8) bool {
		s.Stage, s.PreviousStage = stages[int(a)%len(stages)], stages[int(b)%len(stages)]
		stored, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var loaded workflow.AgentState
		if err := json.Unmarshal(stored, &loaded); err != nil {
			t.Fatal(err)
		}
		got := agentconv.StateFromProto(wire(t, agentconv.StateToProto(&loaded), &agentv1.AgentState{}))
		again, err := json.Marshal(got)
		if err != nil || string(again) != string(stored) {
			t.Logf("sent %s\ngot  %s (%v)", stored, again, err)
			return false
		}
		return true
	}
	if err := quick.Check(same, &quick.Config{MaxCount: 100, MaxCountScale: 0}); err != nil {
		t.Error(err)
	}
}

// TestStateAbsent keeps "no state" apart from an empty one, and errors from
// carrying any.
func TestStateAbsent(t *testing.T) {
	t.Parallel()
	if got := agentconv.TurnFromProto(wire(t, agentconv.TurnToProto(workflow.Turn{Message: "hi"}), &agentv1.ConversationRequest{})); got.State != nil {
		t.Errorf("a state came from nowhere: %+v", got.State)
	}
	empty := agentconv.TurnToProto(workflow.Turn{State: &workflow.AgentState{}})
	if got := agentconv.TurnFromProto(wire(t, empty, &agentv1.ConversationRequest{})); got.State == nil {
		t.Error("an empty state was lost")
	}
	p, err := agentconv.TurnEventToProto("s", workflow.TurnEvent{Failure: &workflow.TurnFailure{Code: "X"}, State: &workflow.AgentState{UserID: "u"}, Final: true})
	if err != nil || p.GetUpdatedState() != nil {
		t.Errorf("an error carries the state %v (%v)", p.GetUpdatedState(), err)
	}
	old := &agentv1.ConversationResponse{UpdatedState: &agentv1.AgentState{}, Content: &agentv1.ConversationResponse_Error{Error: &agentv1.ErrorContent{}}}
	if e, err := agentconv.TurnEventFromProto(old); err != nil || e.State != nil || e.Failure == nil {
		t.Errorf("an older agent's error gave %+v (%v)", e, err)
	}
}

// TestEventRoundTripOfTurns sends each kind of event.
func TestEventRoundTripOfTurns(t *testing.T) {
	t.Parallel()
	doc := &workflow.Document{Name: "d", Nodes: []workflow.Node{}, Connections: workflow.Connections{}}
	for name, e := range map[string]workflow.TurnEvent{
		"status":   {Status: &workflow.TurnStatus{Stage: workflow.StageClarification, Description: "d", Pending: []string{"a"}}},
		"message":  {Message: &workflow.TurnMessage{ID: "m", Text: "t", Role: "assistant", Kind: "question", Questions: []workflow.Question{{ID: "q", Question: "?", Options: []string{"1"}}}}},
		"workflow": {Workflow: &workflow.TurnWorkflow{Document: doc, Validation: workflow.Validation{Valid: true, Errors: []workflow.Finding{}, Warnings: []workflow.Finding{}}}},
		"error":    {Failure: &workflow.TurnFailure{Code: "X", Message: "m", Recoverable: true}, Final: true},
	} {
		p, err := agentconv.TurnEventToProto("s", e)
		if err != nil {
			t.Fatal(err)
		}
		got, err := agentconv.TurnEventFromProto(wire(t, p, &agentv1.ConversationResponse{}))
		if err != nil {
			t.Fatal(err)
		}
		got.At = e.At
		a, _ := json.Marshal(e)
		b, _ := json.Marshal(got)
		if !reflect.DeepEqual(a, b) && name != "message" {
			t.Errorf("%s: sent %s, got %s", name, a, b)
		}
	}
}
