package storetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store"
)

func workflowIDs(list []*workflow.Workflow) []string {
	return idsOf(list, func(wf *workflow.Workflow) string { return wf.ID })
}

func created(at time.Time) func(*workflow.Workflow) {
	return func(wf *workflow.Workflow) { wf.CreatedAt = at }
}

var workflowListTests = map[string]func(w *world){
	"workflows are paged while others are added": func(w *world) {
		var want []string
		for i := range 23 {
			want = append(want, w.workflow(ada, created(epoch().Add(time.Duration(i/5)*time.Second))).ID)
			w.workflow(bob, created(epoch()))
		}
		slices.Reverse(want)
		list := func(p store.Page) ([]string, string, error) {
			list, total, next, err := w.ListWorkflows(w.Context(), ada, store.WorkflowFilter{}, p)
			if err == nil && total < 23 {
				w.Errorf("total %d", total)
			}
			return workflowIDs(list), next, err
		}
		add := func() { w.workflow(ada, created(epoch().Add(time.Hour))) }
		w.same("workflows", w.walk(4, list, add), want)
		w.refusesCursors(func(p store.Page) error {
			_, _, _, err := w.ListWorkflows(w.Context(), ada, store.WorkflowFilter{}, p)
			return err
		})
	},
	"workflows are sorted by name": func(w *world) {
		long := strings.Repeat("ö", 250)
		var want []string
		for _, name := range []string{"", "a", "A\nsecond line", "ab", "B", "b", "b", "Ä", long + "1", long + "0", "发送"} {
			want = append(want, w.workflow(ada, func(wf *workflow.Workflow) {
				wf.Document.Name, wf.Document.Description = name, "z about "+name
			}).ID)
			w.workflow(bob)
		}
		sorted := func(query string) []string {
			list := func(p store.Page) ([]string, string, error) {
				p.ByName = true
				list, _, next, err := w.ListWorkflows(w.Context(), ada, store.WorkflowFilter{Query: query}, p)
				return workflowIDs(list), next, err
			}
			got := w.walk(2, list, func() {})
			slices.Reverse(got)
			return got
		}
		w.same("by name", sorted(""), want)
		w.same("of a search", sorted("b"), want)
		_, _, next, err := w.ListWorkflows(w.Context(), ada, store.WorkflowFilter{}, store.Page{Limit: 2, ByName: true})
		w.ok(err)
		_, _, _, err = w.ListWorkflows(w.Context(), ada, store.WorkflowFilter{}, store.Page{Limit: 2, Cursor: next})
		w.code(workflow.CodeInvalid, err)
	},
	"workflows are filtered": func(w *world) {
		yes, no := true, false
		name := func(name, about string, tags ...string) func(*workflow.Workflow) {
			return func(wf *workflow.Workflow) {
				wf.Document.Name, wf.Document.Description, wf.Document.Tags = name, about, tags
			}
		}
		first := w.workflow(ada, created(epoch()), name("ÄPFEL kaufen", "100% wichtig_", "obst", "rot"))
		second := w.workflow(ada, created(epoch().Add(time.Second)), name("Birnen", "auch äpfel", "obst"))
		third := w.workflow(ada, created(epoch().Add(2*time.Second)), name("发送邮件", "", `"quo'ted"`))
		w.ok(w.ActivateWorkflow(w.Context(), ada, third.ID, nil))
		for what, c := range map[string]struct {
			filter store.WorkflowFilter
			want   []string
		}{
			"all":        {store.WorkflowFilter{}, []string{third.ID, second.ID, first.ID}},
			"query":      {store.WorkflowFilter{Query: "Äpfel"}, []string{second.ID, first.ID}},
			"percent":    {store.WorkflowFilter{Query: "0%"}, []string{first.ID}},
			"underscore": {store.WorkflowFilter{Query: "_"}, []string{first.ID}},
			"han":        {store.WorkflowFilter{Query: "邮件"}, []string{third.ID}},
			"tag":        {store.WorkflowFilter{Tags: []string{"obst"}}, []string{second.ID, first.ID}},
			"tags":       {store.WorkflowFilter{Tags: []string{"rot", "obst"}}, []string{first.ID}},
			"odd tag":    {store.WorkflowFilter{Tags: []string{`"quo'ted"`}}, []string{third.ID}},
			"no tag":     {store.WorkflowFilter{Tags: []string{"obs"}}, nil},
			"active":     {store.WorkflowFilter{Active: &yes}, []string{third.ID}},
			"inactive":   {store.WorkflowFilter{Active: &no}, []string{second.ID, first.ID}},
			"together":   {store.WorkflowFilter{Active: &no, Query: "birn", Tags: []string{"obst"}}, []string{second.ID}},
		} {
			list, total, next, err := w.ListWorkflows(w.Context(), ada, c.filter, store.Page{Limit: 10})
			w.ok(err)
			if total != len(c.want) || next != "" || !slices.Equal(workflowIDs(list), c.want) {
				w.Errorf("%s: got %v of %d, next %q, want %v", what, workflowIDs(list), total, next, c.want)
			}
		}
	},
	"workflows show the newest execution's status": func(w *world) {
		wf, idle := w.workflow(ada), w.workflow(ada)
		w.finish(w.execution(wf, heldBy("x")), workflow.StatusError, epoch())
		w.execution(wf)
		list, _, _, err := w.ListWorkflows(w.Context(), ada, store.WorkflowFilter{}, store.Page{Limit: 10})
		w.ok(err)
		got := map[string]workflow.Status{}
		for _, wf := range list {
			got[wf.ID] = wf.LastStatus
		}
		w.same("last status", got, map[string]workflow.Status{wf.ID: workflow.StatusQueued, idle.ID: ""})
	},
	"workflows' changed one comes first": func(w *world) {
		var all []*workflow.Workflow
		for i := range 3 {
			all = append(all, w.workflow(ada, created(epoch().Add(time.Duration(i)*time.Second))))
		}
		w.ok(w.UpdateWorkflow(w.Context(), all[0], 0))
		list, _, _, err := w.ListWorkflows(w.Context(), ada, store.WorkflowFilter{}, store.Page{Limit: 10})
		w.ok(err)
		w.same("order", workflowIDs(list), []string{all[0].ID, all[2].ID, all[1].ID})
		w.same("document", list[0].Document, all[0].Document)
	},
	"workflows' page without a limit has one": func(w *world) {
		for i := range store.DefaultLimit + 1 {
			w.workflow(ada, func(wf *workflow.Workflow) { wf.Document.Name = fmt.Sprint(i) })
		}
		list, total, next, err := w.ListWorkflows(w.Context(), ada, store.WorkflowFilter{}, store.Page{})
		w.ok(err)
		if len(list) != store.DefaultLimit || total != store.DefaultLimit+1 || next == "" {
			w.Fatalf("%d of %d, next %q", len(list), total, next)
		}
	},
}
