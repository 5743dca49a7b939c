package app_test

import (
	"net"
	"testing"

	"flowgate/internal/service"
	"flowgate/internal/workflow"
	"flowgate/proto/agenttest"

	"google.golang.org/grpc"
)

// foreignAgent serves an agent of another version on a real socket, and
// returns the settings that point a gateway at it.
func foreignAgent(t *testing.T, version string, turn agenttest.Turn) map[string]string {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	agenttest.Serve(t, lis, version, turn)
	_, port, _ := net.SplitHostPort(lis.Addr().String())
	return map[string]string{"workflow_service_host": "127.0.0.1", "workflow_service_port": port}
}

// TestOlderAgentWorks has an agent that knows only the contract of 26 July
// 2025 hold a conversation; the workflow that it leaves in the state is
// delivered, judged here, saved, and run by the engine of this process.
func TestOlderAgentWorks(t *testing.T) {
	t.Parallel()
	w := newTalker(t, foreignAgent(t, agenttest.July26, agenttest.Conversation))
	var s service.StartedSession
	w.must("start_session", object{}, &s)
	if a := w.say(s.SessionID, "Send me the orders"); a.Stage != "negotiation" || len(a.Questions) != 1 {
		t.Fatalf("the first answer is %+v", a)
	}
	var view service.SessionView
	w.must("get_session", object{"session_id": s.SessionID}, &view)
	if view.Stage != "negotiation" || len(view.Questions) != 1 {
		t.Errorf("the session stands at %+v", view)
	}
	if a := w.say(s.SessionID, "The paid ones"); len(a.Alternatives) != 1 {
		t.Fatalf("the second answer is %+v", a)
	}
	a := w.say(s.SessionID, "1")
	if a.Stage != "completed" || a.WorkflowID == "" || !a.Valid {
		t.Fatalf("no workflow came: %+v", a)
	}
	var e service.ExecutionView
	w.must("execute_workflow", object{"workflow_id": a.WorkflowID, "wait_seconds": 30}, &e)
	if e.Status != "success" {
		t.Errorf("the execution ended as %s: %+v", e.Status, e.Error)
	}
}

// TestIncompatibleAgent says what is wrong with an agent of another version,
// leaves the conversation as it was, and has the embedded agent answer where
// that is wanted.
func TestIncompatibleAgent(t *testing.T) {
	t.Parallel()
	settings := foreignAgent(t, agenttest.July28, func(_ grpc.ServerStream, _ agenttest.Request, send func(string) error) error {
		return send(`{"session_id":"s","updated_state":{"stage":"STAGE_COMPLETED"},"timestamp":"1753000000000","is_final":true}`)
	})
	w := newTalker(t, settings)
	var s service.StartedSession
	w.must("start_session", object{}, &s)
	for range 2 { // the session is free again
		err := w.call("send_message", object{"session_id": s.SessionID, "message": "hi"}, &service.Answer{})
		if workflow.CodeOf(err) != workflow.CodeDownstream || workflow.ReasonOf(err) != "incompatible_agent" {
			t.Errorf("it is said as %v", err)
		}
	}
	var view service.SessionView
	if w.must("get_session", object{"session_id": s.SessionID}, &view); view.Stage != "" {
		t.Errorf("the session stands at %q", view.Stage)
	}
	settings["agent_fallback"] = "embedded"
	w = newTalker(t, settings)
	w.must("start_session", object{}, &s)
	if a := w.say(s.SessionID, "Fetch https://a.example.com/x every hour"); a.WorkflowID == "" {
		t.Errorf("the embedded agent answered %+v", a)
	}
}
