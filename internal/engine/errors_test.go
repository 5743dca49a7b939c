package engine

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"flowgate/internal/engine/node"
	"flowgate/internal/workflow"
)

func policy(p string) func(n *workflow.Node) { return func(n *workflow.Node) { n.OnError = p } }

// odd turns items with an odd number into error items.
func odd() *node.Type {
	return fakeType("odd", func(ctx context.Context, c *node.Call) (node.Output, error) {
		items, err := c.EachItem(ctx, func(i int, in workflow.Item) ([]workflow.Item, error) {
			if i%2 == 1 {
				return nil, node.Fail("odd one")
			}
			return []workflow.Item{{JSON: workflow.NewObject("ok", true)}}, nil
		})
		return node.Items(items), err
	})
}

func TestErrorPolicies(t *testing.T) {
	run := func(t *testing.T, typ, onError string) Outcome {
		return runOf(t, document("v1",
			step{name: "T", typ: "trigger", to: [][]string{{"Three"}}},
			step{name: "Three", typ: "three", to: [][]string{{"X"}}},
			step{name: "X", typ: typ, edit: policy(onError), to: [][]string{{"Ok"}, {"Bad"}}},
			step{name: "Ok", typ: "pass"},
			step{name: "Bad", typ: "pass", y: 1},
		), odd())
	}
	t.Run("stop", func(t *testing.T) {
		o := run(t, "odd", "")
		if o.Status != workflow.StatusError || o.Error.Node != "X" || o.Error.Item == nil || *o.Error.Item != 1 || o.LastNode != "X" {
			t.Errorf("%s %+v", o.Status, o.Error)
		}
		if r := o.RunsOf("X")[0]; r.Status != "error" || r.Main != nil {
			t.Errorf("%+v", r)
		}
	})
	t.Run("continue with error items", func(t *testing.T) {
		o := run(t, "odd", workflow.OnErrorContinue)
		if ok := o.RunsOf("Ok")[0].Main[0]; o.Status != workflow.StatusSuccess || len(ok) != 3 || ok[1].JSON.Value("error") != "odd one" {
			t.Errorf("%s %+v", o.Status, ok)
		}
	})
	t.Run("error output gets the failed items over their input", func(t *testing.T) {
		o := run(t, "odd", workflow.OnErrorContinueToError)
		bad := o.RunsOf("Bad")[0].Main[0]
		if len(o.RunsOf("Ok")[0].Main[0]) != 2 || len(bad) != 1 || bad[0].JSON.Value("i") != 1.0 || bad[0].JSON.Value("error") != "odd one" || bad[0].Error != nil {
			t.Errorf("%+v", o.Runs)
		}
	})
	t.Run("an outright failure hands the input on", func(t *testing.T) {
		o := run(t, "fail", workflow.OnErrorContinueToError)
		x := o.RunsOf("X")[0]
		if o.Status != workflow.StatusSuccess || x.Status != "error" || len(x.Main) != 1 || len(x.Main[0]) != 3 || len(o.RunsOf("Bad")) != 0 {
			t.Errorf("%s %+v", o.Status, x)
		}
		if p := x.Main[0][2].Paired.Refs[0].Item; p != 2 {
			t.Error("paired with", p)
		}
	})
	t.Run("legacy flag", func(t *testing.T) {
		o := runOf(t, document("v1", step{name: "T", typ: "trigger", to: [][]string{{"X"}}},
			step{name: "X", typ: "fail", edit: func(n *workflow.Node) { n.ContinueOnFail = true }}))
		if o.Status != workflow.StatusSuccess {
			t.Error(o.Error)
		}
	})
	t.Run("panic", func(t *testing.T) {
		o := run(t, "panic", "")
		if o.Status != workflow.StatusError || o.Error.Code != string(workflow.CodeInternal) || strings.Contains(o.Error.Message, "boom") {
			t.Error(o.Status, o.Error)
		}
	})
}

func TestRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		flaky := fakeType("flaky", func(context.Context, *node.Call) (node.Output, error) {
			if tries++; tries < 3 {
				return node.Output{}, node.Fail("not yet")
			}
			return node.Items(numbered(1)), nil
		})
		pause := 2500
		wf := document("v1", step{name: "T", typ: "trigger", to: [][]string{{"X"}}},
			step{name: "X", typ: "flaky", edit: func(n *workflow.Node) { n.RetryOnFail, n.MaxTries, n.WaitBetweenTries = true, 9, &pause }})
		job, rec := jobOf(wf), &memory{}
		job.Execution.Clock = time.Now()
		job.Recorder = rec
		began := time.Now()
		o := New(Options{Registry: fakeTypes(flaky)}).Run(t.Context(), job)
		if o.Status != workflow.StatusSuccess || tries != 3 || o.RunsOf("X")[0].RetriesDone != 2 {
			t.Error(o.Status, o.Error, tries)
		}
		if took := time.Since(began); took != 5*time.Second {
			t.Error("waited", took)
		}
	})
	n := &workflow.Node{RetryOnFail: true}
	for _, tt := range []struct{ set, want int }{{0, 3}, {1, 2}, {4, 4}, {99, 5}} {
		if n.MaxTries = tt.set; first(triesOf(n)) != tt.want {
			t.Errorf("maxTries %d: got %d", tt.set, first(triesOf(n)))
		}
	}
}

