package node

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"flowgate/internal/workflow"
)

// literal is an evaluator that knows {{ $json.path }} and nothing else.
type literal struct{ call *Call }

// Resolve replaces expressions by the fields they name.
func (e literal) Resolve(_ context.Context, raw any, i int, _ map[string]any) (any, error) {
	switch raw := raw.(type) {
	case string:
		if isExpression(raw) {
			return e.text(raw[1:], i)
		}
	case []any:
		out := make([]any, len(raw))
		for n, v := range raw {
			var err error
			if out[n], err = e.Resolve(context.Background(), v, i, nil); err != nil {
				return nil, err
			}
		}
		return out, nil
	case *workflow.Object:
		out := &workflow.Object{}
		for n := range raw.Len() {
			k, v := raw.At(n)
			r, err := e.Resolve(context.Background(), v, i, nil)
			if err != nil {
				return nil, err
			}
			out.Set(k, r)
		}
		return out, nil
	}
	return raw, nil
}

type nothing struct{}

func (nothing) IsUndefined() bool { return true }

func (e literal) text(s string, i int) (any, error) {
	chunks := splitTemplate(s)
	if len(chunks) == 1 && chunks[0].code {
		return e.value(chunks[0].text, i)
	}
	var b strings.Builder
	for _, c := range chunks {
		if !c.code {
			b.WriteString(c.text)
			continue
		}
		v, err := e.value(c.text, i)
		if err != nil {
			return nil, err
		}
		b.WriteString(textOf(v))
	}
	return b.String(), nil
}

func (e literal) value(code string, i int) (any, error) {
	code = strings.TrimSpace(code)
	if path, ok := strings.CutPrefix(code, "$json."); ok {
		if v, ok := lookup(e.call.Items()[i].JSON, path, true); ok {
			return v, nil
		}
		return nothing{}, nil
	}
	if code == "fail" {
		return nil, Fail("the expression failed")
	}
	if v, err := workflow.DecodeJSON([]byte(code)); err == nil {
		return v, nil
	}
	return nothing{}, nil
}

// world is a host by hand: what a test does not set is refused.
type world struct {
	code   func(CodeRequest) (CodeResult, error)
	sub    func(key string, ref SubWorkflow, items []workflow.Item, wait bool) ([]workflow.Item, error)
	waited []time.Time
	answer []byte
	static map[string]*workflow.Object
}

func (w *world) Effect(ctx context.Context, _ string, fn func(context.Context) ([]byte, error)) ([]byte, error) {
	return fn(ctx)
}
func (w *world) HTTP() *http.Client { return nil }
func (w *world) WaitUntil(_ context.Context, _ string, t time.Time) error {
	w.waited = append(w.waited, t)
	return nil
}
func (w *world) Receive(context.Context, string, workflow.Waiting, time.Time) ([]byte, error) {
	return w.answer, nil
}
func (w *world) Code(_ context.Context, req CodeRequest) (CodeResult, error) { return w.code(req) }
func (w *world) SubWorkflow(_ context.Context, key string, ref SubWorkflow, items []workflow.Item, wait bool) ([]workflow.Item, error) {
	return w.sub(key, ref, items, wait)
}
func (w *world) Respond(context.Context, workflow.Response) (bool, error) { return false, nil }
func (w *world) Credential(context.Context, string) (map[string]string, error) {
	return nil, Fail("no credential")
}
func (w *world) StaticData(scope string) *workflow.Object {
	if w.static[scope] == nil && w.static != nil {
		w.static[scope] = &workflow.Object{}
	}
	if o := w.static[scope]; o != nil {
		return o
	}
	return &workflow.Object{}
}
func (w *world) Now() time.Time           { return time.Date(2024, 3, 1, 10, 0, 0, 0, time.UTC) }
func (w *world) Rand() *rand.Rand         { return rand.New(rand.NewPCG(1, 2)) }
func (w *world) Location() *time.Location { return time.UTC }

// js reads a JSON text into the kinds items hold.
func js(t testing.TB, text string) any {
	t.Helper()
	v, err := workflow.DecodeJSON([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

func jsObject(t testing.TB, text string) *workflow.Object {
	t.Helper()
	o, _ := js(t, text).(*workflow.Object)
	return o
}

// items reads a JSON list of plain objects as items.
func items(t testing.TB, text string) []workflow.Item {
	t.Helper()
	list, _ := js(t, text).([]any)
	out := make([]workflow.Item, len(list))
	for i, e := range list {
		out[i].JSON, _ = e.(*workflow.Object)
	}
	return out
}

// run runs a node of a type with parameters over inputs, each a JSON list.
func run(t testing.TB, w *world, typeName string, version float64, params string, inputs ...string) (Output, error) {
	t.Helper()
	if w == nil {
		w = &world{}
	}
	typ := NewRegistry(All(), RegistryOptions{}).Lookup(typeName)
	if typ == nil {
		t.Fatalf("no type %s", typeName)
	}
	c := &Call{
		Node: &workflow.Node{Name: "N", Type: typeName, TypeVersion: version, Parameters: jsObject(t, params)},
		Type: typ, State: &workflow.Object{}, Host: w,
	}
	c.Eval = literal{c}
	for _, in := range inputs {
		c.Inputs = append(c.Inputs, items(t, in))
	}
	return typ.Run(context.Background(), c)
}

// shape writes outputs as JSON: per output the items' json, and with pairs
// the pairings beside them.
func shape(t testing.TB, out Output, pairs bool) string {
	t.Helper()
	all := make([]any, len(out.Main))
	for n, list := range out.Main {
		one := make([]any, len(list))
		for i, item := range list {
			if !pairs {
				one[i] = item.JSON
				continue
			}
			one[i] = []any{item.JSON, json.RawMessage(mustJSON(t, item.Paired))}
		}
		all[n] = one
	}
	text, err := workflow.AppendJSON(nil, all)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func mustJSON(t testing.TB, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// wants compares two JSON texts by value.
func wants(t testing.TB, got, want string) {
	t.Helper()
	if !deepEqual(js(t, got), js(t, want)) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
