package app_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"
)

// waitingReply is an execution that may wait.
type waitingReply struct {
	ExecutionID string `json:"execution_id"`
	Status      string
	ResumeURL   string `json:"resume_url"`
	RetryOf     string `json:"retry_of"`
	WaitingFor  *struct {
		Node, Kind string
		Until      *time.Time
	} `json:"waiting_for"`
	Error  *struct{ Node, Message, Code string }
	Result []struct{ JSON map[string]any }
	Nodes  []struct {
		Node, Status string
		Outputs      [][]struct{ JSON map[string]any }
	}
}

// line is a workflow of nodes that follow each other by their first output;
// more says which nodes follow by other outputs.
func line(name string, settings object, nodes ...object) object {
	connections := object{}
	for i, n := range nodes {
		n["position"] = []int{200 * i, 0}
		if _, ok := n["typeVersion"]; !ok {
			n["typeVersion"] = 1
		}
		if _, ok := n["parameters"]; !ok {
			n["parameters"] = object{}
		}
		if i > 0 {
			connections[nodes[i-1]["name"].(string)] = object{"main": [][]object{{{"node": n["name"], "type": "main", "index": 0}}}}
		}
	}
	if settings == nil {
		settings = object{}
	}
	return object{"name": name, "nodes": nodes, "connections": connections, "settings": settings}
}

func manual() object {
	return object{"name": "Start", "type": "n8n-nodes-base.manualTrigger"}
}

func set(name, field, expression string) object {
	return object{"name": name, "type": "n8n-nodes-base.set", "typeVersion": 3.4, "parameters": object{"includeOtherFields": true,
		"assignments": object{"assignments": []object{{"id": name, "name": field, "type": "string", "value": expression}}}}}
}

func (s *serverProcess) create(t *testing.T, key string, doc object) string {
	t.Helper()
	var saved struct {
		WorkflowID string `json:"workflow_id"`
	}
	s.call(t, key, "create_workflow", doc, &saved)
	return saved.WorkflowID
}

func (s *serverProcess) execute(t *testing.T, key, id string, more ...object) waitingReply {
	t.Helper()
	var e waitingReply
	params := object{"workflow_id": id, "wait_seconds": 20}
	for _, m := range more {
		for k, v := range m {
			params[k] = v
		}
	}
	s.call(t, key, "execute_workflow", params, &e)
	return e
}

func (s *serverProcess) look(t *testing.T, key, id string) waitingReply {
	t.Helper()
	var e waitingReply
	s.call(t, key, "get_execution", object{"execution_id": id, "detail": "nodes"}, &e)
	return e
}

// becomes waits until the execution has the status.
func (s *serverProcess) becomes(t *testing.T, key, id, status string) waitingReply {
	t.Helper()
	return s.becomesWithin(t, 20*time.Second, key, id, status)
}

func (s *serverProcess) becomesWithin(t *testing.T, within time.Duration, key, id, status string) waitingReply {
	t.Helper()
	var e waitingReply
	eventually(t, within, "the execution is "+status, func() bool {
		e = s.look(t, key, id)
		return e.Status == status
	})
	return e
}

// here replaces the address that links are made of by the one that is tried.
func (s *serverProcess) here(t *testing.T, link string) string {
	t.Helper()
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	return s.url + u.RequestURI()
}

