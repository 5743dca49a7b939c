package node

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"sort"
	"strings"
	"sync"
	"time"
)

// MCPServer is an MCP server that the operator configured: a program that
// speaks over stdio, or an address.
type MCPServer struct {
	Command string            `json:"command,omitempty"`
	Args    []string          `json:"args,omitempty"`
	Env     map[string]string `json:"env,omitempty"`
	URL     string            `json:"url,omitempty"`
}

// ParseMCPServers reads the configuration key mcp_servers. Its errors do not
// repeat what may be secret.
func ParseMCPServers(text string) (map[string]MCPServer, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	var out map[string]MCPServer
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&out); err != nil {
		return nil, errors.New(`is not a JSON object such as {"files": {"command": "mcp-files", "args": ["/srv"], "env": {"KEY": "value"}}, "search": {"url": "https://mcp.example.com/mcp"}}`)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more after the JSON object")
	}
	for name, s := range out {
		if strings.TrimSpace(name) != name || name == "" {
			return nil, fmt.Errorf("%q is not a name", name)
		}
		if (s.Command == "") == (s.URL == "") {
			return nil, fmt.Errorf("server %q needs either command or url", name)
		}
		if s.URL != "" {
			if u, err := url.Parse(s.URL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
				return nil, fmt.Errorf("the url of server %q is not an address that begins with http:// or https://", name)
			}
		}
	}
	return out, nil
}

// MCPPool keeps the operator's MCP servers: a program is started at its first
// use, shared by all runs, started again after it ended, and killed by Close.
// A nil pool has no servers.
type MCPPool struct {
	servers map[string]*mcpServer
	log     *slog.Logger
}

// NewMCPPool returns a pool of servers. Nothing is started yet.
func NewMCPPool(servers map[string]MCPServer, log *slog.Logger) *MCPPool {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	p := &MCPPool{servers: map[string]*mcpServer{}, log: log}
	for name, def := range servers {
		p.servers[name] = &mcpServer{name: name, def: def, log: log, turn: make(chan struct{}, 1)}
	}
	return p
}

// Close ends every program and refuses to start more.
func (p *MCPPool) Close() {
	if p == nil {
		return
	}
	var ending sync.WaitGroup
	for _, s := range p.servers {
		ending.Go(s.close)
	}
	ending.Wait()
}

func (p *MCPPool) server(name string) (*mcpServer, error) {
	if p != nil && p.servers[name] != nil {
		return p.servers[name], nil
	}
	f := Fail("There is no MCP server %q: the operator names servers in the configuration key mcp_servers (MCP_SERVERS).", clip(name, 80))
	f.Code = "MCP_UNKNOWN_SERVER"
	if p == nil || len(p.servers) == 0 {
		f.Description = "None is configured."
		return nil, f
	}
	names := make([]string, 0, len(p.servers))
	for known := range p.servers {
		names = append(names, known)
	}
	sort.Strings(names)
	f.Description = "Configured are: " + strings.Join(names, ", ") + "."
	return nil, f
}

// mcpServer is one configured server.
type mcpServer struct {
	name string
	def  MCPServer
	log  *slog.Logger

	turn   chan struct{} // held while proc and closed are looked at or changed
	proc   *mcpProcess
	closed bool
}

// mcpStartTimeout bounds how long a program may take to begin.
const mcpStartTimeout = 30 * time.Second

// session returns a session with the running program, which is started where
// it does not run.
func (s *mcpServer) session(ctx context.Context, k *mcpCall) (*mcpSession, error) {
	for again := false; ; again = true {
		proc, started, err := s.process(ctx, k)
		if err != nil {
			return nil, err
		}
		out := &mcpSession{client: proc.client, proc: proc}
		if err = out.list(ctx); err == nil {
			return out, nil
		}
		if !out.usable(err) && !started && !again && ctx.Err() == nil { // it ended just now
			proc.stop(0)
			continue
		}
		return nil, out.failure(err, k)
	}
}

func (s *mcpServer) process(ctx context.Context, k *mcpCall) (proc *mcpProcess, started bool, err error) {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return nil, false, (&mcpSession{proc: s.proc}).failure(ctx.Err(), k)
	}
	switch {
	case s.closed:
		return nil, false, Fail("The MCP server %q is being stopped.", s.name)
	case s.proc != nil && s.proc.alive():
		return s.proc, false, nil
	}
	if s.proc, err = startMCP(s.name, s.def, s.log); err != nil {
		s.proc = nil
		return nil, false, &Failure{Code: "MCP_SERVER_ENDED", Message: fmt.Sprintf("The program of the MCP server %q could not be started.", s.name),
			Description: "The operator finds the reason in the log; its command is in the configuration key mcp_servers."}
	}
	begin, cancel := context.WithTimeout(ctx, mcpStartTimeout)
	defer cancel()
	if err := mcpHandshake(begin, s.proc.client); err != nil {
		failed := s.proc
		s.proc = nil
		failed.stop(0)
		return nil, false, (&mcpSession{proc: failed}).failure(err, k)
	}
	return s.proc, true, nil
}

func (s *mcpServer) close() {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	s.closed = true
	if s.proc != nil {
		s.proc.stop(2 * time.Second)
		s.proc = nil
	}
}

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	data []byte
}

const tailBytes = 2 << 10

// Write keeps the end of p.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.data = append(t.data, p...)
	if over := len(t.data) - tailBytes; over > 0 {
		t.data = append([]byte(nil), t.data[over:]...)
	}
	return len(p), nil
}

// text is what was kept, without the secrets.
func (t *tail) text(secrets map[string]string) string {
	t.mu.Lock()
	out := bytes.TrimSpace(append([]byte(nil), t.data...))
	t.mu.Unlock()
	for _, secret := range secrets {
		if len(secret) > 3 {
			out = bytes.ReplaceAll(out, []byte(secret), []byte("(set)"))
		}
	}
	return strings.ToValidUTF8(string(out), "?")
}
