package engine

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
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

const testOwner = "owner"

// movedClock is a clock that tests move.
type movedClock struct{ at atomic.Int64 }

func clockAt(t time.Time) *movedClock {
	c := &movedClock{}
	c.set(t)
	return c
}

func (c *movedClock) set(t time.Time) { c.at.Store(t.UnixMicro()) }

func (c *movedClock) now() time.Time { return time.UnixMicro(c.at.Load()).UTC() }

func openStore(t *testing.T, path string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func startManager(t *testing.T, s *sqlite.Store, edit func(*ManagerOptions), types ...*node.Type) *Manager {
	t.Helper()
	o := ManagerOptions{Engine: New(Options{Registry: fakeTypes(types...)}), Store: s, Supervision: s, Durable: durable.Options{SQLite: s.DB()}, Version: "test"}
	if edit != nil {
		edit(&o)
	}
	m, err := OpenManager(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := m.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return m
}

// keepWorkflow stores wf as the owner's and arms what of it runs by the clock.
func keepWorkflow(t *testing.T, m *Manager, wf *workflow.Workflow, now time.Time) {
	t.Helper()
	wf.OwnerID = testOwner
	s := m.store.(*sqlite.Store)
	if err := s.CreateWorkflow(t.Context(), wf); err != nil {
		t.Fatal(err)
	}
	list, err := m.engine.Schedules(&wf.Document, now)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetSchedules(t.Context(), testOwner, wf.ID, list); err != nil {
		t.Fatal(err)
	}
	if err := s.ActivateWorkflow(t.Context(), testOwner, wf.ID, nil); err != nil {
		t.Fatal(err)
	}
}

func executionsOf(t *testing.T, s *sqlite.Store, workflowID string) []*workflow.Execution {
	t.Helper()
	list, _, _, err := s.ListExecutions(t.Context(), testOwner, store.ExecutionFilter{WorkflowID: workflowID}, store.Page{Limit: 200})
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(list)
	return list
}

func soon(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not in time: " + what)
		}
	}
}

func scheduled(hour, minute float64) *workflow.Workflow {
	wf := document("v1", step{name: "Daily", typ: "n8n-nodes-base.scheduleTrigger", to: [][]string{{"P"}}, edit: func(n *workflow.Node) {
		n.Parameters = workflow.NewObject("rule", workflow.NewObject("interval", []any{
			workflow.NewObject("field", "days", "triggerAtHour", hour, "triggerAtMinute", minute)}))
	}}, step{name: "P", typ: "pass"})
	wf.Document.Settings.Timezone = "Europe/Oslo"
	return wf
}

func scheduleType() *node.Type {
	return node.NewRegistry(node.All(), node.RegistryOptions{}).Lookup("n8n-nodes-base.scheduleTrigger")
}

// TestSchedulesFireOnce has two managers on one file live through the days the
// clocks go back: each of the workflow's times starts one execution.
func TestSchedulesFireOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "t.db")
	loc, err := time.LoadLocation("Europe/Oslo")
	if err != nil {
		t.Fatal(err)
	}
	clock := clockAt(time.Date(2026, 10, 24, 0, 0, 0, 0, loc))
	withClock := func(o *ManagerOptions) { o.Now = clock.now }
	first := startManager(t, openStore(t, path), withClock, scheduleType())
	second := startManager(t, openStore(t, path), withClock, scheduleType())
	wf := scheduled(2, 30)
	keepWorkflow(t, first, wf, clock.now())
	for at := clock.now(); at.Before(time.Date(2026, 10, 27, 0, 0, 0, 0, loc)); at = at.Add(30 * time.Minute) {
		clock.set(at)
		var wg sync.WaitGroup
		for _, m := range []*Manager{first, second, first, second} {
			wg.Go(func() { m.fireDue(t.Context()) })
		}
		wg.Wait()
	}
	var got []string
	for _, e := range executionsOf(t, openStore(t, path), wf.ID) {
		if e.Mode != workflow.ModeTrigger {
			t.Errorf("mode %s", e.Mode)
		}
		got = append(got, e.Clock.In(loc).Format("02 15:04 -0700"))
	}
	if want := []string{"24 02:30 +0200", "25 02:30 +0200", "26 02:30 +0100"}; !slices.Equal(got, want) {
		t.Errorf("fired at %v, want %v", got, want)
	}
	list, err := openStore(t, path).Schedules(t.Context(), testOwner, wf.ID)
	if err != nil || len(list) != 1 || !list[0].NextAt.Equal(time.Date(2026, 10, 27, 2, 30, 0, 0, loc)) || list[0].Missed != 0 {
		t.Errorf("%+v %v", list, err)
	}
}

