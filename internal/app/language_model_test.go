package app_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"flowgate/internal/agent/planner/llm"
	"flowgate/internal/agent/planner/llm/llmtest"
	"flowgate/internal/app"
	"flowgate/internal/auth"
	"flowgate/internal/config"
	"flowgate/internal/service"
)

// toolCall is a scripted model's call of a tool.
func toolCall(t *testing.T, id, name string, args any) llmtest.Call {
	t.Helper()
	data, err := json.Marshal(args)
	if err != nil {
		t.Fatal(err)
	}
	return llmtest.Call{ID: id, Name: name, Args: string(data)}
}

// writes is a scripted model that delivers a workflow of that name, which runs.
func writes(t *testing.T, name string) llmtest.Say {
	t.Helper()
	return llmtest.Say{Text: "I write " + name + " now. 我来生成工作流。", Calls: []llmtest.Call{toolCall(t, "w", "submit_workflow", object{"summary": name, "workflow": object{
		"name": name, "nodes": []any{object{"name": "Start", "type": "n8n-nodes-base.manualTrigger"}, object{"name": "Note", "type": "n8n-nodes-base.set", "parameters": object{
			"assignments": object{"assignments": []any{object{"id": "a", "name": "note", "value": name, "type": "string"}}}}}},
		"connections": object{"Start": object{"main": []any{[]any{object{"node": "Note", "type": "main", "index": 0}}}}}}})}}
}

func asksOnce(t *testing.T, question string) llmtest.Say {
	t.Helper()
	return llmtest.Say{Calls: []llmtest.Call{toolCall(t, "q", "ask_user", object{"summary": "?", "questions": []any{object{"question": question, "options": []string{"red", "blue"}}}})}}
}

// TestLanguageModel has the program's own agent, in a process of its own, plan
// with a language model: the same conversation over REST, as a stream, and
// over MCP. The workflow it ends in runs. The provider's key is in no log.
func TestLanguageModel(t *testing.T) {
	t.Parallel()
	const key = "sk-operators-0123456789"
	model := llmtest.Start(t, llm.OpenAI)
	dataDir, port := t.TempDir(), freePort(t)
	agent := startAgentEnv(t, dataDir, port, []string{"LLM_PROVIDER=openai", "LLM_API_KEY=" + key, "LLM_BASE_URL=" + model.Base(), "LLM_MODEL=test-model"})
	srv := startServerEnv(t, dataDir, []string{"WORKFLOW_SERVICE_HOST=127.0.0.1", "WORKFLOW_SERVICE_PORT=" + port})

	ann := srv.personNamed(t, "ann@example.com")
	var s struct {
		SessionID string `json:"session_id"`
	}
	ann.ok(t, "POST", "/sessions", object{"action": "create"}, &s)
	say := func(message string) string {
		resp := srv.response(t, "POST", "/api/app/chat/stream", []byte(`{"session_id":"`+s.SessionID+`","message":"`+message+`"}`), "Authorization", "Bearer "+ann.token, "Content-Type", "application/json")
		body, err := io.ReadAll(resp.Body) // it ends with the turn
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%d %v: %s", resp.StatusCode, err, body)
		}
		return string(body)
	}
	model.Add(asksOnce(t, "Which colour?"), writes(t, "Red notes"))
	if told := say("note a colour"); !strings.Contains(told, "Which colour?") || !strings.Contains(told, `"new_stage":"negotiation"`) {
		t.Fatalf("told %s", told)
	}
	told := say("1")
	for _, want := range []string{`"partial":true`, "我来生成工作流", `"type":"workflow"`, `"valid":true`, `"new_stage":"debug"`, `"new_stage":"completed"`} {
		if !strings.Contains(told, want) {
			t.Errorf("%s is not in %s", want, told)
		}
	}
	asked := model.Requests()
	if len(asked) != 2 || !strings.Contains(asked[1].Body, "Which colour?") || !strings.Contains(asked[1].Body, `\"red\"`) || asked[0].Header.Get("Authorization") != "Bearer "+key {
		t.Fatalf("the model was asked %+v", asked)
	}

	model.Add(asksOnce(t, "Which colour?"), llmtest.Say{Calls: []llmtest.Call{toolCall(t, "l", "search_workflows", object{"query": "notes"})}}, writes(t, "Blue notes"))
	mcp := srv.key(t, "tools:execute")
	srv.call(t, mcp, "start_session", object{}, &s)
	var a service.Answer
	srv.call(t, mcp, "send_message", object{"session_id": s.SessionID, "message": "note a colour"}, &a)
	if a.Stage != "negotiation" || len(a.Questions) != 1 {
		t.Fatalf("%+v", a)
	}
	srv.call(t, mcp, "send_message", object{"session_id": s.SessionID, "message": "blue"}, &a)
	if a.WorkflowID == "" || !a.Valid || a.Stage != "completed" {
		t.Fatalf("%+v", a)
	}
	last := model.Requests()[len(model.Requests())-1]
	if strings.Contains(last.Body, "Red notes") { // another person's
		t.Error("the model saw what is not the caller's")
	}
	var e executionReply
	srv.call(t, mcp, "execute_workflow", object{"workflow_id": a.WorkflowID, "wait_seconds": 30}, &e)
	if e.Status != "success" {
		t.Errorf("the workflow gave %+v", e)
	}
	if log := srv.log.String() + agent.Stderr.(*syncBuffer).String() + told; strings.Contains(log, key) {
		t.Error("the provider's key is in a log or an answer")
	}
}

