package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// builtIn is the folder of the built program, for TestMain to remove.
var builtIn string

// buildBinary builds the program once for all tests that drive it.
var buildBinary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "flowgate-bin-*")
	if err != nil {
		return "", err
	}
	builtIn = dir
	path := filepath.Join(dir, "flowgate")
	out, err := exec.Command("go", "build", "-o", path, "../../cmd/flowgate").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

func binary(t *testing.T) string {
	t.Helper()
	path, err := buildBinary()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestMain(m *testing.M) {
	code := m.Run()
	if builtIn != "" {
		_ = os.RemoveAll(builtIn)
	}
	os.Exit(code)
}

// serverProcess is a running flowgate serve.
type serverProcess struct {
	dataDir string
	url     string
	cmd     *exec.Cmd
	log     *syncBuffer
	done    chan struct{}
}

// startServer starts flowgate serve on the data folder, on a free port, and
// waits until it is ready.
func startServer(t *testing.T, dataDir string, args ...string) *serverProcess {
	t.Helper()
	return startServerEnv(t, dataDir, nil, args...)
}

// startServerEnv is startServer with settings in the environment.
func startServerEnv(t *testing.T, dataDir string, env []string, args ...string) *serverProcess {
	t.Helper()
	s := &serverProcess{dataDir: dataDir, log: &syncBuffer{}, done: make(chan struct{})}
	s.cmd = exec.Command(binary(t), append([]string{"serve", "--port", "0", "--data-dir", dataDir}, args...)...)
	s.cmd.Dir = t.TempDir() // no config.yaml of ours
	s.cmd.Env = append(cleanEnv(), env...)
	s.cmd.Stderr = s.log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = s.cmd.Wait()
		close(s.done)
	}()
	t.Cleanup(func() {
		s.stop(syscall.SIGTERM)
		if t.Failed() {
			t.Logf("server log:\n%s", s.log)
		}
	})
	s.awaitReady(t)
	return s
}

func (s *serverProcess) awaitReady(t *testing.T) {
	t.Helper()
	eventually(t, 30*time.Second, "the server is ready", func() bool {
		select {
		case <-s.done:
			t.Fatalf("the server ended:\n%s", s.log)
		default:
		}
		if s.url == "" {
			_, rest, ok := strings.Cut(s.log.String(), "listens on ")
			addr, _, whole := strings.Cut(rest, "\n")
			if !ok || !whole {
				return false
			}
			s.url = "http://" + addr
		}
		resp, err := http.Get(s.url + "/readyz")
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

// stop sends the signal and waits for the process to end.
func (s *serverProcess) stop(sig syscall.Signal) {
	_ = s.cmd.Process.Signal(sig)
	select {
	case <-s.done:
	case <-time.After(30 * time.Second):
		_ = s.cmd.Process.Kill()
		<-s.done
	}
}

// key makes an API key of the local user.
func (s *serverProcess) key(t *testing.T, scopes string) string {
	t.Helper()
	var k struct{ Key string }
	flowgateJSON(t, &k, "keys", "create", "--name", "test", "--scopes", scopes, "--data-dir", s.dataDir, "--json")
	return k.Key
}

// call invokes a tool by the REST façade and decodes its result into out.
func (s *serverProcess) call(t *testing.T, key, tool string, params, out any) {
	t.Helper()
	status, body := s.invoke(t, key, tool, params)
	var reply struct {
		Success bool
		Result  json.RawMessage
	}
	if err := json.Unmarshal(body, &reply); err != nil || !reply.Success {
		t.Fatalf("%s: status %d: %s", tool, status, body)
	}
	if out == nil {
		return
	}
	if err := json.Unmarshal(reply.Result, out); err != nil {
		t.Fatalf("%s: %v in %s", tool, err, reply.Result)
	}
}

func (s *serverProcess) invoke(t *testing.T, key, tool string, params any) (int, []byte) {
	t.Helper()
	data, err := json.Marshal(map[string]any{"tool_name": tool, "params": params})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/api/mcp/invoke", bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-API-Key", key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, body
}

// flowgateJSON runs a command that prints JSON.
func flowgateJSON(t *testing.T, out any, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary(t), args...)
	cmd.Env = cleanEnv()
	cmd.Dir = t.TempDir()
	data := runCommand(t, cmd)
	if err := json.Unmarshal(data, out); err != nil {
		t.Fatalf("flowgate %v printed %q: %v", args, data, err)
	}
}

// cleanEnv is an environment that configures nothing but that there are
// no limits: they are for tests that ask for them; the others call too often.
func cleanEnv() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.TempDir(), "RATE_LIMIT_ENABLED=false", "MAX_OPEN_PER_CALLER=0"}
}

// eventually waits for ok, asking often.
func eventually(t *testing.T, within time.Duration, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(within)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", within, what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// syncBuffer is a buffer that a process writes while a test reads.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
