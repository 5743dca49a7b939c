package storetest

import (
	"fmt"
	"slices"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store"
)

func executionIDs(list []*workflow.Execution) []string {
	return idsOf(list, func(e *workflow.Execution) string { return e.ID })
}

func at(t time.Time) func(*workflow.Execution) {
	return func(e *workflow.Execution) { e.CreatedAt = t }
}

var executionListTests = map[string]func(w *world){
	"executions are paged while others are added": func(w *world) {
		wf, theirs := w.workflow(ada), w.workflow(bob)
		var want []string
		for i := range 31 {
			want = append(want, w.execution(wf, at(epoch().Add(time.Duration(i/6)*time.Millisecond))).ID)
			w.execution(theirs, at(epoch()))
		}
		slices.Reverse(want)
		list := func(p store.Page) ([]string, string, error) {
			list, total, next, err := w.ListExecutions(w.Context(), ada, store.ExecutionFilter{}, p)
			if err == nil && total < 31 {
				w.Errorf("total %d", total)
			}
			return executionIDs(list), next, err
		}
		add := func() { w.execution(wf, at(epoch().Add(time.Hour))) }
		w.same("executions", w.walk(7, list, add), want)
		w.refusesCursors(func(p store.Page) error {
			_, _, _, err := w.ListExecutions(w.Context(), ada, store.ExecutionFilter{}, p)
			return err
		})
	},
	"executions are paged while many write": func(w *world) {
		wf := w.workflow(ada)
		old := map[string]bool{}
		for range 40 {
			old[w.execution(wf).ID] = true
		}
		together(3, func(i int) {
			if i > 0 {
				for k := range 40 {
					_, _, err := w.CreateExecution(w.Context(), &workflow.Execution{ID: fmt.Sprintf("new-%d-%d", i, k), OwnerID: ada, WorkflowID: wf.ID})
					if err != nil {
						w.Error(err)
					}
				}
				return
			}
			seen, page := map[string]bool{}, store.Page{Limit: 3}
			for {
				list, _, next, err := w.ListExecutions(w.Context(), ada, store.ExecutionFilter{WorkflowID: wf.ID}, page)
				if err != nil {
					w.Error(err)
					return
				}
				for _, e := range list {
					if seen[e.ID] {
						w.Errorf("%s came twice", e.ID)
					}
					seen[e.ID] = true
				}
				if page.Cursor = next; next == "" {
					break
				}
			}
			for id := range old {
				if !seen[id] {
					w.Errorf("%s was lost", id)
				}
			}
		})
	},
	"executions are filtered": func(w *world) {
		one, two := w.workflow(ada), w.workflow(ada)
		a := w.execution(one, at(epoch()), heldBy("x"))
		b := w.execution(one, at(epoch().Add(time.Second)))
		c := w.execution(two, at(epoch().Add(2*time.Second)), heldBy("x"))
		w.finish(a, workflow.StatusError, epoch())
		w.finish(c, workflow.StatusError, epoch())
		for what, c := range map[string]struct {
			filter store.ExecutionFilter
			want   []string
		}{
			"all":        {store.ExecutionFilter{}, []string{c.ID, b.ID, a.ID}},
			"workflow":   {store.ExecutionFilter{WorkflowID: one.ID}, []string{b.ID, a.ID}},
			"status":     {store.ExecutionFilter{Status: workflow.StatusError}, []string{c.ID, a.ID}},
			"since":      {store.ExecutionFilter{Since: epoch().Add(time.Second)}, []string{c.ID, b.ID}},
			"everything": {store.ExecutionFilter{WorkflowID: one.ID, Status: workflow.StatusError, Since: epoch()}, []string{a.ID}},
			"none":       {store.ExecutionFilter{WorkflowID: two.ID, Status: workflow.StatusQueued}, nil},
		} {
			list, total, _, err := w.ListExecutions(w.Context(), ada, c.filter, store.Page{Limit: 10})
			w.ok(err)
			if total != len(c.want) || !slices.Equal(executionIDs(list), c.want) {
				w.Errorf("%s: got %v of %d, want %v", what, executionIDs(list), total, c.want)
			}
		}
	},
	"executions are filtered by what they wait for": func(w *world) {
		wf := w.workflow(ada)
		waiting := func(kind string) string {
			e := w.execution(wf, heldBy("x"))
			e.Status, e.WaitingFor = workflow.StatusWaiting, &workflow.Waiting{Node: "Wait \x00 é", Kind: kind, Data: []byte(`{"kind":"form","odd":"\u0000 \ud800"}`)}
			w.save(store.Progress{Execution: e})
			return e.ID
		}
		w.execution(wf)
		first := waiting("approval")
		for range 5 {
			waiting("time")
		}
		second := waiting("approval")
		f := store.ExecutionFilter{WaitsFor: "approval"}
		list, total, next, err := w.ListExecutions(w.Context(), ada, f, store.Page{Limit: 1})
		w.ok(err)
		w.same("the newest", []any{executionIDs(list), total}, []any{[]string{second}, 2})
		list, _, next, err = w.ListExecutions(w.Context(), ada, f, store.Page{Limit: 1, Cursor: next})
		w.ok(err)
		w.same("the next", []any{executionIDs(list), next}, []any{[]string{first}, ""})
		f.WaitsFor = "form"
		list, total, _, err = w.ListExecutions(w.Context(), ada, f, store.Page{Limit: 1})
		w.ok(err)
		w.same("none", []any{len(list), total}, []any{0, 0})
	},
	"executions are pruned, oldest first, live ones never": func(w *world) {
		wf := w.workflow(ada)
		var final []string
		for i := range 5 {
			e := w.execution(wf, heldBy("x"))
			w.save(store.Progress{Execution: e, Events: events(e.ID, 1, 3), NodeRuns: runs("A", 0, 2)})
			w.finish(e, workflow.StatusSuccess, epoch().Add(time.Duration(i)*time.Minute))
			final = append(final, e.ID)
		}
		live := []string{w.execution(wf).ID, w.execution(wf, heldBy("x")).ID}
		deleted, err := w.PruneExecutions(w.Context(), epoch().Add(4*time.Minute), 3)
		w.ok(err)
		slices.Sort(deleted)
		w.same("deleted", deleted, final[:3])
		deleted, err = w.PruneExecutions(w.Context(), epoch().Add(4*time.Minute), 3)
		w.ok(err)
		w.same("deleted next", deleted, final[3:4])
		list, total, _, err := w.ListExecutions(w.Context(), ada, store.ExecutionFilter{}, store.Page{Limit: 10})
		w.ok(err)
		w.same("left", []any{total, executionIDs(list)}, []any{3, []string{live[1], live[0], final[4]}})
		_, err = w.Events(w.Context(), ada, final[0], 0, 1)
		w.code(workflow.CodeNotFound, err)
	},
	"of each owner the newest executions are kept, and live ones always": func(w *world) {
		mine, theirs := w.workflow(ada), w.workflow(bob)
		live := w.execution(mine, heldBy("x")).ID
		var final []string
		for i := range 5 {
			e := w.execution(mine, heldBy("x"))
			w.finish(e, workflow.StatusSuccess, epoch().Add(-time.Duration(i)*time.Minute)) // ended in another order
			final = append(final, e.ID)
		}
		other := w.execution(theirs, heldBy("x"))
		w.finish(other, workflow.StatusError, epoch())
		deleted, err := w.TrimExecutions(w.Context(), 2, 2)
		w.ok(err)
		slices.Sort(deleted)
		want := slices.Clone(final[:2])
		slices.Sort(want)
		w.same("deleted", deleted, want)
		deleted, err = w.TrimExecutions(w.Context(), 2, 2)
		w.ok(err)
		w.same("deleted next", deleted, final[2:3])
		deleted, err = w.TrimExecutions(w.Context(), 2, 2)
		w.ok(err)
		w.same("deleted last", len(deleted), 0)
		list, _, _, err := w.ListExecutions(w.Context(), ada, store.ExecutionFilter{}, store.Page{Limit: 10})
		w.ok(err)
		w.same("left", executionIDs(list), []string{final[4], final[3], live})
		_, err = w.Execution(w.Context(), bob, other.ID)
		w.ok(err)
	},
}
