package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"flowgate/internal/engine/durable"
	"flowgate/internal/engine/node"
	"flowgate/internal/workflow"
	"flowgate/store"
	"flowgate/store/sqlite"
)

// faultyStore is a real store that fails as tests ask.
type faultyStore struct {
	*sqlite.Store
	dead      atomic.Bool // the process that uses it has died
	requested func()      // called when a cancel was requested
	version   func() error
}

func errDead() error { return workflow.Errorf(workflow.CodeUnavailable, "dead") }

func (s *faultyStore) RenewLease(ctx context.Context, l store.Lease, ttl time.Duration) (store.Lease, error) {
	if s.dead.Load() {
		return store.Lease{}, errDead()
	}
	return s.Store.RenewLease(ctx, l, ttl)
}

func (s *faultyStore) ReleaseLease(ctx context.Context, l store.Lease) error {
	if s.dead.Load() {
		return errDead()
	}
	return s.Store.ReleaseLease(ctx, l)
}

func (s *faultyStore) NoteRelease(ctx context.Context, id string) error {
	if s.dead.Load() {
		return errDead()
	}
	return s.Store.NoteRelease(ctx, id)
}

func (s *faultyStore) SaveProgress(ctx context.Context, batch []store.Progress) ([]string, error) {
	if s.dead.Load() {
		return nil, errDead()
	}
	return s.Store.SaveProgress(ctx, batch)
}

func (s *faultyStore) RequestCancel(ctx context.Context, owner, id string) (*workflow.Execution, error) {
	e, err := s.Store.RequestCancel(ctx, owner, id)
	if s.requested != nil {
		s.requested()
	}
	return e, err
}

func (s *faultyStore) WorkflowVersion(ctx context.Context, owner, id string, version int) (*workflow.Workflow, error) {
	if s.version != nil {
		if err := s.version(); err != nil {
			return nil, err
		}
	}
	return s.Store.WorkflowVersion(ctx, owner, id, version)
}

// brisk makes the durable runtime look often.
func brisk(o *ManagerOptions) {
	o.Durable.ScanEvery, o.Durable.WatchEvery = 100*time.Millisecond, 20*time.Millisecond
	o.Durable.HoldFor = time.Millisecond
}

// openFaulty is a manager over a store that can fail.
func openFaulty(t *testing.T, path string, edit func(*ManagerOptions), types ...*node.Type) (*Manager, *faultyStore) {
	t.Helper()
	s := openStore(t, path)
	f := &faultyStore{Store: s}
	m := startManager(t, s, func(o *ManagerOptions) {
		brisk(o)
		o.Store, o.Supervision, o.Drain = f, f, 200*time.Millisecond
		if edit != nil {
			edit(o)
		}
	}, types...)
	return m, f
}

func tempFile(t *testing.T) string { return filepath.Join(t.TempDir(), "t.db") }

// keepSimple stores a workflow of a trigger and one node.
func keepSimple(t *testing.T, s store.Workflows, id, typ string) {
	t.Helper()
	wf := document("v1", step{name: "T", typ: "trigger", to: [][]string{{"N"}}}, step{name: "N", typ: typ})
	wf.ID, wf.OwnerID = id, testOwner
	if err := s.CreateWorkflow(t.Context(), wf); err != nil {
		t.Fatal(err)
	}
}

