package node

import (
	"context"
	"reflect"
	"strings"

	"flowgate/internal/workflow"
)

// Value is a parameter that is resolved when it is needed, for the item it is
// needed for.
type Value struct {
	raw     any
	call    *Call
	path    string
	literal bool // came out of an expression: not to be resolved again
}

// Raw returns the parameter as it is written in the document.
func (v Value) Raw() any { return v.raw }

// IsSet reports whether the parameter is there and not null.
func (v Value) IsSet() bool { return v.raw != nil }

// Path is the parameter's place, for error sentences.
func (v Value) Path() string { return v.path }

// At returns the parameter with its expressions resolved for item i.
// Undefined comes back as nil.
func (v Value) At(ctx context.Context, i int) (any, error) {
	out, err := v.Resolve(ctx, i, nil)
	return plain(out), err
}

// Resolve is At with extra names for the expressions, and with the evaluator's
// own value for undefined kept.
func (v Value) Resolve(ctx context.Context, i int, extra map[string]any) (any, error) {
	if v.literal || v.call == nil || !hasExpression(v.raw) {
		return v.raw, nil
	}
	out, err := v.call.Eval.Resolve(ctx, v.raw, i, extra)
	if err != nil {
		return nil, atParameter(err, v.path)
	}
	return out, nil
}

// Text returns the parameter resolved for item i as text.
func (v Value) Text(ctx context.Context, i int) (string, error) {
	out, err := v.At(ctx, i)
	return textOf(out), err
}

// Locator is a parameter that names a thing in one of several ways: written as
// {__rl, mode, value}, or as the bare value.
type Locator struct {
	Mode  string
	Value any
}

// Text is the locator's value as text.
func (l Locator) Text() string { return textOf(l.Value) }

func (l *Locator) fromRaw(v any) bool {
	*l = Locator{Value: v}
	if o, ok := v.(*workflow.Object); ok {
		l.Mode = textOf(o.Value("mode"))
		l.Value = o.Value("value")
	}
	return true
}

func (*Locator) schema() *workflow.Object {
	return workflow.NewObject("anyOf", []any{
		workflow.NewObject("type", "string"),
		workflow.NewObject("type", "object", "properties", workflow.NewObject(
			"__rl", workflow.NewObject("const", true),
			"mode", workflow.NewObject("type", "string"),
			"value", workflow.NewObject(),
		), "required", []any{"value"}),
	})
}

// FieldList is a list of field names, written as an array or as text with
// commas.
type FieldList []string

func (l *FieldList) fromRaw(v any) bool {
	*l = nil
	switch v := v.(type) {
	case nil:
	case string:
		for _, part := range strings.Split(v, ",") {
			if part = strings.TrimSpace(part); part != "" {
				*l = append(*l, part)
			}
		}
	case *workflow.Object: // {fields: [{fieldName}]}, the form of older versions
		list, _ := v.Value("fields").([]any)
		for _, e := range list {
			o, _ := e.(*workflow.Object)
			if s := strings.TrimSpace(textOf(o.Value("fieldName"))); s != "" {
				*l = append(*l, s)
			}
		}
	case []any:
		for _, e := range v {
			if s := strings.TrimSpace(textOf(e)); s != "" {
				*l = append(*l, s)
			}
		}
	default:
		return false
	}
	return true
}

func (*FieldList) schema() *workflow.Object {
	return workflow.NewObject("anyOf", []any{
		workflow.NewObject("type", "string"),
		workflow.NewObject("type", "array", "items", workflow.NewObject("type", "string")),
	})
}

// rawReader is a parameter type that reads several written forms itself.
type rawReader interface {
	fromRaw(v any) bool
	schema() *workflow.Object
}

var (
	valueType     = reflect.TypeFor[Value]()
	objectType    = reflect.TypeFor[*workflow.Object]()
	rawReaderType = reflect.TypeFor[rawReader]()
)

func implementsRaw(t reflect.Type) bool { return reflect.PointerTo(t).Implements(rawReaderType) }

// isExpression reports whether a raw parameter is text to be evaluated.
func isExpression(raw any) bool {
	s, ok := raw.(string)
	return ok && len(s) > 0 && s[0] == '='
}

// hasExpression reports whether there is an expression at any depth of raw.
func hasExpression(raw any) bool {
	switch raw := raw.(type) {
	case string:
		return len(raw) > 0 && raw[0] == '='
	case []any:
		for _, e := range raw {
			if hasExpression(e) {
				return true
			}
		}
	case *workflow.Object:
		for i := range raw.Len() {
			if _, e := raw.At(i); hasExpression(e) {
				return true
			}
		}
	}
	return false
}