func request(t *testing.T, method, url, kind, accept, body string) (int, http.Header, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	if accept != "" {
		req.Header.Set("Accept", accept)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(data)
}

const formKind = "application/x-www-form-urlencoded"

// TestWaits holds executions for a time, a call, a form and a decision, over a
// kill and a restart.
func TestWaits(t *testing.T) {
	t.Parallel()
	srv := startServer(t, t.TempDir())
	key := srv.key(t, "tools:execute")
	wait := func(params object) object {
		return object{"name": "Wait", "type": "n8n-nodes-base.wait", "typeVersion": 1.1, "parameters": params}
	}
	timed := srv.create(t, key, line("timed", nil, manual(), wait(object{"amount": 6, "unit": "seconds"}), set("After", "done", "yes")))
	dated := srv.create(t, key, line("dated", nil, manual(), wait(object{"resume": "specificTime", "dateTime": time.Now().Add(6 * time.Second).UTC().Format(time.RFC3339)}), set("After", "done", "yes")))
	called := srv.create(t, key, line("called", nil, manual(), set("Before", "link", "={{ $execution.resumeUrl }}"), wait(object{"resume": "webhook", "httpMethod": "POST"}), set("After", "link", "={{ $('Before').item.json.link }}")))
	formed := srv.create(t, key, line("formed", nil, manual(), wait(object{"resume": "form", "formTitle": "Where <to>?",
		"formFields": object{"values": []object{{"fieldLabel": "City", "requiredField": true}, {"fieldLabel": "How many", "fieldType": "number"}}}})))
	decided := srv.create(t, key, line("decided", nil, manual(), object{"name": "Ask", "type": "flowgate.approval", "parameters": object{"message": "Pay {{x}} <now>?", "askComment": true}}, set("Paid", "paid", "yes")))
	limited := srv.create(t, key, line("limited", nil, manual(), wait(object{"resume": "webhook", "limitWaitTime": true, "resumeAmount": 4, "resumeUnit": "seconds"}), set("After", "done", "late")))
	began := time.Now()
	at := map[string]waitingReply{}
	for _, id := range []string{timed, dated, called, formed, decided, limited} {
		e := srv.execute(t, key, id)
		if e = srv.becomes(t, key, e.ExecutionID, "waiting"); e.WaitingFor == nil {
			t.Fatalf("%+v waits for nothing", e)
		}
		at[id] = e
	}
	if time.Since(began) > 15*time.Second {
		t.Error("execute_workflow did not return when the execution came to wait")
	}
	if w := at[timed].WaitingFor; w.Kind != "time" || w.Until == nil || at[timed].ResumeURL != "" {
		t.Errorf("%+v", at[timed])
	}
	srv.stop(syscall.SIGKILL)
	srv = startServer(t, srv.dataDir)

	for _, id := range []string{timed, dated, limited} {
		if e := srv.becomes(t, key, at[id].ExecutionID, "success"); len(e.Result) != 1 || e.Result[0].JSON["done"] == nil {
			t.Errorf("%+v", e)
		}
	}

	link := srv.here(t, at[called].ResumeURL)
	if status, _, body := request(t, "POST", strings.Replace(link, "signature=", "signature=0", 1), "", "", "{}"); status != 403 {
		t.Errorf("a forged link: %d %s", status, body)
	}
	if status, _, _ := request(t, "POST", strings.Split(link, "?")[0], "", "", "{}"); status != 403 {
		t.Errorf("a link without its signature: %d", status)
	}
	if status, _, body := request(t, "GET", link, "", "", ""); status != 404 {
		t.Errorf("the wrong method: %d %s", status, body)
	}
	if status, _, body := request(t, "POST", link+"&a=1", "application/json", "", `{"ok":true}`); status != 200 {
		t.Errorf("the call: %d %s", status, body)
	}
	e := srv.becomes(t, key, at[called].ExecutionID, "success")
	body, _ := e.Result[0].JSON["body"].(map[string]any)
	query, _ := e.Result[0].JSON["query"].(map[string]any)
	if body["ok"] != true || query["a"] != "1" || query["signature"] != nil {
		t.Errorf("%+v", e.Result)
	}
	if u, _ := e.Result[0].JSON["link"].(string); srv.here(t, u) != link {
		t.Errorf("$execution.resumeUrl is %q, resume_url %q", u, at[called].ResumeURL)
	}
	if status, _, _ := request(t, "POST", link, "", "", "{}"); status != 409 {
		t.Errorf("a second call: %d", status)
	}

	link = srv.here(t, at[formed].ResumeURL)
	status, header, text := request(t, "GET", link, "", "text/html", "")
	if status != 200 || !strings.Contains(text, "Where &lt;to&gt;?") || !strings.Contains(text, `name="City"`) || !strings.Contains(header.Get("Content-Security-Policy"), "sandbox") || strings.Contains(text, "<script") {
		t.Errorf("%d %v %s", status, header, text)
	}
	if status, _, text := request(t, "POST", link, formKind, "text/html", "City=&How+many=x"); status != 400 || !strings.Contains(text, "must be filled in") {
		t.Errorf("%d %s", status, text)
	}
	if status, _, text := request(t, "POST", link, formKind, "text/html", "City=Bergen&How+many=3"); status != 200 || !strings.Contains(text, "Thank you") {
		t.Errorf("%d %s", status, text)
	}
	if e := srv.becomes(t, key, at[formed].ExecutionID, "success"); e.Result[0].JSON["City"] != "Bergen" || e.Result[0].JSON["How many"] != 3.0 {
		t.Errorf("%+v", e.Result)
	}

	link = srv.here(t, at[decided].ResumeURL)
	if status, _, text := request(t, "GET", link, "", "text/html", ""); status != 200 || !strings.Contains(text, "Pay {{x}} &lt;now&gt;?") {
		t.Errorf("%d %s", status, text)
	}
	if e := srv.look(t, key, at[decided].ExecutionID); e.Status != "waiting" {
		t.Errorf("looking at the page decided: %+v", e)
	}
	var wg = make(chan int, 8)
	for range cap(wg) {
		go func() {
			req, err := http.NewRequestWithContext(t.Context(), "POST", link, strings.NewReader("decision=approve&comment=fine"))
			if err != nil {
				wg <- 0
				return
			}
			req.Header.Set("Content-Type", formKind)
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				wg <- 0
				return
			}
			_ = resp.Body.Close()
			wg <- resp.StatusCode
		}()
	}
	taken := 0
	for range cap(wg) {
		switch status := <-wg; status {
		case 200:
			taken++
		case 409:
		default:
			t.Errorf("an answer beside others: %d", status)
		}
	}
	if taken != 1 {
		t.Errorf("%d of 8 answers were taken", taken)
	}
	e = srv.becomes(t, key, at[decided].ExecutionID, "success")
	if a, _ := e.Result[0].JSON["approval"].(map[string]any); a["approved"] != true || a["comment"] != "fine" || e.Result[0].JSON["paid"] != "yes" {
		t.Errorf("%+v", e.Result)
	}
}

