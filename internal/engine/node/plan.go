package node

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"flowgate/internal/workflow"
)

// plan is what the tags of a parameter struct say, read once per type. The
// tags:
//
//	json      the parameter's name
//	doc       a sentence for people and models
//	default   the value of an absent parameter
//	enum      "a,b": the allowed values
//	show      "mode=raw&resource=x|y": when the parameter is used; names are
//	          of the same struct, "/name" of the outermost, "@version" the
//	          node's version; operators =, !=, >=, <
//	required  "true": absent or empty is a fault
//	expr      "no": never an expression, taken as it is written
//	hint      how to edit it: "multiline", "javascript", "html", "json", …
//	example   a value to show
type plan struct {
	typ    reflect.Type
	fields []field
	byName map[string]int
}

type field struct {
	name     string
	index    []int
	typ      reflect.Type
	doc      string
	hint     string
	example  string
	enum     []string
	show     []condition
	def      any
	hasDef   bool
	required bool
	verbatim bool // never an expression
}

// nested reports whether the field is a struct of parameters.
func (f *field) nested() bool {
	return f.typ.Kind() == reflect.Struct && f.typ != valueType && !implementsRaw(f.typ)
}

// condition is one term of a show tag.
type condition struct {
	name   string
	op     string
	values []string
}

// plans caches the plans of parameter structs, as encoding/json does for its
// own; a plan never changes.
var plans sync.Map // reflect.Type → *plan

func planOf(t reflect.Type) *plan {
	if p, ok := plans.Load(t); ok {
		return p.(*plan)
	}
	p := &plan{typ: t, byName: map[string]int{}}
	p.add(t, nil)
	for i := range p.fields {
		p.byName[p.fields[i].name] = i
	}
	actual, _ := plans.LoadOrStore(t, p)
	return actual.(*plan)
}

func (p *plan) add(t reflect.Type, prefix []int) {
	for i := range t.NumField() {
		sf := t.Field(i)
		index := append(append([]int(nil), prefix...), i)
		if sf.Anonymous {
			p.add(sf.Type, index)
			continue
		}
		name, _, _ := strings.Cut(sf.Tag.Get("json"), ",")
		if name == "" || name == "-" {
			continue
		}
		f := field{
			name: name, index: index, typ: sf.Type,
			doc: sf.Tag.Get("doc"), hint: sf.Tag.Get("hint"), example: sf.Tag.Get("example"),
			show:     parseShow(sf.Tag.Get("show")),
			required: sf.Tag.Get("required") == "true",
			verbatim: sf.Tag.Get("expr") == "no",
		}
		if e := sf.Tag.Get("enum"); e != "" {
			f.enum = strings.Split(e, ",")
		}
		if d, ok := sf.Tag.Lookup("default"); ok {
			f.def, f.hasDef = parseDefault(sf.Type, d), true
		}
		p.fields = append(p.fields, f)
	}
}

// parseDefault reads a default tag: text for text fields, JSON otherwise. A
// default that cannot be read is a mistake in this package.
func parseDefault(t reflect.Type, text string) any {
	if t.Kind() == reflect.String {
		return text
	}
	v, err := workflow.DecodeJSON([]byte(text))
	if err != nil {
		if t.Kind() == reflect.Interface || t == valueType || implementsRaw(t) {
			return text
		}
		panic(fmt.Sprintf("node: default %q of a %s parameter: %v", text, t, err))
	}
	return v
}

func parseShow(tag string) []condition {
	if tag == "" {
		return nil
	}
	var out []condition
	for _, term := range strings.Split(tag, "&") {
		for _, op := range []string{"!=", ">=", "<", "="} {
			if name, values, ok := strings.Cut(term, op); ok {
				out = append(out, condition{name: name, op: op, values: strings.Split(values, "|")})
				break
			}
		}
	}
	return out
}

// scope answers what a parameter holds while a struct is filled or checked.
// Text false means that the value is not known yet (an expression).
type scope struct {
	root    *scope
	version float64
	text    func(name string) (text string, known bool)
}

func (s *scope) top() *scope {
	if s.root != nil {
		return s.root
	}
	return s
}

// shown reports whether the conditions hold in s, and whether that is certain.
func shown(conds []condition, s *scope) (show, certain bool) {
	certain = true
	for _, c := range conds {
		var got string
		var known bool
		switch {
		case c.name == "@version":
			if !versionHolds(c, s.version) {
				return false, true
			}
			continue
		case strings.HasPrefix(c.name, "/"):
			got, known = s.top().text(c.name[1:])
		default:
			got, known = s.text(c.name)
		}
		if !known {
			certain = false
			continue
		}
		if contains(c.values, got) != (c.op == "=") {
			return false, true
		}
	}
	return true, certain
}

func versionHolds(c condition, version float64) bool {
	for _, v := range c.values {
		want, _ := strconv.ParseFloat(v, 64)
		switch c.op {
		case ">=":
			return version >= want
		case "<":
			return version < want
		case "=":
			if version == want {
				return true
			}
		case "!=":
			return version != want
		}
	}
	return false
}

func contains(list []string, s string) bool {
	for _, e := range list {
		if e == s {
			return true
		}
	}
	return false
}

// plainText writes a scalar as show conditions and error sentences compare it.
func plainText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return string(workflow.AppendNumber(nil, v))
	case int:
		return strconv.Itoa(v)
	}
	data, _ := json.Marshal(v)
	return string(data)
}
