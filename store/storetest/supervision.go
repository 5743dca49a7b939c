package storetest

import (
	"sync/atomic"
	"testing"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store"
)

// Supervised is a backend that keeps what managers of executions need, too.
type Supervised interface {
	store.Store
	store.Supervision
}

// RunSupervision runs the suite of store.Supervision, as Run does its own.
func RunSupervision(t *testing.T, open func(t *testing.T) Supervised) {
	for name, test := range supervisionTests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			test(&world{T: t, Store: s}, s)
		})
	}
}

var supervisionTests = map[string]func(w *world, s store.Supervision){
	"schedules are armed, due and advanced": func(w *world, s store.Supervision) {
		wf, ctx := w.workflow(ada), w.Context()
		at := epoch()
		w.code(workflow.CodeNotFound, s.SetSchedules(ctx, bob, wf.ID, nil))
		w.ok(s.SetSchedules(ctx, ada, wf.ID, []store.Schedule{{Node: "B", Rules: "b", NextAt: at.Add(time.Hour)}, {Node: "A", Rules: "a", NextAt: at}, {Node: "C", Rules: "c"}}))
		if due, err := s.DueSchedules(ctx, at, 10); err != nil || len(due) != 0 {
			w.Fatalf("an inactive workflow is due: %v, %v", due, err)
		}
		w.ok(w.ActivateWorkflow(ctx, ada, wf.ID, nil))
		due, err := s.DueSchedules(ctx, at, 10)
		if err != nil || len(due) != 1 || due[0].Node != "A" || due[0].OwnerID != ada || due[0].WorkflowID != wf.ID {
			w.Fatalf("due: %+v, %v", due, err)
		}
		var won atomic.Int32
		next := due[0]
		next.NextAt, next.LastAt, next.Missed, next.MissedAt = at.Add(2*time.Hour), at, 3, at.Add(-time.Hour)
		together(8, func(int) {
			ok, err := s.AdvanceSchedule(ctx, at, next)
			if err != nil {
				w.Error(err)
			}
			if ok {
				won.Add(1)
			}
		})
		if won.Load() != 1 {
			w.Fatalf("%d advanced it", won.Load())
		}
		list, err := s.Schedules(ctx, ada, wf.ID)
		w.ok(err)
		if len(list) != 3 || list[0].Node != "A" || list[2].Node != "C" || !list[2].NextAt.IsZero() {
			w.Fatalf("%+v", list)
		}
		w.same("advanced", list[0], next)
		if due, err := s.DueSchedules(ctx, at.Add(3*time.Hour), 10); err != nil || len(due) != 2 || due[0].Node != "B" {
			w.Fatalf("due: %+v, %v", due, err)
		}
		if list, err := s.Schedules(ctx, bob, wf.ID); err != nil || len(list) != 0 {
			w.Fatalf("another owner sees %v, %v", list, err)
		}
		w.ok(s.SetSchedules(ctx, ada, wf.ID, []store.Schedule{{Node: "A", Rules: "a", NextAt: at}, {Node: "B", Rules: "b2", NextAt: at}}))
		list, err = s.Schedules(ctx, ada, wf.ID)
		if w.ok(err); len(list) != 2 || !list[0].NextAt.Equal(next.NextAt) || !list[1].NextAt.Equal(at) {
			w.Fatalf("armed anew: %+v", list)
		}
		w.ok(w.DeactivateWorkflow(ctx, ada, wf.ID))
		w.ok(w.DeleteWorkflow(ctx, ada, wf.ID))
	},
	"queued executions are claimed within bounds": func(w *world, s store.Supervision) {
		ctx := w.Context()
		a, b, c := w.workflow(ada), w.workflow(ada), w.workflow(bob)
		w.execution(a, heldBy("x"))
		var ids []string
		for _, wf := range []*workflow.Workflow{a, a, a, b, b, c} {
			ids = append(ids, w.execution(wf).ID)
		}
		if n, err := s.QueuedExecutions(ctx); err != nil || n != len(ids) {
			w.Fatalf("%d are queued, %v", n, err)
		}
		claim := func(limit, perOwner, perWorkflow int, want ...string) {
			w.Helper()
			list, err := s.ClaimWithin(ctx, "x", limit, perOwner, perWorkflow)
			w.ok(err)
			got := []string{}
			for _, e := range list {
				got = append(got, e.ID)
			}
			w.same("claimed", got, append([]string{}, want...))
		}
		claim(10, 3, 2, ids[0], ids[3], ids[5])
		claim(10, 3, 2)
		claim(10, 0, 3, ids[1], ids[4])
		claim(10, 5, 0)
		claim(10, 0, 0, ids[2])
	},
	"what would run beyond a bound is queued": func(w *world, s store.Supervision) {
		ctx := w.Context()
		a, b := w.workflow(ada), w.workflow(ada)
		create := func(wf *workflow.Workflow, executor, key string, perOwner, perWorkflow int, want workflow.Status) *workflow.Execution {
			w.Helper()
			e := &workflow.Execution{ID: w.id("ex"), OwnerID: wf.OwnerID, WorkflowID: wf.ID, Executor: executor, IdempotencyKey: key}
			stored, existing, err := s.CreateWithin(ctx, e, perOwner, perWorkflow)
			w.ok(err)
			if existing || stored.Status != want || (stored.Executor == "") != (want == workflow.StatusQueued) || stored.StartedAt.IsZero() != (want == workflow.StatusQueued) {
				w.Fatalf("existing %v, %+v", existing, stored)
			}
			read, err := w.ExecutionByID(ctx, stored.ID)
			w.ok(err)
			w.same("stored", read, stored)
			return stored
		}
		first := create(a, "x", "", 2, 1, workflow.StatusRunning)
		create(a, "x", "", 2, 1, workflow.StatusQueued)
		create(b, "x", "", 2, 1, workflow.StatusRunning)
		create(w.workflow(ada), "x", "", 2, 1, workflow.StatusQueued)
		create(w.workflow(bob), "x", "", 2, 1, workflow.StatusRunning)
		create(b, "", "", 2, 1, workflow.StatusQueued)
		create(b, "x", "", 0, 2, workflow.StatusRunning)
		w.finish(first, workflow.StatusSuccess, epoch())
		again := create(a, "x", "key", 3, 1, workflow.StatusRunning)
		stored, existing, err := s.CreateWithin(ctx, &workflow.Execution{ID: w.id("ex"), OwnerID: ada, WorkflowID: a.ID, Executor: "x", IdempotencyKey: "key"}, 3, 1)
		if w.ok(err); !existing || stored.ID != again.ID || stored.Status != workflow.StatusRunning {
			w.Fatalf("existing %v, %+v", existing, stored)
		}
		_, _, err = s.CreateWithin(ctx, &workflow.Execution{ID: w.id("ex"), OwnerID: bob, WorkflowID: a.ID, Executor: "x"}, 3, 1)
		w.code(workflow.CodeNotFound, err)
	},
	"bounds hold among those who create and those who claim": func(w *world, s store.Supervision) {
		wf := w.workflow(ada)
		ids := make([]string, 48)
		for i := range ids {
			ids[i] = w.id("ex")
		}
		var running atomic.Int32
		together(12, func(i int) {
			for j := range 4 {
				stored, _, err := s.CreateWithin(w.Context(), &workflow.Execution{ID: ids[4*i+j], OwnerID: ada, WorkflowID: wf.ID, Executor: "x"}, 9, 7)
				if err != nil {
					w.Error(err)
					return
				}
				if stored.Status == workflow.StatusRunning {
					running.Add(1)
				}
				list, err := s.ClaimWithin(w.Context(), "x", 3, 9, 7)
				if err != nil {
					w.Error(err)
				}
				running.Add(int32(len(list)))
			}
		})
		if running.Load() != 7 {
			w.Fatalf("%d run", running.Load())
		}
	},
	"bounds hold among many who claim": func(w *world, s store.Supervision) {
		wf := w.workflow(ada)
		for range 20 {
			w.execution(wf)
		}
		var claimed atomic.Int32
		together(8, func(int) {
			list, err := s.ClaimWithin(w.Context(), "x", 10, 7, 0)
			if err != nil {
				w.Error(err)
			}
			claimed.Add(int32(len(list)))
		})
		if claimed.Load() != 7 {
			w.Fatalf("%d claimed", claimed.Load())
		}
	},
	"deaths count until an execution gets further": func(w *world, s store.Supervision) {
		e := w.execution(w.workflow(ada), heldBy("x"))
		died := func(want int) {
			w.Helper()
			if n, err := s.NoteDeath(w.Context(), e.ID, 0); err != nil || n != want {
				w.Fatalf("%d deaths, want %d; %v", n, want, err)
			}
		}
		died(1)
		died(2)
		w.ok(s.NoteRelease(w.Context(), e.ID))
		died(2) // in good order
		died(3)
		w.save(store.Progress{Execution: e, Events: []workflow.Event{{ExecutionID: e.ID, Seq: 1, Type: workflow.EventStarted, At: epoch()}}})
		died(1)
		spared := func(want int) {
			w.Helper()
			if n, err := s.NoteDeath(w.Context(), e.ID, 2); err != nil || n != want {
				w.Fatalf("%d deaths, want %d; %v", n, want, err)
			}
		}
		spared(2)
		spared(2) // it was released when it came to two
		w.ok(s.NoteTurn(w.Context(), e.ID))
		spared(3)
		spared(3)
		w.ok(s.NoteTurn(w.Context(), "nobody"))
		w.ok(s.NoteRelease(w.Context(), "nobody"))
		_, err := s.NoteDeath(w.Context(), "nobody", 0)
		w.code(workflow.CodeNotFound, err)
	},
	"one answer gets through": func(w *world, s store.Supervision) {
		e := w.execution(w.workflow(ada), heldBy("x"))
		var won atomic.Int32
		together(8, func(int) {
			ok, err := s.ClaimAnswer(w.Context(), e.ID, "topic", time.Minute)
			if err != nil {
				w.Error(err)
			}
			if ok {
				won.Add(1)
			}
		})
		if won.Load() != 1 {
			w.Fatalf("%d won", won.Load())
		}
		claim := func(topic string, ttl time.Duration, want bool) {
			w.Helper()
			if ok, err := s.ClaimAnswer(w.Context(), e.ID, topic, ttl); err != nil || ok != want {
				w.Fatalf("%v, %v", ok, err)
			}
		}
		claim("other", -time.Second, true)
		claim("other", time.Minute, true) // the first has expired
		claim("other", time.Minute, false)
		w.ok(s.ReleaseAnswer(w.Context(), e.ID, "topic"))
		claim("topic", time.Minute, true)
	},
	"cancelled waits are found": func(w *world, s store.Supervision) {
		wf := w.workflow(ada)
		waits, runs := w.execution(wf, heldBy("x")), w.execution(wf, heldBy("x"))
		waits.Status = workflow.StatusWaiting
		w.save(store.Progress{Execution: waits})
		for _, e := range []*workflow.Execution{waits, runs} {
			_, err := w.RequestCancel(w.Context(), ada, e.ID)
			w.ok(err)
		}
		ids, err := s.CancelledWaits(w.Context(), 10)
		w.ok(err)
		w.same("found", ids, []string{waits.ID})
	},
}
