package store

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"flowgate/internal/workflow"
)

// List names a list that is paged, so that a cursor of one list is refused by
// the others.
type List string

// The paged lists.
const (
	ListOfUsers       List = "u"
	ListOfWorkflows   List = "w"
	ListOfExecutions  List = "e"
	ListOfKeys        List = "k"
	ListOfCredentials List = "c"
	ListOfGrants      List = "g"
	ListOfFiles       List = "f"
	ListOfAudit       List = "a"
	ListOfSessions    List = "s"
)

// DefaultLimit is how many rows a page holds whose Limit is not positive.
const DefaultLimit = 50

const maxCursor = 2048

// Cursor is the place in a list behind which the next page begins: the sort
// time, or the name where the list runs by that, and the id of the last row
// seen.
type Cursor struct {
	At   time.Time
	ID   string
	Name string // as it is sorted
}

// Encode returns the cursor as the opaque text callers carry, microseconds
// kept.
func (c Cursor) Encode(list List) string {
	raw := string(list) + strconv.FormatInt(c.At.UnixMicro(), 36) + "." + c.ID
	if c.Name != "" {
		raw += "\x00" + c.Name
	}
	return base64.RawURLEncoding.EncodeToString([]byte(raw))
}

// ParseCursor reads what Encode wrote for the same list. Any other text is
// CodeInvalid, naming the field cursor.
func ParseCursor(list List, text string) (Cursor, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(text) > maxCursor {
		return Cursor{}, ErrCursor()
	}
	rest, ours := strings.CutPrefix(string(raw), string(list))
	stamp, id, cut := strings.Cut(rest, ".")
	id, name, _ := strings.Cut(id, "\x00")
	micros, err := strconv.ParseInt(stamp, 36, 64)
	if !ours || !cut || id == "" || err != nil {
		return Cursor{}, ErrCursor()
	}
	return Cursor{At: time.UnixMicro(micros).UTC(), ID: id, Name: name}, nil
}

// ErrCursor is what a list says of text that is no cursor of its own.
func ErrCursor() error {
	return &workflow.Error{
		Code:    workflow.CodeInvalid,
		Message: "cursor is not one this list returned; leave it out to start at the first page",
		Fields: []workflow.FieldError{{
			Field:   "cursor",
			Message: "not a cursor of this list",
			Hint:    "pass next_cursor of the previous page unchanged, or leave it out",
		}},
	}
}

// Trim cuts rows, read with a limit of one more than the page holds, to the
// page and returns the cursor of the next one, "" when there is none.
func Trim[T any](list List, rows []T, limit int, at func(T) Cursor) ([]T, string) {
	if len(rows) <= limit {
		return rows, ""
	}
	return rows[:limit], at(rows[limit-1]).Encode(list)
}

// Size is the page's limit, DefaultLimit when it is not positive.
func (p Page) Size() int {
	if p.Limit <= 0 {
		return DefaultLimit
	}
	return p.Limit
}
