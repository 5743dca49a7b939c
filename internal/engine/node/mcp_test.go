package node

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"flowgate/internal/egress"
	"flowgate/internal/workflow"
)

// TestMain makes this binary an MCP server over stdio where a test asks.
func TestMain(m *testing.M) {
	if os.Getenv("FLOWGATE_TEST_MCP") != "" {
		var calls atomic.Int64
		if err := server.ServeStdio(testMCPServer(&calls)); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// testMCPServer has tools that do one thing each and counts their calls.
func testMCPServer(calls *atomic.Int64) *server.MCPServer {
	s := server.NewMCPServer("test", "1", server.WithToolCapabilities(false))
	add := func(name string, fn func(args map[string]any) *mcp.CallToolResult, opts ...mcp.ToolOption) {
		s.AddTool(mcp.NewTool(name, opts...), func(_ context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			calls.Add(1)
			return fn(req.GetArguments()), nil
		})
	}
	add("weather", func(args map[string]any) *mcp.CallToolResult {
		return mcp.NewToolResultStructured(map[string]any{"city": args["city"], "days": args["days"]}, "fine")
	}, mcp.WithString("city", mcp.Required()), mcp.WithNumber("days", mcp.Min(1)), mcp.WithString("unit", mcp.Enum("c", "f")))
	add("plain", func(map[string]any) *mcp.CallToolResult { return mcp.NewToolResultText("just words") })
	add("json", func(map[string]any) *mcp.CallToolResult { return mcp.NewToolResultText(`[{"b":1,"a":2},{"b":3}]`) })
	add("number", func(map[string]any) *mcp.CallToolResult { return mcp.NewToolResultText(`7`) })
	add("refuse", func(map[string]any) *mcp.CallToolResult { return mcp.NewToolResultError("the quota is used up") })
	add("huge", func(map[string]any) *mcp.CallToolResult {
		return mcp.NewToolResultText(strings.Repeat("x", mcpMaxBytes+1))
	})
	add("slow", func(map[string]any) *mcp.CallToolResult {
		time.Sleep(2 * time.Second)
		return mcp.NewToolResultText("late")
	})
	add("die", func(map[string]any) *mcp.CallToolResult { os.Exit(3); return nil })
	add("env", func(map[string]any) *mcp.CallToolResult {
		return mcp.NewToolResultText(strings.Join(os.Environ(), "\n"))
	})
	add("pid", func(map[string]any) *mcp.CallToolResult {
		return mcp.NewToolResultStructured(map[string]any{"pid": os.Getpid()}, "")
	})
	return s
}

type mcpWorld struct {
	*httpHost
	pool *MCPPool
}

func (w *mcpWorld) MCP() *MCPPool { return w.pool }

// newMCPWorld serves the tools over HTTP behind a bearer token, if one is given.
func newMCPWorld(t *testing.T, token string) (w *mcpWorld, address string, calls *atomic.Int64) {
	t.Helper()
	calls = &atomic.Int64{}
	inner := server.NewStreamableHTTPServer(testMCPServer(calls))
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if token != "" && r.Header.Get("Authorization") != "Bearer "+token {
			rw.WriteHeader(http.StatusUnauthorized)
			return
		}
		inner.ServeHTTP(rw, r)
	}))
	t.Cleanup(srv.Close)
	return &mcpWorld{httpHost: newHTTPHost()}, srv.URL + "/mcp?key=topsecret", calls
}

func runMCP(t *testing.T, host Host, parameters string, items ...string) ([]workflow.Item, error) {
	t.Helper()
	if len(items) == 0 {
		items = []string{`{"city":"Oslo"}`}
	}
	out, err := runMCPTool(t.Context(), callFor(t, mcpTool(), 1, parameters, host, items...))
	if err != nil {
		return nil, err
	}
	return out.Main[0], nil
}