// TestModelChoice has users choose models: of the operator's, and with a
// credential of their own, which goes to the address it names and nowhere
// else. Private addresses are reached as far as workflows may.
func TestModelChoice(t *testing.T) {
	t.Parallel()
	operators, own := llmtest.Start(t, llm.OpenAI), llmtest.Start(t, llm.Anthropic)
	settings := map[string]string{"llm_provider": "openai", "llm_api_key": "sk-operator", "llm_base_url": operators.Base(), "llm_model": "m1", "llm_models": "m2"}
	w := newTalker(t, settings)
	var c struct {
		ID string `json:"credential_id"`
	}
	w.must("create_credential", object{"name": "mine", "type": "anthropicApi", "values": object{"apiKey": "sk-ant-own", "url": own.Base()}}, &c)

	start := func(w *talker, args object) (service.StartedSession, error) {
		var s service.StartedSession
		err := w.call("start_session", args, &s)
		return s, err
	}
	s, err := start(w, object{"model": "m2"})
	if err != nil {
		t.Fatal(err)
	}
	operators.Add(writes(t, "two"))
	if a := w.say(s.SessionID, "two"); a.WorkflowID == "" || !strings.Contains(operators.Requests()[0].Body, `"model":"m2"`) {
		t.Errorf("%+v", a)
	}
	var view service.SessionView
	w.must("update_session", object{"session_id": s.SessionID, "model": "claude-x", "model_credential": c.ID}, &view)
	if view.Model != "claude-x" || view.Credential != c.ID {
		t.Errorf("the session is %+v", view)
	}
	own.Add(writes(t, "mine"))
	w.say(s.SessionID, "now mine")
	if r := own.Requests(); len(r) != 1 || r[0].Header.Get("X-Api-Key") != "sk-ant-own" || r[0].Header.Get("Authorization") != "" || !strings.Contains(r[0].Body, `"model":"claude-x"`) {
		t.Errorf("the user's service was asked %+v", r)
	}

	s, err = start(w, object{"model": "gpt-unknown"})
	if err != nil {
		t.Fatal(err)
	}
	var a service.Answer
	if w.must("send_message", object{"session_id": s.SessionID, "message": "x"}, &a); !strings.Contains(a.Failure, "m1 m2") {
		t.Errorf("an unknown model gave %+v", a)
	}
	bob := *w
	bob.ctx = auth.WithIdentity(t.Context(), &auth.Identity{Subject: "bob", Kind: auth.KindUser, Tier: auth.TierApp})
	if _, err := start(&bob, object{"model": "claude-x", "model_credential": c.ID}); err == nil {
		t.Error("another's credential was taken")
	}
	scoped := *w
	scoped.ctx = auth.WithIdentity(t.Context(), &auth.Identity{Subject: auth.FromContext(w.ctx).Subject, Kind: auth.KindAPIKey, Tier: auth.TierMCP, Scopes: []string{auth.ScopeAgentChat}})
	if _, err := start(&scoped, object{"model": "claude-x", "model_credential": c.ID}); err == nil {
		t.Error("a key without the scope for credentials chose one")
	}
	if s, err = start(&scoped, object{}); err != nil {
		t.Fatal(err)
	}
	operators.Add(llmtest.Say{Calls: []llmtest.Call{toolCall(t, "1", "search_workflows", object{})}}, asksOnce(t, "?"))
	scoped.must("send_message", object{"session_id": s.SessionID, "message": "like one of mine"}, &a)
	if last := operators.Requests()[len(operators.Requests())-1].Body; strings.Contains(last, `"name":"get_workflow"`) || !strings.Contains(last, "There is no tool") {
		t.Errorf("a key that may only talk had the model look at workflows: %s", last)
	}
	if s, err = start(w, object{}); err != nil {
		t.Fatal(err)
	}
	operators.Add(llmtest.Say{Calls: []llmtest.Call{toolCall(t, "1", "search_workflows", object{}), toolCall(t, "2", "list_credentials", object{})}}, asksOnce(t, "?"))
	w.must("send_message", object{"session_id": s.SessionID, "message": "like one of mine"}, &a)
	if last := operators.Requests()[len(operators.Requests())-1].Body; !strings.Contains(last, "mine") || strings.Contains(last, "sk-ant-own") {
		t.Errorf("the model saw %s", last)
	}

	settings["egress_allow_private"] = "false"
	strict := newTalker(t, settings)
	strict.must("create_credential", object{"name": "inside", "type": "openAiApi", "values": object{"apiKey": "sk-x", "url": operators.Base()}}, &c)
	if s, err = start(strict, object{"model": "m", "model_credential": c.ID}); err != nil {
		t.Fatal(err)
	}
	before := len(operators.Requests())
	if strict.must("send_message", object{"session_id": s.SessionID, "message": "x"}, &a); !strings.Contains(a.Failure, "may not be reached") || len(operators.Requests()) != before {
		t.Errorf("a private address gave %+v", a)
	}
}

