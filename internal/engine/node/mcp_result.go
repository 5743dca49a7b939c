package node

import (
	"strings"

	"flowgate/internal/workflow"
)

// items makes items of an answer, or fails where the tool reported an error.
func (a *mcpAnswer) items(k *mcpCall) ([]workflow.Item, error) {
	content, err := decodeOptional(a.Content)
	if err != nil {
		return nil, err
	}
	structured, err := decodeOptional(a.Structured)
	if err != nil {
		return nil, err
	}
	parts, _ := content.([]any)
	text, others := splitContent(parts)
	if a.IsError && k.options.FailOnError {
		f := Fail("%s", firstOf(clip(strings.TrimSpace(text), 4000), "The tool reported an error and said nothing about it."))
		f.Code, f.Description = "MCP_TOOL_ERROR", "The tool "+clip(k.tool, 80)+" of the MCP server "+k.where()+" reported this error."
		return nil, f
	}
	if !k.options.Convert {
		o := workflow.NewObject("content", append([]any{}, parts...))
		if a.Structured != nil {
			o.Set("structuredContent", structured)
		}
		o.Set("isError", a.IsError)
		return []workflow.Item{{JSON: o}}, nil
	}
	var out []workflow.Item
	switch {
	case structured != nil:
		out = valueItems(structured)
	case len(others) > 0:
		o := &workflow.Object{}
		if text != "" {
			o.Set("text", text)
		}
		o.Set("content", others)
		out = []workflow.Item{{JSON: o}}
	default:
		out = textItems(text)
	}
	if a.IsError {
		for i := range out {
			o := out[i].JSON.Copy()
			o.Set("isError", true)
			out[i].JSON = o
		}
	}
	return out, nil
}

func decodeOptional(data []byte) (any, error) {
	if len(data) == 0 {
		return nil, nil
	}
	v, err := workflow.DecodeJSON(data)
	if err != nil {
		return nil, Fail("The recorded result cannot be read.")
	}
	return v, nil
}

// splitContent returns the text of a result, and its parts that are no text.
func splitContent(parts []any) (text string, others []any) {
	var texts []string
	for _, part := range parts {
		o, ok := part.(*workflow.Object)
		if ok && o.Value("type") == "text" {
			texts = append(texts, textOf(o.Value("text")))
			continue
		}
		others = append(others, part)
	}
	return strings.Join(texts, "\n"), others
}

func textItems(text string) []workflow.Item {
	v, err := workflow.DecodeJSON([]byte(text))
	if err != nil {
		return []workflow.Item{{JSON: workflow.NewObject("text", text)}}
	}
	return valueItems(v)
}

// valueItems: an object is an item, a list of objects one item each.
func valueItems(v any) []workflow.Item {
	switch v := v.(type) {
	case *workflow.Object:
		return []workflow.Item{{JSON: v}}
	case []any:
		out := make([]workflow.Item, 0, len(v))
		for _, e := range v {
			o, ok := e.(*workflow.Object)
			if !ok {
				return []workflow.Item{{JSON: workflow.NewObject("result", v)}}
			}
			out = append(out, workflow.Item{JSON: o})
		}
		return out
	}
	return []workflow.Item{{JSON: workflow.NewObject("result", v)}}
}
