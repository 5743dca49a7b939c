package app_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/types/known/emptypb"

	"flowgate/proto/agenttest"
)

// chatSeen is an event of a conversation's stream.
type chatSeen struct {
	Type    string
	Content struct {
		Text        string
		Code        string `json:"error_code"`
		Message     string
		Recoverable bool   `json:"is_recoverable"`
		Stage       string `json:"new_stage"`
		Description string `json:"stage_description"`
		Kind        string `json:"message_type"`
		WorkflowID  string `json:"workflow_id"`
		NotSaved    string `json:"not_saved"`
		Validation  struct{ Valid bool }
		Questions   []struct{ ID, Question string }
		Options     []struct{ ID, Title string } `json:"alternatives"`
	}
	Final bool `json:"is_final"`
}

// conversation is a session of somebody's over REST and server-sent events.
type conversation struct {
	t   *testing.T
	who *person
	id  string
}

func (p *person) converse(t *testing.T, begin object) *conversation {
	t.Helper()
	var s struct {
		SessionID string `json:"session_id"`
	}
	p.ok(t, "POST", "/sessions", begin, &s)
	return &conversation{t, p, s.SessionID}
}

// begin sends a message and returns the answer's status, and its events as
// they come; for a status other than 200, the body.
func (c *conversation) begin(message string) (int, <-chan chatSeen, string) {
	c.t.Helper()
	data, err := json.Marshal(object{"session_id": c.id, "message": message})
	if err != nil {
		c.t.Fatal(err)
	}
	resp := c.who.srv.response(c.t, "POST", "/api/app/chat/stream", data, "Authorization", "Bearer "+c.who.token, "Content-Type", "application/json")
	events := make(chan chatSeen, 1000)
	if resp.StatusCode != http.StatusOK {
		close(events)
		var b strings.Builder
		_, _ = bufio.NewReader(resp.Body).WriteTo(&b)
		return resp.StatusCode, events, b.String()
	}
	go func() {
		defer close(events)
		lines := bufio.NewScanner(resp.Body)
		for lines.Buffer(nil, 32<<20); lines.Scan(); {
			var e chatSeen
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok && json.Unmarshal([]byte(data), &e) == nil {
				events <- e
			}
		}
	}()
	return resp.StatusCode, events, ""
}

// say has a turn that must come to its end, and returns its events.
func (c *conversation) say(message string) []chatSeen {
	c.t.Helper()
	status, events, body := c.begin(message)
	if status != http.StatusOK {
		c.t.Fatalf("%q: %d %s", message, status, body)
	}
	var out []chatSeen
	for e := range events {
		out = append(out, e)
	}
	if len(out) == 0 || !out[len(out)-1].Final {
		c.t.Fatalf("the answer to %q has no end: %+v", message, out)
	}
	return out
}

// stage is where the session stands.
func (c *conversation) stage() string {
	c.t.Helper()
	var v struct{ Stage string }
	c.who.ok(c.t, "GET", "/sessions/"+c.id, nil, &v)
	return v.Stage
}

// goesOn sends a message until a turn comes to a good end, as its user would.
func (c *conversation) goesOn(message string) []chatSeen {
	c.t.Helper()
	var out []chatSeen
	eventually(c.t, 2*time.Minute, "the conversation goes on", func() bool {
		status, events, _ := c.begin(message)
		out = nil
		for e := range events {
			out = append(out, e)
		}
		return status == http.StatusOK && len(out) > 0 && out[len(out)-1].Final && out[len(out)-1].Type != "error"
	})
	return out
}

func (e chatSeen) is(kind, code string) bool {
	return e.Final && e.Type == kind && e.Content.Code == code && e.Content.Message != "" && e.Content.Recoverable
}

