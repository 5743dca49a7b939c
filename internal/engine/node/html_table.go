package node

import (
	"context"
	"strings"
	"unicode"

	"golang.org/x/net/html"

	"flowgate/internal/workflow"
)

// htmlTable writes all items as one table.
func htmlTable(ctx context.Context, c *Call) (Output, error) {
	p, err := Bind[htmlParams](ctx, c, 0)
	if err != nil {
		return Output{}, err
	}
	in := c.Items()
	var columns []string
	seen := map[string]bool{}
	for _, item := range in {
		for _, k := range item.JSON.Keys() {
			if !seen[k] {
				seen[k] = true
				columns = append(columns, k)
			}
		}
	}
	var b strings.Builder
	p.writeTable(&b, columns, in)
	item := workflow.Item{JSON: workflow.NewObject("table", b.String()), Paired: pairedToAll(len(in))}
	return Items([]workflow.Item{item}), nil
}

func (p *htmlParams) writeTable(b *strings.Builder, columns []string, in []workflow.Item) {
	o := p.Options
	open := func(tag, attrs string) {
		if attrs != "" {
			attrs = " " + attrs
		}
		b.WriteString("<" + tag + attrs + ">")
	}
	open("table", o.TableAttributes)
	if o.Caption != "" {
		b.WriteString("<caption>" + html.EscapeString(o.Caption) + "</caption>")
	}
	b.WriteString("<thead>")
	open("tr", o.RowAttributes)
	for _, name := range columns {
		open("th", o.HeaderAttrs)
		if o.Capitalize {
			name = capitalized(name)
		}
		b.WriteString(html.EscapeString(name) + "</th>")
	}
	b.WriteString("</tr></thead><tbody>")
	for _, item := range in {
		open("tr", o.RowAttributes)
		for _, name := range columns {
			open("td", o.CellAttributes)
			b.WriteString(html.EscapeString(textOf(item.JSON.Value(name))) + "</td>")
		}
		b.WriteString("</tr>")
	}
	b.WriteString("</tbody></table>")
}

func capitalized(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool { return r == '_' || r == '-' || unicode.IsSpace(r) })
	for i, w := range words {
		r := []rune(w)
		r[0] = unicode.ToUpper(r[0])
		words[i] = string(r)
	}
	return strings.Join(words, " ")
}
