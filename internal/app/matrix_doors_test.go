package app_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"flowgate/internal/auth"
	"flowgate/internal/service"
)

// doorReply is what a door answered.
type doorReply struct {
	status  int
	header  http.Header
	body    string
	message struct { // of JSON-RPC
		Result struct {
			Tools   []struct{ Name string }
			Content []struct{ Text string }
			IsError bool
		}
		Error struct {
			Message string
			Data    struct{ Reason string }
		}
	}
}

// send does one request with what the caller presents; headers are name,
// value pairs.
func (c *matrixCaller) send(t *testing.T, method, path, body string, headers ...string) doorReply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, c.at.url+path, strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return doorReply{}
	}
	if c.header != nil {
		req.Header = c.header.Clone()
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	if c.signer != nil {
		c.signer.sign(req, body)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Error(err)
		return doorReply{}
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	r := doorReply{status: resp.StatusCode, header: resp.Header, body: string(data)}
	text := data
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		_, after, _ := strings.Cut(string(data), "data: ")
		after, _, _ = strings.Cut(after, "\n")
		text = []byte(after)
	}
	_ = json.Unmarshal(text, &r.message) // most are no JSON-RPC
	return r
}

// sign adds a signature by RFC 9421 over method, target and body.
func (s *requestSigner) sign(r *http.Request, body string) {
	nonce := make([]byte, 12)
	rand.Read(nonce)
	names, base := `"@method" "@target-uri"`, fmt.Sprintf("\"@method\": %s\n\"@target-uri\": %s\n", r.Method, r.URL)
	if body != "" {
		sum := sha256.Sum256([]byte(body))
		digest := "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
		r.Header.Set("Content-Digest", digest)
		names, base = names+` "content-digest"`, base+"\"content-digest\": "+digest+"\n"
	}
	params := fmt.Sprintf(`(%s);created=%d;nonce="%s";keyid="%s"`, names, time.Now().Unix(), base64.RawURLEncoding.EncodeToString(nonce), s.id)
	r.Header.Set("Signature-Input", "sig1="+params)
	r.Header.Set("Signature", "sig1=:"+base64.StdEncoding.EncodeToString(ed25519.Sign(s.key, []byte(base+`"@signature-params": `+params)))+":")
}

var placeholders = regexp.MustCompile(`\{[a-z_]+\}`)

// outcome is what an App route or the façade did: let in, or how it refused.
func (r doorReply) outcome(method string) string {
	var e struct {
		Error   string
		Details struct{ Code string }
	}
	_ = json.Unmarshal([]byte(r.body), &e) // HEAD has no body
	if strings.Contains(r.body, "no_such") || method == http.MethodHead && r.status == http.StatusBadRequest || r.status == http.StatusOK {
		return letIn
	}
	reason := e.Details.Code
	if reason == "" {
		reason = e.Error
	}
	return strings.TrimSpace(fmt.Sprint(r.status, " ", reason))
}

// rpcOutcome is what the MCP door did with a call.
func (r doorReply) rpcOutcome() string {
	content := r.message.Result.Content
	switch {
	case r.status == http.StatusOK && len(content) > 0 && strings.Contains(content[0].Text, "no_such"):
		return letIn
	case strings.Contains(r.message.Error.Message, "not found"):
		return "no such tool"
	}
	return fmt.Sprint(r.status, " ", r.message.Error.Data.Reason)
}

// tools is what a list shows, by name; status, where it shows nothing.
func (r doorReply) tools() (names map[string]bool, status string) {
	if r.status != http.StatusOK {
		return nil, fmt.Sprint(r.status)
	}
	names = map[string]bool{}
	for _, tool := range r.message.Result.Tools {
		names[tool.Name] = true
	}
	var facade struct{ Tools []struct{ Name string } }
	_ = json.Unmarshal([]byte(r.body), &facade) // of MCP there is nothing
	for _, tool := range facade.Tools {
		names[tool.Name] = true
	}
	return names, ""
}

func listing(names map[string]bool, status, tool string) string {
	switch {
	case status != "":
		return status
	case names[tool]:
		return shown
	}
	return hidden
}

