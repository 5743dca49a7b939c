package node

import (
	"encoding/json"
	"reflect"
	"strings"

	"flowgate/internal/workflow"
)

// Schema returns the JSON schema (2020-12) of a parameter struct. Scalars
// accept an expression, text that begins with "=", beside their own type.
// Conditions of the show tag are told in the descriptions.
func Schema(params any) json.RawMessage {
	root := workflow.NewObject("$schema", "https://json-schema.org/draft/2020-12/schema")
	if params == nil {
		root.Set("type", "object")
	} else {
		structSchema(planOf(reflect.TypeOf(params)), root, nil)
	}
	data, err := root.MarshalJSON()
	if err != nil {
		panic("node: schema: " + err.Error()) // plain JSON kinds always marshal
	}
	return data
}

// structSchema fills o with the schema of a struct. open holds the types that
// are being described, so that a recursive one ends.
func structSchema(p *plan, o *workflow.Object, open []reflect.Type) {
	o.Set("type", "object")
	props := &workflow.Object{}
	var required []any
	for i := range p.fields {
		f := &p.fields[i]
		if _, done := props.Get(f.name); done {
			continue
		}
		props.Set(f.name, fieldSchema(f, append(open, p.typ)))
		if f.required && len(f.show) == 0 {
			required = append(required, f.name)
		}
	}
	o.Set("properties", props)
	if len(required) > 0 {
		o.Set("required", required)
	}
}

func fieldSchema(f *field, open []reflect.Type) *workflow.Object {
	o := &workflow.Object{}
	text := f.doc
	if when := showText(f.show); when != "" {
		text = strings.TrimSpace(text + " " + when)
	}
	if text != "" {
		o.Set("description", text)
	}
	typeSchema(f.typ, o, open, f.verbatim, f.enum)
	if f.hasDef {
		o.Set("default", f.def)
	}
	if f.example != "" {
		o.Set("examples", []any{f.example})
	}
	return o
}

var expressionSchema = workflow.NewObject("type", "string", "pattern", "^=")

func typeSchema(t reflect.Type, o *workflow.Object, open []reflect.Type, verbatim bool, enum []string) {
	if implementsRaw(t) {
		merge(o, reflect.New(t).Interface().(rawReader).schema())
		return
	}
	switch t.Kind() {
	case reflect.String:
		if len(enum) > 0 {
			own := &workflow.Object{}
			list := make([]any, len(enum))
			for i, e := range enum {
				list[i] = e
			}
			own.Set("enum", list)
			scalar(o, own, verbatim)
			return
		}
		o.Set("type", "string")
	case reflect.Bool:
		scalar(o, workflow.NewObject("type", "boolean"), verbatim)
	case reflect.Int, reflect.Int64:
		scalar(o, workflow.NewObject("type", "integer"), verbatim)
	case reflect.Float64:
		scalar(o, workflow.NewObject("type", "number"), verbatim)
	case reflect.Struct:
		if t == valueType || opened(open, t) {
			return
		}
		structSchema(planOf(t), o, open)
	case reflect.Slice:
		o.Set("type", "array")
		if t.Elem().Kind() != reflect.Interface {
			items := &workflow.Object{}
			typeSchema(t.Elem(), items, open, false, nil)
			o.Set("items", items)
		}
	case reflect.Map:
		o.Set("type", "object")
		values := &workflow.Object{}
		typeSchema(t.Elem(), values, open, false, nil)
		o.Set("additionalProperties", values)
	case reflect.Pointer:
		if t != objectType {
			typeSchema(t.Elem(), o, open, verbatim, enum)
			return
		}
		scalar(o, workflow.NewObject("type", "object"), false)
	}
}

// scalar lets o be own or an expression.
func scalar(o, own *workflow.Object, verbatim bool) {
	if verbatim {
		merge(o, own)
		return
	}
	o.Set("anyOf", []any{own, expressionSchema})
}

func merge(o, from *workflow.Object) {
	for i := range from.Len() {
		o.Set(from.At(i))
	}
}

func opened(open []reflect.Type, t reflect.Type) bool {
	for _, e := range open {
		if e == t {
			return true
		}
	}
	return false
}

func showText(conds []condition) string {
	var terms []string
	for _, c := range conds {
		name, values := strings.TrimPrefix(c.name, "/"), strings.Join(c.values, " or ")
		switch {
		case c.name == "@version":
			terms = append(terms, "typeVersion is "+strings.TrimSpace(map[string]string{"=": "", "!=": "not", ">=": "at least", "<": "below"}[c.op]+" "+values))
		case c.op == "=":
			terms = append(terms, name+" is "+values)
		default:
			terms = append(terms, name+" is not "+values)
		}
	}
	if len(terms) == 0 {
		return ""
	}
	return "Used when " + strings.Join(terms, " and ") + "."
}
