package mcp

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/client/transport"
	protocol "github.com/mark3labs/mcp-go/mcp"
)

func TestCallInBothGenerations(t *testing.T) {
	w := newWorld(t, nil)
	key := w.key(t, owner, "workflows:read")
	w.workflow(t)
	for name, r := range map[string]reply{
		"2025-11-25": w.call(t, key, w.session(t, key), "search_workflows", `{}`),
		"2026-07-28": w.modern(t, key, "tools/call", "search_workflows", `"name":"search_workflows","arguments":{}`),
	} {
		structured, _ := r.result()["structuredContent"].(map[string]any)
		if r.status != 200 || structured["total"] != 1.0 || !strings.Contains(r.text(), "1 of 1 workflows") {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
		if r.header.Get("Mcp-Session-Id") != "" {
			t.Errorf("%s: a call was answered with a session id", name)
		}
	}
}

func TestOrdinaryClient(t *testing.T) {
	w := newWorld(t, nil)
	w.workflow(t)
	c, err := client.NewStreamableHttpClient(w.url, transport.WithHTTPHeaders(map[string]string{"Authorization": "Bearer " + w.key(t, owner, "workflows:read")}))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	init, err := c.Initialize(t.Context(), protocol.InitializeRequest{Params: protocol.InitializeParams{ProtocolVersion: "2025-11-25",
		ClientInfo: protocol.Implementation{Name: "t", Version: "1"}}})
	if err != nil || init.ServerInfo.Version != "1.2.3" || init.Instructions != instructions {
		t.Fatalf("initialize: %+v %v", init, err)
	}
	list, err := c.ListTools(t.Context(), protocol.ListToolsRequest{})
	if err != nil || len(list.Tools) != w.visibleTo("workflows:read") {
		t.Fatalf("list: %d %v", len(list.Tools), err)
	}
	result, err := c.CallTool(t.Context(), protocol.CallToolRequest{Params: protocol.CallToolParams{Name: "search_workflows", Arguments: map[string]any{"limit": 5}}})
	if err != nil || result.IsError {
		t.Fatalf("call: %+v %v", result, err)
	}
}

func TestFaultsOfACallAreResults(t *testing.T) {
	w := newWorld(t, nil)
	key := w.key(t, owner, "tools:execute")
	session := w.session(t, key)
	for _, tc := range []struct{ tool, args, want string }{
		{"search_workflows", `{"limit":"ten"}`, "limit: expected integer, got string"},
		{"search_workflows", `{"limit":0,"foo":1}`, "foo: is not an argument of this call; known are active, cursor"},
		{"search_workflows", `[1]`, "arguments: expected object, got array"},
		{"get_workflow", `{}`, "workflow_id: is missing"},
		{"get_workflow", `null`, "workflow_id: is missing"},
		{"get_workflow", `{"workflow_id":"nope"}`, "not_found: There is no workflow"},
		{"list_executions", `{"since":"yesterday"}`, `since: "yesterday" is not a time`},
	} {
		r := w.call(t, key, session, tc.tool, tc.args)
		if r.status != 200 || r.result()["isError"] != true || r.result()["structuredContent"] != nil || !strings.Contains(r.text(), tc.want) || !strings.Contains(r.text(), "Next: ") {
			t.Errorf("%s %s: %d %s", tc.tool, tc.args, r.status, r.body)
		}
	}
}

func TestInsidesStayInside(t *testing.T) {
	w := newWorld(t, nil)
	key := w.key(t, owner, "tools:execute")
	session := w.session(t, key)
	id := w.workflow(t)
	w.agent.run = nil
	w.Service.Agent = panicking{}
	r := w.call(t, key, session, "execute_workflow", `{"workflow_id":"`+id+`"}`)
	if r.result()["isError"] != true || strings.Contains(r.body, "secret detail") || !strings.Contains(r.text(), "logged it as") {
		t.Errorf("%d %s", r.status, r.body)
	}
	if !strings.Contains(w.logs.String(), "secret detail") {
		t.Errorf("the cause is not in the log: %s", w.logs)
	}
}

func TestProtocolErrors(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.MaxBody = 1 << 16 })
	key := w.key(t, owner, "tools:execute")
	session := w.session(t, key)
	big := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"` + strings.Repeat("x", 1<<16) + `"}}`
	for name, tc := range map[string]struct {
		body         string
		headers      []string
		status, code int
	}{
		"malformed":        {`{"jsonrpc":`, nil, 400, -32700},
		"empty":            {``, nil, 400, -32700},
		"not an object":    {`"hi"`, nil, 400, -32600},
		"batch":            {`[{"jsonrpc":"2.0","id":1,"method":"ping"}]`, nil, 400, -32600},
		"no version":       {`{"id":1,"method":"ping"}`, nil, 200, -32600},
		"name is a number": {`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":5}}`, nil, 400, -32602},
		"params an array":  {`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":[1]}`, nil, 400, -32600},
		"unknown tool":     {`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"nope"}}`, nil, 200, -32602},
		"unknown method":   {`{"jsonrpc":"2.0","id":1,"method":"nope"}`, nil, 200, -32601},
		"too large":        {big, nil, 413, rpcTooLarge},
		"wrong type":       {`{}`, []string{"Content-Type", "text/plain"}, 415, -32600},
		"no session":       {`{"jsonrpc":"2.0","id":1,"method":"ping"}`, []string{"Mcp-Session-Id", ""}, 400, -32600},
		"bad session":      {`{"jsonrpc":"2.0","id":1,"method":"ping"}`, []string{"Mcp-Session-Id", "mcp-session-1"}, 404, -32600},
		"bad version":      {`{"jsonrpc":"2.0","id":1,"method":"ping"}`, []string{"Mcp-Protocol-Version", "1999-01-01"}, 400, -32600},
		"foreign origin":   {`{}`, []string{"Origin", "https://evil.example"}, 403, rpcForbidden},
		"foreign host":     {`{}`, []string{"Host", "evil.example"}, 403, rpcForbidden},
	} {
		h := append([]string{"X-API-Key", key, "Mcp-Session-Id", session}, tc.headers...)
		r := w.send(t, "POST", tc.body, h...)
		if r.status != tc.status || r.errorCode() != tc.code || !strings.HasPrefix(r.header.Get("Content-Type"), "application/json") {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
	}
	if r := w.send(t, "POST", `{"jsonrpc":"2.0","id":1,"method":"ping"}`, "X-API-Key", key, "Mcp-Session-Id", session, "Origin", w.url); r.status != 200 {
		t.Errorf("the server's own origin: %d %s", r.status, r.body)
	}
	if r := w.send(t, "PUT", `{}`, "X-API-Key", key); r.status != 405 || r.header.Get("Allow") == "" {
		t.Errorf("PUT: %d", r.status)
	}
}

