package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"flowgate/internal/engine/node"
	"flowgate/internal/workflow"
)

// fetch has one effect per item, and puts out its answer, the time and a
// random number. The counter shows what reached the outside.
func fetch(outside map[string]int) *node.Type {
	return fakeType("fetch", func(ctx context.Context, c *node.Call) (node.Output, error) {
		items, err := c.EachItem(ctx, func(i int, in workflow.Item) ([]workflow.Item, error) {
			key := fmt.Sprintf("%d", i)
			data, err := c.Host.Effect(ctx, key, func(context.Context) ([]byte, error) {
				outside[fmt.Sprintf("%s/%d/%s", c.Node.Name, c.Run, key)]++
				time.Sleep(time.Millisecond)
				if in.JSON.Value("i") == 1.0 {
					return nil, &node.Failure{Message: "refused", Code: "ECONNREFUSED"}
				}
				return []byte("answer " + key), nil
			})
			if err != nil {
				return nil, err
			}
			return []workflow.Item{{JSON: workflow.NewObject("got", string(data),
				"at", float64(c.Host.Now().UnixMilli()), "dice", float64(c.Host.Rand().IntN(1000)))}}, nil
		})
		return node.Items(items), err
	})
}

// wait sleeps an hour; ask waits for a message; call calls a sub-workflow for
// each item; tally counts its runs in static data.
func replayTypes(outside map[string]int) []*node.Type {
	wait := fakeType("wait", func(ctx context.Context, c *node.Call) (node.Output, error) {
		if err := c.Host.WaitUntil(ctx, "until", c.Host.Now().Add(time.Hour)); err != nil {
			return node.Output{}, err
		}
		return node.Items(c.Items()), nil
	})
	ask := fakeType("ask", func(ctx context.Context, c *node.Call) (node.Output, error) {
		m, err := c.Host.Receive(ctx, "answer", workflow.Waiting{Kind: "approval"}, time.Time{})
		return node.Items([]workflow.Item{{JSON: workflow.NewObject("said", string(m))}}), err
	})
	call := fakeType("call", func(ctx context.Context, c *node.Call) (node.Output, error) {
		items, err := c.EachItem(ctx, func(i int, in workflow.Item) ([]workflow.Item, error) {
			return c.Host.SubWorkflow(ctx, fmt.Sprint(i), node.SubWorkflow{ID: "sub"}, []workflow.Item{in}, true)
		})
		return node.Items(items), err
	})
	tally := fakeType("tally", func(_ context.Context, c *node.Call) (node.Output, error) {
		data := c.Host.StaticData("global")
		n, _ := data.Value("n").(float64)
		data.Set("n", n+1)
		return node.Items(c.Items()), nil
	})
	return []*node.Type{fetch(outside), wait, ask, call, tally}
}

func replayJob(j *journal, rec *memory) (Job, map[string]int) {
	wf := document("v1",
		step{name: "T", typ: "trigger", to: [][]string{{"Three"}}},
		step{name: "Three", typ: "three", to: [][]string{{"Fetch"}}},
		step{name: "Fetch", typ: "fetch", edit: policy(workflow.OnErrorContinueToError), to: [][]string{{"Wait"}, {"Bad"}}},
		step{name: "Bad", typ: "pass", y: 9},
		step{name: "Wait", typ: "wait", to: [][]string{{"Ask"}}},
		step{name: "Ask", typ: "ask", to: [][]string{{"Call", "Tally"}}},
		step{name: "Call", typ: "call", to: [][]string{{"End"}}},
		step{name: "Tally", typ: "tally", y: 1},
		step{name: "End", typ: "pass"},
	)
	wf.Active = true
	kept := map[string]int{}
	job := jobOf(wf)
	job.Execution.Mode = workflow.ModeTrigger
	job.Effects, job.Recorder = j, rec
	job.SubWorkflows = SubWorkflows{"sub": document("v1",
		step{name: "In", typ: "trigger", to: [][]string{{"Fetch"}}}, step{name: "Fetch", typ: "fetch"})}.Find
	job.OnStaticData = func(_ context.Context, d *workflow.Object) error {
		kept[fmt.Sprint(d.Value("global").(*workflow.Object).Value("n"))]++
		return nil
	}
	return job, kept
}

// TestReplay kills an execution before and after each of its effects and
// computes it again: the same events under the same numbers, the same items,
// and no effect twice.
func TestReplay(t *testing.T) {
	outside := map[string]int{}
	engine := New(Options{Registry: fakeTypes(replayTypes(outside)...)})
	message := func(j *journal) { j.messages["Ask/0/answer"] = []byte("yes") }
	whole, all := newJournal(), &memory{}
	message(whole)
	job, kept := replayJob(whole, all)
	var want Outcome
	synctest.Test(t, func(t *testing.T) { want = engine.Run(t.Context(), job) }) // the same time in every bubble
	if want.Status != workflow.StatusSuccess || kept["1"] != 1 || want.Error != nil {
		t.Fatalf("%s %+v %v", want.Status, want.Error, kept)
	}
	for i, e := range all.events {
		if e.Seq != int64(i+1) {
			t.Fatalf("event %d has Seq %d", i, e.Seq)
		}
	}
	for at := 1; at <= len(whole.asked); at++ {
		for _, before := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s before=%v", whole.asked[at-1], before), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					clear(outside)
					j := newJournal()
					message(j)
					j.killAt, j.before = at, before
					killAndRepeat(t, engine, j, whole, all, want)
				})
			})
		}
	}
}

