package app_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"flowgate/internal/app"
	"flowgate/internal/auth"
	"flowgate/internal/config"
	"flowgate/internal/service"
	"flowgate/internal/workflow"
)

// talker is a signed-in user of a product in this process.
type talker struct {
	*testing.T
	app *app.App
	ctx context.Context
}

func newTalker(t *testing.T, settings map[string]string) *talker {
	t.Helper()
	flags := map[string]string{"data_dir": t.TempDir(), "code_in_process": "true", "egress_allow_private": "true"}
	for k, v := range settings {
		flags[k] = v
	}
	cfg, err := config.Load(config.Source{Flags: flags})
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.Open(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := a.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	u, err := a.User(t.Context(), "ann@example.com")
	if err != nil {
		t.Fatal(err)
	}
	id := &auth.Identity{Subject: u.ID, Email: u.Email, Kind: auth.KindUser, Tier: auth.TierApp}
	return &talker{T: t, app: a, ctx: auth.WithIdentity(t.Context(), id)}
}

// call calls a capability and returns its result through JSON.
func (w *talker) call(name string, args object, out any) error {
	w.Helper()
	data, err := json.Marshal(args)
	if err != nil {
		w.Fatal(err)
	}
	result, err := w.app.Service.Call(w.ctx, name, data)
	if err != nil {
		return err
	}
	if data, err = json.Marshal(result); err == nil {
		err = json.Unmarshal(data, out)
	}
	if err != nil {
		w.Fatal(err)
	}
	return nil
}

func (w *talker) must(name string, args object, out any) {
	w.Helper()
	if err := w.call(name, args, out); err != nil {
		w.Fatalf("%s: %v", name, err)
	}
}

func (w *talker) say(session, message string) service.Answer {
	w.Helper()
	var a service.Answer
	w.must("send_message", object{"session_id": session, "message": message}, &a)
	if a.Failure != "" {
		w.Fatalf("%q failed: %+v", message, a.Failure)
	}
	return a
}

// TestConversationJourney goes from a wish over a question and an option to a
// workflow that runs, and on to an edit and a copy.
func TestConversationJourney(t *testing.T) {
	t.Parallel()
	w := newTalker(t, nil)
	var posted sync.Map
	shop := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			posted.Store(r.URL.Path, true)
		}
		rw.Header().Set("Content-Type", "application/json")
		_, _ = rw.Write([]byte(`[{"id":1,"total":500},{"id":2,"total":5}]`))
	}))
	defer shop.Close()

	var s service.StartedSession
	w.must("start_session", object{}, &s)
	a := w.say(s.SessionID, `Fetch the orders, keep those where total is over 100 and post them to Slack`)
	if a.Stage != "negotiation" || len(a.Questions) != 1 {
		t.Fatalf("the first answer is %+v", a)
	}
	a = w.say(s.SessionID, shop.URL+"/orders")
	if a.Stage != "negotiation" || len(a.Alternatives) < 2 {
		t.Fatalf("the second answer is %+v", a)
	}
	var view service.SessionView
	w.must("get_session", object{"session_id": s.SessionID}, &view)
	if view.Stage != "negotiation" || len(view.Alternatives) < 2 {
		t.Errorf("the session stands at %+v", view)
	}
	w.say(s.SessionID, "1")
	a = w.say(s.SessionID, shop.URL+"/slack")
	if a.Stage != "completed" || a.WorkflowID == "" || !a.Valid {
		t.Fatalf("no workflow came: %+v", a)
	}
	var e service.ExecutionView
	w.must("execute_workflow", object{"workflow_id": a.WorkflowID, "wait_seconds": 30}, &e)
	if _, sent := posted.Load("/slack"); e.Status != "success" || !sent {
		t.Fatalf("the execution ended as %s (sent: %v): %+v", e.Status, sent, e.Error)
	}
	var history struct {
		Total int `json:"total_count"`
	}
	w.must("list_executions", object{"workflow_id": a.WorkflowID}, &history)
	if history.Total != 1 {
		t.Errorf("the history holds %d executions", history.Total)
	}
	var messages service.MessageList
	w.must("list_messages", object{"session_id": s.SessionID, "limit": 3}, &messages)
	if messages.Total < 8 || messages.Messages[0].Type != "user" || messages.Messages[0].Seq != 1 || messages.NextCursor == "" {
		t.Errorf("the messages are %+v", messages)
	}

	again := w.say(s.SessionID, "run it every hour")
	if again.WorkflowID != a.WorkflowID {
		t.Errorf("the change went to %s", again.WorkflowID)
	}
	var doc service.WorkflowView
	w.must("get_workflow", object{"workflow_id": a.WorkflowID}, &doc)
	if doc.Version != 2 || !strings.HasSuffix(doc.Nodes[0].Type, "scheduleTrigger") {
		t.Errorf("the changed workflow is version %d, begins with %s", doc.Version, doc.Nodes[0].Type)
	}

	var edit, copied service.StartedSession
	w.must("start_session", object{"action": "edit", "workflow_id": a.WorkflowID}, &edit)
	if got := w.say(edit.SessionID, "take only the first 3"); got.WorkflowID != a.WorkflowID || got.Stage != "completed" {
		t.Errorf("the edit gave %+v", got)
	}
	w.must("start_session", object{"action": "copy", "workflow_id": a.WorkflowID}, &copied)
	if copied.WorkflowID == a.WorkflowID || copied.WorkflowID == "" {
		t.Fatalf("the copy is %q", copied.WorkflowID)
	}
	if got := w.say(copied.SessionID, "rename it to Big orders"); got.WorkflowID != copied.WorkflowID {
		t.Errorf("the change of the copy went to %s", got.WorkflowID)
	}
	w.must("get_workflow", object{"workflow_id": a.WorkflowID}, &doc)
	if doc.Version != 3 || doc.Name == "Big orders" {
		t.Errorf("the source became version %d, %q", doc.Version, doc.Name)
	}
	for name, args := range map[string]object{"no id": {"action": "edit"}, "not there": {"action": "copy", "workflow_id": "nobody's"}} {
		want := map[string]workflow.Code{"no id": workflow.CodeInvalid, "not there": workflow.CodeNotFound}[name]
		if err := w.call("start_session", args, &copied); workflow.CodeOf(err) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestConversationAlone lets one turn at a time into a session, and nobody
// else's in at all.
func TestConversationAlone(t *testing.T) {
	t.Parallel()
	w := newTalker(t, nil)
	var s service.StartedSession
	w.must("start_session", object{}, &s)
	who := auth.FromContext(w.ctx).Subject
	turn, err := w.app.Store.BeginTurn(w.ctx, who, s.SessionID, time.Minute) // as another process would
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.app.Service.Chat(w.ctx, s.SessionID, "hello"); workflow.CodeOf(err) != workflow.CodeConflict {
		t.Errorf("a second turn gave %v", err)
	}
	if err := w.app.Store.EndTurn(w.ctx, who, s.SessionID, turn); err != nil {
		t.Fatal(err)
	}
	stranger := auth.WithIdentity(w.ctx, &auth.Identity{Subject: "somebody", Kind: auth.KindUser, Tier: auth.TierApp})
	if _, err := w.app.Service.Chat(stranger, s.SessionID, "hello"); workflow.CodeOf(err) != workflow.CodeNotFound {
		t.Errorf("a stranger got %v", err)
	}
	// a caller that leaves does not end the turn
	ctx, cancel := context.WithCancel(w.ctx)
	after, err := w.app.Service.Chat(ctx, s.SessionID, "Every hour fetch https://a.example.com/x")
	cancel()
	if err != nil {
		t.Fatal(err)
	}
	ids := int64(0)
	err = w.app.Service.FollowChat(w.ctx, s.SessionID, after, func(item service.ChatItem) error {
		if item.ID != after+ids+1 {
			t.Errorf("event %d follows %d", item.ID, after+ids)
		}
		ids++
		if item.Final {
			return context.Canceled
		}
		return nil
	})
	if err != context.Canceled || ids < 5 { //nolint:errorlint // passed on as it is
		t.Errorf("%d events, then %v", ids, err)
	}
}

// TestAgentFallback has nobody at the remote agent's address: a proper error,
// or the embedded agent, which says so.
func TestAgentFallback(t *testing.T) {
	t.Parallel()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(lis.Addr().String())
	_ = lis.Close()
	remote := map[string]string{"workflow_service_host": "127.0.0.1", "workflow_service_port": port}
	w := newTalker(t, remote)
	var s service.StartedSession
	w.must("start_session", object{}, &s)
	for range 2 { // the session is free again
		if err := w.call("send_message", object{"session_id": s.SessionID, "message": "hi"}, &service.Answer{}); workflow.CodeOf(err) != workflow.CodeUnavailable {
			t.Errorf("without an agent: %v", err)
		}
	}
	remote["agent_fallback"] = "embedded"
	w = newTalker(t, remote)
	w.must("start_session", object{}, &s)
	after, err := w.app.Service.Chat(w.ctx, s.SessionID, "Fetch https://a.example.com/x")
	if err != nil {
		t.Fatal(err)
	}
	said := ""
	_ = w.app.Service.FollowChat(w.ctx, s.SessionID, after, func(item service.ChatItem) error {
		said += string(item.Data)
		if item.Final {
			return context.Canceled
		}
		return nil
	})
	if !strings.Contains(said, "cannot be reached") || !strings.Contains(said, `"type":"workflow"`) {
		t.Errorf("the embedded agent said %s", said)
	}
}
