package app_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"flowgate/internal/app"
	"flowgate/internal/config"
)

// shop is a service that a journey's workflow reads from and writes to.
type shop struct {
	*httptest.Server
	mu   sync.Mutex
	sent map[string][]any // what was posted, by path
}

func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{sent: map[string][]any{}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			var v any
			_ = json.NewDecoder(r.Body).Decode(&v)
			s.mu.Lock()
			s.sent[r.URL.Path] = append(s.sent[r.URL.Path], v)
			s.mu.Unlock()
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`[{"id":1,"total":500},{"id":2,"total":5},{"id":3,"total":700}]`))
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *shop) posted(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sent[path])
}

// newAccount signs somebody up at the embedded sign-in, as its clients do.
func (s *serverProcess) newAccount(t *testing.T, email string) *person {
	t.Helper()
	status, body := s.do(t, "POST", "/auth/v1/signup", []byte(`{"email":"`+email+`","password":"correct horse battery staple"}`), "Content-Type", "application/json")
	var session struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(body, &session); status != http.StatusOK || err != nil || session.AccessToken == "" {
		t.Fatalf("signing up: %d %s", status, body)
	}
	return &person{srv: s, token: session.AccessToken}
}

// traveller goes the journey through one door: a reply is what an answer is in
// any of them.
type traveller interface {
	session(begin object) (id, workflow string)
	say(session, message string) reply
	call(tool string, args object) map[string]any
}

type reply struct {
	stage, workflow    string
	questions, options int
	valid, sawWorkflow bool
	stages             string // all of the turn's; "" where the door does not tell
}

// byREST signs in and talks over the App routes and their streams.
type byREST struct {
	t     *testing.T
	who   *person
	chats map[string]*conversation
}

func (b *byREST) session(begin object) (string, string) {
	b.t.Helper()
	var s struct {
		SessionID  string `json:"session_id"`
		WorkflowID string `json:"workflow_id"`
	}
	b.who.ok(b.t, "POST", "/sessions", begin, &s)
	b.chats[s.SessionID] = &conversation{b.t, b.who, s.SessionID}
	return s.SessionID, s.WorkflowID
}

func (b *byREST) say(session, message string) reply {
	b.t.Helper()
	var a reply
	for _, e := range b.chats[session].say(message) {
		switch e.Type {
		case "status":
			a.stage = e.Content.Stage
			a.stages += e.Content.Stage + " "
		case "message":
			a.questions, a.options = len(e.Content.Questions), len(e.Content.Options)
		case "workflow":
			a.workflow, a.valid, a.sawWorkflow = e.Content.WorkflowID, e.Content.Validation.Valid, true
		case "error":
			b.t.Fatalf("%q: %+v", message, e.Content)
		}
	}
	return a
}

func (b *byREST) call(tool string, args object) map[string]any {
	b.t.Helper()
	id, _ := args["workflow_id"].(string)
	routes := map[string][2]string{
		"execute_workflow": {"POST", "/workflows/" + id + "/execute"},
		"list_executions":  {"GET", "/executions?workflow_id=" + id},
		"get_workflow":     {"GET", "/workflows/" + id},
		"get_session":      {"GET", "/sessions/" + text(args["session_id"])},
	}
	var body any
	if tool == "execute_workflow" {
		body = object{"wait_seconds": 30}
	}
	var out map[string]any
	b.who.ok(b.t, routes[tool][0], routes[tool][1], body, &out)
	return out
}

// byMCP talks by the tools, with a key of the same person's.
type byMCP struct {
	t     *testing.T
	model *model
}

func (b *byMCP) call(tool string, args object) map[string]any {
	b.t.Helper()
	result := b.model.request("tools/call", tool, object{"name": tool, "arguments": args})
	out, _ := result["structuredContent"].(map[string]any)
	if out == nil || result["isError"] == true {
		b.t.Fatalf("%s: %v", tool, result)
	}
	return out
}

func (b *byMCP) session(begin object) (string, string) {
	b.t.Helper()
	s := b.call("start_session", begin)
	return text(s["session_id"]), text(s["workflow_id"])
}

func (b *byMCP) say(session, message string) reply {
	b.t.Helper()
	r := b.call("send_message", object{"session_id": session, "message": message})
	if r["error"] != nil {
		b.t.Fatalf("%q: %v", message, r["error"])
	}
	questions, _ := r["questions"].([]any)
	options, _ := r["alternatives"].([]any)
	return reply{stage: text(r["stage"]), workflow: text(r["workflow_id"]), questions: len(questions), options: len(options), valid: r["valid"] == true, sawWorkflow: r["workflow_id"] != nil}
}

