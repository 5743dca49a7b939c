package node

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"sync/atomic"
	"time"

	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/client/transport"
)

// mcpProcess is a running program that speaks MCP over stdio.
type mcpProcess struct {
	name   string
	client *client.Client
	cmd    *exec.Cmd
	output *mcpLines
	ended  chan struct{}
	asked  atomic.Bool // to end
}

// mcpEnvironment is what a program gets of our environment. The rest, which
// holds our secrets, it does not see.
var mcpEnvironment = []string{"PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "APPDATA", "LOCALAPPDATA", "USERPROFILE"}

func cleanEnvironment(own map[string]string) []string {
	var out []string
	for _, name := range mcpEnvironment {
		if value, ok := os.LookupEnv(name); ok {
			if _, replaced := own[name]; !replaced {
				out = append(out, name+"="+value)
			}
		}
	}
	for name, value := range own {
		out = append(out, name+"="+value)
	}
	return out
}

// startMCP starts a program; the protocol is not begun yet.
func startMCP(name string, def MCPServer, log *slog.Logger) (*mcpProcess, error) {
	failed := func(err error) (*mcpProcess, error) {
		log.Error("an MCP server could not be started", "server", name, "error", err)
		return nil, err
	}
	said := &tail{}
	cmd := exec.Command(def.Command, def.Args...)
	cmd.Env, cmd.Stderr, cmd.WaitDelay = cleanEnvironment(def.Env), said, 2*time.Second
	cmd.SysProcAttr = mcpAttributes()
	input, err := cmd.StdinPipe()
	if err != nil {
		return failed(err)
	}
	output, theirs, err := os.Pipe()
	if err != nil {
		return failed(err)
	}
	cmd.Stdout = theirs
	err = cmd.Start()
	_ = theirs.Close()
	if err != nil {
		_ = output.Close()
		return failed(err)
	}
	p := &mcpProcess{name: name, cmd: cmd, output: &mcpLines{file: output}, ended: make(chan struct{})}
	p.output.over = p.kill
	p.client = client.NewClient(transport.NewIO(p.output, input, nil))
	_ = p.client.Start(context.Background()) // nothing is started that could fail
	go p.watch(log, said, def.Env)
	return p, nil
}

// watch waits for the end and says so where nobody asked for it.
func (p *mcpProcess) watch(log *slog.Logger, said *tail, secrets map[string]string) {
	err := p.cmd.Wait()
	_ = p.output.file.SetReadDeadline(time.Now().Add(time.Second)) // others may hold the pipe
	close(p.ended)
	if !p.asked.Load() {
		log.Warn("an MCP server ended", "server", p.name, "error", err, "stderr", said.text(secrets))
	}
}

func (p *mcpProcess) alive() bool {
	select {
	case <-p.ended:
		return false
	default:
		return !p.output.done.Load()
	}
}

func (p *mcpProcess) kill() { killMCP(p.cmd) }

// stop closes the program's input and kills it where it has not ended by then.
func (p *mcpProcess) stop(grace time.Duration) {
	p.asked.Store(true)
	_ = p.client.Close()
	if grace > 0 {
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case <-p.ended:
			return
		case <-timer.C:
		}
	}
	p.kill()
	<-p.ended
}

func (p *mcpProcess) tooLarge() bool { return p != nil && p.output.large.Load() }

// mcpLines reads a program's output and ends it where a line is too long.
type mcpLines struct {
	file  *os.File
	over  func()
	line  int
	done  atomic.Bool
	large atomic.Bool
}

// Read reads; every error is an end.
func (l *mcpLines) Read(b []byte) (int, error) {
	n, err := l.file.Read(b)
	if i := bytes.LastIndexByte(b[:n], '\n'); i >= 0 {
		l.line = n - i - 1
	} else {
		l.line += n
	}
	if l.line > mcpMaxBytes {
		l.large.Store(true)
		err = io.ErrShortBuffer
	}
	if err != nil {
		l.done.Store(true)
		_ = l.file.Close()
		l.over()
		return 0, io.EOF
	}
	return n, nil
}
