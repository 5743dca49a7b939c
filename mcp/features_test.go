package mcp

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"flowgate/internal/auth"
	"flowgate/internal/workflow"
)

// ask sends a request in one of the generations.
func (w *world) ask(t testing.TB, key string, modern bool, method, name, params string) reply {
	t.Helper()
	if modern {
		return w.modern(t, key, method, name, params)
	}
	return w.send(t, "POST", `{"jsonrpc":"2.0","id":1,"method":"`+method+`","params":{`+params+`}}`, "X-API-Key", key, "Mcp-Session-Id", w.session(t, key), "Mcp-Protocol-Version", "2025-11-25")
}

func bothGenerations(t *testing.T, f func(t *testing.T, modern bool)) {
	for _, modern := range []bool{false, true} {
		t.Run(map[bool]string{false: "2025-11-25", true: "2026-07-28"}[modern], func(t *testing.T) { f(t, modern) })
	}
}

// TestDirectAnswersAreTheLibrarys sends each request twice: as it is, which
// the door answers, and with a member that makes it the library's.
func TestDirectAnswersAreTheLibrarys(t *testing.T) {
	w := newWorld(t, nil)
	key, id := w.key(t, owner, "tools:execute"), w.workflow(t)
	for _, c := range [][3]string{
		{"tools/call", "get_workflow", `"name":"get_workflow","arguments":{"workflow_id":"` + id + `"}`},
		{"tools/call", "get_workflow", `"name":"get_workflow","arguments":{"workflow_id":"no <such> & id"}`},
		{"tools/call", "search_workflows", `"name":"search_workflows","arguments":{"nope":1}`},
		{"resources/read", "workflow://" + id, `"uri":"workflow://` + id + `"`},
		{"resources/read", "guide://workflow-format", `"uri":"guide://workflow-format"`},
		{"prompts/get", "explain_workflow", `"name":"explain_workflow","arguments":{"workflow_id":"` + id + `"}`},
	} {
		bothGenerations(t, func(t *testing.T, modern bool) {
			ours, theirs := w.ask(t, key, modern, c[0], c[1], c[2]), w.ask(t, key, modern, c[0], c[1], c[2]+`,"task":{},"inputResponses":{}`)
			own, other := ours.result(), theirs.result()
			for _, r := range []map[string]any{own, other} { // only the library draws us
				if meta, _ := r["_meta"].(map[string]any); meta != nil {
					if info, _ := meta["io.modelcontextprotocol/serverInfo"].(map[string]any); info != nil {
						delete(info, "icons")
					}
				}
			}
			if ours.status != theirs.status || own == nil || !reflect.DeepEqual(own, other) {
				t.Errorf("%s %s:\n%d %s\n%d %s", c[0], c[1], ours.status, ours.body, theirs.status, theirs.body)
			}
		})
	}
}

func TestResources(t *testing.T) {
	w := newWorld(t, nil)
	key, id := w.key(t, owner, "tools:execute"), w.workflow(t)
	ran := w.call(t, key, w.session(t, key), "execute_workflow", `{"workflow_id":"`+id+`"}`)
	structured, _ := ran.result()["structuredContent"].(map[string]any)
	execution, _ := structured["execution_id"].(string)
	bothGenerations(t, func(t *testing.T, modern bool) {
		list := w.ask(t, key, modern, "resources/list", "", "")
		for _, want := range []string{"workflow://" + id, "guide://workflow-format", `"title":"Greet"`} {
			if !strings.Contains(list.body, want) {
				t.Errorf("list has no %s: %s", want, list.body)
			}
		}
		templates := w.ask(t, key, modern, "resources/templates/list", "", "")
		for _, want := range []string{"workflow://{workflow_id}", "execution://{execution_id}", "node://{type}"} {
			if !strings.Contains(templates.body, want) {
				t.Errorf("templates have no %s: %s", want, templates.body)
			}
		}
		for uri, want := range map[string]string{"workflow://" + id: `\"name\":\"Greet\"`, "execution://" + execution: `\"status\":\"success\"`,
			"node://t.manual": `\"display_name\":\"Manual\"`, "guide://workflow-format": "# The workflow format"} {
			if r := w.ask(t, key, modern, "resources/read", uri, `"uri":"`+uri+`"`); r.status != 200 || !strings.Contains(r.body, want) || !strings.Contains(r.body, `"mimeType"`) {
				t.Errorf("%s: %d %s", uri, r.status, r.body)
			}
		}
		missing := map[bool]int{false: -32002, true: -32602}[modern]
		for _, uri := range []string{"workflow://none", "execution://none", "node://none", "workflow://", "nothing://at-all"} {
			if r := w.ask(t, key, modern, "resources/read", uri, `"uri":"`+uri+`"`); r.errorCode() != missing {
				t.Errorf("%s: %d %s", uri, r.status, r.body)
			}
		}
	})
}

