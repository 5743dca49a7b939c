package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// world is what is measured: flowgate, a bare server, perhaps another build.
type world struct {
	dir    string
	binary string // of flowgate, "" where it runs in this process
	bare   *process
	ours   *gateway
	other  *gateway // nil without -against
	end    []func()
}

// gateway is a running flowgate with workflows to call.
type gateway struct {
	*process
	key      string
	session  string // of MCP up to 2025-11-25
	workflow string // id of the small document
}

func openWorld(ctx context.Context, o *options) (w *world, err error) {
	w = &world{binary: o.binary}
	if w.dir, err = os.MkdirTemp("", "flowgate-bench-*"); err != nil {
		return nil, err
	}
	w.end = append(w.end, func() { _ = os.RemoveAll(w.dir) })
	if err := w.open(ctx, o); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

func (w *world) open(ctx context.Context, o *options) (err error) {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if w.bare, err = startProcess(ctx, w.dir, bareMarker, self, bareCommand); err != nil {
		return err
	}
	w.end = append(w.end, w.bare.stop)
	if w.binary == "" {
		w.binary = filepath.Join(w.dir, "flowgate")
		if out, err := exec.CommandContext(ctx, "go", "build", "-o", w.binary, "flowgate/cmd/flowgate").CombinedOutput(); err != nil {
			return fmt.Errorf("build flowgate: %w\n%s", err, out)
		}
	}
	if w.binary, err = filepath.Abs(w.binary); err != nil {
		return err
	}
	if o.profile != "" {
		w.ours, err = w.inProcess(ctx, o.profile)
	} else {
		w.ours, err = w.serve(ctx, w.binary, filepath.Join(w.dir, "ours"))
	}
	if err != nil || o.against == "" {
		return err
	}
	against, err := filepath.Abs(o.against)
	if err != nil {
		return err
	}
	w.other, err = w.serve(ctx, against, filepath.Join(w.dir, "other"))
	return err
}

// close ends what was started, last first.
func (w *world) close() {
	for i := len(w.end) - 1; i >= 0; i-- {
		w.end[i]()
	}
}

// serve starts flowgate on a folder and prepares what the rows call.
func (w *world) serve(ctx context.Context, binary, data string) (*gateway, error) {
	p, err := startServe(ctx, w.dir, binary, data)
	if err != nil {
		return nil, err
	}
	w.end = append(w.end, p.stop)
	cmd := exec.CommandContext(ctx, binary, "keys", "create", "--name", "bench", "--tier", "unlimited", "--scopes", "workflows:read,workflows:write,workflows:execute", "--data-dir", data, "--json")
	cmd.Dir = w.dir
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	var key struct{ Key string }
	if err := json.Unmarshal(out, &key); err != nil {
		return nil, err
	}
	g := &gateway{process: p, key: key.Key}
	return g, g.prepare(ctx)
}

func startServe(ctx context.Context, dir, binary, data string) (*process, error) {
	return startProcess(ctx, dir, " listens on ", binary, "serve", "--port", "0", "--data-dir", data)
}

// prepare makes the workflows and an MCP session.
func (g *gateway) prepare(ctx context.Context) (err error) {
	if g.workflow, err = g.create(ctx, helloWorkflow); err != nil {
		return err
	}
	for _, doc := range []string{webhookWorkflow, codeWorkflow} {
		id, err := g.create(ctx, doc)
		if err != nil {
			return err
		}
		if err := g.call(ctx, "activate_workflow", map[string]any{"workflow_id": id}, nil); err != nil {
			return err
		}
	}
	g.session, err = openSession(ctx, g.addr, g.key)
	return err
}

func (g *gateway) create(ctx context.Context, document string) (id string, err error) {
	var saved struct {
		WorkflowID string `json:"workflow_id"`
	}
	err = g.call(ctx, "create_workflow", json.RawMessage(document), &saved)
	return saved.WorkflowID, err
}

// call invokes a tool by the REST façade.
func (g *gateway) call(ctx context.Context, tool string, params, out any) error {
	body, err := json.Marshal(map[string]any{"tool_name": tool, "params": params})
	if err != nil {
		return err
	}
	c, err := dial(ctx, g.addr)
	if err != nil {
		return err
	}
	defer c.Close()
	answer, err := c.do(newTarget(g.addr, http.MethodPost, "/api/mcp/invoke", string(body), "", "X-API-Key", g.key).request)
	if err != nil {
		return fmt.Errorf("%s: %w", tool, err)
	}
	var reply struct{ Result json.RawMessage }
	if err := json.Unmarshal(answer, &reply); err != nil || out == nil {
		return err
	}
	return json.Unmarshal(reply.Result, out)
}

// openSession opens a session of the older protocol and returns its id.
func openSession(ctx context.Context, addr, key string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr+"/mcp", strings.NewReader(
		`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}`))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json, text/event-stream")
	req.Header.Set("X-API-Key", key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	session := resp.Header.Get("Mcp-Session-Id")
	if session == "" {
		return "", errors.New("no MCP session was opened: " + resp.Status)
	}
	return session, nil
}

// toolCall is a call in the older protocol, with a session.
func toolCall(addr, key, session, tool, arguments, expect string) target {
	return newTarget(addr, http.MethodPost, "/mcp", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"`+tool+`","arguments":`+arguments+`}}`,
		expect, "Accept", "application/json, text/event-stream", "X-API-Key", key, "Mcp-Session-Id", session, "Mcp-Protocol-Version", "2025-11-25")
}

// modernCall is a call in the protocol of 2026-07-28, without a session.
func modernCall(addr, key, tool, arguments, expect string) target {
	return newTarget(addr, http.MethodPost, "/mcp", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",`+
		`"io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}},"name":"`+tool+`","arguments":`+arguments+`}}`,
		expect, "Accept", "application/json, text/event-stream", "X-API-Key", key, "Mcp-Protocol-Version", "2026-07-28", "Mcp-Method", "tools/call", "Mcp-Name", tool)
}
