package node

import (
	"context"
	"database/sql"
	"strings"

	"flowgate/internal/workflow"
)

// jsonMark begins the text that stands for an object or a list in a table.
const jsonMark = "\x01json:"

// maxSQLColumns is what SQLite allows at most.
const maxSQLColumns = 2000

// loadTable makes a table of items: a column for each field. Columns of
// numbers alone compare as numbers, so that "4" equals 4 there.
func loadTable(ctx context.Context, conn *sql.Conn, name string, in []workflow.Item) error {
	columns, numeric := tableColumns(in)
	if len(columns) > maxSQLColumns {
		return Fail("The items of %s have %d fields; a query can handle %d.", name, len(columns), maxSQLColumns)
	}
	if len(columns) == 0 {
		columns = []string{"_"}
	}
	defs, marks := make([]string, len(columns)), make([]string, len(columns))
	for i, column := range columns {
		defs[i], marks[i] = quotedName(column), "?"
		if numeric[column] {
			defs[i] += " NUMERIC"
		}
	}
	if _, err := conn.ExecContext(ctx, "CREATE TABLE "+name+" ("+strings.Join(defs, ", ")+")"); err != nil {
		return Fail("The items of %s cannot be made a table: %v.", name, err)
	}
	insert, err := conn.PrepareContext(ctx, "INSERT INTO "+name+" VALUES ("+strings.Join(marks, ", ")+")")
	if err != nil {
		return Fail("The items of %s cannot be made a table: %v.", name, err)
	}
	defer insert.Close()
	for _, item := range in {
		row := make([]any, len(columns))
		for i, column := range columns {
			row[i] = toSQL(item.JSON.Value(column))
		}
		if _, err := insert.ExecContext(ctx, row...); err != nil {
			return Fail("The items of %s cannot be made a table: %v.", name, err)
		}
	}
	return nil
}

// tableColumns are the fields of the items, each once, and which of them hold
// numbers only. Names that differ in case only count as one, as in SQL.
func tableColumns(in []workflow.Item) (columns []string, numeric map[string]bool) {
	numeric = map[string]bool{}
	seen := map[string]bool{}
	for _, item := range in {
		for i := range item.JSON.Len() {
			k, v := item.JSON.At(i)
			if !seen[strings.ToLower(k)] {
				seen[strings.ToLower(k)] = true
				columns = append(columns, k)
				numeric[k] = true
			}
			if v != nil && !isKind[float64](v) {
				numeric[k] = false
			}
		}
	}
	return columns, numeric
}

func quotedName(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

func toSQL(v any) any {
	switch v := v.(type) {
	case nil, bool, string:
		return v
	case float64:
		if v == float64(int64(v)) {
			return int64(v)
		}
		return v
	}
	return jsonMark + jsonText(v)
}

func fromSQL(v any) any {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case []byte:
		return string(v)
	case string:
		if text, ok := strings.CutPrefix(v, jsonMark); ok {
			return parsed(text)
		}
		return v
	case float64, bool:
		return v
	}
	return nil
}