func TestResourcesAreTheirOwnersAlone(t *testing.T) {
	w := newWorld(t, nil)
	id := w.workflow(t)
	stranger, reader, catalogue := w.key(t, "someone else", "tools:execute"), w.key(t, owner, "nodes:read"), w.key(t, owner, "tools:read")
	bothGenerations(t, func(t *testing.T, modern bool) {
		uri := "workflow://" + id
		if r := w.ask(t, stranger, modern, "resources/list", "", ""); strings.Contains(r.body, id) {
			t.Errorf("a stranger's list: %s", r.body)
		}
		if r := w.ask(t, stranger, modern, "resources/read", uri, `"uri":"`+uri+`"`); strings.Contains(r.body, "Greet") || r.errorCode() == 0 {
			t.Errorf("a stranger reads: %s", r.body)
		}
		r := w.ask(t, reader, modern, "resources/list", "", "")
		if strings.Contains(r.body, id) || !strings.Contains(r.body, "guide://") {
			t.Errorf("the list of a key for nodes: %s", r.body)
		}
		if r := w.ask(t, reader, modern, "resources/templates/list", "", ""); strings.Contains(r.body, "workflow://") || !strings.Contains(r.body, "node://") {
			t.Errorf("the templates of a key for nodes: %s", r.body)
		}
		for method, params := range map[string][2]string{"resources/read": {uri, `"uri":"` + uri + `"`}, "prompts/get": {"explain_workflow", `"name":"explain_workflow","arguments":{"workflow_id":"` + id + `"}`}} {
			for _, key := range []string{reader, catalogue} {
				r := w.ask(t, key, modern, method, params[0], params[1])
				if r.status != 403 || !strings.Contains(r.header.Get("WWW-Authenticate"), `error="insufficient_scope", scope="workflows:read"`) {
					t.Errorf("%s out of scope: %d %s %q", method, r.status, r.body, r.header.Get("WWW-Authenticate"))
				}
			}
		}
		if r := w.ask(t, reader, modern, "prompts/list", "", ""); strings.Contains(r.body, "explain_workflow") {
			t.Errorf("prompts of a key for nodes: %s", r.body)
		}
		if r := w.ask(t, catalogue, modern, "prompts/list", "", ""); !strings.Contains(r.body, "explain_workflow") {
			t.Errorf("prompts of the catalogue reader: %s", r.body)
		}
		r = w.ask(t, reader, modern, "completion/complete", "", `"ref":{"type":"ref/prompt","name":"explain_workflow"},"argument":{"name":"workflow_id","value":""}`)
		if c, _ := r.result()["completion"].(map[string]any); c == nil || len(c["values"].([]any)) != 0 {
			t.Errorf("completion out of scope: %s", r.body)
		}
	})
}

func TestResourcesPageByPage(t *testing.T) {
	w := newWorld(t, nil)
	key := w.key(t, owner, "tools:execute")
	for range 60 {
		w.workflow(t)
	}
	seen, pages, cursor := map[string]bool{}, 0, ""
	for {
		params := ""
		if cursor != "" {
			params = `"cursor":"` + cursor + `"`
		}
		r := w.ask(t, key, false, "resources/list", "", params)
		list, _ := r.result()["resources"].([]any)
		for _, item := range list {
			uri := item.(map[string]any)["uri"].(string)
			if seen[uri] {
				t.Fatalf("%s is listed twice", uri)
			}
			seen[uri] = true
		}
		pages++
		if cursor, _ = r.result()["nextCursor"].(string); cursor == "" {
			break
		}
	}
	for _, bad := range []string{"%%%", "x", "bm9uZQ=="} {
		for _, modern := range []bool{false, true} {
			if r := w.ask(t, key, modern, "resources/list", "", `"cursor":"`+bad+`"`); r.errorCode() != -32602 {
				t.Errorf("cursor %q: %d %s", bad, r.status, r.body)
			}
		}
	}
	if len(seen) != 61 || pages != 2 {
		t.Errorf("%d resources on %d pages", len(seen), pages)
	}
}