// TestAgentKilledInATurn drives a gateway and its agent, both as programs,
// through the agent's death before and amid an answer, slowness and cut
// connections. Each is said over SSE and MCP, the conversation stays where it
// was, and the next turn works: the question that was asked is still open.
func TestAgentKilledInATurn(t *testing.T) {
	t.Parallel()
	dataDir, port := t.TempDir(), freePort(t)
	g := newGate(t, "127.0.0.1:"+port)
	agent := startAgent(t, dataDir, port)
	srv := startServerEnv(t, dataDir, []string{"WORKFLOW_SERVICE_HOST=127.0.0.1", "WORKFLOW_SERVICE_PORT=" + g.port()})
	c := srv.personNamed(t, "ann@example.com").converse(t, object{})
	model := &model{t: t, url: srv.url, key: srv.key(t, "tools:execute")}
	if last := c.say("Fetch the orders every hour"); last[len(last)-1].Content.Kind != "question" {
		t.Fatalf("nothing was asked: %+v", last)
	}
	answer := "https://api.shop.test/orders"

	// slow: what is held back comes later, whole
	g.hold(0)
	heard := g.asked.Load()
	go func() {
		late := time.Now().Add(time.Minute)
		for g.asked.Load() < heard+200 && time.Now().Before(late) { // the turn has reached the agent
			time.Sleep(5 * time.Millisecond)
		}
		time.Sleep(500 * time.Millisecond)
		g.release()
	}()
	slow := srv.personNamed(t, "bob@example.com").converse(t, object{})
	if told := slow.say("Fetch " + answer + " every hour"); told[len(told)-1].Type != "message" {
		t.Errorf("the slow answer ended with %+v", told[len(told)-1])
	}

	// killed amid an answer: part of it is told, then why there is no more
	kill := func() {
		_ = agent.Process.Kill()
		_ = agent.Wait()
		g.cut()
	}
	g.hold(0)
	var status int
	var events <-chan chatSeen
	var body string
	first := make(chan chatSeen, 1)
	go func() {
		status, events, body = c.begin(answer)
		first <- <-events
	}()
	var told []chatSeen
	eventually(t, 2*time.Minute, "the client has got something", func() bool {
		g.hold(100) // a little more, and time for it to come through
		select {
		case e := <-first:
			told = append(told, e)
		case <-time.After(100 * time.Millisecond):
		}
		return len(told) > 0
	})
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	kill()
	for e := range events {
		told = append(told, e)
	}
	last := told[len(told)-1]
	if !last.is("error", "STREAM_ERROR") {
		t.Errorf("of %d events the last is %+v", len(told), last)
	}
	if got := c.stage(); got != "negotiation" {
		t.Errorf("after a turn that broke off the conversation stands at %q", got)
	}

	// away: said at once, over every door
	if status, _, body := c.begin(answer); status != 503 || !strings.Contains(body, "agent") {
		t.Errorf("without its agent the gateway answers %d: %s", status, body)
	}
	started := model.request("tools/call", "start_session", object{"name": "start_session", "arguments": object{}})
	session := find(started, func(o map[string]any) bool { _, ok := o["session_id"].(string); return ok })["session_id"]
	if refused := model.request("tools/call", "send_message", object{"name": "send_message", "arguments": object{"session_id": session, "message": "hi"}}); refused["isError"] != true ||
		!strings.Contains(toolText(refused), "agent") {
		t.Errorf("over MCP it is said as %v", refused)
	}

	// back again: the question is still open, and the answer to it is taken
	g.release()
	agent = startAgent(t, dataDir, port)
	told = c.goesOn(answer)
	if !delivered(told) || c.stage() != "completed" {
		t.Fatalf("the next turn gave %+v", told)
	}

	// flapping: each turn ends well or is said to have failed
	for i := range 4 {
		g.cut()
		status, events, body := c.begin("run it every " + []string{"2", "3", "4", "5"}[i] + " hours")
		var told []chatSeen
		for e := range events {
			told = append(told, e)
		}
		if status != http.StatusOK && (status != 503 || !strings.Contains(body, "agent")) || status == http.StatusOK && !told[len(told)-1].Final {
			t.Errorf("amid flapping: %d %s %+v", status, body, told)
		}
	}
	if told = c.goesOn("run it every day at 7"); !delivered(told) {
		t.Errorf("after the flapping: %+v", told)
	}
	var said struct {
		Total int `json:"total_count"`
	}
	if c.who.ok(t, "GET", "/chat/"+c.id+"/messages", nil, &said); said.Total < 10 {
		t.Errorf("%d messages are kept", said.Total)
	}
}

func delivered(told []chatSeen) bool {
	for _, e := range told {
		if e.Type == "workflow" && e.Content.WorkflowID != "" && e.Content.Validation.Valid {
			return true
		}
	}
	return false
}

