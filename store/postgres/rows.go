package postgres

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"flowgate/internal/workflow"
	"flowgate/store"
)

// at is a time as an argument: NULL for the zero time.
func at(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Truncate(time.Microsecond)
}

// stamp reads a time, the zero time for NULL.
type stamp struct{ t *time.Time }

// ScanTimestamptz implements pgtype.TimestamptzScanner.
func (s stamp) ScanTimestamptz(v pgtype.Timestamptz) error {
	*s.t = time.Time{}
	if v.Valid {
		*s.t = v.Time.UTC()
	}
	return nil
}

// jsonInto reads JSON into v; NULL leaves v alone.
type jsonInto struct{ v any }

// ScanBytes implements pgtype.BytesScanner.
func (j jsonInto) ScanBytes(b []byte) error {
	if b == nil {
		return nil
	}
	return json.Unmarshal(b, j.v)
}

// bits reads the signed number a column holds as an unsigned one.
type bits struct{ n *uint64 }

// ScanInt64 implements pgtype.Int64Scanner.
func (b bits) ScanInt64(v pgtype.Int8) error {
	*b.n = uint64(v.Int64)
	return nil
}

// jsonOf is *v as JSON, nil when v is nil.
func jsonOf[T any](v *T) ([]byte, error) {
	if v == nil {
		return nil, nil
	}
	return workflow.AppendJSON(nil, v)
}

// clean is text without what a text column cannot hold, for columns that are
// searched or shown but are not the only place of their value.
func clean(s string) string { return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "") }

func cleanAll(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = clean(s)
	}
	return out
}

// where collects conditions that all hold. "?" in them stands for the next
// argument.
type where struct {
	conds []string
	args  []any
}

func (w *where) and(cond string, args ...any) {
	for _, a := range args {
		cond = strings.Replace(cond, "?", w.arg(a), 1)
	}
	w.conds = append(w.conds, cond)
}

// arg adds an argument and returns how the statement names it.
func (w *where) arg(a any) string {
	w.args = append(w.args, a)
	return "$" + strconv.Itoa(len(w.args))
}

func (w *where) String() string {
	if len(w.conds) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.conds, " AND ")
}

// after continues a list sorted by (column, id) behind the
// page's cursor.
func (w *where) after(list store.List, page store.Page, prefix, column string) error {
	if page.Cursor == "" {
		return nil
	}
	c, err := store.ParseCursor(page.Of(list), page.Cursor)
	if err != nil {
		return err
	}
	from := at(c.At)
	if page.ByName {
		from = clean(c.Name)
	}
	w.and("("+prefix+column+", "+prefix+"id)"+page.Behind()+"(?, ?)", from, c.ID)
	return nil
}

// all reads every row of a queued statement into list, anew each time.
func all[T any](q *pgx.QueuedQuery, list *[]T, scan func(pgx.Row) (T, error)) {
	q.Query(func(rows pgx.Rows) error {
		*list = nil
		defer rows.Close()
		for rows.Next() {
			v, err := scan(rows)
			if err != nil {
				return err
			}
			*list = append(*list, v)
		}
		return rows.Err()
	})
}

// one reads the single row of a queued statement.
func one[T any](q *pgx.QueuedQuery, into *T, scan func(pgx.Row) (T, error)) {
	q.QueryRow(func(row pgx.Row) (err error) {
		*into, err = scan(row)
		return err
	})
}

// affected notes how many rows a queued statement changed.
func affected(q *pgx.QueuedQuery, n *int64) {
	q.Exec(func(tag pgconn.CommandTag) error {
		*n = tag.RowsAffected()
		return nil
	})
}

func scanString(row pgx.Row) (s string, err error) {
	err = row.Scan(&s)
	return s, err
}

func scanInt(row pgx.Row) (n int, err error) {
	err = row.Scan(&n)
	return n, err
}