func TestPromptsAndCompletions(t *testing.T) {
	w := newWorld(t, nil)
	key, id := w.key(t, owner, "tools:execute"), w.workflow(t)
	bothGenerations(t, func(t *testing.T, modern bool) {
		list := w.ask(t, key, modern, "prompts/list", "", "")
		for _, p := range prompts() {
			if !strings.Contains(list.body, `"name":"`+p.name+`"`) {
				t.Errorf("no %s in %s", p.name, list.body)
			}
		}
		for name, c := range map[string][2]string{"build_workflow": {`"goal":"greet <people>"`, "greet <people>"}, "explain_workflow": {`"workflow_id":"` + id + `"`, `t.manual`}} {
			r := w.ask(t, key, modern, "prompts/get", name, `"name":"`+name+`","arguments":{`+c[0]+`}`)
			messages, _ := r.result()["messages"].([]any)
			if len(messages) != 1 || !strings.Contains(fmt.Sprint(messages), c[1]) {
				t.Errorf("%s: %d %s", name, r.status, r.body)
			}
		}
		for _, params := range []string{`"name":"build_workflow"`, `"name":"explain_workflow","arguments":{"workflow_id":"none"}`, `"name":"explain_workflow","arguments":{"workflow_id":5}`, `"name":"nope"`} {
			name := strings.Split(params, `"`)[3]
			if r := w.ask(t, key, modern, "prompts/get", name, params); r.errorCode() != -32602 {
				t.Errorf("%s: %d %s", params, r.status, r.body)
			}
		}
		for _, c := range [][4]string{
			{`"type":"ref/prompt","name":"explain_workflow"`, "workflow_id", "gree", id},
			{`"type":"ref/prompt","name":"explain_workflow"`, "workflow_id", id[:10], id},
			{`"type":"ref/resource","uri":"node://{type}"`, "type", "man", "t.manual"},
			{`"type":"ref/prompt","name":"build_workflow"`, "trigger", "a ", "a webhook"},
		} {
			r := w.ask(t, key, modern, "completion/complete", "", `"ref":{`+c[0]+`},"argument":{"name":"`+c[1]+`","value":"`+c[2]+`"}`)
			if completion, _ := r.result()["completion"].(map[string]any); completion == nil || !strings.Contains(fmt.Sprint(completion["values"]), c[3]) {
				t.Errorf("%s %q: %s", c[1], c[2], r.body)
			}
		}
	})
}

func TestMessagesAsLoudAsWanted(t *testing.T) {
	w := newWorld(t, nil)
	key, id := w.key(t, owner, "tools:execute"), w.workflow(t)
	w.agent.run = emitNodes(2)
	call := `"name":"execute_workflow","arguments":{"workflow_id":"` + id + `"}`
	session := w.session(t, key)
	heard := func(r reply) int { return strings.Count(r.body, `"method":"notifications/message"`) }
	send := func() reply {
		return w.send(t, "POST", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{`+call+`}}`, "X-API-Key", key, "Mcp-Session-Id", session)
	}
	if n := heard(send()); n != 0 {
		t.Errorf("%d messages that nobody asked for", n)
	}
	for level, want := range map[string]bool{"info": true, "error": false} {
		if r := w.send(t, "POST", `{"jsonrpc":"2.0","id":2,"method":"logging/setLevel","params":{"level":"`+level+`"}}`, "X-API-Key", key, "Mcp-Session-Id", session); r.status != 200 || r.errorCode() != 0 {
			t.Fatalf("setLevel: %d %s", r.status, r.body)
		}
		if n := heard(send()); (n > 0) != want {
			t.Errorf("%d messages at %s", n, level)
		}
	}
	r := w.send(t, "POST", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/logLevel":"debug"},`+call+`}}`,
		"X-API-Key", key, "Mcp-Protocol-Version", "2026-07-28", "Mcp-Method", "tools/call", "Mcp-Name", "execute_workflow")
	if heard(r) == 0 || r.last()["result"] == nil {
		t.Errorf("no messages in %s", r.body)
	}
}

