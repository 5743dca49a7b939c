package expr

import (
	"math/rand/v2"
	"testing"
	"time"

	"flowgate/internal/workflow"
)

// world is run data made by hand.
type world struct {
	doc    *workflow.Document
	runs   map[string][]workflow.NodeRun
	info   ExecutionInfo
	loc    *time.Location
	states map[string]*workflow.Object
	static map[string]*workflow.Object
	rand   *rand.Rand
}

func (w *world) Runs(node string) []workflow.NodeRun    { return w.runs[node] }
func (w *world) Document() *workflow.Document           { return w.doc }
func (w *world) Info() ExecutionInfo                    { return w.info }
func (w *world) Now() time.Time                         { return time.Date(2024, 3, 5, 14, 7, 9, 123e6, time.UTC) }
func (w *world) Location() *time.Location               { return w.loc }
func (w *world) Rand() *rand.Rand                       { return w.rand }
func (w *world) NodeState(node string) *workflow.Object { return w.states[node] }
func (w *world) StaticData(scope, node string) *workflow.Object {
	key := scope
	if scope == "node" {
		key += "/" + node
	}
	if w.static == nil {
		w.static = map[string]*workflow.Object{}
	}
	if w.static[key] == nil {
		w.static[key] = &workflow.Object{}
	}
	return w.static[key]
}

func object(t testing.TB, text string) *workflow.Object {
	t.Helper()
	v, err := workflow.DecodeJSON([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	o, ok := v.(*workflow.Object)
	if !ok {
		t.Fatalf("%s is no object", text)
	}
	return o
}

func items(t testing.TB, texts ...string) []workflow.Item {
	t.Helper()
	var out []workflow.Item
	for i, text := range texts {
		out = append(out, workflow.Item{JSON: object(t, text), Paired: workflow.PairedTo(i)})
	}
	return out
}

func jsonText(t testing.TB, v any) string {
	t.Helper()
	b, err := workflow.AppendJSON(nil, v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func newPool(t testing.TB, opts Options) *Pool {
	t.Helper()
	p := NewPool(opts)
	t.Cleanup(p.Close)
	return p
}

func newSession(t testing.TB, p *Pool) *Session {
	t.Helper()
	s := p.Session()
	t.Cleanup(s.Close)
	return s
}
