package app_test

import (
	"bufio"
	"encoding/json"
	"io"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// stdioClient speaks MCP to a flowgate stdio process, one call at a time.
type stdioClient struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
	log *syncBuffer
	mu  sync.Mutex
	id  int
}

// startStdio starts flowgate stdio on the data folder and shakes hands.
func startStdio(t *testing.T, dataDir string, args ...string) *stdioClient {
	t.Helper()
	c := &stdioClient{log: &syncBuffer{}}
	c.cmd = exec.Command(binary(t), append([]string{"stdio", "--allow-private", "--data-dir", dataDir}, args...)...)
	c.cmd.Dir, c.cmd.Env, c.cmd.Stderr = t.TempDir(), cleanEnv(), c.log
	var err error
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.out = bufio.NewReader(out)
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.in.Close()
		timer := time.AfterFunc(30*time.Second, func() { _ = c.cmd.Process.Kill() })
		_ = c.cmd.Wait()
		timer.Stop()
		if t.Failed() {
			t.Logf("stdio log:\n%s", c.log)
		}
	})
	c.request(t, "initialize", object{"protocolVersion": "2025-11-25", "capabilities": object{}, "clientInfo": object{"name": "test", "version": "1"}})
	c.send(t, object{"jsonrpc": "2.0", "method": "notifications/initialized"})
	return c
}

// kill ends the process without warning.
func (c *stdioClient) kill() { _ = c.cmd.Process.Kill() }

func (c *stdioClient) send(t *testing.T, message any) {
	t.Helper()
	data, err := json.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.in.Write(append(data, '\n')); err != nil {
		t.Errorf("write to stdio: %v\n%s", err, c.log)
	}
}

type rpcReply struct {
	ID     any
	Result json.RawMessage
	Error  *struct {
		Code    int
		Message string
	}
}

// request sends a request and returns its reply, passing over notifications.
func (c *stdioClient) request(t *testing.T, method string, params any) rpcReply {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.id++
	c.send(t, object{"jsonrpc": "2.0", "id": c.id, "method": method, "params": params})
	for {
		reply := c.read(t)
		if id, ok := reply.ID.(float64); ok && int(id) == c.id {
			return reply
		}
	}
}

func (c *stdioClient) read(t *testing.T) rpcReply {
	t.Helper()
	line, err := c.out.ReadBytes('\n')
	if err != nil {
		t.Fatalf("read from stdio: %v\n%s", err, c.log)
	}
	var reply rpcReply
	if err := json.Unmarshal(line, &reply); err != nil {
		t.Fatalf("stdout carries %q, which is not the protocol", line)
	}
	return reply
}

// call calls a tool and decodes its structured content into out.
func (c *stdioClient) call(t *testing.T, tool string, params, out any) {
	t.Helper()
	reply := c.request(t, "tools/call", object{"name": tool, "arguments": params})
	var res struct {
		IsError           bool
		StructuredContent json.RawMessage
		Content           []struct{ Text string }
	}
	if reply.Error != nil {
		t.Fatalf("%s: %s", tool, reply.Error.Message)
	}
	if err := json.Unmarshal(reply.Result, &res); err != nil || res.IsError {
		t.Fatalf("%s: %v %+v", tool, err, res.Content)
	}
	if out != nil {
		if err := json.Unmarshal(res.StructuredContent, out); err != nil {
			t.Fatalf("%s: %v in %s", tool, err, res.StructuredContent)
		}
	}
}
