package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store"
	"flowgate/store/sqlite"
)

const (
	processes       = 4
	perProcess      = 150
	childEnv        = "FLOWGATE_SQLITE_TEST_CHILD" // path and number of a child, with "|" between
	sharedExecution = 200
)

// TestProcesses lets four processes open one new file at once, write to it
// together and race for the same queued executions.
func TestProcesses(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), sqlite.FileName)
	var wg sync.WaitGroup
	for n := range processes {
		wg.Go(func() {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestProcessChild$", "-test.v", "-test.timeout=120s")
			cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s|%d", childEnv, path, n))
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("process %d: %v\n%s", n, err, out)
			}
		})
	}
	wg.Wait()
	s := open(t, sqlite.Options{Path: path})
	for status, want := range map[workflow.Status]int{
		workflow.StatusSuccess: processes*perProcess + sharedExecution, workflow.StatusQueued: 0, workflow.StatusRunning: 0,
	} {
		_, total, _, err := s.ListExecutions(t.Context(), "o", store.ExecutionFilter{Status: status}, store.Page{Limit: 1})
		if err != nil || total != want {
			t.Errorf("%d executions are %s, want %d; %v", total, status, want, err)
		}
	}
	var check string
	if err := s.DB().QueryRow(`PRAGMA integrity_check`).Scan(&check); err != nil || check != "ok" {
		t.Errorf("integrity: %s, %v", check, err)
	}
}

// TestProcessChild is the work of one of the processes.
func TestProcessChild(t *testing.T) {
	path, number, ok := strings.Cut(os.Getenv(childEnv), "|")
	if !ok {
		t.Skip("runs as a child of TestProcesses")
	}
	s := open(t, sqlite.Options{Path: path})
	me := "executor-" + number
	firstIn(t, s, me)
	var wg sync.WaitGroup
	wg.Go(func() { writeOwn(t, s, me) })
	wg.Go(func() { drainShared(t, s, me) })
	wg.Wait()
}

// firstIn lets the process that gets the lease make the common workflow and
// its queue, and the others wait for it.
func firstIn(t *testing.T, s *sqlite.Store, me string) {
	w := &workflow.Workflow{ID: "w", OwnerID: "o"}
	if _, err := s.AcquireLease(t.Context(), store.Lease{Name: "first", Holder: me}, time.Hour, nil); err == nil {
		if err := s.CreateWorkflow(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		for i := range sharedExecution {
			e := &workflow.Execution{ID: fmt.Sprint("shared-", i), OwnerID: "o", WorkflowID: "w"}
			if _, _, err := s.CreateExecution(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.Secret(t.Context(), "ready", func() ([]byte, error) { return []byte("yes"), nil }); err != nil {
			t.Fatal(err)
		}
		return
	} else if workflow.CodeOf(err) != workflow.CodeConflict {
		t.Fatal(err)
	}
	notYet := fmt.Errorf("not ready")
	for {
		if _, err := s.Secret(t.Context(), "ready", func() ([]byte, error) { return nil, notYet }); err == nil {
			return
		} else if err != notYet {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond) // across processes nothing else can be waited for
	}
}

func writeOwn(t *testing.T, s *sqlite.Store, me string) {
	for i := range perProcess {
		e, _, err := s.CreateExecution(t.Context(), &workflow.Execution{
			ID: fmt.Sprintf("%s-%d", me, i), OwnerID: "o", WorkflowID: "w", Executor: me,
		})
		if err != nil {
			t.Error(err)
			return
		}
		finishAll(t, s, []*workflow.Execution{e})
	}
}

func drainShared(t *testing.T, s *sqlite.Store, me string) {
	for {
		list, err := s.ClaimExecutions(t.Context(), me, 3)
		if err != nil {
			t.Error(err)
			return
		}
		if len(list) == 0 {
			return
		}
		finishAll(t, s, list)
	}
}

func finishAll(t *testing.T, s *sqlite.Store, list []*workflow.Execution) {
	var batch []store.Progress
	for _, e := range list {
		batch = append(batch, shortRun(e))
	}
	if rejected, err := s.SaveProgress(context.WithoutCancel(t.Context()), batch); err != nil || len(rejected) > 0 {
		t.Error(rejected, err)
	}
}