// TestMissedSchedules lets days pass without a process.
func TestMissedSchedules(t *testing.T) {
	t.Parallel()
	for policy, want := range map[string]struct{ fired, missed int }{"skip": {0, 3}, "once": {1, 2}, "own": {1, 2}} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			clock := clockAt(time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC))
			m := startManager(t, openStore(t, filepath.Join(t.TempDir(), "t.db")), func(o *ManagerOptions) { o.Now, o.MissedRuns = clock.now, policy }, scheduleType())
			wf := scheduled(9, 0)
			if policy == "own" {
				wf.Document.Settings.Extra = workflow.NewObject("missedRuns", "once")
			}
			keepWorkflow(t, m, wf, clock.now())
			clock.set(clock.now().Add(3 * 24 * time.Hour))
			m.fireDue(t.Context())
			m.fireDue(t.Context())
			s := m.store.(*sqlite.Store)
			list, err := s.Schedules(t.Context(), testOwner, wf.ID)
			if n := len(executionsOf(t, s, wf.ID)); err != nil || n != want.fired || list[0].Missed != want.missed || !list[0].NextAt.After(clock.now()) {
				t.Errorf("%d fired, %+v, %v", n, list, err)
			}
		})
	}
}

// TestBounds runs more executions of one workflow, and of one owner, than may
// run at once, from two processes.
func TestBounds(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "t.db")
	var mu sync.Mutex
	running, most := map[string]int{}, map[string]int{}
	count := func(name string, by int) {
		mu.Lock()
		defer mu.Unlock()
		for _, key := range []string{name, "all"} {
			running[key] += by
			most[key] = max(most[key], running[key])
		}
	}
	busy := fakeType("busy", func(_ context.Context, c *node.Call) (node.Output, error) {
		count(c.Document.Name, 1)
		time.Sleep(100 * time.Millisecond)
		count(c.Document.Name, -1)
		return node.Items(c.Items()), nil
	})
	bounds := func(o *ManagerOptions) { o.MaxPerOwner, o.MaxPerWorkflow = 3, 2 }
	managers := []*Manager{startManager(t, openStore(t, path), bounds, busy), startManager(t, openStore(t, path), bounds, busy)}
	for _, name := range []string{"a", "b"} {
		wf := document("v1", step{name: "T", typ: "trigger", to: [][]string{{"Busy"}}}, step{name: "Busy", typ: "busy"})
		wf.ID, wf.Document.Name = name, name
		keepWorkflow(t, managers[0], wf, time.Now())
	}
	for i := range 16 {
		_, _, err := managers[i/2%2].Execute(t.Context(), workflow.ExecuteRequest{OwnerID: testOwner, WorkflowID: []string{"a", "b"}[i%2], Mode: workflow.ModeTrigger})
		if err != nil {
			t.Fatal(err)
		}
	}
	soon(t, "all executions end", func() bool {
		done := 0
		for _, id := range []string{"a", "b"} {
			for _, e := range executionsOf(t, managers[1].store.(*sqlite.Store), id) {
				if e.Status == workflow.StatusSuccess {
					done++
				}
			}
		}
		return done == 16
	})
	if most["a"] > 2 || most["b"] > 2 || most["all"] > 3 || most["all"] < 2 {
		t.Errorf("ran at once: %v", most)
	}
}

// TestCancelAsItComesToWait asks again and again at the worst moment.
func TestCancelAsItComesToWait(t *testing.T) {
	t.Parallel()
	ask := fakeType("ask", func(ctx context.Context, c *node.Call) (node.Output, error) {
		_, err := c.Host.Receive(ctx, "answer", workflow.Waiting{Kind: "approval"}, time.Time{})
		return node.Items(c.Items()), err
	})
	m := startManager(t, openStore(t, filepath.Join(t.TempDir(), "t.db")), nil, ask)
	wf := document("v1", step{name: "T", typ: "trigger", to: [][]string{{"Ask"}}}, step{name: "Ask", typ: "ask"})
	keepWorkflow(t, m, wf, time.Now())
	var ids []string
	for i := range 20 {
		id, _, err := m.Execute(t.Context(), workflow.ExecuteRequest{OwnerID: testOwner, WorkflowID: wf.ID, Mode: workflow.ModeManual})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(i) * time.Millisecond)
		if err := m.Cancel(t.Context(), testOwner, id); err != nil {
			t.Error(err)
		}
		ids = append(ids, id)
	}
	for _, id := range ids {
		soon(t, "the execution is cancelled", func() bool {
			e, err := m.store.Execution(t.Context(), testOwner, id)
			return err == nil && e.Status == workflow.StatusCancelled
		})
		events, err := m.store.Events(t.Context(), testOwner, id, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		for i, e := range events {
			if e.Seq != int64(i+1) {
				t.Fatalf("%v: event %d has number %d", id, i, e.Seq)
			}
		}
		if n := len(events); n == 0 || events[n-1].Type != workflow.EventFinished {
			t.Errorf("%s: %s", id, fmt.Sprint(events))
		}
	}
}
