package service

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
	validator "github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"flowgate/internal/workflow"
)

// Schema is the JSON schema (2020-12) of a capability's arguments or result,
// made from a Go struct: field descriptions from the tag "jsonschema",
// further rules from "default", "enum" (comma-separated), "min" and "max".
// Fields without omitempty are required; unknown fields are refused.
type Schema struct {
	JSON    json.RawMessage
	tree    *jsonschema.Schema
	compile func() (*validator.Schema, error) // once, when first needed: it takes longer than all else of a start
	err     error
}

// SchemaOf returns the schema of T. A fault in T is found by Capability.check.
func SchemaOf[T any]() *Schema {
	t := reflect.TypeFor[T]()
	s := &Schema{}
	s.tree, s.err = jsonschema.ForType(t, &jsonschema.ForOptions{TypeSchemas: domainSchemas()})
	if s.err != nil {
		return s
	}
	if s.err = refine(s.tree, t); s.err != nil {
		return s
	}
	return s.complete()
}

// compileSchema returns the schema that a tree describes.
func compileSchema(tree *jsonschema.Schema) *Schema { return (&Schema{tree: tree}).complete() }

func (s *Schema) complete() *Schema {
	if s.JSON, s.err = json.Marshal(s.tree); s.err != nil {
		return s
	}
	s.compile = sync.OnceValues(s.compiled)
	return s
}

func (s *Schema) compiled() (*validator.Schema, error) {
	doc, err := validator.UnmarshalJSON(bytes.NewReader(s.JSON))
	if err != nil {
		return nil, err
	}
	c := validator.NewCompiler()
	c.AssertFormat() // times, so that the argument at fault is named
	if err := c.AddResource("schema.json", doc); err != nil {
		return nil, err
	}
	return c.Compile("schema.json")
}

// domainSchemas describes types whose JSON is not that of their fields.
func domainSchemas() map[reflect.Type]*jsonschema.Schema {
	anything := func(desc string) *jsonschema.Schema { return &jsonschema.Schema{Description: desc} }
	object := func(desc string) *jsonschema.Schema {
		return &jsonschema.Schema{Type: "object", Description: desc}
	}
	node := object("a node: name (unique) and type are needed; parameters as get_node_details describes them")
	node.Properties = map[string]*jsonschema.Schema{
		"id": {Type: "string"}, "name": {Type: "string"}, "type": {Type: "string"},
		"typeVersion": {Type: "number"}, "parameters": {Type: "object"},
		"position": {Type: "array", Items: &jsonschema.Schema{Type: "number"}},
	}
	node.PropertyOrder = []string{"id", "name", "type", "typeVersion", "position", "parameters"}
	node.Required = []string{"type"}
	return map[reflect.Type]*jsonschema.Schema{
		reflect.TypeFor[workflow.Node]():        node,
		reflect.TypeFor[workflow.Connections](): object(`{"<from node>": {"main": [[{"node": "<to node>", "type": "main", "index": 0}]]}}: per output a list of targets`),
		reflect.TypeFor[workflow.Settings]():    object(`such as {"executionOrder": "v1", "timezone": "Europe/Oslo"}`),
		reflect.TypeFor[workflow.Object]():      object(""),
		reflect.TypeFor[workflow.PinData]():     object(""),
		reflect.TypeFor[json.RawMessage]():      anything(""),
		reflect.TypeFor[time.Time]():            {Type: "string", Format: "date-time"},
	}
}

// refine adds what tags say beyond descriptions, and forbids null where Go's
// zero value is what absence means.
func refine(s *jsonschema.Schema, t reflect.Type) error {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		if t.Kind() == reflect.Slice && s.Items != nil {
			dropNull(s)
			s = s.Items
		}
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || len(s.Properties) == 0 {
		return nil
	}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		p := s.Properties[name]
		if p == nil || f.Anonymous {
			continue
		}
		dropNull(p)
		if err := refineField(p, f); err != nil {
			return fmt.Errorf("%s.%s: %w", t.Name(), f.Name, err)
		}
		if err := refine(p, f.Type); err != nil {
			return err
		}
	}
	return nil
}

func dropNull(s *jsonschema.Schema) {
	if i := slices.Index(s.Types, "null"); i >= 0 {
		s.Types = slices.Delete(slices.Clone(s.Types), i, i+1)
	}
	if len(s.Types) == 1 {
		s.Type, s.Types = s.Types[0], nil
	}
}

func refineField(p *jsonschema.Schema, f reflect.StructField) error {
	for _, e := range strings.FieldsFunc(f.Tag.Get("enum"), func(r rune) bool { return r == ',' }) {
		p.Enum = append(p.Enum, e)
	}
	if d, ok := f.Tag.Lookup("default"); ok {
		p.Default = json.RawMessage(d)
		if p.Type == "string" {
			p.Default = json.RawMessage(strconv.Quote(d))
		}
		if !json.Valid(p.Default) {
			return fmt.Errorf("default %q is not JSON", d)
		}
	}
	for tag, bound := range map[string]**float64{"min": &p.Minimum, "max": &p.Maximum} {
		if v, ok := f.Tag.Lookup(tag); ok {
			n, err := strconv.ParseFloat(v, 64)
			if err != nil {
				return err
			}
			*bound = &n
		}
	}
	return nil
}

