package node

import (
	"context"
	"strings"
	"testing"

	"flowgate/internal/workflow"
)

type bindSample struct {
	Mode    string    `json:"mode" default:"a" enum:"a,b"`
	Count   int       `json:"count" default:"3"`
	Ratio   float64   `json:"ratio"`
	On      bool      `json:"on" default:"true"`
	Only    string    `json:"only" show:"mode=b"`
	Code    string    `json:"code" expr:"no"`
	Lazy    Value     `json:"lazy"`
	Fields  FieldList `json:"fields"`
	Where   Locator   `json:"where"`
	Any     any       `json:"any"`
	Options struct {
		Deep  bool   `json:"deep" default:"true"`
		Outer string `json:"outer" default:"seen" show:"/mode=b"`
	} `json:"options"`
	List []struct {
		Name string            `json:"name"`
		More map[string]string `json:"more"`
	} `json:"list"`
	New string `json:"new" default:"n" show:"@version>=2"`
}

func bindCall(t *testing.T, version float64, params, in string) *Call {
	c := &Call{Node: &workflow.Node{TypeVersion: version, Parameters: jsObject(t, params)}, Inputs: [][]workflow.Item{items(t, in)}}
	c.Eval = literal{c}
	return c
}

func TestBind(t *testing.T) {
	ctx := context.Background()
	c := bindCall(t, 2, `{"mode":"b","count":"5","ratio":"={{ $json.r }}","on":"false","only":"={{ $json.t }}","code":"=not {{ one }}","lazy":"={{ $json.t }}",
		"fields":"x, y","where":{"__rl":true,"mode":"id","value":"7"},"any":{"k":["={{ $json.r }}"]},"list":[{"name":"={{ $json.t }}","more":{"a":1}}]}`,
		`[{"r":0.5,"t":"one"},{"r":1.5,"t":"two"}]`)
	p, err := Bind[bindSample](ctx, c, 1)
	if err != nil {
		t.Fatal(err)
	}
	lazy, err := p.Lazy.At(ctx, 0)
	if err != nil || lazy != "one" {
		t.Errorf("lazy = %v, %v", lazy, err)
	}
	if p.Mode != "b" || p.Count != 5 || p.Ratio != 1.5 || p.On || p.Only != "two" || p.Code != "=not {{ one }}" || p.New != "n" {
		t.Errorf("scalars: %+v", p)
	}
	if len(p.Fields) != 2 || p.Where.Text() != "7" || p.Where.Mode != "id" || textOf(p.Any) != `{"k":[1.5]}` {
		t.Errorf("composites: %+v", p)
	}
	if !p.Options.Deep || p.Options.Outer != "seen" || p.List[0].Name != "two" || p.List[0].More["a"] != "1" {
		t.Errorf("nested: %+v", p)
	}
}

func TestBindHidesAndDefaults(t *testing.T) {
	c := bindCall(t, 1, `{"only":"={{ fail }}"}`, `[{}]`)
	p, err := Bind[bindSample](context.Background(), c, 0)
	if err != nil {
		t.Fatal(err) // what is hidden is not resolved
	}
	if p.Only != "" || p.Mode != "a" || p.Count != 3 || !p.On || p.New != "" || p.Options.Outer != "" || !p.Options.Deep {
		t.Errorf("%+v", p)
	}
	if len(c.static) != 1 {
		t.Error("parameters without expressions are bound anew for every item")
	}
}

func TestBindSaysWhatIsWrong(t *testing.T) {
	for params, want := range map[string]string{
		`{"count":"many"}`:              `"count"`,
		`{"mode":"c"}`:                  `a, b`,
		`{"on":{}}`:                     `true or false`,
		`{"options":"text"}`:            `an object`,
		`{"list":[{"more":[1]}]}`:       `list[0].more`,
		`{"ratio":"={{ $json.text }}"}`: `"ratio"`,
		`{"any":["={{ fail }}"]}`:       `the expression failed`,
	} {
		_, err := Bind[bindSample](context.Background(), bindCall(t, 1, params, `[{"text":"x"}]`), 0)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want a mention of %s", params, err, want)
		}
	}
}

func BenchmarkBindStatic(b *testing.B) {
	c := &Call{Node: &workflow.Node{TypeVersion: 3.4, Parameters: jsObject(b, `{"assignments":{"assignments":[{"name":"a","value":"x"}]},"options":{}}`)}}
	for b.Loop() {
		if _, err := Bind[setParams](context.Background(), c, 0); err != nil {
			b.Fatal(err)
		}
	}
}
