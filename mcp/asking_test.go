package mcp

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"flowgate/internal/auth"
	"flowgate/internal/service"
	"flowgate/internal/workflow"
	"flowgate/store"
)

// deletion is a call of the 2026-07-28 generation that deletes a workflow, by
// a client that can ask its user; more are further members of params.
func (w *world) deletion(t testing.TB, key, id, more string) reply {
	t.Helper()
	return w.send(t, "POST", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",`+
		`"io.modelcontextprotocol/clientCapabilities":{"elicitation":{"form":{}}}},"name":"delete_workflow","arguments":{"workflow_id":"`+id+`","confirm":true}`+more+`}}`,
		"X-API-Key", key, "Mcp-Protocol-Version", "2026-07-28", "Mcp-Method", "tools/call", "Mcp-Name", "delete_workflow")
}

// question returns the state that comes with a question.
func question(t testing.TB, r reply) string {
	t.Helper()
	state, _ := r.result()["requestState"].(string)
	requests, _ := r.result()["inputRequests"].(map[string]any)
	if r.result()["resultType"] != "input_required" || state == "" || requests["answer"] == nil {
		t.Fatalf("no question: %d %s", r.status, r.body)
	}
	return state
}

func answered(action, state string) string {
	content := ""
	if action == "accept" {
		content = `,"content":{"confirm":true}`
	}
	return `,"requestState":"` + state + `","inputResponses":{"answer":{"action":"` + action + `"` + content + `}}`
}

func (w *world) exists(t testing.TB, id string) bool {
	t.Helper()
	_, err := w.store.Workflow(t.Context(), owner, id)
	return err == nil
}

func TestDeletionAsksThePerson(t *testing.T) {
	w := newWorld(t, nil)
	key, id := w.key(t, owner, "workflows:write"), w.workflow(t)
	r := w.deletion(t, key, id, "")
	state := question(t, r)
	if !strings.Contains(r.body, `Delete the workflow \"Greet\"`) || !strings.Contains(r.body, `"requestedSchema":{"type":"object","properties":{"confirm":{"type":"boolean"`) || !w.exists(t, id) {
		t.Fatalf("the question: %s", r.body)
	}
	if r := w.deletion(t, key, id, answered("decline", state)); r.result()["isError"] != true || !strings.Contains(r.text(), "declined") || !w.exists(t, id) {
		t.Fatalf("declined: %s", r.body)
	}
	no := strings.Replace(answered("accept", state), `"confirm":true`, `"confirm":false`, 1)
	if r := w.deletion(t, key, id, no); r.result()["isError"] != true || !w.exists(t, id) {
		t.Fatalf("accepted without the tick: %s", r.body)
	}
	if r := w.deletion(t, key, id, answered("accept", state)); r.result()["isError"] == true || w.exists(t, id) {
		t.Fatalf("accepted: %s", r.body)
	}
}

