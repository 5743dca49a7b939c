package app_test

import (
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// startAgent runs flowgate agent on the data folder and returns its address.
func startAgent(t *testing.T, dataDir, port string) *exec.Cmd {
	t.Helper()
	return startAgentEnv(t, dataDir, port, nil)
}

// startAgentEnv is startAgent with settings in the environment.
func startAgentEnv(t *testing.T, dataDir, port string, env []string, args ...string) *exec.Cmd {
	t.Helper()
	log := &syncBuffer{}
	cmd := exec.Command(binary(t), append([]string{"agent", "--listen", "127.0.0.1:" + port, "--data-dir", dataDir, "--allow-private"}, args...)...)
	cmd.Dir, cmd.Env, cmd.Stderr = t.TempDir(), append(cleanEnv(), env...), log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("agent log:\n%s", log)
		}
	})
	eventually(t, 20*time.Second, "the agent listens", func() bool { return strings.Contains(log.String(), "agent listens on") })
	return cmd
}

// TestRemoteAgent has a gateway use an agent in another process, over TCP: the
// same contract as the embedded one. When the agent goes, the gateway says so
// and stays up; when it is back, it goes on.
func TestRemoteAgent(t *testing.T) {
	t.Parallel()
	out := newEffects(t)
	dataDir, port := t.TempDir(), freePort(t)
	agent := startAgent(t, dataDir, port)
	srv := startServerEnv(t, dataDir, []string{"WORKFLOW_SERVICE_HOST=127.0.0.1", "WORKFLOW_SERVICE_PORT=" + port})
	key := srv.key(t, "tools:execute")
	var saved struct {
		WorkflowID string `json:"workflow_id"`
	}
	srv.call(t, key, "create_workflow", httpChain("remote", out.URL+"/remote"), &saved)
	var e executionReply
	srv.call(t, key, "execute_workflow", object{"workflow_id": saved.WorkflowID, "wait_seconds": 20}, &e)
	if e.Status != "success" || out.count("/remote?") != 1 {
		t.Fatalf("the remote agent gave %+v after %d effects", e, out.count("/remote?"))
	}

	if err := agent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = agent.Wait()
	status, body := srv.invoke(t, key, "execute_workflow", object{"workflow_id": saved.WorkflowID})
	if status != 503 || !strings.Contains(string(body), "agent") {
		t.Errorf("without its agent the gateway answers %d: %s", status, body)
	}
	srv.call(t, key, "get_workflow", object{"workflow_id": saved.WorkflowID}, nil)
	eventually(t, 10*time.Second, "health says degraded", func() bool {
		return strings.Contains(srv.get(t, "/health"), `"status":"degraded"`)
	})

	startAgent(t, dataDir, port)
	eventually(t, 90*time.Second, "the gateway goes on with the new agent", func() bool {
		status, _ := srv.invoke(t, key, "execute_workflow", object{"workflow_id": saved.WorkflowID, "wait_seconds": 20})
		return status == 200
	})
}
