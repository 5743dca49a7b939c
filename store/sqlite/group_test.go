package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"flowgate/internal/workflow"
	"flowgate/store"
)

func grouped(t *testing.T) (*Store, *workflow.Workflow) {
	t.Helper()
	s, err := Open(t.Context(), Options{Path: filepath.Join(t.TempDir(), FileName)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	w := &workflow.Workflow{ID: "w", OwnerID: "o", Document: workflow.Document{Name: "n", Nodes: []workflow.Node{{Name: "a", Parameters: workflow.NewObject("x", 1.0)}},
		Connections: workflow.Connections{"a": {"main": {{{Node: "a", Type: "main"}}}}}}}
	if err := s.CreateWorkflow(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	return s, w
}

// TestGroupedWrites has many write at once, some of them in vain: each is told
// what became of its own write.
func TestGroupedWrites(t *testing.T) {
	t.Parallel()
	s, _ := grouped(t)
	const n = 200
	var work sync.WaitGroup
	for i := range n {
		work.Go(func() {
			id := fmt.Sprint("e", i-i%10) // each tenth is new, the rest is there already
			if i%10 == 0 {
				id = fmt.Sprint("e", i)
			}
			_, _, err := s.CreateExecution(t.Context(), &workflow.Execution{ID: id, OwnerID: "o", WorkflowID: "w", Executor: "x"})
			if err != nil && workflow.CodeOf(err) != workflow.CodeConflict {
				t.Error(err)
			}
			if _, err := s.Execution(t.Context(), "o", id); err != nil {
				t.Errorf("told of, but not stored: %v", err)
			}
			e := &workflow.Execution{ID: id, Executor: "x", Status: workflow.StatusRunning}
			if rejected, err := s.SaveProgress(t.Context(), []store.Progress{{Execution: e}}); err != nil || len(rejected) > 0 {
				t.Error(rejected, err)
			}
		})
	}
	work.Wait()
	if len(s.group.waiting) != 0 || len(s.group.turn) != 0 {
		t.Error("something still waits")
	}
}

func TestGroupedWriteGivesUpWaiting(t *testing.T) {
	t.Parallel()
	s, _ := grouped(t)
	s.group.turn <- struct{}{} // somebody writes
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, _, err := s.CreateExecution(ctx, &workflow.Execution{ID: "e", OwnerID: "o", WorkflowID: "w"})
		done <- err
	}()
	cancel()
	if err := <-done; workflow.CodeOf(err) != workflow.CodeCancelled {
		t.Error(err)
	}
	<-s.group.turn
	if _, err := s.Execution(t.Context(), "o", "e"); workflow.CodeOf(err) != workflow.CodeNotFound {
		t.Errorf("what was given up is stored: %v", err)
	}
}

// TestFailureSpoilsNoOther: a group in which one write fails is written one by one.
func TestFailureSpoilsNoOther(t *testing.T) {
	t.Parallel()
	s, _ := grouped(t)
	failure := errors.New("no")
	insert := func(id string) *groupWrite {
		return &groupWrite{doing: "test", done: make(chan struct{}), do: func(ctx context.Context, tx *sql.Tx) error {
			if id == "" {
				return failure
			}
			_, err := tx.ExecContext(ctx, `INSERT INTO users (id, email, email_key, role, disabled, created_at) VALUES (?1, ?1, ?1, '', 0, 0)`, id)
			return err
		}}
	}
	list := []*groupWrite{insert("a"), insert(""), insert("b")}
	s.writeGroup(t.Context(), list)
	if list[0].err != nil || list[2].err != nil || !errors.Is(list[1].err, failure) {
		t.Error(list[0].err, list[1].err, list[2].err)
	}
}

// TestWorkflowIsTheReadersOwn: what a reader changes in a document that is kept
// decoded, another does not see; a new version is seen.
func TestWorkflowIsTheReadersOwn(t *testing.T) {
	t.Parallel()
	s, w := grouped(t)
	for range 3 {
		got, err := s.Workflow(t.Context(), "o", "w")
		if err != nil {
			t.Fatal(err)
		}
		if d := got.Document; d.Name != "n" || d.Nodes[0].Name != "a" || d.Connections["a"]["main"][0][0].Node != "a" {
			t.Fatalf("%+v", d)
		}
		got.Document.Name, got.Document.Nodes[0].Name = "changed", "changed"
		got.Document.Connections["a"]["main"][0][0].Node = "changed"
		got.Document.Connections["b"] = nil
	}
	w.Document.Name = "second"
	if err := s.UpdateWorkflow(t.Context(), w, 0); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Workflow(t.Context(), "o", "w"); err != nil || got.Document.Name != "second" || got.Version != 2 {
		t.Errorf("%+v %v", got, err)
	}
	if _, err := s.Workflow(t.Context(), "other", "w"); workflow.CodeOf(err) != workflow.CodeNotFound {
		t.Errorf("another owner: %v", err)
	}
}
