package planner

import (
	"strconv"
	"strings"
)

// scope is where the fields of the items are at a place of the workflow.
type scope struct {
	prefix string          // "body." behind a webhook
	known  map[string]bool // fields at the top
	before string          // the node whose items a request replaced by its answer
	old    *scope          // the scope there
	figure string          // what a summary came to, which people call the total
}

// path is where a field is, for parameters that take a path.
func (s scope) path(field string) string {
	head, _, _ := strings.Cut(field, ".")
	if s.figure != "" && !s.known[head] && reFigure.MatchString(field) {
		return s.figure
	}
	if s.known[head] || strings.HasPrefix(field, s.prefix) && s.prefix != "" {
		return field
	}
	return s.prefix + field
}

var reFigure = lazily(`(?i)^(?:total|sum|count|number|average|result|totals|sums|counts|总|总和|总额|总计|合计|总数|数量|次数|平均值?|求和|之和)$`)

var reIdent = lazily(`^[\p{L}_$][\p{L}\p{N}_$]*$`)

// ref is the JavaScript for a field.
func (s scope) ref(field string) string { return s.refOn("$json", field) }

func (s scope) refOn(item, field string) string {
	out := item
	for _, part := range strings.Split(s.path(field), ".") {
		if reIdent.MatchString(part) {
			out += "." + part
		} else {
			out += "[" + strconv.Quote(part) + "]"
		}
	}
	return out
}

var reFieldToken = lazily(`«f:([^»]+)»`)

// code puts the places of fields into an expression.
func (b *builder) code(s string) string {
	return reFieldToken.ReplaceAllStringFunc(s, func(t string) string {
		return b.source().refOn(b.item(), reFieldToken.FindStringSubmatch(t)[1])
	})
}

// item is the JavaScript for the item that values are taken from.
func (b *builder) item() string {
	if b.at.before != "" {
		return "$(" + jsQuote(b.at.before) + ").item.json"
	}
	return "$json"
}

func (b *builder) source() scope {
	if b.at.before != "" && b.at.old != nil {
		return *b.at.old
	}
	return b.at
}

func jsQuote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// conditions writes c as the If, Switch and Filter nodes have it.
func (b *builder) conditions(c condition) *object {
	list := []any{}
	for i, t := range c.tests {
		op := obj("type", t.kind, "operation", t.op)
		if t.kind == "any" {
			op = obj("type", "string", "operation", t.op)
		}
		o := obj("id", "c"+strconv.Itoa(i+1), "leftValue", "={{ "+b.at.ref(t.field)+" }}", "rightValue", "", "operator", op)
		switch v := t.value.(type) {
		case nil:
			op.Set("singleValue", true)
		case string:
			if name, ok := strings.CutPrefix(v, "="); ok && !strings.HasPrefix(name, "{{") {
				v = "={{ " + b.at.ref(name) + " }}"
			} else if code, ok := template(v); ok && !strings.HasPrefix(v, "=") {
				v = "={{ " + b.code(code) + " }}"
			}
			o.Set("rightValue", v)
		default:
			o.Set("rightValue", v)
		}
		list = append(list, o)
	}
	combinator := "and"
	if c.any {
		combinator = "or"
	}
	return obj("options", obj("caseSensitive", false, "leftValue", "", "typeValidation", "loose", "version", 2.0), "combinator", combinator, "conditions", list)
}

// text writes a text in which {field} stands for a value.
func (b *builder) text(s string) string {
	if !reSlot.MatchString(s) {
		return s
	}
	return "=" + reSlot.ReplaceAllStringFunc(s, func(m string) string {
		g := reSlot.FindStringSubmatch(m)
		return "{{ " + b.source().refOn(b.item(), g[1]+g[2]+g[3]) + " }}"
	})
}

// value is what a pair gives a parameter: a plain value or an expression.
func (b *builder) value(p pair) any {
	if p.code != "" {
		return "={{ " + b.code(p.code) + " }}"
	}
	return p.value
}

func (s scope) clone() scope {
	known := map[string]bool{}
	for k := range s.known {
		known[k] = true
	}
	s.known = known
	return s
}

// refBefore is the place of a field before this step put one of its name at
// the top.
func (b *builder) refBefore(f string) string {
	at := b.at.clone()
	if at.prefix != "" {
		delete(at.known, f)
	}
	return at.ref(f)
}
