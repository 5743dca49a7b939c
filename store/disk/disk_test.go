package disk

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store"
	"flowgate/store/storetest"
)

func open(t *testing.T) *Folder {
	t.Helper()
	f, err := Open(filepath.Join(t.TempDir(), "files"))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestContents(t *testing.T) {
	t.Parallel()
	storetest.RunContents(t, func(t *testing.T) store.Contents { return open(t) })
}

func TestNothingIsKeptOfAFailure(t *testing.T) {
	f := open(t)
	if _, err := f.Write(t.Context(), "large", strings.NewReader("12345"), 4); workflow.CodeOf(err) != workflow.CodeTooLarge {
		t.Errorf("too large: %v", err)
	}
	broken := errors.New("the client left")
	if _, err := f.Write(t.Context(), "broken", io.MultiReader(strings.NewReader("12"), iotest.ErrReader(broken)), 100); !errors.Is(err, broken) {
		t.Errorf("broken: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Write(ended, "ended", strings.NewReader("12"), 100); !errors.Is(err, context.Canceled) {
		t.Errorf("ended: %v", err)
	}
	left, err := os.ReadDir(f.path)
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestStalePartsAreRemoved(t *testing.T) {
	f := open(t)
	old, fresh := filepath.Join(f.path, partial+"old"), filepath.Join(f.path, partial+"new")
	for _, p := range []string{old, fresh} {
		if err := os.WriteFile(p, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chtimes(old, time.Time{}, time.Now().Add(-48*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(f.path); err != nil {
		t.Fatal(err)
	}
	_, errOld := os.Stat(old)
	_, errNew := os.Stat(fresh)
	if !errors.Is(errOld, os.ErrNotExist) || errNew != nil {
		t.Errorf("old %v, new %v", errOld, errNew)
	}
}

func TestContentsOfAnExecution(t *testing.T) {
	f := open(t)
	one, other := strings.Repeat("1", 64), strings.Repeat("2", 64)
	ids := []string{store.ExecutionContent("run-1", one), store.ExecutionContent("run-1", other), store.ExecutionContent("run-2", one), "file-1"}
	for _, id := range ids {
		if _, err := f.Write(t.Context(), id, strings.NewReader(id), 1000); err != nil {
			t.Fatal(err)
		}
	}
	old := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(filepath.Join(f.path, "-2", "run-2", one), old, old); err != nil {
		t.Fatal(err)
	}
	list := func(before time.Time) []string {
		t.Helper()
		var got []string
		err := f.List(t.Context(), before, func(ids []string) error {
			got = append(got, ids...)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(got)
		return got
	}
	slices.Sort(ids)
	if got := list(time.Now().Add(time.Minute)); !slices.Equal(got, ids) {
		t.Errorf("all: %q", got)
	}
	if got := list(time.Now().Add(-time.Hour)); !slices.Equal(got, []string{store.ExecutionContent("run-2", one)}) {
		t.Errorf("old: %q", got)
	}
	for range 2 {
		if err := f.DeleteOf(t.Context(), "run-1"); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Delete(t.Context(), store.ExecutionContent("run-2", one)); err != nil {
		t.Fatal(err)
	}
	if got := list(time.Now().Add(time.Minute)); !slices.Equal(got, []string{"file-1"}) {
		t.Errorf("left: %q", got)
	}
	if found, err := filepath.Glob(filepath.Join(f.path, "*", "run-*")); err != nil || len(found) != 0 {
		t.Errorf("folders of executions: %q %v", found, err)
	}
	stop := errors.New("enough")
	if err := f.List(t.Context(), time.Now().Add(time.Minute), func([]string) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("stopped: %v", err)
	}
}
