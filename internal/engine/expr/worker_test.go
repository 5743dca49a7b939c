package expr

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"flowgate/internal/workflow"
)

func newWorkers(t testing.TB, opts WorkerOptions) *WorkerPool {
	t.Helper()
	opts.Argv = []string{os.Args[0], "code-worker"}
	w, err := NewWorkerPool(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

// codeScope is a node C behind G, which gave two items.
func codeScope(t testing.TB) (*Scope, []workflow.Item) {
	in := items(t, `{"name":"Ann","age":31}`, `{"name":"bob","age":25}`)
	w := &world{loc: time.UTC, rand: rand.New(rand.NewPCG(1, 2)), doc: &workflow.Document{Name: "w",
		Nodes: []workflow.Node{{Name: "T"}, {Name: "G", TypeVersion: 1}, {Name: "C", TypeVersion: 2}},
		Connections: workflow.Connections{"T": {"main": {{{Node: "G", Type: "main"}}}},
			"G": {"main": {{{Node: "C", Type: "main"}}}}}}}
	src := []*workflow.Source{{PreviousNode: "T"}}
	w.runs = map[string][]workflow.NodeRun{
		"T": {{Node: "T", Main: [][]workflow.Item{items(t, `{"t":1}`)}}},
		"G": {{Node: "G", Source: src, Main: [][]workflow.Item{in}}},
	}
	for i := range in {
		in[i].Paired = workflow.PairedTo(0)
	}
	return &Scope{Node: &w.doc.Nodes[2], Inputs: [][]workflow.Item{in}, Sources: []*workflow.Source{{PreviousNode: "G"}}, Data: w}, in
}

func TestWorkerRunsCode(t *testing.T) {
	w := newWorkers(t, WorkerOptions{})
	sc, in := codeScope(t)
	source := `const s = $getWorkflowStaticData("global"); s.n = (s.n || 0) + 1;
console.log("hi", {a: 1});
return [{ first: $("G").first().json.name, paired: $("T").item.json.t, n: s.n, len: items.length,
  zone: new Date(0).getTimezoneOffset(), now: $now.toISO(), env: Object.keys(process.env).length }]`
	for i := 1; i <= 2; i++ {
		got, err := w.Code(context.Background(), sc, CodeRequest{Source: source, Mode: ModeAll, Items: in})
		if err != nil {
			t.Fatal(err)
		}
		want := `[{"first":"Ann","paired":1,"n":` + numberText(float64(i)) + `,"len":2,"zone":0,"now":"2024-03-05T14:07:09.123Z","env":0}]`
		if g := jsonText(t, got.Value); g != want {
			t.Errorf("got %s\nwant %s", g, want)
		}
		if len(got.Console) != 1 || got.Console[0] != `hi {"a":1}` {
			t.Errorf("console %q", got.Console)
		}
	}
	if n := sc.Data.StaticData("global", "").Value("n"); n != 2.0 {
		t.Errorf("static data n = %v", n)
	}
}

func TestWorkerErrors(t *testing.T) {
	w := newWorkers(t, WorkerOptions{Expr: Options{CodeTimeout: time.Second}, Memory: 256 << 20})
	sc, in := codeScope(t)
	cases := []struct{ name, code, kinds, message string }{
		{"throw", "const a = 1;\nthrow new TypeError('tt')", "code", "tt"},
		{"syntax", "return [", "syntax", "syntax"},
		{"unknown node", "return $('Z').first()", "reference", "Z"},
		{"endless loop", "while (true) {}", "timeout", "timed out"},
		{"endless promise", "while (true) await 0", "timeout", "timed out"},
		{"never fulfilled", "await new Promise(() => {})", "code", "never"},
		{"memory", "const a = []; for (;;) a.push('x'.repeat(1e6) + a.length)", "memory timeout worker", ""},
		{"text", "let s = 'x'; for (;;) s += s", "memory worker timeout", ""},
		{"buffer", "return Buffer.alloc(1e9)", "memory", ""},
		{"recursion", "const f = () => f() + 1; return f()", "memory", "recursion"},
		{"regexp", "return /^(?=(a+)+b)/.test('a'.repeat(80))", "timeout", ""},
		{"native loop", "const a = []; a.length = 4e9; return a.indexOf(1)", "memory timeout", ""},
		{"spread", "const a = []; a.length = 4e9; return [...a]", "memory timeout worker", ""},
		{"require", "return require('fs').readFileSync('/etc/passwd')", "security", "require"},
		{"fetch", "return await fetch('http://localhost')", "security", "HTTP Request"},
		{"function constructor", "return (() => {}).constructor('return 1')()", "security", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			started := time.Now()
			got, err := w.Code(context.Background(), sc, CodeRequest{Source: c.code, Mode: ModeAll, Items: in})
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v, %v", got, err)
			}
			if !strings.Contains(" "+c.kinds+" ", " "+string(e.Kind)+" ") || !strings.Contains(e.Message, c.message) {
				t.Errorf("got kind %s: %s (%s)", e.Kind, e.Message, e.Description)
			}
			if took := time.Since(started); took > 4*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
	got, err := w.Code(context.Background(), sc, CodeRequest{Source: "return 7", Mode: ModeAll, Items: in})
	if err != nil || got.Value != 7.0 {
		t.Errorf("afterwards: %v, %v", got.Value, err)
	}
}

func TestWorkerCancelled(t *testing.T) {
	w := newWorkers(t, WorkerOptions{})
	sc, in := codeScope(t)
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	started := time.Now()
	_, err := w.Code(ctx, sc, CodeRequest{Source: "while (true) {}", Mode: ModeAll, Items: in})
	if err == nil || time.Since(started) > 2*time.Second {
		t.Errorf("got %v after %v", err, time.Since(started))
	}
}

func TestWorkersAtOnce(t *testing.T) {
	w := newWorkers(t, WorkerOptions{Size: 2, Uses: 3})
	var wg sync.WaitGroup
	for range 12 {
		wg.Go(func() {
			sc, in := codeScope(t)
			got, err := w.Code(context.Background(), sc, CodeRequest{Source: "globalThis.x = (globalThis.x || 0) + 1; return globalThis.x", Mode: ModeAll, Items: in})
			if err != nil || got.Value != 1.0 {
				t.Errorf("got %v, %v", got.Value, err)
			}
		})
	}
	wg.Wait()
}

func TestWorkersClosed(t *testing.T) {
	w := newWorkers(t, WorkerOptions{})
	sc, in := codeScope(t)
	w.Close()
	if _, err := w.Code(context.Background(), sc, CodeRequest{Source: "return 1", Mode: ModeAll, Items: in}); err == nil {
		t.Error("a closed pool ran code")
	}
}

func TestCodeInProcess(t *testing.T) {
	w := newWorkers(t, WorkerOptions{InProcess: true, Expr: Options{CodeTimeout: 500 * time.Millisecond}})
	sc, in := codeScope(t)
	got, err := w.Code(context.Background(), sc, CodeRequest{Source: "return items.map(i => i.json.age * 2)", Mode: ModeAll, Items: in})
	if err != nil || jsonText(t, got.Value) != "[62,50]" {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := w.Code(context.Background(), sc, CodeRequest{Source: "for (;;) {}", Mode: ModeAll, Items: in}); err == nil {
		t.Error("an endless loop ended well")
	}
}

func TestCodeReferences(t *testing.T) {
	cases := []struct {
		code              string
		names             string
		all, pairs, state bool
	}{
		{`return items`, "", false, false, false},
		{`return $("A").first().json`, "A", false, false, false},
		{`return $('A').item.json + $node["B"].json + $node.C.json + $items("D", 1)`, "A B C D", false, true, false},
		{"const n = 'A'; return $(n).all()", "", true, true, false},
		{"return $items()", "", false, false, false},
		{`return $node["L"].context.noItemsLeft`, "L", false, false, true},
	}
	for _, c := range cases {
		r := codeReferences(c.code)
		var names []string
		for _, n := range strings.Fields(c.names) {
			if !r.names[n] {
				t.Errorf("%s: %s is missing", c.code, n)
			}
			names = append(names, n)
		}
		if len(names) != len(r.names) || r.all != c.all || r.pairs != c.pairs || r.states != c.state {
			t.Errorf("%s: got %+v", c.code, r)
		}
	}
}