// TestModelChosenMeanwhile changes a session while the agent answers in it:
// the change outlives the turn.
func TestModelChosenMeanwhile(t *testing.T) {
	t.Parallel()
	say := writes(t, "slow")
	say.Hold, say.Began = make(chan struct{}), make(chan struct{})
	model := llmtest.Start(t, llm.OpenAI, say)
	w := newTalker(t, map[string]string{"llm_provider": "openai", "llm_base_url": model.Base(), "llm_model": "m1", "llm_models": "m2"})
	var s service.StartedSession
	w.must("start_session", object{}, &s)
	if _, err := w.app.Service.Chat(w.ctx, s.SessionID, "slowly"); err != nil {
		t.Fatal(err)
	}
	<-say.Began
	var view service.SessionView
	w.must("update_session", object{"session_id": s.SessionID, "model": "m2", "title": "mine"}, &view)
	close(say.Hold)
	eventually(t, time.Minute, "the turn is over", func() bool {
		w.must("get_session", object{"session_id": s.SessionID}, &view)
		return view.Stage == "completed" && view.WorkflowID != ""
	})
	if view.Model != "m2" || view.Title != "mine" {
		t.Errorf("the session is %+v", view)
	}
}

// TestModelFallback has the offline planner go on where the model cannot, and
// the caller is told.
func TestModelFallback(t *testing.T) {
	t.Parallel()
	model := llmtest.Start(t, llm.Anthropic, llmtest.Fail{Status: 401, Type: "authentication_error"}, llmtest.Fail{Status: 401, Type: "authentication_error"})
	settings := map[string]string{"llm_provider": "anthropic", "llm_api_key": "sk-ant-old", "llm_base_url": model.Base(), "llm_model": "m1", "llm_fallback": "offline"}
	w := newTalker(t, settings)
	var s service.StartedSession
	w.must("start_session", object{}, &s)
	a := w.say(s.SessionID, "Every hour fetch https://api.example.test/orders")
	if all := strings.Join(a.Messages, "\n"); a.WorkflowID == "" || !strings.Contains(all, "the offline planner goes on") || !strings.Contains(all, "refuses the key") || strings.Contains(all, "sk-ant") {
		t.Errorf("%+v", a)
	}
	settings["llm_fallback"] = "none"
	w = newTalker(t, settings)
	w.must("start_session", object{}, &s)
	var failed service.Answer
	if w.must("send_message", object{"session_id": s.SessionID, "message": "Every hour fetch https://api.example.test/orders"}, &failed); failed.WorkflowID != "" || !strings.Contains(failed.Failure, "refuses the key") {
		t.Errorf("%+v", failed)
	}
}