func first(n int, _ time.Duration) int { return n }

func TestLimits(t *testing.T) {
	loop := document("v1",
		step{name: "T", typ: "trigger", to: [][]string{{"A"}}},
		step{name: "A", typ: "pass", to: [][]string{{"B"}}},
		step{name: "B", typ: "pass", to: [][]string{{"A"}}},
	)
	for _, tt := range []struct {
		name   string
		limits Limits
		want   string
	}{
		{"endless loop", Limits{MaxNodeRuns: 50}, `"B" → "A" → "B"`},
		{"items", Limits{MaxItems: 2}, "more than 2 items"},
		{"item bytes", Limits{MaxItemBytes: 5}, "one item may hold 5 bytes"},
		{"node bytes", Limits{MaxNodeBytes: 10}, "one node run may give"},
		{"execution bytes", Limits{MaxExecutionBytes: 20}, "more than 20 bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wf := loop
			if tt.limits.MaxNodeRuns == 0 {
				wf = document("v1", step{name: "T", typ: "trigger", to: [][]string{{"A"}}}, step{name: "A", typ: "three"})
			}
			o := New(Options{Registry: fakeTypes(), Limits: tt.limits}).Run(t.Context(), jobOf(wf))
			if o.Status != workflow.StatusError || o.Error.Code != string(workflow.CodeTooLarge) || !strings.Contains(o.Error.Message, tt.want) {
				t.Errorf("%s %+v", o.Status, o.Error)
			}
		})
	}
}

// hang waits for its context's end.
func hang() *node.Type {
	return fakeType("hang", func(ctx context.Context, c *node.Call) (node.Output, error) {
		if c.Node.Parameters.Value("effect") != nil {
			_, err := c.Host.Effect(ctx, "0", func(ctx context.Context) ([]byte, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			})
			return node.Output{}, err
		}
		<-ctx.Done()
		return node.Output{}, ctx.Err()
	})
}

func TestStopped(t *testing.T) {
	wf := func(edit func(n *workflow.Node)) *workflow.Workflow {
		return document("v1", step{name: "T", typ: "trigger", to: [][]string{{"X"}}},
			step{name: "X", typ: "hang", edit: edit, to: [][]string{{"P"}}}, step{name: "P", typ: "pass"})
	}
	engine := New(Options{Registry: fakeTypes(hang()), Limits: Limits{NodeTimeout: time.Minute, ExecutionTimeout: 2 * time.Minute}})
	lost := errors.New("lost the lease")
	for _, tt := range []struct {
		name      string
		cause     error
		status    workflow.Status
		suspended bool
		err       error
	}{
		{"cancelled", context.Canceled, workflow.StatusCancelled, false, nil},
		{"deadline", context.DeadlineExceeded, workflow.StatusTimeout, false, nil},
		{"suspended", ErrSuspended, "", true, nil},
		{"lost", lost, "", false, lost},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(time.Second, func() { cancel(tt.cause) })
				o := engine.Run(ctx, jobOf(wf(nil)))
				if o.Status != tt.status || o.Suspended != tt.suspended || !errors.Is(o.Err, tt.err) {
					t.Errorf("%+v", o)
				}
			})
		})
	}
	t.Run("execution timeout of the document", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := wf(nil)
			w.Document.Settings.ExecutionTimeout = 5
			if o := engine.Run(t.Context(), jobOf(w)); o.Status != workflow.StatusTimeout || o.Error.Node != "X" {
				t.Errorf("%s %+v", o.Status, o.Error)
			}
		})
	})
	t.Run("node timeout stops, whatever the policy, unless recorded", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			o := engine.Run(t.Context(), jobOf(wf(policy(workflow.OnErrorContinue))))
			if o.Status != workflow.StatusError || o.Error.Code != "timeout" || o.LastNode != "X" {
				t.Errorf("%s %+v", o.Status, o.Error)
			}
			job := jobOf(wf(func(n *workflow.Node) { n.OnError = workflow.OnErrorContinue; n.Parameters.Set("effect", true) }))
			j := newJournal()
			job.Effects = j
			for range 2 { // the second time from the record
				if o := engine.Run(t.Context(), job); o.Status != workflow.StatusSuccess || o.LastNode != "P" || j.ran["X/0/0"] != 1 {
					t.Errorf("%s %+v %v", o.Status, o.Error, j.ran)
				}
			}
		})
	})
}
