package app_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// effects is an HTTP server that counts what workflows ask of it.
type effects struct {
	*httptest.Server
	mu     sync.Mutex
	counts map[string]int
	block  chan struct{} // /slow answers when it is closed
	slow   atomic.Int64  // requests that wait at /slow
}

func newEffects(t *testing.T) *effects {
	t.Helper()
	e := &effects{counts: map[string]int{}, block: make(chan struct{})}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e.mu.Lock()
		e.counts[r.URL.Path+"?"+r.URL.RawQuery]++
		e.mu.Unlock()
		if r.URL.Path == "/slow" {
			e.slow.Add(1)
			select {
			case <-e.block:
			case <-r.Context().Done():
				return
			}
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"path":%q}`, r.URL.Path)
	}))
	t.Cleanup(e.CloseClientConnections)
	t.Cleanup(e.Close)
	return e
}

func (e *effects) count(path string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.counts[path]
}

type object = map[string]any

// httpChain is a workflow that calls the addresses one after the other.
func httpChain(name string, urls ...string) object {
	nodes := []object{{"name": "Start", "type": "n8n-nodes-base.manualTrigger", "typeVersion": 1, "position": []int{0, 0}, "parameters": object{}}}
	connections := object{}
	last := "Start"
	for i, url := range urls {
		node := fmt.Sprintf("Call %d", i+1)
		nodes = append(nodes, object{"name": node, "type": "n8n-nodes-base.httpRequest", "typeVersion": 4.2, "position": []int{200 * (i + 1), 0}, "parameters": object{"url": url}})
		connections[last] = object{"main": [][]object{{{"node": node, "type": "main", "index": 0}}}}
		last = node
	}
	return object{"name": name, "nodes": nodes, "connections": connections}
}

type executionReply struct {
	ExecutionID string `json:"execution_id"`
	Status      string
	Error       any
	Nodes       []struct{ Node, Status string }
}

// TestKillAndRestart kills the server while an execution has one HTTP effect
// behind it and one under way. After the restart the execution ends, and the
// recorded effect was not repeated.
func TestKillAndRestart(t *testing.T) {
	t.Parallel()
	out := newEffects(t)
	srv := startServer(t, t.TempDir(), "--allow-private")
	key := srv.key(t, "tools:execute")
	var saved struct {
		WorkflowID string `json:"workflow_id"`
	}
	srv.call(t, key, "create_workflow", httpChain("chain", out.URL+"/first", out.URL+"/slow", out.URL+"/last"), &saved)
	var e executionReply
	srv.call(t, key, "execute_workflow", object{"workflow_id": saved.WorkflowID, "wait_seconds": 0}, &e)
	eventually(t, 10*time.Second, "the second effect is under way", func() bool { return out.slow.Load() == 1 })
	srv.stop(syscall.SIGKILL)
	close(out.block)

	srv = startServer(t, srv.dataDir, "--allow-private")
	eventually(t, 20*time.Second, "the execution ends", func() bool {
		srv.call(t, key, "get_execution", object{"execution_id": e.ExecutionID, "detail": "nodes"}, &e)
		return e.Status != "running" && e.Status != "queued"
	})
	if e.Status != "success" || len(e.Nodes) != 4 {
		t.Fatalf("the execution ended with %+v", e)
	}
	if n := out.count("/first?"); n != 1 {
		t.Errorf("the recorded effect was done %d times", n)
	}
	if n := out.count("/slow?"); n != 2 {
		t.Errorf("the effect under way was done %d times, expected again once", n)
	}
	if n := out.count("/last?"); n != 1 {
		t.Errorf("the last effect was done %d times", n)
	}
}

// TestFourProcesses has one server and three stdio processes share a data
// folder. Each runs workflows; one is killed in the middle. All executions
// end, and what ended was done once.
func TestFourProcesses(t *testing.T) {
	t.Parallel()
	const each = 15
	out := newEffects(t)
	srv := startServer(t, t.TempDir(), "--allow-private")
	key := srv.key(t, "tools:execute")
	var stuck struct {
		WorkflowID string `json:"workflow_id"`
	}
	srv.call(t, key, "create_workflow", httpChain("stuck", out.URL+"/before?stuck", out.URL+"/slow"), &stuck)

	clients := make([]*stdioClient, 3)
	for i := range clients {
		clients[i] = startStdio(t, srv.dataDir)
	}
	var wg sync.WaitGroup
	ids := make(chan string, 4*each)
	for i := range 4 {
		wg.Go(func() {
			for n := range each {
				var saved, e struct {
					WorkflowID  string `json:"workflow_id"`
					ExecutionID string `json:"execution_id"`
					Status      string
				}
				chain := httpChain(fmt.Sprint("quick ", i, n), fmt.Sprintf("%s/effect?p=%d&n=%d", out.URL, i, n))
				call := func(tool string, params, result any) { srv.call(t, key, tool, params, result) }
				if i < 3 {
					call = func(tool string, params, result any) { clients[i].call(t, tool, params, result) }
				}
				call("create_workflow", chain, &saved)
				call("execute_workflow", object{"workflow_id": saved.WorkflowID, "wait_seconds": 30}, &e)
				if e.Status != "success" {
					t.Errorf("process %d, execution %d: %+v", i, n, e)
				}
				ids <- e.ExecutionID
			}
		})
	}
	wg.Wait()
	close(ids)
	seen := map[string]bool{}
	for id := range ids {
		seen[id] = true
	}
	if len(seen) != 4*each {
		t.Errorf("%d executions, expected %d", len(seen), 4*each)
	}
	for i := range 4 {
		for n := range each {
			if c := out.count(fmt.Sprintf("/effect?p=%d&n=%d", i, n)); c != 1 {
				t.Errorf("effect %d of process %d was done %d times", n, i, c)
			}
		}
	}

	var e executionReply
	clients[0].call(t, "execute_workflow", object{"workflow_id": stuck.WorkflowID, "wait_seconds": 0}, &e)
	eventually(t, 10*time.Second, "the effect is under way", func() bool { return out.slow.Load() == 1 })
	clients[0].kill()
	close(out.block)
	eventually(t, 20*time.Second, "another process takes the execution over", func() bool {
		srv.call(t, key, "get_execution", object{"execution_id": e.ExecutionID}, &e)
		return e.Status == "success"
	})
	if n := out.count("/before?stuck"); n != 1 {
		t.Errorf("the recorded effect was done %d times", n)
	}
	var list struct {
		TotalCount int `json:"total_count"`
	}
	clients[1].call(t, "list_executions", object{}, &list)
	if list.TotalCount != 4*each+1 {
		t.Errorf("%d executions are listed, expected %d", list.TotalCount, 4*each+1)
	}
}
