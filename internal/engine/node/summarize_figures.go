package node

import (
	"strings"

	"flowgate/internal/workflow"
)

var figureNames = map[string]string{
	"append": "appended_", "average": "average_", "concatenate": "concatenated_", "count": "count_",
	"countUnique": "unique_count_", "max": "max_", "min": "min_", "sum": "sum_",
}

// figures computes every aggregation over a group.
func (p *summarizeParams) figures(g *group, in []workflow.Item) *workflow.Object {
	o := &workflow.Object{}
	for _, f := range p.Fields.Values {
		values := make([]any, 0, len(g.members))
		for _, i := range g.members {
			if v, ok := lookup(in[i].JSON, f.Field, !p.Options.DisableDotNotation); ok {
				values = append(values, v)
			} else if f.IncludeEmpty {
				values = append(values, nil)
			}
		}
		o.Set(figureNames[f.Aggregation]+flatName(f.Field), f.figure(values))
	}
	return o
}

func (f *summarizeField) figure(values []any) any {
	switch f.Aggregation {
	case "append":
		return f.counted(values)
	case "concatenate":
		return f.concatenated(values)
	case "countUnique":
		seen := map[string]bool{}
		for _, v := range f.counted(values) {
			seen[canonical(v)] = true
		}
		return float64(len(seen))
	case "min", "max":
		return extreme(values, f.Aggregation == "max")
	case "sum", "average":
		return f.total(values)
	}
	return float64(len(f.counted(values)))
}

// counted are the values without the empty ones, unless those count too.
func (f *summarizeField) counted(values []any) []any {
	if f.IncludeEmpty {
		return values
	}
	out := make([]any, 0, len(values))
	for _, v := range values {
		if v != nil && v != "" {
			out = append(out, v)
		}
	}
	return out
}

func (f *summarizeField) concatenated(values []any) any {
	separator := f.SeparateBy
	if separator == "other" {
		separator = f.CustomSeparator
	}
	parts := []string{}
	for _, v := range f.counted(values) {
		parts = append(parts, textOf(v))
	}
	return strings.Join(parts, separator)
}

func (f *summarizeField) total(values []any) any {
	var sum float64
	n := 0
	for _, v := range values {
		if v == nil || v == "" || isContainer(v) {
			continue
		}
		if x := jsNumber(v); x == x {
			sum += x
			n++
		}
	}
	if f.Aggregation == "sum" {
		return sum
	}
	if n == 0 {
		return nil
	}
	return sum / float64(n)
}

func extreme(values []any, largest bool) any {
	var best any
	for _, v := range values {
		if v == nil || v == "" || isContainer(v) {
			continue
		}
		if best == nil || (order(v, best) > 0) == largest && order(v, best) != 0 {
			best = v
		}
	}
	return best
}