// Property returns the JSON type of an argument ("" when there is no such
// argument), so that text from a URL can be read as what is meant.
func (s *Schema) Property(name string) string {
	p := s.tree.Properties[name]
	if p == nil {
		return ""
	}
	if p.Type == "" {
		return "any"
	}
	return p.Type
}

// Decode checks args against the schema and decodes it into v. A fault is
// CodeInvalid and names every argument at fault.
func (s *Schema) Decode(args json.RawMessage, v any) error {
	if len(bytes.TrimSpace(args)) == 0 || bytes.Equal(bytes.TrimSpace(args), []byte("null")) {
		args = json.RawMessage("{}")
	}
	doc, err := validator.UnmarshalJSON(bytes.NewReader(args))
	if err != nil {
		return workflow.Errorf(workflow.CodeInvalid, "the arguments are not valid JSON: %v", err)
	}
	compiled, err := s.compile()
	if err != nil {
		return fmt.Errorf("compile the schema of the arguments: %w", err)
	}
	if err := compiled.Validate(doc); err != nil {
		return s.explain(err)
	}
	if err := json.Unmarshal(args, v); err != nil {
		return workflow.Errorf(workflow.CodeInvalid, "the arguments could not be read: %v", err)
	}
	return nil
}

func (s *Schema) explain(err error) error {
	var ve *validator.ValidationError
	if !errors.As(err, &ve) {
		return workflow.Wrap(workflow.CodeInvalid, err, "the arguments do not fit the schema")
	}
	out := &workflow.Error{Code: workflow.CodeInvalid}
	s.collect(ve, &out.Fields)
	texts := make([]string, len(out.Fields))
	for i, f := range out.Fields {
		texts[i] = f.Field + ": " + f.Message
	}
	out.Message = strings.Join(texts, "; ")
	return out
}

func (s *Schema) collect(ve *validator.ValidationError, out *[]workflow.FieldError) {
	if len(ve.Causes) > 0 {
		for _, c := range ve.Causes {
			s.collect(c, out)
		}
		return
	}
	at := fieldPath(ve.InstanceLocation)
	add := func(field, format string, args ...any) {
		*out = append(*out, workflow.FieldError{Field: field, Message: fmt.Sprintf(format, args...)})
	}
	switch k := ve.ErrorKind.(type) {
	case *kind.Type:
		add(orArguments(at), "expected %s, got %s", strings.Join(k.Want, " or "), k.Got)
	case *kind.Required:
		for _, name := range k.Missing {
			add(join(at, name), "is missing")
		}
	case *kind.AdditionalProperties:
		known := make([]string, 0, len(s.tree.Properties))
		for name := range s.tree.Properties {
			known = append(known, name)
		}
		slices.Sort(known)
		for _, name := range k.Properties {
			if at == "" {
				add(name, "is not an argument of this call; known are %s", strings.Join(known, ", "))
			} else {
				add(join(at, name), "is not known here")
			}
		}
	case *kind.Enum:
		add(orArguments(at), "must be one of %s", strings.Trim(fmt.Sprint(k.Want), "[]"))
	case *kind.Minimum:
		n, _ := k.Want.Float64()
		add(orArguments(at), "must be at least %v", n)
	case *kind.Maximum:
		n, _ := k.Want.Float64()
		add(orArguments(at), "must be at most %v", n)
	case *kind.Format:
		if k.Want == "date-time" {
			add(orArguments(at), "must be a time such as 2026-01-02T15:04:05Z")
			break
		}
		add(orArguments(at), "must be a %s", k.Want)
	default:
		add(orArguments(at), "does not fit the schema")
	}
}

func fieldPath(loc []string) string {
	var b strings.Builder
	for _, p := range loc {
		if _, err := strconv.Atoi(p); err == nil {
			fmt.Fprintf(&b, "[%s]", p)
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(p)
	}
	return b.String()
}

func join(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}

func orArguments(at string) string {
	if at == "" {
		return "arguments"
	}
	return at
}

// Argument is one field of a schema, for documentation.
type Argument struct {
	Name        string
	Type        string
	Description string // with default and permitted values
	Required    bool
}

// Arguments lists the schema's fields in their order.
func (s *Schema) Arguments() []Argument {
	out := make([]Argument, 0, len(s.tree.PropertyOrder))
	for _, name := range s.tree.PropertyOrder {
		p := s.tree.Properties[name]
		a := Argument{Name: name, Type: s.Property(name), Description: p.Description, Required: slices.Contains(s.tree.Required, name)}
		if len(p.Enum) > 0 {
			a.Description += fmt.Sprintf(" (one of %s)", strings.Trim(fmt.Sprint(p.Enum), "[]"))
		}
		if p.Default != nil {
			a.Description += fmt.Sprintf(" (default %s)", p.Default)
		}
		out = append(out, a)
	}
	return out
}
