package supabase

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"flowgate/store"
)

// micro is a time as the tables hold it.
func micro(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// clean is text without what a text column cannot hold, for columns that are
// searched but are not the only place of their value.
func clean(s string) string { return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "") }

// pageArgs asks for one row more than the page holds, behind its cursor.
func pageArgs(list store.List, page store.Page) (map[string]any, error) {
	args := map[string]any{"limit": page.Size() + 1}
	if page.Cursor == "" {
		return args, nil
	}
	c, err := store.ParseCursor(list, page.Cursor)
	if err != nil {
		return nil, err
	}
	if y := c.At.Year(); y < 0 || y > 9999 { // no time of ours; JSON has none such
		return nil, store.ErrCursor()
	}
	args["at"], args["after"] = micro(c.At), c.ID
	return args, nil
}

// each makes values of rows. A row that is null or cannot be read is an error:
// the server's answer is not what this program wrote.
func each[R, T any](rows []*R, make func(*R) (*T, error)) ([]*T, error) {
	var list []*T
	for _, r := range rows {
		if r == nil {
			return nil, fmt.Errorf("supabase: an answer with a row that is null")
		}
		v, err := make(r)
		if err != nil {
			return nil, fmt.Errorf("supabase: a row that cannot be read: %w", err)
		}
		list = append(list, v)
	}
	return list, nil
}

func objectBytes(m json.RawMessage) []byte {
	if len(m) == 0 {
		return []byte("{}")
	}
	return m
}
