package disk

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store"
)

func open(t *testing.T) *Folder {
	t.Helper()
	f, err := Open(filepath.Join(t.TempDir(), "files"))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestContentRoundTrip(t *testing.T) {
	f := open(t)
	want := bytes.Repeat([]byte("0123456789"), 1000)
	got, err := f.Write(t.Context(), "file-1", bytes.NewReader(want), 10_000)
	if err != nil || got.Size != 10_000 || len(got.Head) != 512 || got.SHA256 != "4c207598af7a20db0e3334dd044399a40e467cb81b37f7ba05a4f76dcbd8fd59" {
		t.Fatalf("%+v, %v", got, err)
	}
	r, err := f.Open(t.Context(), "file-1")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if data, err := io.ReadAll(r); err != nil || !bytes.Equal(data, want) {
		t.Errorf("%d bytes, %v", len(data), err)
	}
	if err := errors.Join(f.Delete(t.Context(), "file-1"), f.Delete(t.Context(), "file-1")); err != nil {
		t.Error(err)
	}
	if _, err := f.Open(t.Context(), "file-1"); workflow.CodeOf(err) != workflow.CodeNotFound {
		t.Errorf("after deletion: %v", err)
	}
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

func TestOnlyIdsArePaths(t *testing.T) {
	f := open(t)
	for _, id := range []string{"", "..", "../../etc/passwd", "a/b/c/d", "ABCD", "x\x00yz", strings.Repeat("a", 129), strings.Repeat("A", 9) + "-" + strings.Repeat("0", 64), "-" + strings.Repeat("0", 128)} {
		if _, err := f.Write(t.Context(), id, strings.NewReader("x"), 9); workflow.CodeOf(err) != workflow.CodeNotFound {
			t.Errorf("%q: %v", id, err)
		}
	}
}

func TestWritersOfOneIDDoNotMix(t *testing.T) {
	f := open(t)
	var work sync.WaitGroup
	for i := range 8 {
		work.Go(func() {
			if _, err := f.Write(t.Context(), "same", bytes.NewReader(bytes.Repeat([]byte{byte('a' + i)}, 100_000)), 1<<20); err != nil {
				t.Error(err)
			}
		})
	}
	work.Wait()
	r, err := f.Open(t.Context(), "same")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil || len(data) != 100_000 || !bytes.Equal(data, bytes.Repeat(data[:1], 100_000)) {
		t.Errorf("%d bytes, %v", len(data), err)
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