func TestRefusalsCarryChallenges(t *testing.T) {
	w := newWorld(t, nil)
	r := w.send(t, "POST", `{"jsonrpc":"2.0","id":1,"method":"initialize"}`)
	if want := `Bearer resource_metadata="http://gw.test/.well-known/oauth-protected-resource/mcp"`; r.status != 401 || r.header.Get("WWW-Authenticate") != want {
		t.Errorf("no key: %d %q %s", r.status, r.header.Get("WWW-Authenticate"), r.body)
	}
	r = w.send(t, "POST", `{}`, "X-API-Key", "wfk_wrong")
	if r.status != 401 || !strings.HasPrefix(r.header.Get("WWW-Authenticate"), `Bearer error="invalid_token"`) || !strings.Contains(r.body, "invalid_api_key") {
		t.Errorf("wrong key: %d %q %s", r.status, r.header.Get("WWW-Authenticate"), r.body)
	}
	key := w.key(t, owner, "workflows:read")
	for name, r := range map[string]reply{
		"2025-11-25": w.call(t, key, w.session(t, key), "delete_workflow", `{}`),
		"2026-07-28": w.modern(t, key, "tools/call", "delete_workflow", `"name":"delete_workflow"`),
	} {
		want := `Bearer error="insufficient_scope", scope="workflows:write", resource_metadata="http://gw.test/.well-known/oauth-protected-resource/mcp"`
		if r.status != 403 || r.header.Get("WWW-Authenticate") != want || !strings.Contains(r.body, "insufficient_scope") {
			t.Errorf("%s: %d %q %s", name, r.status, r.header.Get("WWW-Authenticate"), r.body)
		}
	}
}

func TestKeyInQueryOnlyWhenAllowed(t *testing.T) {
	for _, allowed := range []bool{false, true} {
		w := newWorld(t, func(o *Options) { o.AllowQueryKey = allowed })
		w.url += "?api_key=" + w.key(t, owner, "workflows:read")
		r := w.send(t, "POST", `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`)
		if (r.status == 200) != allowed {
			t.Errorf("allowed %v: %d", allowed, r.status)
		}
	}
}

func TestFiftyMegabytesGetACleanAnswer(t *testing.T) {
	w := newWorld(t, nil)
	key := w.key(t, owner, "tools:execute")
	for _, length := range []int64{50 << 20, -1} {
		req, err := http.NewRequestWithContext(t.Context(), "POST", w.url, io.LimitReader(zeros{}, 50<<20))
		if err != nil {
			t.Fatal(err)
		}
		req.ContentLength = length
		req.Header.Set("X-API-Key", key)
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatalf("length %d: %v", length, err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != 413 || !strings.Contains(string(body), "too_large") {
			t.Errorf("length %d: %d %s", length, resp.StatusCode, body)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestLargeResultsAreCutAndSayIt(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.MaxResult = 2048 })
	key := w.key(t, owner, "tools:execute")
	session := w.session(t, key)
	for range 60 {
		w.workflow(t)
	}
	r := w.call(t, key, session, "search_workflows", `{"limit":60}`)
	if r.result()["isError"] == true || len(r.body) > 3*2048 || !strings.HasPrefix(r.text(), "CUT: ") || !strings.Contains(r.text(), "limit") {
		t.Errorf("%d bytes: %s", len(r.body), r.body)
	}
	id := w.workflow(t)
	long := w.call(t, key, session, "update_workflow", fmt.Sprintf(`{"workflow_id":%q,"description":%q}`, id, strings.Repeat("long ", 1000)))
	if long.result()["isError"] == true {
		t.Fatal(long.body)
	}
	if r := w.call(t, key, session, "get_workflow", `{"workflow_id":"`+id+`"}`); r.result()["isError"] != true || !strings.Contains(r.text(), "detail") {
		t.Errorf("a document was cut: %s", r.body)
	}
}
