package node

import (
	"strings"

	"flowgate/internal/workflow"
)

// matched is what a comparison by fields found.
type matched struct {
	pairs        []match // by item of the first side, in order
	only1, only2 []entry
}

type match struct {
	a  entry
	bs []entry
}

func (p *mergeParams) byFields(in1, in2 []workflow.Item) ([]workflow.Item, error) {
	fields := p.matchFields()
	if len(fields) == 0 {
		return nil, Fail("There is no field to match by; set fieldsToMatchString, for instance to id.")
	}
	c := p.Options.ClashHandling.Values
	a, b := entries(in1, 0), entries(in2, 1)
	if p.JoinMode == "enrichInput2" {
		for i, f := range fields {
			fields[i] = matchField{f.Field2, f.Field1}
		}
		a, b = b, a
	}
	m := p.match(a, b, fields)
	out := []workflow.Item{}
	if p.JoinMode != "keepNonMatches" {
		out = p.joined(m, c)
	}
	switch p.JoinMode {
	case "enrichInput1", "enrichInput2":
		out = appendAlone(out, m.only1, c)
	case "keepEverything":
		out = appendAlone(appendAlone(out, m.only1, c), m.only2, c)
	case "keepNonMatches":
		if p.OutputDataFrom != "input2" {
			out = appendAlone(out, m.only1, c)
		}
		if p.OutputDataFrom != "input1" {
			out = appendAlone(out, m.only2, c)
		}
	}
	return out, nil
}

// matchFields are the pairs of fields, in whichever way they are given.
func (p *mergeParams) matchFields() []matchField {
	if p.Advanced || len(p.FieldsToMatch) == 0 {
		var out []matchField
		for _, f := range p.MergeByFields.Values {
			f.Field1, f.Field2 = strings.TrimSpace(f.Field1), strings.TrimSpace(f.Field2)
			if f.Field1 != "" && f.Field2 != "" {
				out = append(out, f)
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	var out []matchField
	for _, name := range p.FieldsToMatch {
		out = append(out, matchField{name, name})
	}
	return out
}

// joined are the matches as output items.
func (p *mergeParams) joined(m matched, c clash) []workflow.Item {
	out := []workflow.Item{}
	from := "both"
	if p.JoinMode == "keepMatches" {
		from = p.OutputDataFrom
	}
	if from == "input2" {
		used := map[int]bool{}
		for _, pair := range m.pairs {
			for _, b := range pair.bs {
				if !used[b.at.Item] {
					used[b.at.Item] = true
					out = append(out, b.alone(clash{}))
				}
			}
		}
		return out
	}
	for _, pair := range m.pairs {
		if from == "input1" {
			out = append(out, pair.a.alone(clash{}))
			continue
		}
		for _, b := range pair.bs {
			out = append(out, c.join(pair.a, b))
		}
	}
	return out
}

func appendAlone(out []workflow.Item, list []entry, c clash) []workflow.Item {
	for _, e := range list {
		out = append(out, e.alone(c))
	}
	return out
}

// match finds for each of a its counterparts in b.
func (p *mergeParams) match(a, b []entry, fields []matchField) matched {
	k := keyer{dots: !p.Options.DisableDotNotation, fuzzy: p.Options.FuzzyCompare}
	index := map[string][]int{}
	for i, e := range b {
		if key, ok := k.key(e.JSON, fields, true); ok {
			index[key] = append(index[key], i)
		}
	}
	var m matched
	used := make([]bool, len(b))
	for _, e := range a {
		key, ok := k.key(e.JSON, fields, false)
		found := index[key]
		if !ok || len(found) == 0 {
			m.only1 = append(m.only1, e)
			continue
		}
		if p.Options.MultipleMatches == "first" {
			found = found[:1]
		}
		pair := match{a: e}
		for _, i := range found {
			used[i] = true
			pair.bs = append(pair.bs, b[i])
		}
		m.pairs = append(m.pairs, pair)
	}
	for i, e := range b {
		if !used[i] {
			m.only2 = append(m.only2, e)
		}
	}
	return m
}

// keyer makes of an item's match fields a text that is equal for items that
// match.
type keyer struct {
	dots, fuzzy bool
}

func (k keyer) key(o *workflow.Object, fields []matchField, second bool) (string, bool) {
	var b strings.Builder
	for _, f := range fields {
		name := f.Field1
		if second {
			name = f.Field2
		}
		v, ok := lookup(o, name, k.dots)
		if !ok {
			if !k.fuzzy {
				return "", false
			}
			v = nil
		}
		b.WriteString(k.text(v))
		b.WriteByte(0)
	}
	return b.String(), true
}

func (k keyer) text(v any) string {
	if k.fuzzy {
		return fuzzyText(v)
	}
	return canonical(v)
}

// canonical writes v as JSON with the keys of objects in order of name, so
// that equal values have equal texts.
func canonical(v any) string {
	if o, ok := v.(*workflow.Object); ok {
		var b strings.Builder
		for _, k := range sortedNames(o) {
			b.WriteString(textOf([]any{k}) + canonical(o.Value(k)))
		}
		return "{" + b.String() + "}"
	}
	if list, ok := v.([]any); ok {
		parts := make([]string, len(list))
		for i, e := range list {
			parts[i] = canonical(e)
		}
		return "[" + strings.Join(parts, ",") + "]"
	}
	data, err := workflow.AppendJSON(nil, v)
	if err != nil {
		return ""
	}
	return string(data)
}

// fuzzyText lets values of different kinds that read the same be equal.
func fuzzyText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case bool, float64:
		return textOf(v)
	case string:
		if f := jsNumber(v); f == f && strings.TrimSpace(v) != "" {
			return numberText(f)
		}
		return v
	}
	if isEmptyValue(v) {
		return ""
	}
	return canonical(v)
}
