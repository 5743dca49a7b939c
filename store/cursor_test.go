package store_test

import (
	"strings"
	"testing"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store"
)

func TestCursorRoundTrip(t *testing.T) {
	t.Parallel()
	for _, at := range []time.Time{{}, time.UnixMicro(0), time.UnixMicro(1753000000123456), time.UnixMicro(-5)} {
		want := store.Cursor{At: time.UnixMicro(at.UnixMicro()).UTC(), ID: "01J.ümläut"}
		got, err := store.ParseCursor(store.ListOfKeys, want.Encode(store.ListOfKeys))
		if err != nil || got != want {
			t.Errorf("at %v: got %v, %v; want %v", at, got, err, want)
		}
	}
}

func TestCursorRefusesOtherText(t *testing.T) {
	t.Parallel()
	other := store.Cursor{At: time.UnixMicro(1), ID: "a"}.Encode(store.ListOfKeys)
	for _, text := range []string{"x", "?", "AAAA", other, other + "=", strings.Repeat("A", 4000)} {
		_, err := store.ParseCursor(store.ListOfUsers, text)
		if workflow.CodeOf(err) != workflow.CodeInvalid || !strings.Contains(workflow.MessageOf(err), "cursor") {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

func FuzzParseCursor(f *testing.F) {
	f.Add(store.Cursor{At: time.UnixMicro(1), ID: "a"}.Encode(store.ListOfUsers))
	f.Fuzz(func(t *testing.T, text string) {
		c, err := store.ParseCursor(store.ListOfUsers, text)
		if err == nil && c.ID == "" {
			t.Errorf("%q: accepted without an id", text)
		}
	})
}