func execute(t *testing.T, m *Manager, workflowID string) string {
	t.Helper()
	id, _, err := m.Execute(t.Context(), workflow.ExecuteRequest{OwnerID: testOwner, WorkflowID: workflowID, Mode: workflow.ModeManual})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func executionOf(t *testing.T, s store.Executions, id string) *workflow.Execution {
	t.Helper()
	e, err := s.Execution(t.Context(), testOwner, id)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// ends waits for an execution's end and returns it.
func ends(t *testing.T, s store.Executions, id string) *workflow.Execution {
	t.Helper()
	soon(t, "the execution "+id+" ends", func() bool { return executionOf(t, s, id).Status.Final() })
	return executionOf(t, s, id)
}

// orphan records an execution that runs under a holder that is gone.
func orphan(t *testing.T, s store.Executions, id, workflowID string, started time.Time) *workflow.Execution {
	t.Helper()
	e, _, err := s.CreateExecution(t.Context(), &workflow.Execution{ID: id, OwnerID: testOwner, WorkflowID: workflowID, WorkflowVersion: 1,
		Status: workflow.StatusRunning, Executor: "flowgate-77#1", Mode: workflow.ModeManual, Clock: started, CreatedAt: started, StartedAt: started})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// blocking is a node type that says when it began, and waits for release or its end.
func blocking(release <-chan struct{}) (typ *node.Type, began chan struct{}) {
	began = make(chan struct{}, 16)
	return fakeType("block", func(ctx context.Context, c *node.Call) (node.Output, error) {
		began <- struct{}{}
		select {
		case <-release:
			return node.Items(c.Items()), nil
		case <-ctx.Done():
			return node.Output{}, ctx.Err()
		}
	}), began
}

// TestCancelOfDeadProcess cancels through another process what a dead one
// computed: it ends as cancelled, and is not run again when the journal forgets.
func TestCancelOfDeadProcess(t *testing.T) {
	t.Parallel()
	path := tempFile(t)
	typ, began := blocking(nil)
	short := func(o *ManagerOptions) { o.Durable.TTL, o.Durable.ForgetAfter = 3*time.Second, time.Second }
	a, dying := openFaulty(t, path, short, typ)
	b, s := openFaulty(t, path, short, typ)
	keepSimple(t, s, "w", "block")
	id := execute(t, a, "w")
	<-began
	time.Sleep(300 * time.Millisecond) // it is in the journal
	dying.dead.Store(true)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_ = a.runtime.Close(gone)
	if err := b.Cancel(t.Context(), testOwner, id); err != nil {
		t.Fatal(err)
	}
	if e := ends(t, s, id); e.Status != workflow.StatusCancelled {
		t.Errorf("%s, %+v", e.Status, e.Error)
	}
	time.Sleep(3 * time.Second) // longer than ForgetAfter and a sweep
	if n := len(began); n > 0 {
		t.Errorf("computed %d times more", n)
	}
}

// TestCancelWithoutPlace cancels an execution that was taken over and waits
// until there is room to compute it.
func TestCancelWithoutPlace(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	defer close(release)
	typ, began := blocking(release)
	m, s := openFaulty(t, tempFile(t), func(o *ManagerOptions) { o.MaxConcurrency = 1 }, typ)
	keepSimple(t, s, "w", "block")
	execute(t, m, "w")
	<-began
	orphan(t, s, "o", "w", time.Now())
	soon(t, "it waits for a place", func() bool { return m.at("o") })
	if err := m.Cancel(t.Context(), testOwner, "o"); err != nil {
		t.Fatal(err)
	}
	if e := ends(t, s, "o"); e.Status != workflow.StatusCancelled {
		t.Error(e.Status)
	}
}

// TestCancelMeetsSuspension lets an execution come to rest between the mark
// and the message to its run.
func TestCancelMeetsSuspension(t *testing.T) {
	t.Parallel()
	gate, began := make(chan struct{}), make(chan struct{}, 1)
	wait := fakeType("wait", func(ctx context.Context, c *node.Call) (node.Output, error) {
		began <- struct{}{}
		<-gate
		return node.Output{}, c.Host.WaitUntil(ctx, "w", time.Now().Add(time.Hour))
	})
	m, s := openFaulty(t, tempFile(t), func(o *ManagerOptions) { o.Supervision = nil }, wait) // no sweep of waits helps
	keepSimple(t, s, "w", "wait")
	id := execute(t, m, "w")
	<-began
	s.requested = func() {
		close(gate)
		soon(t, "it rests", func() bool { return !m.at(id) })
	}
	if err := m.Cancel(t.Context(), testOwner, id); err != nil {
		t.Fatal(err)
	}
	if e := executionOf(t, s, id); e.Status != workflow.StatusCancelled {
		t.Errorf("after Cancel it is %s", e.Status)
	}
}

// TestClaimedIsStarted takes up what this process claimed and did not start.
func TestClaimedIsStarted(t *testing.T) {
	t.Parallel()
	m, s := openFaulty(t, tempFile(t), nil)
	keepSimple(t, s, "w", "pass")
	e := orphan(t, s, "q", "w", time.Now())
	if ok, err := s.ClaimExecution(t.Context(), e.ID, m.runtime.Holder(), e.Executor); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if e := ends(t, s, "q"); e.Status != workflow.StatusSuccess {
		t.Errorf("%s %+v", e.Status, e.Error)
	}
}

// TestOrphans tells what may be computed anew from what is lost.
func TestOrphans(t *testing.T) {
	t.Parallel()
	m, s := openFaulty(t, tempFile(t), nil)
	keepSimple(t, s, "w", "pass")
	long := time.Now().Add(-2 * time.Hour)
	if err := m.runtime.Start(t.Context(), "ended"); err != nil { // an execution nobody knows: its run ends
		t.Fatal(err)
	}
	soon(t, "the run ends", func() bool {
		states, err := m.runtime.States(t.Context(), "ended")
		return err == nil && states["ended"] == durable.Ended
	})
	orphan(t, s, "ended", "w", time.Now())
	forgotten := orphan(t, s, "forgotten", "w", long)
	if _, err := s.SaveProgress(t.Context(), []store.Progress{{Execution: forgotten, Events: []workflow.Event{
		{ExecutionID: forgotten.ID, Seq: 1, Type: workflow.EventStarted, At: long}}}}); err != nil {
		t.Fatal(err)
	}
	orphan(t, s, "untouched", "w", long)
	orphan(t, s, "young", "w", time.Now())
	for id, want := range map[string]string{"ended": "lost", "forgotten": "lost", "untouched": "", "young": ""} {
		e := ends(t, s, id)
		code := ""
		if e.Error != nil {
			code = e.Error.Code
		}
		if code != want || (want == "") != (e.Status == workflow.StatusSuccess) {
			t.Errorf("%s: %s %+v", id, e.Status, e.Error)
		}
	}
}

// TestDiverged ends an execution that does not follow its record.
func TestDiverged(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	odd := fakeType("odd", func(ctx context.Context, c *node.Call) (node.Output, error) {
		name := fmt.Sprint("step", calls.Add(1))
		if _, err := c.Host.Effect(ctx, name, func(context.Context) ([]byte, error) { return nil, nil }); err != nil {
			return node.Output{}, err
		}
		return node.Items(c.Items()), c.Host.WaitUntil(ctx, "w", c.Host.Now().Add(200*time.Millisecond))
	})
	m, s := openFaulty(t, tempFile(t), nil, odd)
	keepSimple(t, s, "w", "odd")
	id := execute(t, m, "w")
	e := ends(t, s, id)
	if e.Status != workflow.StatusError || e.Error == nil || e.Error.Code != "diverged" || calls.Load() != 2 {
		t.Errorf("%s %+v after %d calls", e.Status, e.Error, calls.Load())
	}
	events, err := s.Events(t.Context(), testOwner, id, 0, 0)
	if err != nil || len(events) == 0 || events[len(events)-1].Type != workflow.EventFinished {
		t.Errorf("%v %v", events, err)
	}
}

// TestHopeless gives up an execution that fails again and again at one place.
func TestHopeless(t *testing.T) {
	t.Parallel()
	m, s := openFaulty(t, tempFile(t), func(o *ManagerOptions) { o.giveUpAfter = time.Millisecond })
	keepSimple(t, s, "w", "pass")
	s.version = func() error { return errors.New("broken") }
	e := ends(t, s, execute(t, m, "w"))
	if e.Status != workflow.StatusError || e.Error == nil || e.Error.Code != "interrupted" {
		t.Errorf("%s %+v", e.Status, e.Error)
	}
}

// TestRejectedEnd does not tell an end that was not stored.
func TestRejectedEnd(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	typ, began := blocking(release)
	m, s := openFaulty(t, tempFile(t), nil, typ)
	keepSimple(t, s, "w", "block")
	id := execute(t, m, "w")
	<-began
	if ok, err := s.ClaimExecution(t.Context(), id, "flowgate-9#99", m.runtime.Holder()); !ok || err != nil {
		t.Fatal(ok, err)
	}
	time.AfterFunc(300*time.Millisecond, func() { close(release) })
	var last workflow.Event
	if err := m.Watch(t.Context(), testOwner, id, 0, func(e workflow.Event) error { last = e; return nil }); err != nil {
		t.Fatal(err)
	}
	if e := executionOf(t, s, id); !e.Status.Final() || last.Status != e.Status {
		t.Errorf("told %s, stored %s", last.Status, e.Status)
	}
	over := executionOf(t, s, id)
	if err := m.finishCancelled(t.Context(), over); workflow.CodeOf(err) != workflow.CodeConflict {
		t.Errorf("an end over the end: %v", err)
	}
}

// TestFaultsEndExecutions has the program itself fail.
func TestFaultsEndExecutions(t *testing.T) {
	t.Parallel()
	m, s := openFaulty(t, tempFile(t), nil, fakeType("odd", func(_ context.Context, _ *node.Call) (node.Output, error) {
		return node.Items([]workflow.Item{{JSON: workflow.NewObject("n", math.NaN())}}), nil
	}))
	keepSimple(t, s, "panics", "pass")
	s.version = func() error { panic("boom") }
	if e := ends(t, s, execute(t, m, "panics")); e.Status != workflow.StatusError || e.Error == nil || e.Error.Code != "internal" {
		t.Errorf("panic: %s %+v", e.Status, e.Error)
	}
	s.version = nil
	keepSimple(t, s, "odd", "odd")
	if e := ends(t, s, execute(t, m, "odd")); e.Status != workflow.StatusSuccess || !bytes.Contains(e.Result, []byte("null")) {
		t.Errorf("no number: %s %+v %s", e.Status, e.Error, e.Result)
	}
	rec := &recorder{m: m, execution: *orphanOf(t, m, s)}
	o := &Outcome{Status: workflow.StatusSuccess, Result: []workflow.Item{{JSON: workflow.NewObject("n", make(chan int))}}}
	if err := m.conclude(t.Context(), &rec.execution, rec, o); err != nil {
		t.Fatal(err)
	}
	if e := executionOf(t, s, rec.execution.ID); e.Status != workflow.StatusError || e.Error == nil || e.Error.Code != "internal" {
		t.Errorf("encoding: %s %+v", e.Status, e.Error)
	}
}

// orphanOf is an execution that m holds, with nobody at it.
func orphanOf(t *testing.T, m *Manager, s *faultyStore) *workflow.Execution {
	t.Helper()
	e := orphan(t, s, "held", "panics", time.Now())
	if ok, err := s.ClaimExecution(t.Context(), e.ID, m.runtime.Holder(), e.Executor); !ok || err != nil {
		t.Fatal(ok, err)
	}
	e.Executor = m.runtime.Holder()
	return e
}

// TestStaleStart frees the place of an execution that was recorded under a
// slot this process lost before its run began.
func TestStaleStart(t *testing.T) {
	t.Parallel()
	m, s := openFaulty(t, tempFile(t), func(o *ManagerOptions) { o.MaxConcurrency = 1 })
	keepSimple(t, s, "w", "pass")
	m.slots <- struct{}{}
	m.mu.Lock()
	m.starting["o"] = orphan(t, s, "o", "w", time.Now())
	m.mu.Unlock()
	if e := ends(t, s, "o"); e.Status != workflow.StatusSuccess {
		t.Errorf("%s %+v", e.Status, e.Error)
	}
	soon(t, "the place is free", func() bool { return len(m.slots) == 0 })
}

// TestWriterAfterClose refuses what comes too late, whoever calls at once.
func TestWriterAfterClose(t *testing.T) {
	t.Parallel()
	s := openStore(t, tempFile(t))
	w := newWriter(s)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for {
				err := w.save(t.Context(), store.Progress{Execution: &workflow.Execution{ID: "none"}})
				if err == nil {
					continue
				}
				if workflow.CodeOf(err) != workflow.CodeUnavailable || workflow.ReasonOf(err) != ReasonStopping {
					t.Error(err)
				}
				return
			}
		})
	}
	time.Sleep(20 * time.Millisecond)
	w.close()
	w.close()
	wg.Wait()
}

