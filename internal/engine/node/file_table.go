package node

import (
	"bytes"
	"html"
	"strconv"
	"strings"

	"flowgate/internal/workflow"
)

// table is rows with the columns that any of them has, in the order they are
// first met.
type table struct {
	columns []string
	rows    []*workflow.Object
}

// tableOf flattens items to rows: {a: {b: 1}} has the column a.b.
func tableOf(items []workflow.Item) *table {
	t := &table{}
	seen := map[string]bool{}
	for _, item := range items {
		row := &workflow.Object{}
		flatten(row, "", item.JSON)
		for _, k := range row.Keys() {
			if !seen[k] {
				seen[k] = true
				t.columns = append(t.columns, k)
			}
		}
		t.rows = append(t.rows, row)
	}
	return t
}

func flatten(row *workflow.Object, prefix string, v any) {
	switch v := v.(type) {
	case *workflow.Object:
		for i := range v.Len() {
			k, e := v.At(i)
			flatten(row, join(prefix, k), e)
		}
	case []any:
		for i, e := range v {
			flatten(row, join(prefix, strconv.Itoa(i)), e)
		}
	default:
		row.Set(prefix, v)
	}
}

func join(prefix, key string) string {
	if prefix == "" {
		return key
	}
	return prefix + "." + key
}

// cells returns the lines of the table, nil for empty cells.
func (t *table) cells(header bool) [][]any {
	var out [][]any
	if header {
		line := make([]any, len(t.columns))
		for i, c := range t.columns {
			line[i] = c
		}
		out = append(out, line)
	}
	for _, row := range t.rows {
		line := make([]any, len(t.columns))
		for i, c := range t.columns {
			line[i] = row.Value(c)
		}
		out = append(out, line)
	}
	return out
}

// csv writes the table with a byte order mark, lines parted by a newline, and
// quotes only where they are needed.
func (t *table) csv(delimiter string, header bool) []byte {
	b := []byte("\xef\xbb\xbf")
	for n, line := range t.cells(header) {
		if n > 0 {
			b = append(b, '\n')
		}
		for i, v := range line {
			if i > 0 {
				b = append(b, delimiter...)
			}
			b = append(b, csvCell(v, delimiter)...)
		}
	}
	return b
}

func csvCell(v any, delimiter string) string {
	text := cellText(v)
	if strings.Contains(text, delimiter) || strings.ContainsAny(text, "\"\r\n") {
		return `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
	}
	return text
}

// cellText is a cell as spreadsheets show it.
func cellText(v any) string {
	if b, ok := v.(bool); ok {
		return strings.ToUpper(strconv.FormatBool(b))
	}
	return textOf(v)
}

// html writes the table as a page whose cells carry their type and place, as
// spreadsheet programs export it.
func (t *table) html(header bool) []byte {
	var b bytes.Buffer
	b.WriteString(`<html><head><meta charset="utf-8"/><title>SheetJS Table Export</title></head><body><table>`)
	for n, line := range t.cells(header) {
		b.WriteString("<tr>")
		for i, v := range line {
			place := columnName(i) + strconv.Itoa(n+1)
			if v == nil {
				b.WriteString(`<td id="sjs-` + place + `"></td>`)
				continue
			}
			text := strings.ReplaceAll(html.EscapeString(cellText(v)), "\n", "<br/>")
			raw := html.EscapeString(textOf(v))
			b.WriteString(`<td data-t="` + cellKind(v) + `" data-v="` + raw + `" id="sjs-` + place + `">` + text + `</td>`)
		}
		b.WriteString("</tr>")
	}
	b.WriteString("</table></body></html>")
	return b.Bytes()
}

func cellKind(v any) string {
	switch v.(type) {
	case float64:
		return "n"
	case bool:
		return "b"
	}
	return "s"
}

// columnName is the letter name of the i-th column: A, B, … Z, AA.
func columnName(i int) string {
	name := ""
	for i++; i > 0; i = (i - 1) / 26 {
		name = string(rune('A'+(i-1)%26)) + name
	}
	return name
}
