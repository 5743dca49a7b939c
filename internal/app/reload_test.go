package app_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// preflight asks whether pages of an origin may call.
func (s *serverProcess) preflight(t *testing.T, origin string) bool {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, s.url+"/api/app/workflows", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Origin", origin)
	req.Header.Set("Access-Control-Request-Method", "GET")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.Header.Get("Access-Control-Allow-Origin") == origin
}

// replaceFile puts a file in place of another, as editors do.
func replaceFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// TestReloadUnderLoad changes the configuration of a server that is called all
// the time: by its file and by SIGHUP, for good and for worse. No request is
// lost, what is live takes effect, and a faulty one is refused.
func TestReloadUnderLoad(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "config.yaml")
	replaceFile(t, file, "log_level: info\ncors_origins: https://a.example\n")
	srv := startServer(t, t.TempDir(), "--config", file)
	load := newLoad(srv.url + "/api/public/status")
	replaceFile(t, file, "log_level: info\ncors_origins: https://b.example\nnode_timeout: 9s\n")
	eventually(t, 30*time.Second, "the file's change is taken over", func() bool { return srv.preflight(t, "https://b.example") })
	if srv.preflight(t, "https://a.example") {
		t.Error("the former origin may still call")
	}
	eventually(t, 10*time.Second, "what waits is named", func() bool {
		return strings.Contains(srv.log.String(), "wait for a restart keys=node_timeout")
	})
	replaceFile(t, file, "log_level: loud\ncors_origins: https://c.example\n")
	if err := srv.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	eventually(t, 30*time.Second, "the faulty one is refused", func() bool {
		return strings.Contains(srv.log.String(), "the last good one stays in force") && strings.Contains(srv.log.String(), "is not one of debug, info")
	})
	if !srv.preflight(t, "https://b.example") || srv.preflight(t, "https://c.example") {
		t.Error("the last good configuration is not in force")
	}
	replaceFile(t, file, "log_level: error\ncors_origins: https://d.example\n")
	eventually(t, 30*time.Second, "the next good one is taken over", func() bool { return srv.preflight(t, "https://d.example") })
	if ok, lost := load.stop(); lost > 0 || ok == 0 {
		t.Errorf("%d requests were answered, %d lost", ok, lost)
	}
}

// TestReloadOfLimitsAndKeys changes limits and keys of a server that is called
// all the time: each change takes effect, a faulty one changes nothing, and no
// call is lost.
func TestReloadOfLimitsAndKeys(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "config.yaml")
	write := func(keys, limits string) {
		replaceFile(t, file, "public_rate_limit_enabled: true\nmcp_api_keys: '"+keys+"'\nrate_limits: "+limits+"\n")
	}
	key := func(name string) string {
		return `{"` + name + `": {"scopes": ["tools:read"], "key": "the secret of ` + name + `"}}`
	}
	const plenty = "public.default=1000000/1h,public.general=1000000/1h"
	write(key("first"), plenty)
	srv := startServerEnv(t, t.TempDir(), []string{"RATE_LIMIT_ENABLED=true"}, "--config", file)
	load := newLoad(srv.url + "/api/public/status")
	lists := func(name string) int {
		status, _ := srv.do(t, "GET", "/api/mcp/tools", nil, "X-API-Key", "the secret of "+name)
		return status
	}
	if first, second := lists("first"), lists("second"); first != http.StatusOK || second != http.StatusUnauthorized {
		t.Fatalf("at first: %d, %d", first, second)
	}
	write(key("second"), plenty+",mcp.tools_list=3/1d")
	eventually(t, time.Minute, "the other key is in force", func() bool { return lists("second") == http.StatusOK })
	if status := lists("first"); status != http.StatusUnauthorized {
		t.Errorf("the first key: %d", status)
	}
	eventually(t, time.Minute, "the limit is in force", func() bool {
		status := lists("second")
		if status != http.StatusOK && status != http.StatusTooManyRequests {
			t.Fatalf("a list: %d", status)
		}
		return status == http.StatusTooManyRequests
	})
	for name, faulty := range map[string]func(){
		"no such limit": func() { write(key("third"), plenty+",mcp.nonsense=1/1h") },
		"a short key":   func() { write(`{"third": {"scopes": ["tools:all"], "key": "x"}}`, plenty) },
	} {
		before := strings.Count(srv.log.String(), "the last good one stays in force")
		faulty()
		eventually(t, time.Minute, name+" is refused", func() bool { return strings.Count(srv.log.String(), "the last good one stays in force") > before })
		if second, third := lists("second"), lists("third"); second != http.StatusTooManyRequests || third != http.StatusUnauthorized {
			t.Errorf("%s: %d, %d", name, second, third)
		}
	}
	write(key("second"), plenty+",mcp.tools_list=off")
	eventually(t, time.Minute, "the limit is gone", func() bool { return lists("second") == http.StatusOK })
	if ok, lost := load.stop(); lost > 0 || ok == 0 {
		t.Errorf("%d calls were answered, %d lost", ok, lost)
	}
}

