package node

import (
	"bytes"
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"flowgate/internal/workflow"
)

// noSchemas keeps a server's schema from naming files or addresses to read.
type noSchemas struct{}

var errForeignSchema = errors.New("schemas elsewhere are not read")

// Load refuses.
func (noSchemas) Load(string) (any, error) { return nil, errForeignSchema }

// arguments returns the call's arguments as the tool asks for them, or says
// which one is at fault. A schema that cannot be used checks nothing: the
// server has the last word.
func (t *mcpToolInfo) arguments(k *mcpCall) (*workflow.Object, error) {
	args := k.args
	described, _ := workflow.DecodeJSON(t.schema)
	schema, _ := described.(*workflow.Object)
	properties, _ := schema.Value("properties").(*workflow.Object)
	if k.loose {
		args = fitText(args, properties)
	}
	text, err := args.MarshalJSON()
	if err != nil {
		return nil, err
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(t.schema))
	if err != nil {
		return args, nil
	}
	c := jsonschema.NewCompiler()
	c.UseLoader(noSchemas{})
	if c.AddResource("mem:///tool", doc) != nil {
		return args, nil
	}
	compiled, err := c.Compile("mem:///tool")
	if err != nil {
		return args, nil
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	var fault *jsonschema.ValidationError
	if err := compiled.Validate(value); !errors.As(err, &fault) {
		return args, nil
	}
	return nil, badArguments(t.name, fault, properties)
}

func badArguments(tool string, fault *jsonschema.ValidationError, properties *workflow.Object) *Failure {
	var faults []string
	collectFaults(fault, &faults)
	if len(faults) > 5 {
		faults = append(faults[:5], fmt.Sprintf("and %d more", len(faults)-5))
	}
	f := Fail("The arguments do not fit the tool %q: %s.", tool, strings.Join(faults, "; "))
	f.Code = "MCP_BAD_ARGUMENTS"
	if names := append([]string(nil), properties.Keys()...); len(names) > 0 {
		sort.Strings(names)
		f.Description = "Its arguments are: " + clip(strings.Join(names, ", "), 500) + "."
	}
	return f
}

func collectFaults(e *jsonschema.ValidationError, out *[]string) {
	if len(e.Causes) > 0 {
		for _, cause := range e.Causes {
			collectFaults(cause, out)
		}
		return
	}
	at := strings.Join(e.InstanceLocation, ".")
	below := func(name string) string { return strings.TrimPrefix(at+"."+name, ".") }
	add := func(name, format string, args ...any) {
		subject := "they"
		if name != "" {
			subject = "argument " + strconv.Quote(clip(name, 80))
		}
		*out = append(*out, subject+" "+fmt.Sprintf(format, args...))
	}
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		for _, name := range k.Missing {
			add(below(name), "is missing")
		}
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			add(below(name), "is not known")
		}
	case *kind.Type:
		add(at, "must be of type %s, not %s", strings.Join(k.Want, " or "), k.Got)
	case *kind.Enum:
		add(at, "must be one of %s", clip(strings.Trim(fmt.Sprint(k.Want), "[]"), 200))
	case *kind.Minimum:
		add(at, "must be at least %s", k.Want.RatString())
	case *kind.Maximum:
		add(at, "must be at most %s", k.Want.RatString())
	case *kind.MinLength:
		add(at, "must have at least %d characters", k.Want)
	case *kind.MaxLength:
		add(at, "must have at most %d characters", k.Want)
	case *kind.Pattern:
		add(at, "must match %s", clip(k.Want, 100))
	default:
		add(at, "does not fit (%s)", strings.Join(e.ErrorKind.KeywordPath(), "."))
	}
}

// fitText reads text as the kind that the tool asks for, where it can be.
func fitText(args, properties *workflow.Object) *workflow.Object {
	out := args.Copy()
	for i := range args.Len() {
		name, v := args.At(i)
		text, isText := v.(string)
		p, _ := properties.Value(name).(*workflow.Object)
		if !isText || p == nil {
			continue
		}
		if fits := kindsOf(p.Value("type")); len(fits) > 0 && !contains(fits, "string") {
			if read := parsed(text); fitsKind(read, fits) {
				out.Set(name, read)
			}
		}
	}
	return out
}

func kindsOf(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		out := make([]string, 0, len(v))
		for _, e := range v {
			out = append(out, textOf(e))
		}
		return out
	}
	return nil
}

func fitsKind(v any, kinds []string) bool {
	switch v.(type) {
	case nil:
		return contains(kinds, "null")
	case bool:
		return contains(kinds, "boolean")
	case float64:
		return contains(kinds, "number") || contains(kinds, "integer")
	case []any:
		return contains(kinds, "array")
	case *workflow.Object:
		return contains(kinds, "object")
	}
	return false
}