// TestDoctorAsksTheModel has the doctor look whether the provider answers.
func TestDoctorAsksTheModel(t *testing.T) {
	t.Parallel()
	model := llmtest.Start(t, llm.OpenAI)
	look := func() app.Finding {
		cfg, err := config.Load(config.Source{Flags: map[string]string{"data_dir": t.TempDir(), "port": "0", "code_in_process": "true", "llm_provider": "openai",
			"llm_base_url": model.Base(), "llm_model": "test-model", "llm_api_key": "sk-hidden"}})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range app.Examine(t.Context(), cfg, slog.New(slog.DiscardHandler)) {
			if f.Check == "language model" {
				return f
			}
		}
		t.Fatal("it did not look")
		return app.Finding{}
	}
	if f := look(); f.State != app.Fine || !strings.Contains(f.Says, "test-model") {
		t.Errorf("%+v", f)
	}
	model.Close()
	if f := look(); f.State != app.Warning || f.Remedy == "" || strings.Contains(f.Says+f.Remedy, "sk-hidden") {
		t.Errorf("%+v", f)
	}
}

// TestModelMetrics counts tokens and time of models, users' own under one name.
func TestModelMetrics(t *testing.T) {
	t.Parallel()
	model := llmtest.Start(t, llm.OpenAI, asksOnce(t, "?"))
	w := newTalker(t, map[string]string{"llm_provider": "openai", "llm_base_url": model.Base(), "llm_model": "m1"})
	var s service.StartedSession
	w.must("start_session", object{}, &s)
	w.say(s.SessionID, "something")
	var scraped string
	eventually(t, time.Minute, "metrics are there", func() bool {
		rec := httptest.NewRecorder()
		w.app.Metrics.Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		scraped = rec.Body.String()
		return strings.Contains(scraped, "gen_ai_client_operation_duration_seconds_count")
	})
	for _, want := range []string{
		`gen_ai_client_operation_duration_seconds_count{error_type="",gen_ai_operation_name="chat",gen_ai_provider_name="openai",gen_ai_request_model="m1"} 1`,
		`gen_ai_client_token_usage_sum{gen_ai_operation_name="chat",gen_ai_provider_name="openai",gen_ai_request_model="m1",gen_ai_token_type="input"} 120`,
		`gen_ai_client_token_usage_sum{gen_ai_operation_name="chat",gen_ai_provider_name="openai",gen_ai_request_model="m1",gen_ai_token_type="output"} 30`,
	} {
		if !strings.Contains(scraped, want) {
			t.Errorf("%s is not in the metrics", want)
		}
	}
}