// toolWorkflow stores an active workflow that is a tool and returns its id.
func (w *world) toolWorkflow(t testing.TB, subject, name string) string {
	t.Helper()
	ctx := auth.WithIdentity(t.Context(), &auth.Identity{Subject: subject, Kind: auth.KindLocal, Tier: auth.TierMCP})
	doc := workflow.Document{Name: name, Description: "Greets somebody."}
	if err := json.Unmarshal([]byte(`[{"name":"Called","type":"n8n-nodes-base.executeWorkflowTrigger","typeVersion":1.1,"position":[0,0],
		"parameters":{"workflowInputs":{"values":[{"name":"who"},{"name":"times","type":"number"}]}}}]`), &doc.Nodes); err != nil {
		t.Fatal(err)
	}
	doc.Settings.Extra = workflow.NewObject("availableInMCP", true)
	saved, err := w.Service.ImportWorkflow(ctx, doc)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Service.Call(ctx, "activate_workflow", json.RawMessage(`{"workflow_id":"`+saved.WorkflowID+`"}`)); err != nil {
		t.Fatal(err)
	}
	return saved.WorkflowID
}

func TestWorkflowsThatAreTools(t *testing.T) {
	w := newWorld(t, nil)
	w.toolWorkflow(t, owner, "Größe & Greet!")
	w.toolWorkflow(t, owner, "Twin")
	w.toolWorkflow(t, owner, "twin!")
	w.toolWorkflow(t, "someone else", "Theirs")
	const name = "run_gr_e_greet"
	key, weak := w.key(t, owner, "workflows:execute"), w.key(t, owner, "workflows:read")
	bothGenerations(t, func(t *testing.T, modern bool) {
		list := w.ask(t, key, modern, "tools/list", "", "")
		tools, _ := list.result()["tools"].([]any)
		found, twins := map[string]map[string]any{}, 0
		for _, tool := range tools {
			called := tool.(map[string]any)["name"].(string)
			if found[called] = tool.(map[string]any); strings.HasPrefix(called, "run_twin_") {
				twins++
			}
		}
		tool := found[name]
		if tool == nil || twins != 2 || found["run_twin"] != nil || found["run_theirs"] != nil {
			t.Fatalf("tools: %s", list.body)
		}
		schema := fmt.Sprint(tool["inputSchema"])
		if !strings.Contains(schema, "who:map[type:string]") || !strings.Contains(schema, "times:map[type:number]") || !strings.Contains(tool["description"].(string), "Greets somebody.") {
			t.Errorf("tool: %v", tool)
		}
		if r := w.ask(t, weak, modern, "tools/list", "", ""); strings.Contains(r.body, name) {
			t.Errorf("a key that may not run: %s", r.body)
		}
		if r := w.ask(t, weak, modern, "tools/call", name, `"name":"`+name+`","arguments":{"who":"Ann","times":2}`); r.status != 403 {
			t.Errorf("a call out of scope: %d %s", r.status, r.body)
		}
		r := w.ask(t, key, modern, "tools/call", name, `"name":"`+name+`","arguments":{"who":"Ann","times":2}`)
		structured, _ := r.result()["structuredContent"].(map[string]any)
		if r.status != 200 || structured["status"] != "success" || structured["mode"] != "trigger" {
			t.Fatalf("call: %d %s", r.status, r.body)
		}
		e, err := w.store.Execution(t.Context(), owner, structured["execution_id"].(string))
		if err != nil || len(e.Start.Items) != 1 || e.Start.Items[0].JSON.Value("who") != "Ann" || e.Start.Trigger != "Called" {
			t.Errorf("execution: %+v %v", e, err)
		}
		if r := w.ask(t, key, modern, "tools/call", name, `"name":"`+name+`","arguments":{"who":7,"colour":"red"}`); r.result()["isError"] != true || !strings.Contains(r.text(), "who: expected string") || !strings.Contains(r.text(), "colour") {
			t.Errorf("wrong arguments: %s", r.body)
		}
		stranger := w.key(t, "a third", "tools:execute")
		if r := w.ask(t, stranger, modern, "tools/call", name, `"name":"`+name+`","arguments":{}`); r.errorCode() != -32602 {
			t.Errorf("a stranger's call: %d %s", r.status, r.body)
		}
	})
}
