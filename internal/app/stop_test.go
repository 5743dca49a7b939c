package app_test

import (
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestOrderlyStop sends SIGTERM while an execution is under way and a caller
// waits for it. The caller is told where it stands, the process ends soon and
// well, and the next start finishes the execution.
func TestOrderlyStop(t *testing.T) {
	t.Parallel()
	out := newEffects(t)
	srv := startServer(t, t.TempDir(), "--allow-private")
	key := srv.key(t, "tools:execute")
	var saved struct {
		WorkflowID string `json:"workflow_id"`
	}
	srv.call(t, key, "create_workflow", httpChain("slow", out.URL+"/before", out.URL+"/slow"), &saved)
	type answer struct {
		status int
		body   string
	}
	waiting := make(chan answer, 1)
	go func() {
		status, body := srv.invoke(t, key, "execute_workflow", object{"workflow_id": saved.WorkflowID, "wait_seconds": 50})
		waiting <- answer{status, string(body)}
	}()
	eventually(t, 10*time.Second, "the effect is under way", func() bool { return out.slow.Load() == 1 })
	began := time.Now()
	srv.stop(syscall.SIGTERM)
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %s to stop", took)
	}
	if code := srv.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("the exit code is %d", code)
	}
	select {
	case a := <-waiting:
		if a.status != 200 || !strings.Contains(a.body, `"status":"running"`) {
			t.Errorf("the waiting caller was answered %d: %s", a.status, a.body)
		}
	case <-time.After(time.Second):
		t.Error("the waiting caller was not answered")
	}
	close(out.block)

	srv = startServer(t, srv.dataDir, "--allow-private")
	eventually(t, 20*time.Second, "the next start finishes it", func() bool {
		var list struct{ Executions []struct{ Status string } }
		srv.call(t, key, "list_executions", object{}, &list)
		return len(list.Executions) == 1 && list.Executions[0].Status == "success"
	})
	if n := out.count("/before?"); n != 1 {
		t.Errorf("the recorded effect was done %d times", n)
	}
}

// TestIdleStopIsQuick holds an idle server to end at once.
func TestIdleStopIsQuick(t *testing.T) {
	t.Parallel()
	srv := startServer(t, t.TempDir())
	began := time.Now()
	srv.stop(syscall.SIGINT)
	if took, code := time.Since(began), srv.cmd.ProcessState.ExitCode(); took > 5*time.Second || code != 0 {
		t.Errorf("it took %s and ended with %d", took, code)
	}
}
