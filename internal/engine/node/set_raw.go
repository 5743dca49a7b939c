package node

import (
	"context"
	"strings"

	"flowgate/internal/workflow"
)

// setRaw merges the object of parameter jsonOutput into out.
func (p *setParams) setRaw(ctx context.Context, out *workflow.Object, i int) error {
	v, err := rawJSON(ctx, p.JSONOutput, i)
	if err != nil {
		return err
	}
	o, ok := v.(*workflow.Object)
	if !ok {
		return badType(p.JSONOutput.Path(), v, "a JSON object")
	}
	merge(out, o)
	return nil
}

// rawJSON resolves JSON text with expressions in it: each chunk on its own,
// null for undefined, JSON for objects, so that what is not there does not
// spoil the text.
func rawJSON(ctx context.Context, v Value, i int) (any, error) {
	text, ok := v.Raw().(string)
	if !ok || v.literal {
		return v.At(ctx, i)
	}
	if !isExpression(text) {
		return parseJSONText(text, v.Path())
	}
	chunks := splitTemplate(text[1:])
	if len(chunks) == 1 && chunks[0].code {
		out, err := v.At(ctx, i)
		if s, ok := out.(string); ok && err == nil {
			return parseJSONText(s, v.Path())
		}
		return out, err
	}
	var plainText, escaped strings.Builder
	for _, c := range chunks {
		if !c.code {
			plainText.WriteString(c.text)
			escaped.WriteString(c.text)
			continue
		}
		part, err := Value{raw: "={{" + c.text + "}}", call: v.call, path: v.path}.At(ctx, i)
		if err != nil {
			return nil, err
		}
		if s, ok := part.(string); ok {
			plainText.WriteString(s)
			escaped.WriteString(insideQuotes(s))
			continue
		}
		s := "null"
		if part != nil {
			s = textOf(part)
		}
		plainText.WriteString(s)
		escaped.WriteString(s)
	}
	out, err := workflow.DecodeJSON([]byte(plainText.String()))
	if err == nil {
		return out, nil
	}
	// Texts with quotes or line breaks: the author meant them as they are.
	if out, err := workflow.DecodeJSON([]byte(escaped.String())); err == nil {
		return out, nil
	}
	return parseJSONText(plainText.String(), v.Path())
}

func parseJSONText(text, path string) (any, error) {
	out, err := workflow.DecodeJSON([]byte(text))
	if err != nil {
		f := Fail("Parameter %q is no valid JSON: %v.", path, err)
		f.Description = "The text was: " + clip(text, 300)
		return nil, f
	}
	return out, nil
}

// insideQuotes escapes s for a place between quotes of JSON text.
func insideQuotes(s string) string {
	quoted, err := workflow.AppendJSON(nil, s)
	if err != nil || len(quoted) < 2 {
		return s
	}
	return string(quoted[1 : len(quoted)-1])
}

// chunk is a part of a template: literal text, or the code between braces.
type chunk struct {
	text string
	code bool
}

// splitTemplate cuts a template at its {{ }}; a chunk ends at the first }}.
func splitTemplate(s string) []chunk {
	var out []chunk
	for s != "" {
		start := strings.Index(s, "{{")
		if start < 0 {
			return append(out, chunk{text: s})
		}
		length := strings.Index(s[start:], "}}")
		if length < 0 {
			return append(out, chunk{text: s})
		}
		if start > 0 {
			out = append(out, chunk{text: s[:start]})
		}
		out = append(out, chunk{text: s[start+2 : start+length], code: true})
		s = s[start+length+2:]
	}
	return out
}

func lower(s string) string { return strings.ToLower(strings.TrimSpace(s)) }
