package agent_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"flowgate/internal/agent"
	"flowgate/internal/agent/planner"
	"flowgate/internal/engine/node"
	"flowgate/internal/workflow"
	agentv1 "flowgate/proto/agent/v1"
	"flowgate/proto/agentconv"
)

// checker is an engine that only judges documents.
type checker struct {
	agent.Engine
	registry *node.Registry
}

func (c checker) Validate(_ context.Context, _ string, doc *workflow.Document) (workflow.Validation, error) {
	return node.ValidateDocument(doc, c.registry, node.ValidateOptions{}), nil
}

// scripted is a planner that gives out plans in order.
type scripted struct {
	plans []planner.Plan
	err   error
	asked []planner.Request
}

func (s *scripted) Name() string { return "scripted" }

func (s *scripted) Plan(_ context.Context, r planner.Request) (planner.Plan, error) {
	s.asked = append(s.asked, r)
	if s.err != nil || len(s.plans) == 0 {
		return planner.Plan{}, s.err
	}
	p := s.plans[0]
	s.plans = s.plans[1:]
	return p, nil
}

func options(p planner.Planner) agent.Options {
	reg := node.NewRegistry(node.All(), node.RegistryOptions{})
	if p == nil {
		p = planner.NewOffline(reg.Catalogue())
	}
	return agent.Options{Engine: checker{registry: reg}, Planner: p}
}