// TestResumeExecution answers by the tool and by the App's route, and cancels
// what waits.
func TestResumeExecution(t *testing.T) {
	t.Parallel()
	srv := startServer(t, t.TempDir())
	key := srv.key(t, "workflows:read,workflows:write,workflows:execute,executions:read,executions:write")
	id := srv.create(t, key, line("ask", nil, manual(), object{"name": "Ask", "type": "flowgate.approval", "parameters": object{"message": "Go?"}}, set("Yes", "said", "yes")))
	e := srv.execute(t, key, id)
	srv.becomes(t, key, e.ExecutionID, "waiting")
	if status, body := srv.invoke(t, key, "resume_execution", object{"execution_id": e.ExecutionID, "response": object{"maybe": 1}}); status != 400 || !bytes.Contains(body, []byte("approved")) {
		t.Errorf("%d %s", status, body)
	}
	var after waitingReply
	srv.call(t, key, "resume_execution", object{"execution_id": e.ExecutionID, "response": object{"approved": false}, "wait_seconds": 20}, &after)
	if after.Status != "success" || len(srv.look(t, key, e.ExecutionID).Nodes) != 2 {
		t.Errorf("%+v", after)
	}
	if status, body := srv.invoke(t, key, "resume_execution", object{"execution_id": e.ExecutionID, "response": object{"approved": true}}); status != 409 {
		t.Errorf("%d %s", status, body)
	}

	e = srv.execute(t, key, id)
	srv.becomes(t, key, e.ExecutionID, "waiting")
	var gone waitingReply
	srv.call(t, key, "cancel_execution", object{"execution_id": e.ExecutionID}, &gone)
	srv.becomes(t, key, e.ExecutionID, "cancelled")
	var logs struct {
		Events []struct {
			Seq  int
			Type string
		}
	}
	srv.call(t, key, "get_execution_logs", object{"execution_id": e.ExecutionID}, &logs)
	for i, ev := range logs.Events {
		if ev.Seq != i+1 {
			t.Errorf("event %d has seq %d", i, ev.Seq)
		}
	}
	if n := len(logs.Events); n == 0 || logs.Events[n-1].Type != "execution_finished" {
		t.Errorf("%+v", logs.Events)
	}

	e = srv.execute(t, key, id)
	srv.becomes(t, key, e.ExecutionID, "waiting")
	var token struct {
		AccessToken string `json:"access_token"`
	}
	flowgateJSON(t, &token, "token", "--email", "local@flowgate", "--data-dir", srv.dataDir, "--json")
	data, _ := json.Marshal(object{"response": object{"approved": true}})
	req, _ := http.NewRequestWithContext(t.Context(), "POST", srv.url+"/api/app/executions/"+e.ExecutionID+"/resume", bytes.NewReader(data))
	req.Header.Set("Authorization", "Bearer "+token.AccessToken)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != 200 {
		t.Errorf("the App route: %d", resp.StatusCode)
	}
	if e := srv.becomes(t, key, e.ExecutionID, "success"); e.Result[0].JSON["said"] != "yes" {
		t.Errorf("%+v", e)
	}
}

