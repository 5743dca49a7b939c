// Package storetest is the one suite that every backend passes. A backend's
// test calls Run with a function that opens an empty store.
package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store"
)

// Run runs the suite. open returns an empty store of its own each time and
// closes it with t's cleanup; it is called from parallel tests.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	for _, group := range []map[string]func(w *world){
		userTests, workflowTests, workflowListTests, triggerTests, executionTests, executionListTests,
		claimTests, progressTests, keyTests, secretTests, leaseTests, credentialTests, testHookTests, identityTests, conversationTests, contextTests, fileTests, auditTests,
	} {
		for name, test := range group {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(&world{T: t, Store: open(t)})
			})
		}
	}
}

// world is one test's store, with short ways to fill it. Every method fails
// the test on an error.
type world struct {
	*testing.T
	store.Store
	mu sync.Mutex
	n  int
}

const (
	ada = "user-ada"
	bob = "user-bob"
)

// id returns a new id; later ones sort later.
func (w *world) id(prefix string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.n++
	return fmt.Sprintf("%s-%06d", prefix, w.n)
}

func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatalf("unexpected error: %v", err)
	}
}

// code fails unless err has the code, and then only if it is a
// *workflow.Error that says something.
func (w *world) code(want workflow.Code, err error) *workflow.Error {
	w.Helper()
	var e *workflow.Error
	if !errors.As(err, &e) || e.Code != want || e.Message == "" {
		w.Fatalf("got error %v (code %q), want code %q", err, workflow.CodeOf(err), want)
	}
	return e
}

// same compares two values by their JSON and shows it where they differ.
func (w *world) same(what string, got, want any) {
	w.Helper()
	g, w1 := asJSON(got), asJSON(want)
	if g != w1 {
		w.Fatalf("%s:\n got  %s\n want %s", what, abridge(g), abridge(w1))
	}
}

func asJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func abridge(s string) string {
	if len(s) > 2000 {
		return s[:2000] + "…"
	}
	return s
}

// epoch is a round time in the past, from which tests count.
func epoch() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC) }

// document is a small document that uses every corner of the format.
func document(name string) workflow.Document {
	return workflow.Document{
		Name: name, Description: "of " + name,
		Nodes: []workflow.Node{{
			ID: "1", Name: "Start", Type: "n8n-nodes-base.manualTrigger", TypeVersion: 1,
			Parameters: workflow.NewObject("b", 1.5, "a", []any{"=<&>", nil, true}),
			Extra:      workflow.NewObject("unknown", "kept"),
		}},
		Connections: workflow.Connections{"Start": {"main": {{{Node: "End", Type: "main"}}}}},
		Settings:    workflow.Settings{ExecutionOrder: "v1", Timezone: "Europe/Vienna"},
		Tags:        []string{"blue", "ünïcode 工作流"},
		Extra:       workflow.NewObject("meta", workflow.NewObject("z", 1.0, "a", 2.0)),
	}
}

func (w *world) workflow(owner string, edit ...func(*workflow.Workflow)) *workflow.Workflow {
	w.Helper()
	wf := &workflow.Workflow{ID: w.id("wf"), OwnerID: owner, Document: document("flow")}
	for _, f := range edit {
		f(wf)
	}
	w.ok(w.CreateWorkflow(w.Context(), wf))
	return wf
}

func (w *world) execution(wf *workflow.Workflow, edit ...func(*workflow.Execution)) *workflow.Execution {
	w.Helper()
	e := &workflow.Execution{
		ID: w.id("ex"), OwnerID: wf.OwnerID, WorkflowID: wf.ID, WorkflowVersion: wf.Version,
		Mode: workflow.ModeManual, CreatedAt: epoch().Add(time.Duration(w.n) * time.Second),
	}
	for _, f := range edit {
		f(e)
	}
	stored, existing, err := w.CreateExecution(w.Context(), e)
	w.ok(err)
	if existing {
		w.Fatalf("execution %s existed", e.ID)
	}
	return stored
}

func heldBy(executor string) func(*workflow.Execution) {
	return func(e *workflow.Execution) { e.Executor = executor }
}

// finish saves the execution's final status.
func (w *world) finish(e *workflow.Execution, status workflow.Status, at time.Time) {
	w.Helper()
	done := *e
	done.Status, done.FinishedAt = status, at
	w.save(store.Progress{Execution: &done})
}

// save saves progress none of which may be rejected.
func (w *world) save(batch ...store.Progress) {
	w.Helper()
	rejected, err := w.SaveProgress(w.Context(), batch)
	w.ok(err)
	if len(rejected) > 0 {
		w.Fatalf("rejected %v", rejected)
	}
}

// together runs f in n goroutines that start at once, and waits for them. f
// must not end the test, only report.
func together(n int, f func(i int)) {
	var ready, done sync.WaitGroup
	ready.Add(n)
	for i := range n {
		done.Go(func() {
			ready.Done()
			ready.Wait()
			f(i)
		})
	}
	done.Wait()
}
