package app

import (
	"fmt"
	"slices"
	"strings"

	"flowgate/internal/workflow"
)

// maxParameterDepth bounds how deep parameters within parameters are listed.
const maxParameterDepth = 5

// describeNode writes what a node type takes, as its JSON schema says it.
func describeNode(b *strings.Builder, t *workflow.NodeType) {
	fmt.Fprintf(b, "\n## %s: `%s`\n", t.DisplayName, t.Type)
	if t.Docs != "" {
		b.WriteString("\n" + t.Docs + "\n")
	}
	if len(t.Credentials) > 0 {
		fmt.Fprintf(b, "\nCredentials: `%s`.\n", strings.Join(t.Credentials, "`, `"))
	}
	if ports := portNames(t.Outputs); len(ports) > 1 {
		fmt.Fprintf(b, "\nOutputs: %s.\n", strings.Join(ports, ", "))
	}
	v, err := workflow.DecodeJSON(t.Parameters)
	schema, ok := v.(*workflow.Object)
	if err != nil || !ok {
		return
	}
	var rows strings.Builder
	describeFields(&rows, schema, "", 1)
	if rows.Len() > 0 {
		fmt.Fprintf(b, "\n| parameter | kind | default | |\n|---|---|---|---|\n%s", rows.String())
	}
}

func portNames(ports []workflow.Port) []string {
	out := make([]string, len(ports))
	for i, p := range ports {
		out[i] = p.Name
	}
	return out
}

// describeFields writes a row for each property of a schema, and for those
// within it. What nothing is said about is left out: older documents have it,
// and nobody needs to write it.
func describeFields(b *strings.Builder, schema *workflow.Object, prefix string, depth int) {
	properties, _ := schema.Value("properties").(*workflow.Object)
	needed, _ := schema.Value("required").([]any)
	for i := range properties.Len() {
		name, v := properties.At(i)
		p, _ := v.(*workflow.Object)
		text, _ := p.Value("description").(string)
		if text != "" {
			mark := required(slices.Contains(needed, any(name)))
			fmt.Fprintf(b, "| `%s`%s | %s | %s | %s |\n", prefix+name, mark, kindOf(p), defaultOf(p), oneLine(text))
		}
		if depth == maxParameterDepth {
			continue
		}
		describeFields(b, p, prefix+name+".", depth+1)
		if items, ok := p.Value("items").(*workflow.Object); ok {
			describeFields(b, items, prefix+name+"[].", depth+1)
		}
	}
}

// kindOf is the kind of a property: its type or its values.
func kindOf(p *workflow.Object) string {
	if list, ok := p.Value("anyOf").([]any); ok {
		var kinds []string
		expression := ""
		for _, e := range list {
			o, _ := e.(*workflow.Object)
			if o.Value("pattern") == "^=" {
				expression = " ="
				continue
			}
			if kind := kindOf(o); !slices.Contains(kinds, kind) {
				kinds = append(kinds, kind)
			}
		}
		return strings.Join(kinds, " or ") + expression
	}
	if list, ok := p.Value("enum").([]any); ok {
		texts := make([]string, len(list))
		for i, e := range list {
			texts[i] = "`" + plainText(e) + "`"
		}
		return strings.Join(texts, ", ")
	}
	switch t := p.Value("type").(type) {
	case string:
		return t
	case []any:
		texts := make([]string, len(t))
		for i, e := range t {
			texts[i] = plainText(e)
		}
		return strings.Join(texts, " or ")
	}
	return "any"
}

func defaultOf(p *workflow.Object) string {
	v, there := p.Get("default")
	if text := plainText(v); there && text != "" {
		return "`" + oneLine(text) + "`"
	}
	return ""
}

// plainText is a value as documents write it, texts without quotes.
func plainText(v any) string {
	if text, ok := v.(string); ok {
		return text
	}
	data, err := workflow.AppendJSON(nil, v)
	if err != nil {
		return ""
	}
	return string(data)
}