// TestStopUnderLoad sends SIGTERM to a server that is called all the time.
// Whatever it took it answers; only connections that it refuses end the load.
func TestStopUnderLoad(t *testing.T) {
	// Once the listener closes, the kernel resets connections that wait to be
	// accepted, and one that was idle for a while may end under a call that was
	// just sent: such calls never reached the server either.
	t.Parallel()
	out := newEffects(t)
	close(out.block)
	srv := startServer(t, t.TempDir(), "--allow-private")
	key := srv.key(t, "tools:execute")
	var saved struct {
		WorkflowID string `json:"workflow_id"`
	}
	srv.call(t, key, "create_workflow", httpChain("chain", out.URL+"/before", out.URL+"/after"), &saved)
	var accepted atomic.Int64
	var stopping atomic.Bool
	var faults sync.Map
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			client := &http.Client{Transport: &http.Transport{}}
			for ctx.Err() == nil {
				req, err := http.NewRequestWithContext(ctx, http.MethodPost, srv.url+"/api/mcp/invoke",
					strings.NewReader(`{"tool_name":"execute_workflow","params":{"workflow_id":"`+saved.WorkflowID+`"}}`))
				if err != nil {
					faults.Store(err.Error(), true)
					return
				}
				req.Header.Set("Content-Type", "application/json")
				req.Header.Set("X-API-Key", key)
				resp, err := client.Do(req)
				if err != nil {
					if !refusedConnection(err) && !(stopping.Load() && (errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF))) {
						faults.Store(err.Error(), true)
					}
					return
				}
				resp.Body.Close()
				if resp.StatusCode == http.StatusOK {
					accepted.Add(1)
				} else if resp.StatusCode != http.StatusServiceUnavailable {
					faults.Store(resp.Status, true)
				}
			}
		})
	}
	eventually(t, 30*time.Second, "executions are under way", func() bool { return accepted.Load() >= 20 })
	stopping.Store(true)
	srv.stop(syscall.SIGTERM)
	stop()
	callers.Wait()
	faults.Range(func(k, _ any) bool { t.Errorf("a caller saw: %v", k); return true })
	if code := srv.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("the exit code is %d", code)
	}

	srv = startServer(t, srv.dataDir, "--allow-private")
	eventually(t, 90*time.Second, "every accepted execution ends well", func() bool {
		var list struct {
			Executions []struct{ Status string }
			TotalCount int64 `json:"total_count"`
		}
		srv.call(t, key, "list_executions", object{"status": "success", "limit": 1}, &list)
		return list.TotalCount >= accepted.Load()
	})
}

// refusedConnection tells a call that never reached the server: it does not
// listen any more, or closed an idle connection as the call was written.
func refusedConnection(err error) bool {
	text := err.Error()
	return strings.Contains(text, "connection refused") || strings.Contains(text, "server closed idle connection") || strings.Contains(text, "context canceled")
}

// constantLoad calls an address all the time.
type constantLoad struct {
	ok, lost atomic.Int64
	end      context.CancelFunc
	callers  sync.WaitGroup
}

func newLoad(url string) *constantLoad {
	ctx, end := context.WithCancel(context.Background())
	l := &constantLoad{end: end}
	for range 3 {
		l.callers.Go(func() {
			for ctx.Err() == nil {
				resp, err := http.Get(url)
				if err != nil {
					l.lost.Add(1)
					continue
				}
				resp.Body.Close()
				if resp.StatusCode != http.StatusOK {
					l.lost.Add(1)
					continue
				}
				l.ok.Add(1)
			}
		})
	}
	return l
}

func (l *constantLoad) stop() (ok, lost int64) {
	l.end()
	l.callers.Wait()
	return l.ok.Load(), l.lost.Load()
}