// TestRetry has an execution fail behind an effect, and retries it from the
// failed node, from the start, and partly with a changed workflow.
func TestRetry(t *testing.T) {
	t.Parallel()
	out := newEffects(t)
	srv := startServer(t, t.TempDir(), "--allow-private")
	key := srv.key(t, "tools:execute")
	call := func(name, path string) object {
		return object{"name": name, "type": "n8n-nodes-base.httpRequest", "typeVersion": 4.2, "parameters": object{"url": path}}
	}
	doc := line("retry", object{"executionOrder": "v1"}, manual(), call("First", out.URL+"/first"), set("Mark", "mark", "={{ $json.path }}"),
		object{"name": "Gate", "type": "n8n-nodes-base.stopAndError", "parameters": object{"errorMessage": "not yet"}}, call("Last", out.URL+"/last"))
	id := srv.create(t, key, doc)
	failed := srv.execute(t, key, id)
	if failed.Status != "error" || failed.Error == nil || failed.Error.Node != "Gate" {
		t.Fatalf("%+v", failed)
	}
	var again waitingReply
	srv.call(t, key, "retry_execution", object{"execution_id": failed.ExecutionID}, &again)
	if again.Status != "error" || again.RetryOf != failed.ExecutionID || again.ExecutionID == failed.ExecutionID || out.count("/first?") != 1 {
		t.Errorf("%+v; the first effect was done %d times", again, out.count("/first?"))
	}
	if nodes := srv.look(t, key, again.ExecutionID).Nodes; len(nodes) != 4 || nodes[2].Outputs[0][0].JSON["mark"] != "/first" {
		t.Errorf("%+v", nodes)
	}
	srv.call(t, key, "retry_execution", object{"execution_id": failed.ExecutionID, "from": "start"}, &again)
	if again.Status != "error" || again.RetryOf != failed.ExecutionID || out.count("/first?") != 2 {
		t.Errorf("%+v; the first effect was done %d times", again, out.count("/first?"))
	}

	fixed := line("retry", object{"executionOrder": "v1"}, manual(), call("First", out.URL+"/first"), set("Mark", "mark", "={{ $json.path }}"),
		set("Gate", "gate", "={{ $('First').item.json.path }}"), call("Last", out.URL+"/last?x={{ $json.gate }}"))
	fixed["workflow_id"] = id
	srv.call(t, key, "update_workflow", fixed, nil)
	e := srv.execute(t, key, id, object{"start_from_node": "Gate", "execution_id": failed.ExecutionID})
	if e.Status != "success" || out.count("/first?") != 2 {
		t.Errorf("%+v; the first effect was done %d times", e, out.count("/first?"))
	}
	if nodes := srv.look(t, key, e.ExecutionID).Nodes; len(nodes) != 5 || nodes[3].Outputs[0][0].JSON["gate"] != "/first" {
		t.Errorf("%+v", nodes)
	}
	if status, body := srv.invoke(t, key, "retry_execution", object{"execution_id": e.ExecutionID}); status != 409 {
		t.Errorf("a success was retried: %d %s", status, body)
	}
	for _, params := range []object{{"start_from_node": "Gate"}, {"start_from_node": "Nope", "execution_id": failed.ExecutionID}, {"execution_id": failed.ExecutionID}} {
		params["workflow_id"] = id
		if status, body := srv.invoke(t, key, "execute_workflow", params); status != 400 {
			t.Errorf("%v: %d %s", params, status, body)
		}
	}
}