// talk sends one message over state and returns the events and the state
// after them, which went through the wire and the store's JSON.
func talk(t *testing.T, opts agent.Options, state *workflow.AgentState, message string) ([]workflow.TurnEvent, *workflow.AgentState) {
	t.Helper()
	var events []workflow.TurnEvent
	err := agent.Converse(t.Context(), opts, workflow.Turn{SessionID: "s", OwnerID: "ann", Message: message, State: state}, func(e workflow.TurnEvent) error {
		p, err := agentconv.TurnEventToProto("s", e)
		if err != nil {
			return err
		}
		e, err = agentconv.TurnEventFromProto(p)
		if err != nil {
			return err
		}
		events = append(events, e)
		if e.State != nil {
			data, err := json.Marshal(e.State)
			if err != nil {
				return err
			}
			state = &workflow.AgentState{}
			return json.Unmarshal(data, state)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return events, state
}

func stagesOf(events []workflow.TurnEvent) string {
	var out []string
	for _, e := range events {
		if e.Status != nil {
			out = append(out, string(e.Status.Stage))
		}
	}
	return strings.Join(out, " ")
}

func delivered(events []workflow.TurnEvent) *workflow.Document {
	for _, e := range events {
		if e.Workflow != nil {
			return e.Workflow.Document
		}
	}
	return nil
}

// TestJourney asks, answers, chooses, gets a workflow and changes it, with the
// state through wire and JSON between turns.
func TestJourney(t *testing.T) {
	t.Parallel()
	opts := options(nil)
	events, state := talk(t, opts, nil, `Fetch the orders and post "news" to Slack`)
	last := events[len(events)-1]
	if stagesOf(events) != "clarification negotiation" || !last.Final || last.Message.Kind != "question" || len(last.Message.Questions) != 1 {
		t.Fatalf("stages %s, last %+v", stagesOf(events), last.Message)
	}
	if !strings.Contains(last.Message.Text, "offline planner") {
		t.Errorf("it does not say who plans: %s", last.Message.Text)
	}
	events, state = talk(t, opts, state, "https://api.shop.test/orders")
	last = events[len(events)-1]
	if stagesOf(events) != "clarification gap_analysis alternative_generation negotiation" || last.Message.Kind != "options" || len(last.Message.Alternatives) < 2 {
		t.Fatalf("stages %s, last %+v", stagesOf(events), last.Message)
	}
	if state.Stage != workflow.StageNegotiation || len(state.Alternatives) < 2 {
		t.Errorf("the offer is not in the state: %+v", state)
	}
	events, state = talk(t, opts, state, "1")
	if last = events[len(events)-1]; last.Message.Kind != "question" {
		t.Fatalf("the webhook's address was not asked for: %+v", last.Message)
	}
	events, state = talk(t, opts, state, "https://hooks.slack.test/abc")
	if got := stagesOf(events); got != "clarification gap_analysis workflow_generation debug completed" {
		t.Errorf("stages %s", got)
	}
	doc := delivered(events)
	if doc == nil || len(doc.Nodes) != 3 || state.Document == "" || state.Stage != workflow.StageCompleted {
		t.Fatalf("no workflow came: %+v", doc)
	}
	events, state = talk(t, opts, state, "run it every hour")
	if doc = delivered(events); doc == nil || !strings.HasSuffix(doc.Nodes[0].Type, "scheduleTrigger") || len(doc.Nodes) != 3 {
		t.Fatalf("the change gave %+v", doc)
	}
	if len(state.Clarification.Collected) != 0 {
		t.Errorf("old answers are left: %v", state.Clarification.Collected)
	}
}

// TestSaysWhoPlans looks for it in a first question, be it one or several.
func TestSaysWhoPlans(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		wish      string
		questions int
		hello     string
	}{
		{"Fetch the orders", 1, "I am the offline planner"},
		{"Fetch the orders, sort them and send the result", 3, "I am the offline planner"},
		{"获取订单，然后发送", 2, "我是离线规划器"},
	} {
		events, state := talk(t, options(nil), nil, c.wish)
		m := events[len(events)-1].Message
		if len(m.Questions) != c.questions || !strings.HasPrefix(m.Text, c.hello) || strings.Count(m.Text, c.hello) != 1 {
			t.Errorf("%q: %d questions: %s", c.wish, len(m.Questions), m.Text)
		}
		events, _ = talk(t, options(nil), state, "https://api.shop.test/orders")
		if text := messages(events); strings.Contains(text, c.hello) {
			t.Errorf("%q: it is said again: %s", c.wish, text)
		}
	}
}

// TestEditAndCopy changes a workflow that was there before.
func TestEditAndCopy(t *testing.T) {
	t.Parallel()
	opts := options(nil)
	events, state := talk(t, opts, nil, "Every hour fetch https://a.test/x and take the first 10")
	before := state.Document
	if delivered(events) == nil {
		t.Fatal("no workflow came")
	}
	start := &workflow.AgentState{Document: before, Context: &workflow.ConversationContext{Origin: workflow.OriginEdit, SourceWorkflowID: "w"}}
	events, _ = talk(t, opts, start, "limit it to 5 instead and then send it to https://b.test/y")
	doc := delivered(events)
	if doc == nil || len(doc.Nodes) != 4 || !strings.Contains(mustJSON(t, doc), `"maxItems":5`) {
		t.Errorf("the edit gave %s", mustJSON(t, doc))
	}
	start = &workflow.AgentState{Document: before, Context: &workflow.ConversationContext{Origin: workflow.OriginCopy, SourceWorkflowID: "w"}}
	if events, _ = talk(t, opts, start, "just copy it"); delivered(events) == nil || mustJSON(t, delivered(events).Connections) == "{}" {
		t.Errorf("the copy gave %v", stagesOf(events))
	}
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestRepairs has a planner write what does not validate: it is told why,
// three times at most.
func TestRepairs(t *testing.T) {
	t.Parallel()
	bad := &workflow.Document{Name: "bad", Nodes: []workflow.Node{{ID: "1", Name: "A", Type: "no.such", TypeVersion: 1}}, Connections: workflow.Connections{}}
	good := &workflow.Document{Name: "good", Nodes: []workflow.Node{{ID: "1", Name: "A", Type: "n8n-nodes-base.manualTrigger", TypeVersion: 1}}, Connections: workflow.Connections{}}
	p := &scripted{plans: []planner.Plan{{Document: bad}, {Document: bad}, {Document: good}}}
	events, state := talk(t, options(p), nil, "x")
	if got := stagesOf(events); got != "clarification gap_analysis workflow_generation debug workflow_generation debug workflow_generation debug completed" {
		t.Errorf("stages %s", got)
	}
	if state.DebugLoops != 2 || len(p.asked) != 3 || len(p.asked[1].Findings) == 0 || p.asked[1].Draft == nil {
		t.Errorf("%d loops, asked %d times", state.DebugLoops, len(p.asked))
	}
	p = &scripted{plans: []planner.Plan{{Document: bad}, {Document: bad}, {Document: bad}, {Document: bad}, {Document: good}}}
	err := agent.Converse(t.Context(), options(p), workflow.Turn{Message: "x"}, func(workflow.TurnEvent) error { return nil })
	if workflow.ReasonOf(err) != "WORKFLOW_INVALID" || len(p.asked) != 4 {
		t.Errorf("after %d tries: %v", len(p.asked), err)
	}
}

// TestFailedTurn answers with an error event without a state, and the next
// turn goes on from the state before.
func TestFailedTurn(t *testing.T) {
	t.Parallel()
	p := &scripted{err: errors.New("secret insides")}
	opts := options(p)
	conn, _ := start(t, opts)
	stream, err := agentv1.NewWorkflowAgentClient(conn).ProcessConversation(with("Bearer for:ann"), &agentv1.ConversationRequest{UserId: "ann", SessionId: "s", UserMessage: "hi"})
	if err != nil {
		t.Fatal(err)
	}
	var last *agentv1.ConversationResponse
	for {
		r, err := stream.Recv()
		if err != nil {
			break
		}
		last = r
	}
	if last.GetError() == nil || last.GetUpdatedState() != nil || !last.GetIsFinal() || !last.GetError().GetIsRecoverable() || strings.Contains(last.String(), "secret") {
		t.Errorf("the last response is %v", last)
	}
}