// TestJourney goes from signing in over a question and an option to a workflow
// that is saved, runs and stands in the history, and on to an edit and a copy:
// over REST with server-sent events, and over the MCP tools.
func TestJourney(t *testing.T) {
	t.Parallel()
	srv := startServer(t, t.TempDir(), "--allow-private")
	person := srv.newAccount(t, "ann@example.com")
	var made struct{ Key string }
	person.ok(t, "POST", "/api-keys", object{"client_name": "journey", "scopes": []string{"tools:execute", "agent:chat"}}, &made)
	for name, door := range map[string]traveller{
		"REST": &byREST{t, person, map[string]*conversation{}},
		"MCP":  &byMCP{t, &model{t: t, url: srv.url, key: made.Key}},
	} {
		t.Run(name, func(t *testing.T) { journey(t, door, newShop(t)) })
	}

	// one answer at a time: a second message meanwhile is refused
	c := person.converse(t, object{})
	core, err := app.OpenCore(t.Context(), &config.Config{DataDir: srv.dataDir, Environment: "development", EncryptionKey: strings.Repeat("0f", 31) + "00"}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = core.Close() }()
	var me struct{ ID string }
	person.ok(t, "GET", "/auth/profile", nil, &me)
	turn, err := core.Store.BeginTurn(t.Context(), me.ID, c.id, time.Minute) // as another server would
	if err != nil {
		t.Fatal(err)
	}
	if status, _, body := c.begin("hello"); status != http.StatusConflict {
		t.Errorf("a second answer at once: %d %s", status, body)
	}
	if err := core.Store.EndTurn(t.Context(), me.ID, c.id, turn); err != nil {
		t.Fatal(err)
	}
	c.say("hello")
}

func journey(t *testing.T, door traveller, shop *shop) {
	session, _ := door.session(object{"action": "create"})
	a := door.say(session, "Fetch the orders, keep those where total is over 100 and post them to Slack")
	if a.stage != "negotiation" || a.questions != 1 || a.sawWorkflow {
		t.Fatalf("the first answer is %+v", a)
	}
	if view := door.call("get_session", object{"session_id": session}); view["stage"] != "negotiation" || view["pending_questions"] == nil {
		t.Errorf("the session stands at %v", view)
	}
	a = door.say(session, shop.URL+"/orders")
	if a.stage != "negotiation" || a.options < 2 || a.sawWorkflow {
		t.Fatalf("the second answer is %+v", a)
	}
	if a = door.say(session, "1"); a.questions != 1 {
		t.Fatalf("the third answer is %+v", a)
	}
	a = door.say(session, shop.URL+"/slack")
	if a.stage != "completed" || a.workflow == "" || !a.valid {
		t.Fatalf("no workflow came: %+v", a)
	}
	if a.stages != "" && !strings.Contains(a.stages, "clarification gap_analysis workflow_generation debug completed") {
		t.Errorf("the stages were %s", a.stages)
	}
	made := a.workflow
	if e := door.call("execute_workflow", object{"workflow_id": made, "wait_seconds": 30}); e["status"] != "success" || shop.posted("/slack") == 0 {
		t.Fatalf("the execution ended as %v", e)
	}
	history := door.call("list_executions", object{"workflow_id": made})
	if list, _ := history["executions"].([]any); len(list) != 1 {
		t.Errorf("the history is %v", history)
	}

	edit, _ := door.session(object{"action": "edit", "workflow_id": made})
	if a = door.say(edit, "take only the first one"); a.workflow != made || !a.valid {
		t.Errorf("the edit gave %+v", a)
	}
	before := shop.posted("/slack")
	if e := door.call("execute_workflow", object{"workflow_id": made, "wait_seconds": 30}); e["status"] != "success" || shop.posted("/slack") != before+1 {
		t.Errorf("after the edit %v, posted %d times more", e["status"], shop.posted("/slack")-before)
	}
	copied, id := door.session(object{"action": "copy", "workflow_id": made})
	if a = door.say(copied, "rename it to Big orders"); id == made || a.workflow != id {
		t.Errorf("the copy %s of %s gave %+v", id, made, a)
	}
	if w := door.call("get_workflow", object{"workflow_id": id}); w["name"] != "Big orders" {
		t.Errorf("the copy is called %v", w["name"])
	}
	if w := door.call("get_workflow", object{"workflow_id": made}); w["name"] == "Big orders" || w["version"] != 2.0 {
		t.Errorf("the source became %v, version %v", w["name"], w["version"])
	}
}