// TestErrorWorkflow has a production execution fail: the error workflow is
// started once, and not for its own failures.
func TestErrorWorkflow(t *testing.T) {
	t.Parallel()
	srv := startServer(t, t.TempDir())
	key := srv.key(t, "tools:execute")
	stop := object{"name": "Stop", "type": "n8n-nodes-base.stopAndError", "parameters": object{"errorMessage": "broken"}}
	handler := line("handler", nil, object{"name": "On error", "type": "n8n-nodes-base.errorTrigger"}, object{"name": "Stop", "type": "n8n-nodes-base.stopAndError", "parameters": object{"errorMessage": "handler fails, too"}})
	handlerID := srv.create(t, key, handler)
	handler["settings"], handler["workflow_id"] = object{"errorWorkflow": handlerID}, handlerID
	srv.call(t, key, "update_workflow", handler, nil)
	id := srv.create(t, key, line("fails", object{"errorWorkflow": handlerID},
		object{"name": "Hook", "type": "n8n-nodes-base.webhook", "typeVersion": 2, "parameters": object{"path": "fails", "httpMethod": "POST"}}, stop))
	srv.call(t, key, "activate_workflow", object{"workflow_id": id}, nil)
	srv.execute(t, key, id) // by hand: nobody is told
	if status, _, body := request(t, "POST", srv.url+"/webhook/fails", "application/json", "", "{}"); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	var list struct {
		Executions []struct {
			ExecutionID string `json:"execution_id"`
			Status      string
			Mode        string
		}
	}
	eventually(t, 10*time.Second, "the error workflow ran", func() bool {
		srv.call(t, key, "list_executions", object{"workflow_id": handlerID}, &list)
		return len(list.Executions) == 1 && list.Executions[0].Status == "error"
	})
	told := srv.look(t, key, list.Executions[0].ExecutionID).Nodes[0].Outputs[0][0].JSON
	execution, _ := told["execution"].(map[string]any)
	failure, _ := execution["error"].(map[string]any)
	w, _ := told["workflow"].(map[string]any)
	if failure["message"] != "broken" || execution["lastNodeExecuted"] != "Stop" || execution["mode"] != "webhook" || execution["url"] == nil || w["id"] != id || w["name"] != "fails" {
		t.Errorf("%v", told)
	}
	time.Sleep(3 * time.Second) // longer than a sweep
	srv.call(t, key, "list_executions", object{"workflow_id": handlerID}, &list)
	if len(list.Executions) != 1 {
		t.Errorf("the error workflow ran %d times", len(list.Executions))
	}
}

// TestSchedule has two processes share a workflow that starts every two
// seconds: each time starts one execution.
func TestSchedule(t *testing.T) {
	t.Parallel()
	srv := startServer(t, t.TempDir())
	other := startServer(t, srv.dataDir)
	key := srv.key(t, "tools:execute")
	id := srv.create(t, key, line("ticks", nil, object{"name": "Every", "type": "n8n-nodes-base.scheduleTrigger", "typeVersion": 1.2,
		"parameters": object{"rule": object{"interval": []object{{"field": "seconds", "secondsInterval": 2}}}}}, set("Mark", "mark", "x")))
	var armed struct {
		Triggers []struct {
			NextAt *time.Time `json:"next_at"`
		}
	}
	srv.call(t, key, "activate_workflow", object{"workflow_id": id}, &armed)
	if len(armed.Triggers) != 1 || armed.Triggers[0].NextAt == nil {
		t.Fatalf("%+v", armed)
	}
	began := time.Now()
	var list struct {
		TotalCount int `json:"total_count"`
		Executions []struct {
			Mode      string
			CreatedAt time.Time `json:"created_at"`
		}
	}
	eventually(t, 30*time.Second, "it fired four times", func() bool {
		other.call(t, key, "list_executions", object{"workflow_id": id}, &list)
		return list.TotalCount >= 4
	})
	if took := time.Since(began); took < 5*time.Second || list.TotalCount > 5 || list.Executions[0].Mode != "trigger" {
		t.Errorf("after %s: %+v", took, list)
	}
	other.call(t, key, "deactivate_workflow", object{"workflow_id": id}, nil)
	time.Sleep(1500 * time.Millisecond)
	srv.call(t, key, "list_executions", object{"workflow_id": id}, &list)
	before := list.TotalCount
	time.Sleep(4 * time.Second)
	srv.call(t, key, "list_executions", object{"workflow_id": id}, &list)
	if list.TotalCount != before {
		t.Errorf("an inactive workflow fired %d times", list.TotalCount-before)
	}
}

