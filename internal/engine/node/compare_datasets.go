package node

import (
	"context"

	"flowgate/internal/workflow"
)

type compareParams struct {
	MergeByFields matchFields    `json:"mergeByFields" doc:"Fields that say which items of A and B belong together." required:"true"`
	Resolve       string         `json:"resolve" doc:"What to give for items that differ." default:"includeBoth" enum:"preferInput1,preferInput2,mix,includeBoth"`
	PreferWhenMix string         `json:"preferWhenMix" doc:"Whose fields to take." default:"input1" enum:"input1,input2" show:"resolve=mix"`
	ExceptWhenMix FieldList      `json:"exceptWhenMix" doc:"Fields to take from the other input." show:"resolve=mix"`
	FuzzyCompare  bool           `json:"fuzzyCompare" doc:"Let 3 equal \"3\", and null equal an empty text."`
	Options       compareOptions `json:"options"`
}

type compareOptions struct {
	SkipFields         FieldList `json:"skipFields" doc:"Fields that are not compared, with commas between."`
	DisableDotNotation bool      `json:"disableDotNotation" doc:"Do not read dots in names as paths."`
	MultipleMatches    string    `json:"multipleMatches" doc:"Compare with all matches or the first." default:"first" enum:"first,all"`
	FuzzyCompare       bool      `json:"fuzzyCompare" doc:"As the parameter, in older versions."`
}

// compareDatasets parts two inputs into what is only in one, the same in
// both, and different.
func compareDatasets() *Type {
	const name = "n8n-nodes-base.compareDatasets"
	return &Type{
		Name: name, DisplayName: "Compare Datasets", Category: workflow.CategoryFlow,
		Description: "Compares the items of two inputs by key fields. Outputs: in A only, same, different, in B only.",
		Versions:    []float64{1, 2, 2.1, 2.2, 2.3}, Params: compareParams{},
		Inputs:         func(*workflow.Node) []workflow.Port { return mainPorts("input A", "input B") },
		Outputs:        func(*workflow.Node) []workflow.Port { return mainPorts("in A only", "same", "different", "in B only") },
		RequiredInputs: func(*workflow.Node) int { return 1 },
		Examples:       []workflow.NodeExample{example("What changed", name, 2.3, `{"mergeByFields":{"values":[{"field1":"id","field2":"id"}]},"options":{}}`)},
		Run:            runCompareDatasets,
	}
}

func runCompareDatasets(ctx context.Context, c *Call) (Output, error) {
	p, err := Bind[compareParams](ctx, c, 0)
	if err != nil {
		return Output{}, err
	}
	p.FuzzyCompare = p.FuzzyCompare || p.Options.FuzzyCompare
	m := &mergeParams{MergeByFields: p.MergeByFields, Advanced: true, Options: mergeOptions{
		DisableDotNotation: p.Options.DisableDotNotation, FuzzyCompare: p.FuzzyCompare, MultipleMatches: p.Options.MultipleMatches,
	}}
	fields := m.matchFields()
	if len(fields) == 0 {
		return Output{}, Fail("There is no field to match by; add one to mergeByFields.values.")
	}
	found := m.match(entries(c.input(0), 0), entries(c.input(1), 1), fields)
	none := []workflow.Item{}
	out := [][]workflow.Item{appendAlone(none, found.only1, clash{}), {}, {}, appendAlone(none, found.only2, clash{})}
	for _, pair := range found.pairs {
		for _, b := range pair.bs {
			item, same := p.compare(pair.a, b, fields)
			if same {
				out[1] = append(out[1], item)
			} else {
				out[2] = append(out[2], item)
			}
		}
	}
	return Output{Main: out}, nil
}

// compare gives the item that stands for a pair, and whether it is the same.
func (p *compareParams) compare(a, b entry, fields []matchField) (workflow.Item, bool) {
	same, different := &workflow.Object{}, &workflow.Object{}
	for _, key := range unionKeys(a.JSON, b.JSON) {
		if contains(p.Options.SkipFields, key) {
			continue
		}
		va, vb := a.JSON.Value(key), b.JSON.Value(key)
		if p.equal(va, vb) {
			same.Set(key, va)
		} else {
			different.Set(key, workflow.NewObject("inputA", va, "inputB", vb))
		}
	}
	paired := pairTo(a.at, b.at)
	if different.Len() == 0 {
		return workflow.Item{JSON: a.JSON, Binary: a.Binary, Paired: paired}, true
	}
	item := workflow.Item{Paired: paired}
	switch p.Resolve {
	case "preferInput1":
		item.JSON, item.Binary = a.JSON, a.Binary
	case "preferInput2":
		item.JSON, item.Binary = b.JSON, b.Binary
	case "mix":
		item.JSON = p.mixed(a, b, different)
	default:
		keys := &workflow.Object{}
		for _, f := range fields {
			v, _ := lookup(a.JSON, f.Field1, !p.Options.DisableDotNotation)
			keys.Set(f.Field1, v)
		}
		item.JSON = workflow.NewObject("keys", keys, "same", same, "different", different)
		if skipped := p.skipped(a.JSON, b.JSON); skipped.Len() > 0 {
			item.JSON.Set("skipped", skipped)
		}
	}
	return item, false
}

func (p *compareParams) equal(a, b any) bool {
	if p.FuzzyCompare {
		return fuzzyText(a) == fuzzyText(b)
	}
	return deepEqual(a, b)
}

func (p *compareParams) mixed(a, b entry, different *workflow.Object) *workflow.Object {
	from, other := a.JSON, b.JSON
	if p.PreferWhenMix == "input2" {
		from, other = other, from
	}
	out := from.Copy()
	for _, key := range different.Keys() {
		if contains(p.ExceptWhenMix, key) {
			out.Set(key, other.Value(key))
		}
	}
	return out
}

func (p *compareParams) skipped(a, b *workflow.Object) *workflow.Object {
	out := &workflow.Object{}
	for _, key := range p.Options.SkipFields {
		va, vb := a.Value(key), b.Value(key)
		if va != nil || vb != nil {
			out.Set(key, workflow.NewObject("inputA", va, "inputB", vb))
		}
	}
	return out
}

func unionKeys(a, b *workflow.Object) []string {
	keys := append([]string(nil), a.Keys()...)
	for _, k := range b.Keys() {
		if _, ok := a.Get(k); !ok {
			keys = append(keys, k)
		}
	}
	return keys
}
