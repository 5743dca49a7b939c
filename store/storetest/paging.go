package storetest

import (
	"slices"
	"strings"

	"flowgate/internal/workflow"
	"flowgate/store"
)

// walk reads a whole list page by page and fails on a row that comes twice.
func (w *world) walk(limit int, list func(store.Page) (ids []string, next string, err error), between func()) []string {
	w.Helper()
	var all []string
	seen := map[string]bool{}
	page := store.Page{Limit: limit}
	for {
		ids, next, err := list(page)
		w.ok(err)
		if len(ids) > limit {
			w.Fatalf("page of %d rows, limit %d", len(ids), limit)
		}
		for _, id := range ids {
			if seen[id] {
				w.Fatalf("%s came twice", id)
			}
			seen[id] = true
		}
		all = append(all, ids...)
		if next == "" {
			w.otherWay(limit, list)
			return all
		}
		if strings.ContainsAny(next, " +/=?&") {
			w.Fatalf("cursor %q needs escaping in a URL", next)
		}
		page.Cursor = next
		between()
	}
}

// otherWay reads the list from its other end: the same rows, the other way
// round, by cursors that are good for that way only.
func (w *world) otherWay(limit int, list func(store.Page) (ids []string, next string, err error)) {
	w.Helper()
	whole := func(oldest bool) (all []string, cursor string) {
		page := store.Page{Limit: limit, Oldest: oldest}
		for {
			ids, next, err := list(page)
			if oldest && workflow.CodeOf(err) == workflow.CodeUnsupported {
				return nil, ""
			}
			w.ok(err)
			all = append(all, ids...)
			if next == "" {
				return all, cursor
			}
			cursor, page.Cursor = next, next
		}
	}
	newest, _ := whole(false)
	oldest, cursor := whole(true)
	if oldest == nil {
		return
	}
	slices.Reverse(oldest)
	if !slices.Equal(newest, oldest) {
		w.Fatalf("the oldest first, reversed: %v, the newest first: %v", oldest, newest)
	}
	if cursor != "" {
		_, _, err := list(store.Page{Limit: limit, Cursor: cursor})
		w.code(workflow.CodeInvalid, err)
	}
}

func nothing() {}

func idsOf[T any](list []T, id func(T) string) []string {
	ids := make([]string, len(list))
	for i, v := range list {
		ids[i] = id(v)
	}
	return ids
}

// badCursors are refused by every list.
func badCursors() []string { return []string{"x", "!!", "AAAAAAAA", strings.Repeat("Zm9v", 500)} }

func (w *world) refusesCursors(list func(store.Page) error) {
	w.Helper()
	for _, cursor := range badCursors() {
		e := w.code(workflow.CodeInvalid, list(store.Page{Limit: 5, Cursor: cursor}))
		if len(e.Fields) != 1 || e.Fields[0].Field != "cursor" {
			w.Fatalf("fields %+v do not name cursor", e.Fields)
		}
	}
}