// TestPoison has an execution that takes its process down again and again: it
// is given up. Processes that stop in good order do not count.
func TestPoison(t *testing.T) {
	t.Parallel()
	out := newEffects(t)
	srv := startServer(t, t.TempDir(), "--allow-private")
	key := srv.key(t, "tools:execute")
	id := srv.create(t, key, httpChain("poison", out.URL+"/slow"))
	e := srv.execute(t, key, id, object{"wait_seconds": 0})
	for i, sig := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM, syscall.SIGKILL, syscall.SIGKILL, syscall.SIGKILL, syscall.SIGKILL, syscall.SIGKILL} {
		eventually(t, 60*time.Second, "the effect is under way", func() bool { return out.slow.Load() == int64(i+1) })
		time.Sleep(time.Second) // what it did so far is stored
		srv.stop(sig)
		srv = startServer(t, srv.dataDir, "--allow-private")
	}
	got := srv.becomes(t, key, e.ExecutionID, "error")
	if got.Error == nil || got.Error.Code != "process_died" || out.slow.Load() != 7 {
		t.Errorf("%+v; the effect was tried %d times", got, out.slow.Load())
	}
}

// TestCrashLoopIsNoPoison has processes die again and again soon after they
// start, while an execution that has nothing to do with it is to be computed:
// it is not given up.
func TestCrashLoopIsNoPoison(t *testing.T) {
	t.Parallel()
	out := newEffects(t)
	srv := startServer(t, t.TempDir(), "--allow-private")
	key := srv.key(t, "tools:execute")
	id := srv.create(t, key, httpChain("innocent", out.URL+"/slow"))
	e := srv.execute(t, key, id, object{"wait_seconds": 0})
	for i := range 8 {
		if i < 2 {
			eventually(t, 20*time.Second, "the effect is under way", func() bool { return out.slow.Load() == int64(i+1) })
		} else {
			time.Sleep(600 * time.Millisecond)
		}
		srv.stop(syscall.SIGKILL)
		srv = startServer(t, srv.dataDir, "--allow-private")
	}
	close(out.block)
	srv.becomes(t, key, e.ExecutionID, "success")
}