func TestMCPResults(t *testing.T) {
	w, address, _ := newMCPWorld(t, "")
	for name, c := range map[string]struct{ rest, want string }{
		"structured": {`"tool":"weather","arguments":{"city":"={{ $json.city }}","days":2}`, `[{"city":"Oslo","days":2}]`},
		"text":       {`"tool":"plain"`, `[{"text":"just words"}]`},
		"json text":  {`"tool":"json"`, `[{"b":1,"a":2},{"b":3}]`},
		"a value":    {`"tool":"=num{{ \"ber\" }}"`, `[{"result":7}]`},
		"raw":        {`"tool":"plain","options":{"convertResult":false}`, `[{"content":[{"type":"text","text":"just words"}],"isError":false}]`},
		"list": {`"tool":"weather","specifyArguments":"keypair","argumentValues":{"values":[{"name":"city","value":"=12"},{"name":"days","value":"3"}]}`,
			`[{"city":"12","days":3}]`},
		"error kept": {`"tool":"refuse","options":{"failOnToolError":false}`, `[{"text":"the quota is used up","isError":true}]`},
	} {
		t.Run(name, func(t *testing.T) {
			w.effects = map[string][]byte{}
			items, err := runMCP(t, w, `{"server":{"url":"`+address+`"},`+c.rest+`}`)
			if err != nil {
				t.Fatal(err)
			}
			if got := itemsText(t, items); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestMCPFailures(t *testing.T) {
	w, address, calls := newMCPWorld(t, "")
	guarded, guardedAddress, _ := newMCPWorld(t, "t0ken")
	blocked := &mcpWorld{httpHost: newHTTPHost()}
	blocked.client = egress.New(egress.Options{}).Client()
	echo := newEchoServer(t)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for name, c := range map[string]struct {
		host            *mcpWorld
		url, rest       string
		code, mentioned string
	}{
		"tool error":       {w, address, `"tool":"refuse"`, "MCP_TOOL_ERROR", "the quota is used up"},
		"unknown tool":     {w, address, `"tool":"weathr"`, "MCP_UNKNOWN_TOOL", `Did you mean "weather"?`},
		"missing argument": {w, address, `"tool":"weather","arguments":{}`, "MCP_BAD_ARGUMENTS", `argument "city" is missing`},
		"wrong type":       {w, address, `"tool":"weather","arguments":{"city":"x","days":"soon"}`, "MCP_BAD_ARGUMENTS", `argument "days" must be of type number, not string`},
		"out of range":     {w, address, `"tool":"weather","arguments":{"city":"x","days":0}`, "MCP_BAD_ARGUMENTS", `argument "days" must be at least 1`},
		"not in the list":  {w, address, `"tool":"weather","arguments":{"city":"x","unit":"k"}`, "MCP_BAD_ARGUMENTS", `argument "unit" must be one of c f`},
		"too large":        {w, address, `"tool":"huge"`, "ERR_BAD_RESPONSE", "larger than"},
		"too slow":         {w, address, `"tool":"slow","options":{"timeout":300}`, "MCP_TIMEOUT", "within 300ms"},
		"no credential":    {guarded, guardedAddress, `"tool":"plain"`, "401", "asks for a credential"},
		"egress":           {blocked, address, `"tool":"plain"`, "EGRESS_BLOCKED", "is not allowed"},
		"unreachable":      {w, gone.URL, `"tool":"plain"`, "ECONNREFUSED", "could not be reached"},
		"no MCP":           {w, echo.URL + "/nothing", `"tool":"plain"`, "404", "There is no MCP server"},
		"other protocol":   {w, echo.URL + "/text", `"tool":"plain"`, "MCP_ERROR", "does not speak MCP"},
		"arguments":        {w, address, `"tool":"plain","arguments":"[1]"`, "", "must be a JSON object"},
		"scheme":           {w, "file:///etc/passwd", `"tool":"plain"`, "", "must begin with http"},
	} {
		t.Run(name, func(t *testing.T) {
			c.host.effects = map[string][]byte{}
			before := calls.Load()
			_, err := runMCP(t, c.host, `{"server":{"url":"`+c.url+`"},`+c.rest+`}`)
			var f *Failure
			if !errors.As(err, &f) {
				t.Fatalf("got %v", err)
			}
			if f.Code != c.code || !strings.Contains(f.Message, c.mentioned) || strings.Contains(f.Message+f.Description, "topsecret") {
				t.Errorf("got %q: %s (%s)", f.Code, f.Message, f.Description)
			}
			if c.code == "MCP_BAD_ARGUMENTS" && calls.Load() != before {
				t.Error("the tool was called with bad arguments")
			}
		})
	}
}

func TestMCPCredentialAndReplay(t *testing.T) {
	w, address, calls := newMCPWorld(t, "t0ken")
	w.secrets = map[string]map[string]string{"httpBearerAuth": {"token": "t0ken"}}
	parameters := `{"server":{"url":"` + address + `"},"authentication":"bearer","tool":"weather","arguments":{"city":"={{ $json.city }}"}}`
	first, err := runMCP(t, w, parameters, `{"city":"Oslo"}`, `{"city":"Rome"}`)
	if err != nil {
		t.Fatal(err)
	}
	for key, data := range w.effects {
		if strings.Contains(string(data), "t0ken") || strings.Contains(string(data), "topsecret") {
			t.Errorf("the record %s holds a secret: %s", key, data)
		}
	}
	if w.ran != 2 || calls.Load() != 2 {
		t.Fatalf("ran %d, called %d", w.ran, calls.Load())
	}
	w.secrets, w.client = nil, nil // what is recorded needs neither
	again, err := runMCP(t, w, parameters, `{"city":"Oslo"}`, `{"city":"Rome"}`)
	if err != nil {
		t.Fatal(err)
	}
	if calls.Load() != 2 || itemsText(t, first) != itemsText(t, again) || itemsText(t, again) != `[{"city":"Oslo","days":null},{"city":"Rome","days":null}]` {
		t.Errorf("called %d: %s", calls.Load(), itemsText(t, again))
	}
}

func TestMCPErrorItem(t *testing.T) {
	w, address, _ := newMCPWorld(t, "")
	c := callFor(t, mcpTool(), 1, `{"server":{"url":"`+address+`"},"tool":"={{ $json.tool }}"}`, w, `{"tool":"refuse"}`, `{"tool":"plain"}`)
	c.Node.OnError = workflow.OnErrorContinue
	out, err := runMCPTool(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if got := itemsText(t, out.Main[0]); got != `[{"error":"the quota is used up"},{"text":"just words"}]` {
		t.Error(got)
	}
}

// The credential goes to the server's own origin alone.
func TestMCPRedirect(t *testing.T) {
	leaked := make(chan string, 16)
	other := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		leaked <- r.Header.Get("Authorization")
		rw.WriteHeader(http.StatusNotFound)
	}))
	defer other.Close()
	srv := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	defer srv.Close()
	w := &mcpWorld{httpHost: newHTTPHost()}
	w.secrets = map[string]map[string]string{"httpHeaderAuth": {"name": "Authorization", "value": "t0ken"}}
	if _, err := runMCP(t, w, `{"server":{"url":"`+srv.URL+`"},"authentication":"header","tool":"plain"}`); err == nil {
		t.Fatal("no failure")
	}
	select {
	case got := <-leaked:
		if got != "" {
			t.Errorf("the credential went on: %q", got)
		}
	default:
		t.Error("the redirect was not followed")
	}
}

func TestMCPProgram(t *testing.T) {
	t.Setenv("API_SECRET_KEY", "ours")
	self, err := filepath.Abs(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	pool := NewMCPPool(map[string]MCPServer{
		"test":   {Command: self, Env: map[string]string{"FLOWGATE_TEST_MCP": "1"}},
		"broken": {Command: "/nonexistent/mcp"},
	}, nil)
	defer pool.Close()
	w := &mcpWorld{httpHost: newHTTPHost(), pool: pool}
	call := func(name, tool string) (string, error) {
		w.effects = map[string][]byte{}
		items, err := runMCP(t, w, `{"server":{"name":"`+name+`"},"tool":"`+tool+`"}`)
		if err != nil {
			return "", err
		}
		return itemsText(t, items), nil
	}
	fails := func(name, tool, code, mentioned string) {
		t.Helper()
		_, err := call(name, tool)
		var f *Failure
		if !errors.As(err, &f) || f.Code != code || !strings.Contains(f.Message, mentioned) {
			t.Errorf("%s of %s: %#v", tool, name, err)
		}
	}
	first, err := call("test", "pid")
	if err != nil {
		t.Fatal(err)
	}
	if second, err := call("test", "pid"); err != nil || second != first {
		t.Errorf("the program is not shared: %s, %s, %v", first, second, err)
	}
	if env, err := call("test", "env"); err != nil || strings.Contains(env, "API_SECRET_KEY") || !strings.Contains(env, "PATH=") {
		t.Errorf("environment %s, %v", env, err)
	}
	fails("test", "die", "MCP_SERVER_ENDED", "started again")
	third, err := call("test", "pid")
	if err != nil || third == first {
		t.Errorf("the program was not started again: %s, %v", third, err)
	}
	fails("test", "huge", "ERR_BAD_RESPONSE", "larger than")
	if _, err := call("test", "plain"); err != nil {
		t.Error(err)
	}
	fails("broken", "plain", "MCP_SERVER_ENDED", "could not be started")
	fails("tset", "plain", "MCP_UNKNOWN_SERVER", "mcp_servers")
	proc := pool.servers["test"].proc
	pool.Close()
	if proc == nil || proc.alive() {
		t.Error("the program outlived the pool")
	}
	fails("test", "plain", "", "being stopped")
}

func TestParseMCPServers(t *testing.T) {
	got, err := ParseMCPServers(`{"a":{"command":"x","args":["y"],"env":{"K":"v"}},"b":{"url":"https://e.example/mcp"}}`)
	if err != nil || got["a"].Args[0] != "y" || got["b"].URL == "" {
		t.Fatal(got, err)
	}
	for _, text := range []string{`[]`, `{"a":{}}`, `{"a":{"command":"x","url":"https://e"}}`, `{"a":{"url":"ftp://e"}}`, `{"a":{"command":"x","env":{"K":"s3cret"},"shell":1}}`, `{"":{"command":"x"}}`, `{} {}`} {
		if _, err := ParseMCPServers(text); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestMCPForeignParameters calls tools as the format's own MCP nodes write it.
func TestMCPForeignParameters(t *testing.T) {
	t.Parallel()
	w, address, calls := newMCPWorld(t, "s3cret")
	w.secrets = map[string]map[string]string{"httpBearerAuth": {"token": "s3cret"}, "httpCustomAuth": {"json": `{"headers":{"Authorization":"Bearer s3cret"}}`},
		"mcpOAuth2Api": {"access_token": "s3cret"}}
	weather := `"tool":{"__rl":true,"mode":"list","value":"weather"}`
	for name, c := range map[string]struct{ params, want, code string }{
		"json":     {`{"endpointUrl":"` + address + `","authentication":"bearerAuth",` + weather + `,"inputMode":"json","jsonInput":"{\"city\":\"Oslo\",\"days\":2}"}`, `{"city":"Oslo","days":2}`, ""},
		"manual":   {`{"endpointUrl":"` + address + `","authentication":"custom",` + weather + `,"inputMode":"manual","parameters":{"mappingMode":"defineBelow","value":{"city":"={{ $json.c }}","days":"3"}}}`, `{"city":"Bergen","days":3}`, ""},
		"selected": {`{"sseEndpoint":"` + address + `","authentication":"mcpOAuth2Api","include":"selected","includeTools":["weather"],"arguments":{"city":"Oslo","days":1}}`, `{"city":"Oslo","days":1}`, ""},
		"other":    {`{"sseEndpoint":"` + address + `","authentication":"bearer","include":"selected","includeTools":["plain"],` + weather + `}`, "", "MCP_TOOL_NOT_ALLOWED"},
		"except":   {`{"endpointUrl":"` + address + `","authentication":"bearer","include":"except","excludeTools":["weather"],` + weather + `}`, "", "MCP_TOOL_NOT_ALLOWED"},
		"schema":   {`{"endpointUrl":"` + address + `","authentication":"bearerAuth",` + weather + `,"inputMode":"json","jsonInput":{"days":0}}`, "", "MCP_BAD_ARGUMENTS"},
	} {
		before := calls.Load()
		w.effects = map[string][]byte{}
		items, err := runMCP(t, w, c.params, `{"c":"Bergen"}`)
		if c.code != "" {
			var f *Failure
			if !errors.As(err, &f) || f.Code != c.code || calls.Load() != before {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := itemsText(t, items); got != "["+c.want+"]" {
			t.Errorf("%s: %s", name, got)
		}
	}
}
