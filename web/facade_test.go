package web

import (
	"context"
	"net/http"
	"testing"

	"flowgate/internal/auth"
	"flowgate/internal/service"
	"flowgate/internal/workflow"
)

func TestFacade(t *testing.T) {
	w := newWorld(t, nil)
	w.workflow(t)
	key := w.key(t, "workflows:read")
	for _, header := range [][]string{{"X-API-Key", key}, {"Authorization", "Bearer " + key}} {
		r := w.send(t, "GET", "/api/mcp/tools", "", header...)
		tools, _ := r.json["tools"].([]any)
		if r.status != 200 || len(tools) != len(w.Service.Visible(&auth.Identity{Kind: auth.KindAPIKey, Scopes: []string{"workflows:read"}})) || tools[0].(map[string]any)["inputSchema"] == nil {
			t.Errorf("tools: %d %s", r.status, r.body)
		}
	}
	if r := w.send(t, "GET", "/api/v1/mcp/tools/get_workflow", "", "X-API-Key", key); r.json["name"] != "get_workflow" {
		t.Errorf("tool: %s", r.body)
	}
	r := w.send(t, "POST", "/api/mcp/invoke", `{"tool_name":"search_workflows","params":{"limit":1}}`, "X-API-Key", key)
	result, _ := r.json["result"].(map[string]any)
	if r.status != 200 || r.json["success"] != true || result["total"] != 1.0 || !contains(r.body, "<you> & me") {
		t.Errorf("invoke: %d %s", r.status, r.body)
	}
	if r := w.send(t, "GET", "/api/mcp/health", "", "X-API-Key", w.key(t, "health:check")); r.json["healthy"] != true || r.json["available_tools"] == nil {
		t.Errorf("health: %s", r.body)
	}
	if r := w.send(t, "GET", "/api/mcp/health", "", "X-API-Key", key); r.status != 403 {
		t.Errorf("health without the scope: %d", r.status)
	}
}