// TestAnswersCountForTheirQuestionAlone tries states of other callers,
// targets, versions, times and keys.
func TestAnswersCountForTheirQuestionAlone(t *testing.T) {
	w := newWorld(t, nil)
	key, id, other := w.key(t, owner, "tools:execute"), w.workflow(t), w.workflow(t)
	state := question(t, w.deletion(t, key, id, ""))
	refused := func(name, key, target, state string) {
		t.Helper()
		r := w.deletion(t, key, target, answered("accept", state))
		if r.result()["isError"] != true || !strings.Contains(r.text(), "answer_not_accepted") || !w.exists(t, target) {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
	}
	refused("another key of the owner's", w.key(t, owner, "tools:execute"), id, state)
	refused("another workflow", key, other, state)
	refused("a state that was changed", key, id, state[:len(state)-3]+"AAA")
	refused("no state", key, id, "")
	refused("nonsense", key, id, "%%%")
	if r := w.deletion(t, w.key(t, "someone else", "tools:execute"), id, answered("accept", state)); r.result()["isError"] != true || !w.exists(t, id) {
		t.Errorf("another owner: %s", r.body)
	}
	w.now = func() time.Time { return time.Now().Add(time.Hour) }
	refused("too late", key, id, state)
	w.now = time.Now
	foreign := newWorld(t, nil)
	foreign.keys, foreign.Authenticator.Keys = w.keys, w.keys // the same callers, another server's key
	elsewhere, err := foreign.sealState(auth.WithIdentity(t.Context(), &auth.Identity{Subject: owner}), w.Service.Tool("delete_workflow"), w.asked(t, id))
	if err != nil {
		t.Fatal(err)
	}
	refused("another server's state", key, id, elsewhere)
	if _, err := w.Service.Call(asOwner(t), "update_workflow", json.RawMessage(`{"workflow_id":"`+id+`","name":"Changed"}`)); err != nil {
		t.Fatal(err)
	}
	refused("a later version", key, id, state)
}

func asOwner(t testing.TB) context.Context {
	return auth.WithIdentity(t.Context(), &auth.Identity{Subject: owner, Kind: auth.KindLocal, Tier: auth.TierMCP})
}

// asked is the question that the deletion of a workflow asks.
func (w *world) asked(t testing.TB, id string) *service.Question {
	t.Helper()
	q, err := w.Service.Question(asOwner(t), "delete_workflow", json.RawMessage(`{"workflow_id":"`+id+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func TestWithoutElicitationConfirmIsNeeded(t *testing.T) {
	w := newWorld(t, nil)
	key, id := w.key(t, owner, "tools:execute"), w.workflow(t)
	bothGenerations(t, func(t *testing.T, modern bool) {
		r := w.ask(t, key, modern, "tools/call", "delete_workflow", `"name":"delete_workflow","arguments":{"workflow_id":"`+id+`"}`)
		if r.result()["isError"] != true || !strings.Contains(r.text(), "confirm: true") || !w.exists(t, id) {
			t.Errorf("%d %s", r.status, r.body)
		}
	})
	if r := w.ask(t, key, true, "tools/call", "delete_workflow", `"name":"delete_workflow","arguments":{"workflow_id":"`+id+`","confirm":true}`); w.exists(t, id) {
		t.Errorf("%d %s", r.status, r.body)
	}
}

// waits makes an execution that waits for an approval and returns its id.
func (w *world) waits(t testing.TB, data string) string {
	t.Helper()
	e := &workflow.Execution{ID: uuid.NewString(), OwnerID: owner, WorkflowID: w.workflow(t), WorkflowVersion: 1, Status: workflow.StatusQueued,
		Mode: workflow.ModeManual, CreatedAt: time.Now().UTC(), Executor: "x"}
	stored, _, err := w.store.CreateExecution(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	stored.Status, stored.WaitingFor = workflow.StatusWaiting, &workflow.Waiting{Node: "Boss", Kind: "approval", Topic: "t1", Data: json.RawMessage(data)}
	if rejected, err := w.store.SaveProgress(t.Context(), []store.Progress{{Execution: stored}}); err != nil || len(rejected) > 0 {
		t.Fatal(rejected, err)
	}
	return stored.ID
}

// elicit does a tool call of the older generation whose client can ask its
// user: it answers the question it gets with reply and returns question and result.
func (w *world) elicit(t *testing.T, key, tool, args, answer string) (asked string, result map[string]any) {
	t.Helper()
	open := w.send(t, "POST", `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{"elicitation":{}},"clientInfo":{"name":"t","version":"1"}}}`, "X-API-Key", key)
	session := open.header.Get("Mcp-Session-Id")
	req, err := http.NewRequestWithContext(t.Context(), "POST", w.url, strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"`+tool+`","arguments":`+args+`}}`))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range map[string]string{"X-API-Key": key, "Mcp-Session-Id": session, "Content-Type": "application/json", "Accept": "application/json, text/event-stream"} {
		req.Header.Set(k, v)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for sc := bufio.NewScanner(resp.Body); sc.Scan(); {
		data, ok := strings.CutPrefix(sc.Text(), "data: ")
		var m map[string]any
		if !ok || json.Unmarshal([]byte(data), &m) != nil {
			continue
		}
		if m["method"] == "elicitation/create" {
			asked = data
			id, _ := json.Marshal(m["id"])
			other := w.key(t, "someone else", "tools:execute") // cannot answer in its place
			if r := w.send(t, "POST", `{"jsonrpc":"2.0","id":`+string(id)+`,"result":`+answer+`}`, "X-API-Key", other, "Mcp-Session-Id", session); r.status != 404 {
				t.Errorf("a stranger's answer: %d %s", r.status, r.body)
			}
			w.send(t, "POST", `{"jsonrpc":"2.0","id":`+string(id)+`,"result":`+answer+`}`, "X-API-Key", w.key(t, "someone else", "tools:execute"), "Mcp-Session-Id", w.session(t, other))
			if r := w.send(t, "POST", `{"jsonrpc":"2.0","id":`+string(id)+`,"result":`+answer+`}`, "X-API-Key", key, "Mcp-Session-Id", session); r.status != 202 {
				t.Errorf("the answer: %d %s", r.status, r.body)
			}
			continue
		}
		if r, ok := m["result"].(map[string]any); ok {
			return asked, r
		}
		t.Fatalf("got %s", data)
	}
	t.Fatal("the stream ended without a result")
	return "", nil
}

func TestTheOlderGenerationIsAskedToo(t *testing.T) {
	w := newWorld(t, nil)
	key, id := w.key(t, owner, "tools:execute"), w.workflow(t)
	asked, result := w.elicit(t, key, "delete_workflow", `{"workflow_id":"`+id+`"}`, `{"action":"decline"}`)
	if !strings.Contains(asked, `Delete the workflow`) || result["isError"] != true || !w.exists(t, id) {
		t.Errorf("asked %s, got %v", asked, result)
	}
	if asked, result = w.elicit(t, key, "delete_workflow", `{"workflow_id":"`+id+`"}`, `{"action":"accept","content":{"confirm":true}}`); result["isError"] == true || w.exists(t, id) {
		t.Errorf("asked %s, got %v", asked, result)
	}
}

func TestApprovalsAreAnsweredByThePerson(t *testing.T) {
	w := newWorld(t, nil)
	var answer *workflow.Object
	w.agent.resume = func(response *workflow.Object) { answer = response }
	key, id := w.key(t, owner, "tools:execute"), w.waits(t, `{"title":"Refund","message":"Pay 7?","approve":"Pay","reject":"Keep","comment":true}`)
	asked, result := w.elicit(t, key, "resume_execution", `{"execution_id":"`+id+`","wait_seconds":0}`, `{"action":"accept","content":{"approved":true,"comment":"ok"}}`)
	if !strings.Contains(asked, "Refund: Pay 7?") || !strings.Contains(asked, `"comment"`) || result["isError"] == true {
		t.Errorf("asked %s, got %v", asked, result)
	}
	if answer.Value("approved") != true || answer.Value("comment") != "ok" {
		t.Errorf("the execution got %v", answer)
	}
	// An answer that the call brings is not asked for again.
	answer = nil
	if r := w.ask(t, key, true, "tools/call", "resume_execution", `"name":"resume_execution","arguments":{"execution_id":"`+id+`","wait_seconds":0,"response":{"approved":false}}`); answer.Value("approved") != false {
		t.Errorf("%d %s", r.status, r.body)
	}
}

func TestStdioAsksToo(t *testing.T) {
	w := newWorld(t, nil)
	id := w.workflow(t)
	in, send := io.Pipe()
	read, out := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- w.ServeStdio(t.Context(), &auth.Identity{Subject: owner, Kind: auth.KindLocal, Tier: auth.TierMCP}, in, out)
		_ = out.Close()
	}()
	say := func(line string) {
		if _, err := io.WriteString(send, line+"\n"); err != nil {
			t.Error(err)
		}
	}
	lines := bufio.NewScanner(read)
	lines.Buffer(nil, 1<<20)
	hear := func() map[string]any {
		var m map[string]any
		if !lines.Scan() || json.Unmarshal(bytes.TrimSpace(lines.Bytes()), &m) != nil {
			t.Fatalf("heard %q", lines.Text())
		}
		return m
	}
	say(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{"elicitation":{}},"clientInfo":{"name":"t","version":"1"}}}`)
	hear()
	say(`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"delete_workflow","arguments":{"workflow_id":"` + id + `"}}}`)
	asked := hear()
	if asked["method"] != "elicitation/create" {
		t.Fatalf("heard %v", asked)
	}
	say(`{"jsonrpc":"2.0","id":"` + asked["id"].(string) + `","result":{"action":"accept","content":{"confirm":true}}}`)
	if m := hear(); m["result"] == nil || w.exists(t, id) {
		t.Errorf("heard %v", m)
	}
	_ = send.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestToolListChangesAreToldToTheirOwner(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Watch = 20 * time.Millisecond })
	mine, other := w.key(t, owner, "tools:execute"), w.key(t, "someone else", "tools:execute")
	heard, others := w.listen(t, mine, w.session(t, mine)), w.listen(t, other, w.session(t, other))
	modern := w.subscribe(t, mine, `{"toolsListChanged":true}`)
	quiet := w.subscribe(t, mine, `{"promptsListChanged":true}`)
	if line := <-modern; !strings.Contains(line, "subscriptions/acknowledged") {
		t.Fatalf("heard %q", line)
	}
	id := w.toolWorkflow(t, owner, "Fresh") // past this door, as another process would
	for name, lines := range map[string]<-chan string{"the session": heard, "the subscription": modern} {
		if line := <-lines; !strings.Contains(line, "tools/list_changed") {
			t.Errorf("%s heard %q", name, line)
		}
	}
	if r := w.ask(t, mine, true, "tools/call", "deactivate_workflow", `"name":"deactivate_workflow","arguments":{"workflow_id":"`+id+`"}`); r.result()["isError"] == true {
		t.Fatal(r.body)
	}
	if line := <-modern; !strings.Contains(line, "tools/list_changed") || !strings.Contains(line, `"io.modelcontextprotocol/subscriptionId":9`) {
		t.Errorf("heard %q", line)
	}
	select {
	case line := <-others:
		t.Errorf("another owner heard %q", line)
	case line := <-quiet:
		if strings.Contains(line, "tools/list_changed") {
			t.Errorf("who did not ask heard %q", line)
		}
	case <-time.After(50 * time.Millisecond):
	}
}

// subscribe opens a stream of the generation without sessions.
func (w *world) subscribe(t *testing.T, key, notifications string) <-chan string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "POST", w.url, strings.NewReader(`{"jsonrpc":"2.0","id":9,"method":"subscriptions/listen","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",`+
		`"io.modelcontextprotocol/clientCapabilities":{}},"notifications":`+notifications+`}}`))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range map[string]string{"X-API-Key": key, "Content-Type": "application/json", "Accept": "application/json, text/event-stream", "Mcp-Protocol-Version": "2026-07-28", "Mcp-Method": "subscriptions/listen"} {
		req.Header.Set(k, v)
	}
	return w.stream(t, req)
}

