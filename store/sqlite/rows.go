package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store"
)

// micros is a time as the tables hold it: microseconds since 1970, 0 for the
// zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// stamp reads such a number into t.
type stamp struct{ t *time.Time }

func (s stamp) Scan(v any) error {
	n, ok := v.(int64)
	if !ok {
		return fmt.Errorf("time column holds %T", v)
	}
	*s.t = time.Time{}
	if n != 0 {
		*s.t = time.UnixMicro(n).UTC()
	}
	return nil
}

// jsonInto reads a JSON column into v; NULL leaves v alone.
type jsonInto struct{ v any }

func (j jsonInto) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		return nil
	case []byte:
		return json.Unmarshal(v, j.v)
	case string:
		return json.Unmarshal([]byte(v), j.v)
	}
	return fmt.Errorf("JSON column holds %T", v)
}

// blob is b as an argument, NULL when it is empty.
func blob(b []byte) any {
	if len(b) == 0 {
		return nil
	}
	return b
}

// jsonBlob is *v as JSON, NULL when v is nil.
func jsonBlob[T any](v *T) (any, error) {
	if v == nil {
		return nil, nil
	}
	return workflow.AppendJSON(nil, v)
}

// jsonText is a list as the text of a JSON array, never null.
func jsonText(list []string) (string, error) {
	if list == nil {
		return "[]", nil
	}
	b, err := workflow.AppendJSON(nil, list)
	return string(b), err
}

// where collects conditions that all hold.
type where struct {
	conds []string
	args  []any
}

func (w *where) and(cond string, args ...any) {
	w.conds = append(w.conds, cond)
	w.args = append(w.args, args...)
}

func (w *where) String() string {
	if len(w.conds) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.conds, " AND ")
}

// after continues a list sorted by (column, id) behind the
// page's cursor.
func (w *where) after(list store.List, page store.Page, column string) error {
	if page.Cursor == "" {
		return nil
	}
	c, err := store.ParseCursor(page.Of(list), page.Cursor)
	if err != nil {
		return err
	}
	var at any = micros(c.At)
	if page.ByName {
		at = c.Name
	}
	w.and("("+column+", id)"+page.Behind()+"(?, ?)", at, c.ID)
	return nil
}

// scanner is a *sql.Row or *sql.Rows.
type scanner interface{ Scan(dest ...any) error }

// querier is a *sql.DB or *sql.Tx.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// collect runs a query and reads every row.
func collect[T any](ctx context.Context, q querier, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return readAll(rows, scan)
}

func readAll[T any](rows *sql.Rows, scan func(scanner) (T, error)) ([]T, error) {
	defer rows.Close()
	var list []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, rows.Err()
}

func scanString(row scanner) (s string, err error) {
	err = row.Scan(&s)
	return s, err
}
