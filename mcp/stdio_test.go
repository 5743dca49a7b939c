package mcp

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/client/transport"
	protocol "github.com/mark3labs/mcp-go/mcp"

	"flowgate/internal/auth"
	"flowgate/internal/workflow"
)

func local() *auth.Identity {
	return &auth.Identity{Subject: owner, Kind: auth.KindLocal, Tier: auth.TierMCP}
}

// pipe serves a client that writes to in and reads lines of out.
type pipe struct {
	in   *io.PipeWriter
	out  *bufio.Scanner
	done chan error
}

func (w *world) pipe(t *testing.T, ctx context.Context, id *auth.Identity) *pipe {
	t.Helper()
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	p := &pipe{in: inW, out: bufio.NewScanner(outR), done: make(chan error, 1)}
	p.out.Buffer(nil, 8<<20)
	go func() {
		err := w.ServeStdio(ctx, id, inR, outW)
		_ = outW.Close()
		p.done <- err
	}()
	t.Cleanup(func() { _ = inW.Close() })
	return p
}

func (p *pipe) send(t *testing.T, text string) {
	t.Helper()
	if _, err := io.WriteString(p.in, text+"\n"); err != nil {
		t.Fatal(err)
	}
}

func (p *pipe) next(t *testing.T) map[string]any {
	t.Helper()
	if !p.out.Scan() {
		t.Fatalf("no more messages: %v", p.out.Err())
	}
	var m map[string]any
	if err := json.Unmarshal(p.out.Bytes(), &m); err != nil {
		t.Fatalf("not a message: %s", p.out.Text())
	}
	return m
}

func TestStdioWithOrdinaryClient(t *testing.T) {
	w := newWorld(t, nil)
	w.workflow(t)
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- w.ServeStdio(t.Context(), local(), inR, outW) }()
	c := client.NewClient(transport.NewIO(outR, inW, io.NopCloser(strings.NewReader(""))))
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Initialize(t.Context(), protocol.InitializeRequest{Params: protocol.InitializeParams{ProtocolVersion: "2025-11-25",
		ClientInfo: protocol.Implementation{Name: "t", Version: "1"}}}); err != nil {
		t.Fatal(err)
	}
	list, err := c.ListTools(t.Context(), protocol.ListToolsRequest{})
	if err != nil || len(list.Tools) != len(w.Service.Tools()) {
		t.Fatalf("list: %v %v", list, err)
	}
	result, err := c.CallTool(t.Context(), protocol.CallToolRequest{Params: protocol.CallToolParams{Name: "search_workflows"}})
	if err != nil || result.IsError {
		t.Fatalf("call: %+v %v", result, err)
	}
	_ = inW.Close()
	if err := <-done; err != nil {
		t.Errorf("after EOF: %v", err)
	}
	_ = c.Close()
}

func TestStdioSaysWhatIsWrong(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.MaxBody = 4096 })
	p := w.pipe(t, t.Context(), &auth.Identity{Subject: owner, Kind: auth.KindAPIKey, KeyID: "k", Scopes: []string{"workflows:read"}, Tier: auth.TierMCP})
	for _, tc := range []struct {
		text string
		code float64
	}{
		{`{"jsonrpc":`, -32700},
		{`[{"jsonrpc":"2.0","id":1,"method":"ping"}]`, -32600},
		{`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"nope"}}`, -32602},
		{`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"delete_workflow"}}`, rpcForbidden},
		{`{"jsonrpc":"2.0","id":1,"method":"` + strings.Repeat("x", 5000) + `"}`, rpcTooLarge},
	} {
		p.send(t, tc.text)
		e, _ := p.next(t)["error"].(map[string]any)
		if e["code"] != tc.code {
			t.Errorf("%.80s: %v", tc.text, e)
		}
		if tc.code == rpcForbidden && !strings.HasPrefix(e["message"].(string), "insufficient_scope: ") {
			t.Errorf("%v", e)
		}
	}
	p.send(t, `{"jsonrpc":"2.0","id":2,"method":"ping"}`)
	if m := p.next(t); m["id"] != 2.0 || m["error"] != nil {
		t.Errorf("ping after all that: %v", m)
	}
}