func TestSubscribersHearOfTheirResources(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Watch = 20 * time.Millisecond })
	mine, other, id := w.key(t, owner, "tools:execute"), w.key(t, "someone else", "tools:execute"), w.workflow(t)
	session, theirs := w.session(t, mine), w.session(t, other)
	subscribe := func(method, key, session string) {
		t.Helper()
		if r := w.send(t, "POST", `{"jsonrpc":"2.0","id":1,"method":"resources/`+method+`","params":{"uri":"workflow://`+id+`"}}`, "X-API-Key", key, "Mcp-Session-Id", session); r.status != 200 || r.errorCode() != 0 {
			t.Fatalf("%s: %d %s", method, r.status, r.body)
		}
	}
	subscribe("subscribe", mine, session)
	subscribe("subscribe", other, theirs) // which is not theirs to read
	heard, others := w.listen(t, mine, session), w.listen(t, other, theirs)
	modern := w.subscribe(t, mine, `{"resourceSubscriptions":["workflow://`+id+`"]}`)
	<-modern // it is acknowledged
	change := func(name string) {
		t.Helper()
		if _, err := w.Service.Call(asOwner(t), "update_workflow", json.RawMessage(`{"workflow_id":"`+id+`","name":"`+name+`"}`)); err != nil {
			t.Fatal(err)
		}
	}
	for name, lines := range map[string]<-chan string{"the session": heard, "the subscription": modern} {
		said := make(chan string, 1)
		go func() { said <- <-lines }()
		for i := 0; ; i++ { // a change before the first look is no change
			change(fmt.Sprint(name, i))
			select {
			case line := <-said:
				if !strings.Contains(line, "notifications/resources/updated") || !strings.Contains(line, id) {
					t.Errorf("%s heard %q", name, line)
				}
			case <-time.After(100 * time.Millisecond):
				continue
			}
			break
		}
	}
	select {
	case line := <-others:
		t.Errorf("another owner heard %q", line)
	default:
	}
	subscribe("unsubscribe", mine, session)
}