const initialize = `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`

// accept is what every MCP request carries.
var accept = []string{"Accept", "application/json, text/event-stream"}

// old sends a message of the generation with sessions.
func (c *matrixCaller) old(t *testing.T, session, message string) doorReply {
	t.Helper()
	return c.send(t, "POST", "/mcp", message, append([]string{"Mcp-Session-Id", session, "Mcp-Protocol-Version", "2025-11-25"}, accept...)...)
}

// modern sends a request of the generation without.
func (c *matrixCaller) modern(t *testing.T, method, name, params string) doorReply {
	t.Helper()
	meta := `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"t","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}`
	if params != "" {
		meta += "," + params
	}
	return c.send(t, "POST", "/mcp", `{"jsonrpc":"2.0","id":1,"method":"`+method+`","params":{`+meta+`}}`,
		append([]string{"Mcp-Protocol-Version", "2026-07-28", "Mcp-Method", method, "Mcp-Name", name}, accept...)...)
}

func callMessage(id int, tool, args string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":%q,"arguments":%s}}`, id, tool, args)
}

const refusedArgument = `{"no_such":1}`

// try has the caller try everything, and returns the verdicts by capability.
func (w *matrixWorld) try(t *testing.T, c *matrixCaller) map[string]verdict {
	t.Helper()
	facade, facadeStatus := c.send(t, "GET", "/api/mcp/tools", "").tools()
	session := c.send(t, "POST", "/mcp", initialize, accept...).header.Get("Mcp-Session-Id")
	old, oldStatus := c.old(t, session, `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`).tools()
	modern, modernStatus := c.modern(t, "tools/list", "", "").tools()
	stdio, stdioList, stdioStatus := w.tryStdio(t, c)
	out := map[string]verdict{}
	for _, capability := range w.capabilities() {
		name := capability.Name
		v := verdict{
			facadeList: listing(facade, facadeStatus, name), mcpList: listing(old, oldStatus, name), newList: listing(modern, modernStatus, name),
			facadeShow: c.send(t, "GET", "/api/mcp/tools/"+name, "").outcome("GET"),
			facadeCall: c.send(t, "POST", "/api/mcp/invoke", fmt.Sprintf(`{"tool_name":%q,"params":%s}`, name, refusedArgument)).outcome("POST"),
			mcpCall:    c.old(t, session, callMessage(1, name, refusedArgument)).rpcOutcome(),
			newCall:    c.modern(t, "tools/call", name, fmt.Sprintf(`"name":%q,"arguments":%s`, name, refusedArgument)).rpcOutcome(),
			stdioList:  listing(stdioList, stdioStatus, name), stdioCall: stdioStatus,
		}
		if stdioStatus == "" {
			v.stdioCall = stdio[name]
		}
		for _, r := range capability.Routes {
			path := placeholders.ReplaceAllString(r.Path, "x")
			v.app = append(v.app, c.send(t, r.Method, "/api/app"+path+"?no_such=1", "").outcome(r.Method))
		}
		if len(capability.Routes) == 0 {
			v.app = []string{none}
		}
		out[name] = v
	}
	return out
}

// tryStdio speaks with a server on standard input and output that was started
// with the caller's credential, and returns what calls gave and what was
// listed; a status where there is no such server.
func (w *matrixWorld) tryStdio(t *testing.T, c *matrixCaller) (calls map[string]string, list map[string]bool, status string) {
	t.Helper()
	var id *auth.Identity
	var err error
	switch {
	case c.local:
		id, err = c.at.LocalIdentity(t.Context())
		if err == nil {
			id.Tier = auth.TierMCP
		}
	case c.credential == "":
		return nil, nil, none
	default:
		id, err = c.at.Authenticator(nil).Authenticate(t.Context(), auth.Presented{APIKey: c.credential, Tier: auth.TierMCP})
	}
	if err != nil {
		return nil, nil, noStdio
	}
	var in, out bytes.Buffer
	fmt.Fprintln(&in, `{"jsonrpc":"2.0","id":-1,"method":"tools/list"}`)
	for i, capability := range w.capabilities() {
		fmt.Fprintln(&in, callMessage(i, capability.Name, refusedArgument))
	}
	if err := c.at.server.ServeStdio(t.Context(), id, &in, &out); err != nil {
		t.Error(err)
	}
	calls = map[string]string{}
	for line := range strings.Lines(out.String()) {
		var answered struct{ ID *int }
		r := doorReply{status: http.StatusOK}
		if json.Unmarshal([]byte(line), &answered) != nil || answered.ID == nil || json.Unmarshal([]byte(line), &r.message) != nil {
			continue
		}
		if *answered.ID < 0 {
			list, _ = r.tools()
			continue
		}
		outcome := r.rpcOutcome()
		if outcome != letIn && outcome != "no such tool" {
			outcome = r.message.Error.Data.Reason
		}
		calls[w.capabilities()[*answered.ID].Name] = outcome
	}
	return calls, list, ""
}

