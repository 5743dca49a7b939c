package app_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// post sends a body with a key and returns status and answer.
func (s *serverProcess) post(t *testing.T, path, key string, body io.Reader) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json, text/event-stream")
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(answer)
}

// TestBadInput sends what clients get wrong, and worse. Each gets a clear
// error, and the server goes on as if nothing had been.
func TestBadInput(t *testing.T) {
	t.Parallel()
	srv := startServer(t, t.TempDir())
	all, reader := srv.key(t, "tools:execute"), srv.key(t, "workflows:read")
	rpc := func(method, params string) io.Reader {
		return strings.NewReader(fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":%s}`, method, params))
	}
	for _, c := range []struct {
		name, path, key string
		body            io.Reader
		status          int
		says            string
	}{
		{"malformed JSON-RPC", "/mcp", all, strings.NewReader(`{"jsonrpc": "2.0", "id": 1,`), 400, "-32700"},
		{"no key", "/mcp", "", rpc("tools/list", "{}"), 401, "missing_api_key"},
		{"unknown key", "/mcp", "wfk_nobody", rpc("tools/list", "{}"), 401, "invalid_api_key"},
		{"malformed façade call", "/api/mcp/invoke", all, strings.NewReader(`{"tool_name":`), 400, "VALIDATION_ERROR"},
		{"unknown tool", "/api/mcp/invoke", all, strings.NewReader(`{"tool_name":"fly_to_the_moon","params":{}}`), 404, "TOOL_NOT_FOUND"},
		{"wrong types", "/api/mcp/invoke", all, strings.NewReader(`{"tool_name":"search_workflows","params":{"limit":"many","tags":7}}`), 400, "limit: expected integer"},
		{"unknown argument", "/api/mcp/invoke", all, strings.NewReader(`{"tool_name":"search_workflows","params":{"colour":1}}`), 400, "colour"},
		{"scope missing", "/api/mcp/invoke", reader, strings.NewReader(`{"tool_name":"create_workflow","params":{"name":"x","nodes":[]}}`), 403, "workflows:write"},
		{"50 MB", "/mcp", all, io.LimitReader(endless{}, 50<<20), 413, ""},
		{"50 MB façade", "/api/mcp/invoke", all, io.LimitReader(endless{}, 50<<20), 413, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, body := srv.post(t, c.path, c.key, c.body)
			if status != c.status || !strings.Contains(body, c.says) {
				t.Errorf("status %d, expected %d; answer %.300s, expected it to say %q", status, c.status, body, c.says)
			}
		})
	}
	t.Run("scope missing, native", func(t *testing.T) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.url+"/mcp", rpc("tools/call", `{"name":"delete_workflow","arguments":{},
			"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"t","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}}`))
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]string{"Content-Type": "application/json", "Accept": "application/json, text/event-stream", "X-API-Key": reader,
			"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "delete_workflow"} {
			req.Header.Set(name, value)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		challenge := resp.Header.Get("WWW-Authenticate")
		if resp.StatusCode != 403 || !strings.Contains(challenge, `error="insufficient_scope"`) || !strings.Contains(challenge, `scope="workflows:write"`) {
			t.Errorf("status %d, challenge %q", resp.StatusCode, challenge)
		}
	})
	t.Run("a stranger's page", func(t *testing.T) {
		for _, c := range []struct {
			method, path string
			headers      map[string]string
			status       int
			says         string
		}{
			{"POST", "/api/mcp/invoke", map[string]string{"Origin": "https://evil.example", "Content-Type": "application/json"}, 403, "CORS_ORIGINS"},
			{"POST", "/mcp", map[string]string{"Origin": "https://evil.example", "Content-Type": "application/json"}, 403, "CORS_ORIGINS"},
			{"POST", "/api/mcp/invoke", map[string]string{"Host": "evil.example", "Content-Type": "application/json"}, 403, "ALLOWED_HOSTS"},
			{"POST", "/api/mcp/invoke", map[string]string{"X-API-Key": all}, 415, "application/json"},
			{"PATCH", "/api/app/workflows", nil, 405, "method"},
		} {
			req, err := http.NewRequestWithContext(t.Context(), c.method, srv.url+c.path, strings.NewReader(`{"tool_name":"search_workflows"}`))
			if err != nil {
				t.Fatal(err)
			}
			for name, value := range c.headers {
				req.Header.Set(name, value)
			}
			req.Host = c.headers["Host"]
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if resp.StatusCode != c.status || !strings.Contains(string(body), c.says) {
				t.Errorf("%s %s with %v: status %d, expected %d: %s", c.method, c.path, c.headers, resp.StatusCode, c.status, body)
			}
		}
	})
	t.Run("endless work", func(t *testing.T) { testEndless(t, srv, all) })
	if status, body := srv.post(t, "/api/mcp/invoke", all, strings.NewReader(`{"tool_name":"search_workflows"}`)); status != 200 {
		t.Errorf("afterwards the server answers %d: %s", status, body)
	}
}

// testEndless runs workflows that would never end; each ends with its reason,
// while others go on.
func testEndless(t *testing.T, srv *serverProcess, key string) {
	manual := object{"name": "Start", "type": "n8n-nodes-base.manualTrigger", "typeVersion": 1, "parameters": object{}}
	to := func(node string) object {
		return object{"main": [][]object{{{"node": node, "type": "main", "index": 0}}}}
	}
	code := func(js string) object {
		return object{"nodes": []object{manual, {"name": "Code", "type": "n8n-nodes-base.code", "typeVersion": 2, "parameters": object{"jsCode": js}}},
			"connections": object{"Start": to("Code")}}
	}
	loop := object{"nodes": []object{manual,
		{"name": "A", "type": "n8n-nodes-base.noOp", "typeVersion": 1, "parameters": object{}},
		{"name": "B", "type": "n8n-nodes-base.noOp", "typeVersion": 1, "parameters": object{}}},
		"connections": object{"Start": to("A"), "A": to("B"), "B": to("A")}}
	for _, c := range []struct {
		name string
		doc  object
		says string
	}{
		{"code without end", code("while(true){}"), "time"},
		{"code without bounds", code(`const a = []; while (true) a.push(("x".repeat(4e6) + a.length).toUpperCase());`), "memory"},
		{"loop without exit", loop, "loop"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.doc["name"] = c.name
			var saved struct {
				WorkflowID string `json:"workflow_id"`
			}
			srv.call(t, key, "create_workflow", c.doc, &saved)
			var e struct {
				Status string
				Error  struct{ Message string }
			}
			began := time.Now()
			srv.call(t, key, "execute_workflow", object{"workflow_id": saved.WorkflowID, "wait_seconds": 55}, &e)
			if e.Status != "error" || !strings.Contains(strings.ToLower(e.Error.Message), c.says) {
				t.Errorf("after %s: %+v, expected an error about %q", time.Since(began), e, c.says)
			}
		})
	}
}

// endless is a JSON text that never closes.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	copy(p, bytes.Repeat([]byte("["), len(p)))
	return len(p), nil
}

// get returns what an address answers, whatever its status.
func (s *serverProcess) get(t *testing.T, path string) string {
	t.Helper()
	resp, err := http.Get(s.url + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