// countedAudit counts what would be in the audit log.
type countedAudit struct{ entries atomic.Int64 }

func (a *countedAudit) Reserve(context.Context, bool) (bool, error)      { return true, nil }
func (a *countedAudit) Record(store.AuditEntry, []byte)                  { a.entries.Add(1) }
func (a *countedAudit) Refuse(context.Context, store.AuditEntry, []byte) { a.entries.Add(1) }

// TestLooksAreNotRecorded tells changes of what is subscribed to, of which no
// look is a call of the caller's.
func TestLooksAreNotRecorded(t *testing.T) {
	w := newWorld(t, nil)
	ctx, id := asOwner(t), w.workflow(t)
	e, _, err := w.store.CreateExecution(ctx, &workflow.Execution{ID: "e1", OwnerID: owner, WorkflowID: id})
	if err != nil {
		t.Fatal(err)
	}
	audit := &countedAudit{}
	seen := map[string]look{}
	var changed []string
	looks := func() []string {
		w.Service.Audit = audit
		changed = nil
		w.lookAt(ctx, []string{"workflow://" + id, "execution://" + e.ID, "workflow://none", "nothing://"}, seen, func(uri string) { changed = append(changed, uri) })
		w.Service.Audit = nil
		return changed
	}
	if first, again := looks(), looks(); len(first)+len(again) != 0 {
		t.Errorf("changed without a change: %v %v", first, again)
	}
	if _, err := w.store.RequestCancel(ctx, owner, e.ID); err != nil {
		t.Fatal(err)
	}
	if got := looks(); len(got) != 1 || got[0] != "execution://"+e.ID {
		t.Errorf("changed: %v", got)
	}
	if _, err := w.Service.Call(ctx, "update_workflow", json.RawMessage(`{"workflow_id":"`+id+`","name":"Else"}`)); err != nil {
		t.Fatal(err)
	}
	if got := looks(); len(got) != 1 || got[0] != "workflow://"+id {
		t.Errorf("changed: %v", got)
	}
	if n := audit.entries.Load(); n != 0 {
		t.Errorf("%d entries in the audit log", n)
	}
}