func killAndRepeat(t *testing.T, engine *Engine, j, whole *journal, all *memory, want Outcome) {
	rec := &memory{}
	job, kept := replayJob(j, rec)
	if o := engine.Run(t.Context(), job); !errors.Is(o.Err, errKilled) || o.Status != "" {
		t.Fatalf("%s %v", o.Status, o.Err)
	}
	seen := rec.lines()
	j.killAt, j.asked = 0, nil
	rec.events = nil
	time.Sleep(time.Minute) // the process was away for a while
	o := engine.Run(t.Context(), job)
	if got := rec.lines(); !slices.Equal(got[:len(seen)], seen) {
		t.Errorf("first %q\nthen  %q", seen, got)
	}
	if !slices.Equal(rec.kinds(), all.kinds()) || !slices.Equal(j.asked, whole.asked) || !slices.Equal(o.Order, want.Order) {
		t.Errorf("events %q, want %q\nasked for %q, want %q", rec.kinds(), all.kinds(), j.asked, whole.asked)
	}
	time.Sleep(time.Minute)
	rec.events = nil
	if third := engine.Run(t.Context(), job); mainText(third) != mainText(o) {
		t.Errorf("items differ:\n%s\n%s", mainText(o), mainText(third))
	}
	for name, n := range j.ran {
		if n > 1 {
			t.Errorf("effect %s ran %d times", name, n)
		}
	}
	if kept["1"] != 1 || len(kept) != 1 {
		t.Errorf("static data kept %v", kept)
	}
}

// mainText is every item of every run, times and dice included.
func mainText(o Outcome) string {
	var b strings.Builder
	for _, r := range o.Runs {
		data, _ := json.Marshal(r.Main)
		b.Write(data)
	}
	return b.String()
}

// TestSuspended leaves memory at every wait and goes on later.
func TestSuspended(t *testing.T) {
	outside := map[string]int{}
	engine := New(Options{Registry: fakeTypes(replayTypes(outside)...)})
	j, rec := newJournal(), &memory{}
	j.suspend = true
	job, _ := replayJob(j, rec)
	var items []string
	for i, come := range []func(){func() {}, func() { j.over["Wait/0/until"] = true }, func() { j.messages["Ask/0/answer"] = []byte("no") }} {
		come()
		rec.events, rec.waiting = nil, nil
		o := engine.Run(t.Context(), job)
		if got, want := o.Suspended, i < 2; got != want || o.Err != nil {
			t.Fatalf("call %d: suspended %v, %s %v", i, got, o.Status, o.Err)
		}
		last := rec.events[len(rec.events)-1]
		if i < 2 && (last.Type != workflow.EventWaiting || rec.waiting[len(rec.waiting)-1] == nil) {
			t.Errorf("call %d ends with %+v", i, last)
		}
		for n, r := range o.RunsOf("Fetch") {
			items = append(items, fmt.Sprint(n, r.Main[0][0].JSON.Value("dice")))
		}
		if i == 2 && (last.Status != workflow.StatusSuccess || o.RunsOf("Ask")[0].Main[0][0].JSON.Value("said") != "no") {
			t.Errorf("%+v %+v", last, o.Runs)
		}
	}
	for key, n := range outside {
		if n > 2 { // the sub-workflow's node has the same name and run twice, for two items
			t.Errorf("%s reached the outside %d times", key, n)
		}
	}
	if len(items) != 1 {
		t.Error(items)
	}
}

func TestRespond(t *testing.T) {
	respond := fakeType("respond", func(ctx context.Context, c *node.Call) (node.Output, error) {
		_, err := c.Host.Respond(ctx, workflow.Response{Status: 201 + c.Run, Body: []byte("hi")})
		return node.Items(c.Items()), err
	})
	wf := document("v1", step{name: "T", typ: "trigger", to: [][]string{{"R", "R"}}}, step{name: "R", typ: "respond"})
	rec := &memory{}
	job := jobOf(wf)
	job.Recorder = rec
	job.Execution.Start.Webhook = true
	var got []int
	job.Respond = func(_ context.Context, r workflow.Response) error {
		got = append(got, r.Status)
		return nil
	}
	o := New(Options{Registry: fakeTypes(respond)}).Run(t.Context(), job)
	if !o.Responded || !slices.Equal(got, []int{201}) {
		t.Error(o.Status, got)
	}
	if n := len(slices.DeleteFunc(rec.events, func(e workflow.Event) bool { return e.Type != workflow.EventResponse })); n != 1 {
		t.Error(n, "response events")
	}
}