// TestFormTrigger starts a workflow by its form, and waits for approvals that
// the App lists.
func TestFormTrigger(t *testing.T) {
	t.Parallel()
	srv := startServer(t, t.TempDir())
	key := srv.key(t, "tools:execute")
	id := srv.create(t, key, line("contact", nil, object{"name": "Form", "type": "n8n-nodes-base.formTrigger", "typeVersion": 2.2, "parameters": object{"path": "contact/us",
		"formTitle": "Contact", "formFields": object{"values": []object{{"fieldLabel": "mail", "fieldType": "email", "requiredField": true},
			{"fieldLabel": "topic", "fieldType": "dropdown", "fieldOptions": object{"values": []object{{"option": "a"}, {"option": "b"}}}}}}}},
		object{"name": "Ask", "type": "flowgate.approval", "parameters": object{"message": "=Answer {{ $json.mail }}?"}}, set("Done", "ok", "yes")))
	address := srv.url + "/form/contact/us"
	if status, _, _ := request(t, "GET", address, "", "text/html", ""); status != 404 {
		t.Errorf("an inactive form: %d", status)
	}
	var armed struct{ Triggers []struct{ URL string } }
	srv.call(t, key, "activate_workflow", object{"workflow_id": id}, &armed)
	if len(armed.Triggers) != 1 || !strings.HasSuffix(armed.Triggers[0].URL, "/form/contact/us") {
		t.Errorf("%+v", armed)
	}
	if status, _, text := request(t, "GET", address, "", "text/html", ""); status != 200 || !strings.Contains(text, `type="email"`) || !strings.Contains(text, "<option>a</option>") {
		t.Errorf("%d %s", status, text)
	}
	for _, body := range []string{"mail=nobody&topic=a", "mail=a@b.test&topic=c"} {
		if status, _, text := request(t, "POST", address, formKind, "text/html", body); status != 400 {
			t.Errorf("%s: %d %s", body, status, text)
		}
	}
	if status, _, text := request(t, "POST", address, formKind, "text/html", "mail=a@b.test&topic=b"); status != 200 {
		t.Errorf("%d %s", status, text)
	}
	for _, path := range []string{"/webhook/$form/contact/us", "/webhook/contact/us"} {
		if status, _, text := request(t, "POST", srv.url+path, "application/json", "", "{}"); status != 404 {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
	var list struct {
		Executions []waitingReply
	}
	eventually(t, 10*time.Second, "an approval is listed", func() bool {
		srv.call(t, key, "list_executions", object{"waiting": "approval"}, &list)
		return len(list.Executions) == 1
	})
	e := list.Executions[0]
	if e.WaitingFor == nil || e.WaitingFor.Node != "Ask" || e.ResumeURL == "" {
		t.Errorf("%+v", e)
	}
	srv.call(t, key, "list_executions", object{"waiting": "form"}, &list)
	if len(list.Executions) != 0 {
		t.Errorf("%+v", list)
	}
	if status, _, text := request(t, "POST", srv.here(t, e.ResumeURL), "application/json", "", `{"approved":true}`); status != 200 {
		t.Errorf("%d %s", status, text)
	}
	if e = srv.becomes(t, key, e.ExecutionID, "success"); e.Result[0].JSON["topic"] != "b" || e.Result[0].JSON["mail"] != "a@b.test" {
		t.Errorf("%+v", e.Result)
	}
}

// TestWaitAnswers has callers who end a wait get the workflow's answer.
func TestWaitAnswers(t *testing.T) {
	t.Parallel()
	srv := startServer(t, t.TempDir())
	key := srv.key(t, "tools:execute")
	wait := func(params object) object {
		params["resume"] = "webhook"
		return object{"name": "Wait", "type": "n8n-nodes-base.wait", "typeVersion": 1.1, "parameters": params}
	}
	for name, c := range map[string]struct {
		nodes []object
		want  string
	}{
		"lastNode":     {[]object{wait(object{"responseMode": "lastNode"}), set("Last", "said", "={{ $json.query.a }}")}, `"said":"7"`},
		"responseNode": {[]object{wait(object{"responseMode": "responseNode"}), {"name": "Respond", "type": "n8n-nodes-base.respondToWebhook", "typeVersion": 1.1, "parameters": object{"respondWith": "text", "responseBody": "=got {{ $json.query.a }}"}}}, "got 7"},
		"suffix":       {[]object{wait(object{"options": object{"webhookSuffix": "step"}}), set("Last", "x", "y")}, "started"},
	} {
		e := srv.execute(t, key, srv.create(t, key, line(name, nil, append([]object{manual()}, c.nodes...)...)))
		e = srv.becomes(t, key, e.ExecutionID, "waiting")
		link := srv.here(t, e.ResumeURL)
		if name == "suffix" {
			if status, _, text := request(t, "GET", link, "", "", ""); status != 404 {
				t.Errorf("without its suffix: %d %s", status, text)
			}
			link += "/step"
		}
		if status, _, text := request(t, "GET", link+"?a=7", "", "", ""); status != 200 || !strings.Contains(text, c.want) {
			t.Errorf("%s: %d %s", name, status, text)
		}
		srv.becomes(t, key, e.ExecutionID, "success")
		// Who may resume an execution does not see what it showed to others.
		pages := strings.Replace(link, "/webhook-waiting/", "/form-waiting/", 1)
		if status, _, text := request(t, "GET", pages, "", "text/html", ""); status != 403 || strings.Contains(text, c.want) {
			t.Errorf("%s, as pages: %d %s", name, status, text)
		}
	}
}
