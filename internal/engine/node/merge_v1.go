package node

import (
	"context"

	"flowgate/internal/workflow"
)

// mergeParams1 are the parameters of version 1.
type mergeParams1 struct {
	Mode          string `json:"mode" doc:"How the inputs are brought together." default:"append" enum:"append,keepKeyMatches,mergeByIndex,mergeByKey,multiplex,passThrough,removeKeyMatches,wait" expr:"no"`
	Join          string `json:"join" doc:"Which items without counterpart to keep." default:"left" enum:"inner,left,outer" show:"mode=mergeByIndex"`
	PropertyName1 string `json:"propertyName1" doc:"Field of the first input." show:"mode=keepKeyMatches|mergeByKey|removeKeyMatches"`
	PropertyName2 string `json:"propertyName2" doc:"Field of the second input." show:"mode=keepKeyMatches|mergeByKey|removeKeyMatches"`
	Output        string `json:"output" doc:"The input to hand on." default:"input1" enum:"input1,input2" show:"mode=passThrough"`
	Overwrite     string `json:"overwrite" doc:"When the second input's fields replace the first's." default:"always" enum:"always,blank,undefined" show:"mode=mergeByKey"`
}

func runMerge1(ctx context.Context, c *Call) (Output, error) {
	p, err := Bind[mergeParams1](ctx, c, 0)
	if err != nil {
		return Output{}, err
	}
	a, b := entries(c.input(0), 0), entries(c.input(1), 1)
	shallow := clash{MergeMode: "shallowMerge"}
	out := []workflow.Item{}
	switch p.Mode {
	case "append":
		out = appended(c.Inputs)
	case "wait":
		out = append(out, workflow.Item{JSON: &workflow.Object{}, Paired: workflow.PairedTo(0)})
	case "passThrough":
		if p.Output == "input2" {
			a = b
		}
		out = appendAlone(out, a, clash{})
	case "multiplex":
		for _, x := range a {
			for _, y := range b {
				out = append(out, shallow.join(x, y))
			}
		}
	case "mergeByIndex":
		out = p.byIndex(a, b, shallow)
	default:
		out = p.byKey(a, b)
	}
	return Items(out), nil
}

func (p *mergeParams1) byIndex(a, b []entry, c clash) []workflow.Item {
	n := len(a)
	switch p.Join {
	case "inner":
		n = min(len(a), len(b))
	case "outer":
		n = max(len(a), len(b))
	}
	out := make([]workflow.Item, 0, n)
	for i := range n {
		switch {
		case i < len(a) && i < len(b):
			out = append(out, c.join(a[i], b[i]))
		case i < len(a):
			out = append(out, a[i].alone(clash{}))
		default:
			out = append(out, b[i].alone(clash{}))
		}
	}
	return out
}

// byKey merges into, keeps or removes the items of the first input that have
// a counterpart in the second.
func (p *mergeParams1) byKey(a, b []entry) []workflow.Item {
	k := keyer{dots: true}
	fields := []matchField{{p.PropertyName1, p.PropertyName2}}
	index := map[string]entry{}
	for _, e := range b {
		if key, ok := k.key(e.JSON, fields, true); ok {
			index[key] = e
		}
	}
	out := []workflow.Item{}
	for _, e := range a {
		key, ok := k.key(e.JSON, fields, false)
		other, found := index[key]
		found = found && ok
		switch {
		case p.Mode == "mergeByKey":
			if found {
				out = append(out, p.overwrite(e, other))
			} else {
				out = append(out, e.alone(clash{}))
			}
		case found == (p.Mode == "keepKeyMatches"):
			out = append(out, e.alone(clash{}))
		}
	}
	return out
}

func (p *mergeParams1) overwrite(a, b entry) workflow.Item {
	out := a.alone(clash{})
	out.JSON = a.JSON.Copy()
	for i := range b.JSON.Len() {
		k, v := b.JSON.At(i)
		old, there := out.JSON.Get(k)
		switch {
		case !there, p.Overwrite == "always", p.Overwrite == "blank" && isEmptyValue(old):
			out.JSON.Set(k, v)
		}
	}
	out.Binary = mergeBinary(a.Binary, b.Binary)
	return out
}