func TestStdioModernAndProgress(t *testing.T) {
	w := newWorld(t, nil)
	w.agent.run = emitNodes(20)
	id := w.workflow(t)
	p := w.pipe(t, t.Context(), local())
	p.send(t, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"execute_workflow","arguments":{"workflow_id":"`+id+
		`"},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"progressToken":1}}}`)
	for i := range 40 {
		if m := p.next(t); m["method"] != "notifications/progress" {
			t.Fatalf("message %d: %v", i, m)
		}
	}
	if m := p.next(t); m["result"] == nil {
		t.Fatalf("%v", m)
	}
}

func TestStdioFinishesCallsAfterEOF(t *testing.T) {
	w := newWorld(t, nil)
	id := w.workflow(t)
	started, release := blocked(w)
	p := w.pipe(t, t.Context(), local())
	p.send(t, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"execute_workflow","arguments":{"workflow_id":"`+id+`"}}}`)
	<-started
	_ = p.in.Close()
	release()
	if m := p.next(t); m["result"] == nil || m["result"].(map[string]any)["isError"] == true {
		t.Errorf("%v", m)
	}
	if err := <-p.done; err != nil {
		t.Error(err)
	}
}

func TestStdioDrainIsBounded(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Drain = 20 * time.Millisecond })
	id := w.workflow(t)
	started, release := blocked(w)
	defer release()
	ctx, cancel := context.WithCancel(t.Context())
	p := w.pipe(t, ctx, local())
	p.send(t, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"execute_workflow","arguments":{"workflow_id":"`+id+`"}}}`)
	<-started
	cancel()
	if m := p.next(t); m["result"] == nil {
		t.Errorf("%v", m)
	}
	if err := <-p.done; err != nil {
		t.Error(err)
	}
}

func TestStdioCancel(t *testing.T) {
	w := newWorld(t, nil)
	id := w.workflow(t)
	started, release := blocked(w)
	defer release()
	p := w.pipe(t, t.Context(), local())
	p.send(t, `{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"execute_workflow","arguments":{"workflow_id":"`+id+`"}}}`)
	<-started
	p.send(t, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"a"}}`)
	_ = p.in.Close()
	if p.out.Scan() {
		t.Errorf("a cancelled call is answered: %s", p.out.Text())
	}
	if err := <-p.done; err != nil {
		t.Error(err)
	}
}

// TestStdioSurvivesBugs reads what has the server panic, and goes on.
func TestStdioSurvivesBugs(t *testing.T) {
	w := newWorld(t, nil)
	w.Service.Store = nil
	p := w.pipe(t, t.Context(), local())
	for method, params := range map[string]string{"resources/read": `"uri":"workflow://x"`, "prompts/get": `"name":"explain_workflow","arguments":{"workflow_id":"x"}`} {
		p.send(t, `{"jsonrpc":"2.0","id":"`+method+`","method":"`+method+`","params":{`+params+`}}`)
		m := p.next(t)
		if fault, _ := m["error"].(map[string]any); m["id"] != method || fault["code"] != -32603.0 || strings.Contains(fmt.Sprint(fault), "nil pointer") {
			t.Errorf("%v", m)
		}
	}
	if !strings.Contains(w.logs.String(), "nil pointer") {
		t.Errorf("the cause is not in the log: %s", w.logs)
	}
}

func TestTwoStdioClientsInOneProcess(t *testing.T) {
	w := newWorld(t, nil)
	w.agent.run = func(_ context.Context, emit func(workflow.Event) error) error {
		return emit(workflow.Event{Type: workflow.EventNodeFinished, Node: "Start"})
	}
	a, b := w.pipe(t, t.Context(), local()), w.pipe(t, t.Context(), local())
	for i, p := range []*pipe{a, b} {
		p.send(t, fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/list"}`, i))
		if m := p.next(t); m["id"] != float64(i) {
			t.Errorf("%v", m)
		}
	}
}

func TestStdioBrokenOutput(t *testing.T) {
	w := newWorld(t, nil)
	err := w.ServeStdio(t.Context(), local(), strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"ping"}`), broken{})
	if !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v", err)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestStdioEndsWithItsKey(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Recheck = 20 * time.Millisecond })
	secret, key, err := w.keys.Create(t.Context(), auth.NewKey{OwnerID: owner, ClientName: "t", Scopes: []string{"tools:execute"}})
	if err != nil {
		t.Fatal(err)
	}
	id, err := w.Authenticator.Authenticate(t.Context(), auth.Presented{APIKey: secret, Tier: auth.TierMCP})
	if err != nil {
		t.Fatal(err)
	}
	workflowID := w.workflow(t)
	started, release := blocked(w)
	defer release()
	p := w.pipe(t, t.Context(), id)
	p.send(t, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"execute_workflow","arguments":{"workflow_id":"`+workflowID+`"}}}`)
	<-started
	if err := w.keys.Revoke(t.Context(), owner, key.ID); err != nil {
		t.Fatal(err)
	}
	m := p.next(t)
	if result, _ := m["result"].(map[string]any); m["id"] != 1.0 || m["error"] == nil && result["isError"] != true {
		t.Errorf("the call gave %v", m)
	}
	if p.out.Scan() {
		t.Errorf("and there is more: %s", p.out.Text())
	}
	if err := <-p.done; workflow.ReasonOf(err) != "invalid_api_key" {
		t.Errorf("it ended with %v", err)
	}
}