func TestFacadeShowsWorkflowsThatAreTools(t *testing.T) {
	w := newWorld(t, nil)
	ctx := auth.WithIdentity(t.Context(), &auth.Identity{Subject: owner, Kind: auth.KindLocal, Tier: auth.TierMCP})
	doc := workflow.Document{Name: "Greet", Nodes: []workflow.Node{{Name: "Start", Type: "t.manual"}}}
	doc.Settings.Extra = workflow.NewObject("availableInMCP", true)
	saved, err := w.Service.ImportWorkflow(ctx, doc)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Service.Call(ctx, "activate_workflow", []byte(`{"workflow_id":"`+saved.WorkflowID+`"}`)); err != nil {
		t.Fatal(err)
	}
	key := w.key(t, "tools:execute", "tools:read")
	for path, want := range map[string]string{"/api/mcp/tools": `"name":"run_greet"`, "/api/mcp/tools/run_greet": `"inputSchema"`, "/api/mcp/health": `"run_greet"`} {
		if r := w.send(t, "GET", path, "", "X-API-Key", key); r.status != 200 || !contains(r.body, want) {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
	if r := w.send(t, "GET", "/api/mcp/tools/run_greet", "", "X-API-Key", w.key(t, "workflows:read")); r.status != 403 {
		t.Errorf("out of scope: %d %s", r.status, r.body)
	}
	if r := w.send(t, "POST", "/api/mcp/invoke", `{"tool_name":"run_other"}`, "X-API-Key", key); r.status != 404 {
		t.Errorf("unknown: %d %s", r.status, r.body)
	}
}

func TestFacadeErrors(t *testing.T) {
	limit := workflow.Errorf(workflow.CodeRateLimited, "too many calls")
	limit.Details = map[string]any{"retry_after": 7}
	w := newWorld(t, func(o *Options) {
		o.Admit = func(_ context.Context, c *service.Capability) error {
			if c.Name == "get_node_types" {
				return limit
			}
			return nil
		}
	})
	key := w.key(t, "workflows:read", "nodes:read")
	for _, tc := range []struct {
		body, key string
		status    int
		class     string
	}{
		{`{"tool_name":"nope"}`, key, 404, "TOOL_NOT_FOUND"},
		{`{"tool_name":5}`, key, 400, "PARAMETER_ERROR"},
		{`{"tool_name":"get_workflow","extra":1}`, key, 400, "PARAMETER_ERROR"},
		{`nonsense`, key, 400, "VALIDATION_ERROR"},
		{`{"tool_name":"get_workflow","params":{}}`, key, 400, "PARAMETER_ERROR"},
		{`{"tool_name":"get_workflow","params":"x"}`, key, 400, "PARAMETER_ERROR"},
		{`{"tool_name":"get_workflow","params":{"workflow_id":"x"}}`, key, 404, "PARAMETER_ERROR"},
		{`{"tool_name":"delete_workflow"}`, key, 403, "AUTHORIZATION_ERROR"},
		{`{"tool_name":"get_workflow"}`, "wfk_wrong", 401, "AUTHENTICATION_ERROR"},
		{`{"tool_name":"get_node_types"}`, key, 429, "RATE_LIMIT_ERROR"},
	} {
		r := w.send(t, "POST", "/api/mcp/invoke", tc.body, "X-API-Key", tc.key)
		if r.status != tc.status || r.json["error_type"] != tc.class || r.json["success"] != false || len(r.json) != 11 {
			t.Errorf("%s: %d %s", tc.body, r.status, r.body)
		}
		for _, field := range []string{"error", "details", "error_id", "request_id", "retryable", "retry_after", "timestamp", "recovery_suggestions", "support_info"} {
			if _, ok := r.json[field]; !ok {
				t.Errorf("%s: no %s", tc.body, field)
			}
		}
		if want := map[int]string{401: `Bearer error="invalid_token"`, 403: `Bearer error="insufficient_scope", scope="workflows:write"`}[tc.status]; want != "" && !contains(r.header.Get("WWW-Authenticate"), want) {
			t.Errorf("%s: challenge %q", tc.body, r.header.Get("WWW-Authenticate"))
		}
		if tc.status == 429 && (r.header.Get("Retry-After") != "7" || r.json["retry_after"] != 7.0) {
			t.Errorf("Retry-After %q: %s", r.header.Get("Retry-After"), r.body)
		}
	}
	if r := w.send(t, "GET", "/api/mcp/nope", "", "X-API-Key", key); r.status != http.StatusNotFound || len(r.json) != 11 {
		t.Errorf("%d %s", r.status, r.body)
	}
}

func TestQueryKeyOnlyWhenAllowed(t *testing.T) {
	for _, allowed := range []bool{false, true} {
		w := newWorld(t, func(o *Options) { o.AllowQueryKey = allowed })
		if r := w.send(t, "GET", "/api/mcp/tools?api_key="+w.key(t, "tools:read"), ""); (r.status == 200) != allowed {
			t.Errorf("allowed %v: %d", allowed, r.status)
		}
	}
}

func TestProtectedResourceMetadata(t *testing.T) {
	for _, servers := range [][]string{nil, {"https://login.example.org"}} {
		w := newWorld(t, func(o *Options) { o.AuthorizationServers = servers })
		for _, path := range []string{"/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp"} {
			r := w.send(t, "GET", path, "")
			list, _ := r.json["authorization_servers"].([]any)
			scopes, _ := r.json["scopes_supported"].([]any)
			if r.status != 200 || r.json["resource"] != w.PublicURL+"/mcp" || len(list) != len(servers) || len(scopes) < 10 {
				t.Errorf("%s: %d %s", path, r.status, r.body)
			}
		}
	}
	w := newWorld(t, func(o *Options) { o.MCPOff = true })
	if r := w.send(t, "GET", "/.well-known/oauth-protected-resource", ""); r.status != 404 {
		t.Errorf("with the tier off: %d", r.status)
	}
}