// TestDetachOnce computes a step that starts a sub-workflow twice, as after a
// crash before it was recorded.
func TestDetachOnce(t *testing.T) {
	t.Parallel()
	m, s := openFaulty(t, tempFile(t), nil)
	keepSimple(t, s, "sub", "pass")
	sub, err := s.Workflow(t.Context(), testOwner, "sub")
	if err != nil {
		t.Fatal(err)
	}
	job := m.job(nil, &workflow.Execution{ID: "parent", OwnerID: testOwner, WorkflowID: "sub"}, sub, nil)
	for _, name := range []string{"N/0/a/detach", "N/0/a/detach", "N/0/b/detach"} {
		job.Effects.(*durableEffects).step = name
		if err := job.Detach(t.Context(), sub, numbered(1)); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(executionsOf(t, s.Store, "sub")); n != 2 {
		t.Errorf("%d executions", n)
	}
}

// TestCloseHandsOver closes a process in the middle of an execution: watchers
// hear of it, and another process goes on.
func TestCloseHandsOver(t *testing.T) {
	t.Parallel()
	path := tempFile(t)
	release := make(chan struct{})
	typ, began := blocking(release)
	var log bytes.Buffer
	a, s := openFaulty(t, path, func(o *ManagerOptions) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) }, typ)
	keepSimple(t, s, "w", "block")
	id := execute(t, a, "w")
	<-began
	watched := make(chan error, 1)
	go func() {
		watched <- a.Watch(t.Context(), testOwner, id, 0, func(workflow.Event) error { return nil })
	}()
	time.Sleep(100 * time.Millisecond)
	a.StopWatching()
	a.StopWatching()
	if err := <-watched; workflow.CodeOf(err) != workflow.CodeUnavailable || workflow.ReasonOf(err) != ReasonStopping {
		t.Errorf("watch: %v", err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	start := time.Now()
	if err := a.Close(over); err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took > 8*time.Second {
		t.Errorf("closing took %s", took)
	}
	if text := log.String(); !strings.Contains(text, "executions_under_way=1") || !strings.Contains(text, "executions=1") {
		t.Error(text)
	}
	openFaulty(t, path, nil, typ)
	<-began
	close(release)
	if e := ends(t, s, id); e.Status != workflow.StatusSuccess {
		t.Errorf("%s %+v", e.Status, e.Error)
	}
}

// TestCloseDrains lets an execution end that is about to.
func TestCloseDrains(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	typ, began := blocking(release)
	m, s := openFaulty(t, tempFile(t), func(o *ManagerOptions) { o.Drain = 10 * time.Second }, typ)
	keepSimple(t, s, "w", "block")
	id := execute(t, m, "w")
	<-began
	time.AfterFunc(200*time.Millisecond, func() { close(release) })
	if err := m.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if e := executionOf(t, s, id); e.Status != workflow.StatusSuccess {
		t.Errorf("%s %+v", e.Status, e.Error)
	}
}