func toolText(result map[string]any) string {
	content, _ := result["content"].([]any)
	first, _ := content[0].(map[string]any)
	text, _ := first["text"].(string)
	return text
}

// foreignMessage decodes as a response of ours, but its second field is of
// another type.
func foreignMessage() *emptypb.Empty {
	m := &emptypb.Empty{}
	m.ProtoReflect().SetUnknown(protowire.AppendBytes(protowire.AppendTag(nil, 2, protowire.BytesType), []byte("state")))
	return m
}

// TestAgentSaysNonsense has a foreign agent, on a real socket, answer what is
// too large, of another version, an error, cut short, or nothing at all: each
// is a clear status or event over SSE and MCP, and the next turn works.
func TestAgentSaysNonsense(t *testing.T) {
	t.Parallel()
	const first = `{"type":"RESPONSE_STATUS","status":{"new_stage":"STAGE_NEGOTIATION"},"updated_state":{"stage":"STAGE_NEGOTIATION","intent_summary":"spoilt"}}`
	settings := foreignAgent(t, agenttest.July26, func(s grpc.ServerStream, r agenttest.Request, send func(string) error) error {
		words := strings.Fields(r["user_message"].(string))
		if words[0] == "late" {
			if err := send(first); err != nil {
				return err
			}
		}
		switch words[len(words)-1] {
		case "large":
			return send(`{"message":{"text":"` + strings.Repeat("x", 17<<20) + `"},"is_final":true}`)
		case "version":
			return s.SendMsg(foreignMessage())
		case "error":
			return send(`{"type":"RESPONSE_ERROR","error":{"error_code":"INTERNAL_ERROR","message":"It broke","is_recoverable":true},"updated_state":{"stage":"STAGE_ERROR"},"is_final":true}`)
		case "short":
			return nil
		}
		return send(`{"message":{"text":"Hello, you stand at ` + text(r.State()["intent_summary"]) + `"},"is_final":true,"updated_state":{"stage":"STAGE_COMPLETED","intent_summary":"well"}}`)
	})
	srv := startServerEnv(t, t.TempDir(), []string{"WORKFLOW_SERVICE_HOST=127.0.0.1", "WORKFLOW_SERVICE_PORT=" + settings["workflow_service_port"]})
	c := srv.personNamed(t, "ann@example.com").converse(t, object{})
	model := &model{t: t, url: srv.url, key: srv.key(t, "tools:execute")}
	started := model.request("tools/call", "start_session", object{"name": "start_session", "arguments": object{}})
	session := find(started, func(o map[string]any) bool { _, ok := o["session_id"].(string); return ok })["session_id"]
	overMCP := func(message string) map[string]any {
		return model.request("tools/call", "send_message", object{"name": "send_message", "arguments": object{"session_id": session, "message": message}})
	}
	c.say("hello")
	overMCP("hello")
	for what, want := range map[string]struct {
		status int
		code   string // of the event that comes after a first piece
		words  string // in what is said
	}{
		"large":   {413, "STREAM_ERROR", "larger"},
		"version": {502, "INCOMPATIBLE_AGENT", "version"},
		"error":   {200, "INTERNAL_ERROR", "It broke"},
		"short":   {502, "STREAM_ERROR", "early"},
	} {
		status, events, body := c.begin(what)
		for e := range events {
			body += e.Content.Message
		}
		if status != want.status || !strings.Contains(body, want.words) {
			t.Errorf("%s at once: %d %s", what, status, body)
		}
		told := c.say("late " + what)
		if last := told[len(told)-1]; len(told) != 2 || !last.is("error", want.code) || !strings.Contains(last.Content.Message, want.words) {
			t.Errorf("%s later: %+v", what, told)
		}
		if said := toolText(overMCP("late " + what)); !strings.Contains(said, want.code) || !strings.Contains(said, want.words) {
			t.Errorf("%s over MCP: %s", what, said)
		}
		if told = c.say("hello"); told[0].Content.Text != "Hello, you stand at well" {
			t.Errorf("after %s the next turn gave %+v", what, told)
		}
		if said := toolText(overMCP("hello")); !strings.Contains(said, "you stand at well") {
			t.Errorf("after %s the next turn over MCP gave %s", what, said)
		}
	}
}

func text(v any) string { s, _ := v.(string); return s }