// belongings are the first user's, by the name of the argument.
func (w *matrixWorld) belongings(t *testing.T) map[string]string {
	t.Helper()
	c := w.find("user")
	out := map[string]string{}
	id := func(field, method, path, body string) {
		r := c.send(t, method, "/api/app"+path, body)
		var fields map[string]any
		if json.Unmarshal([]byte(r.body), &fields) != nil || r.status >= 300 {
			t.Fatalf("%s: %d %s", path, r.status, r.body)
		}
		out[field], _ = fields[field].(string)
		if out[field] == "" {
			t.Fatalf("%s: no %s in %s", path, field, r.body)
		}
	}
	id("workflow_id", "POST", "/workflows", `{"name":"mine","nodes":[{"name":"Start","type":"n8n-nodes-base.manualTrigger","typeVersion":1,"position":[0,0],"parameters":{}}]}`)
	id("execution_id", "POST", "/workflows/"+out["workflow_id"]+"/execute?wait=30", `{}`)
	id("session_id", "POST", "/sessions", `{}`)
	return out
}

// argumentsFor is what a tool would have to be given for the first user's
// things; nil for tools that concern no such thing.
func argumentsFor(c *service.Capability, mine map[string]string) map[string]any {
	if c.RESTOnly || c.Raw || c.Name == "list_executions" {
		return nil
	}
	args := map[string]any{}
	for name, id := range mine {
		if c.Input.Property(name) != "" {
			args[name] = id
		}
	}
	if len(args) == 0 {
		return nil
	}
	for name, value := range map[string]any{"confirm": true, "version": 1, "message": "hello", "name": "theirs", "wait_seconds": 0, "response": map[string]any{"approved": true}} {
		if c.Input.Property(name) != "" && !(name == "version" && c.Name != "restore_workflow_version") {
			args[name] = value
		}
	}
	if c.Name == "start_session" {
		args = map[string]any{"action": "copy", "workflow_id": mine["workflow_id"]}
	}
	if c.Name == "execute_workflow" {
		delete(args, "execution_id")
	}
	return args
}

// ask calls a tool by the façade and by MCP and says what each answered.
func (w *matrixWorld) ask(t *testing.T, c *matrixCaller, capability *service.Capability, args map[string]any) []string {
	t.Helper()
	data, err := json.Marshal(args)
	if err != nil {
		t.Fatal(err)
	}
	facade := c.send(t, "POST", "/api/mcp/invoke", fmt.Sprintf(`{"tool_name":%q,"params":%s}`, capability.Name, data))
	if facade.status == http.StatusUnauthorized { // people's tokens open the App tier only
		return nil
	}
	r := c.modern(t, "tools/call", capability.Name, fmt.Sprintf(`"name":%q,"arguments":%s`, capability.Name, data))
	content := r.message.Result.Content
	switch {
	case r.status == http.StatusOK && len(content) > 0 && strings.HasPrefix(content[0].Text, "not_found: "):
		return []string{facade.outcome("POST"), "404 not_found"}
	case r.status == http.StatusOK && len(content) > 0 && !r.message.Result.IsError:
		return []string{facade.outcome("POST"), letIn}
	}
	return []string{facade.outcome("POST"), r.body}
}
