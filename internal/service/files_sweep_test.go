package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store"
	"flowgate/store/disk"
)

// kept is a service with files in a folder.
func kept(t *testing.T) (*Service, context.Context, string) {
	t.Helper()
	s, ctx := newDrafts(t)
	folder := filepath.Join(t.TempDir(), "files")
	contents, err := disk.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	s.Files = &Files{Store: s.Store.(FileStore), Contents: contents, MaxBytes: 1 << 20}
	return s, ctx, folder
}

// put keeps content without a record, as what dies halfway leaves it.
func put(t *testing.T, s *Service, id string) {
	t.Helper()
	if _, err := s.Files.Contents.Write(t.Context(), id, strings.NewReader(id), 1000); err != nil {
		t.Fatal(err)
	}
}

// sweep sweeps as if so much time had passed, and returns what is left.
func sweep(t *testing.T, s *Service, later time.Duration) (deleted int, left []string) {
	t.Helper()
	deleted, err := s.Files.Sweep(t.Context(), time.Now().Add(later))
	if err != nil {
		t.Fatal(err)
	}
	err = s.Files.Contents.List(t.Context(), time.Now().Add(time.Hour), func(ids []string) error {
		left = append(left, ids...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(left)
	return deleted, left
}

func TestContentsWithoutARecordAreSwept(t *testing.T) {
	t.Parallel()
	s, ctx, folder := kept(t)
	file, err := s.SaveFile(ctx, Upload{Name: "a.txt", Body: strings.NewReader("mine"), Size: -1})
	if err != nil {
		t.Fatal(err)
	}
	w := must[Saved](t, ctx, s, "create_workflow", threeNodes)
	e := &workflow.Execution{ID: "0198a000-0000-7000-8000-00000000e001", OwnerID: owner(ctx), WorkflowID: w.WorkflowID, WorkflowVersion: 1, Status: workflow.StatusQueued, CreatedAt: time.Now()}
	if _, _, err := s.Store.CreateExecution(ctx, e); err != nil {
		t.Fatal(err)
	}
	sum := func(i int) string { return fmt.Sprintf("%064x", i) }
	of, gone := store.ExecutionContent(e.ID, sum(1)), "0198a000-0000-7000-8000-00000000e002"
	want := []string{file.FileID, of}
	slices.Sort(want)
	put(t, s, of)
	put(t, s, "0198a000-0000-7000-8000-00000000f001")
	put(t, s, store.ExecutionContent(gone, sum(1)))
	put(t, s, store.ExecutionContent(gone, sum(2)))
	if n, left := sweep(t, s, SweepAge-time.Minute); n != 0 || len(left) != 5 {
		t.Fatalf("too early: %d were deleted, left are %q", n, left)
	}
	if n, left := sweep(t, s, SweepAge+time.Minute); n != 3 || !slices.Equal(left, want) {
		t.Errorf("%d were deleted, left are %q, want %q", n, left, want)
	}
	if found, err := filepath.Glob(filepath.Join(folder, "*", gone)); err != nil || len(found) != 0 {
		t.Errorf("the folder of an execution without contents is left: %q %v", found, err)
	}
}

// TestAnUploadUnderWayIsNotSwept lets an upload stand still for longer than
// the age of what is swept, at its end, and sweeps all the while.
func TestAnUploadUnderWayIsNotSwept(t *testing.T) {
	t.Parallel()
	s, ctx, folder := kept(t)
	r, w := io.Pipe()
	type saved struct {
		file *FileView
		err  error
	}
	done := make(chan saved, 1)
	go func() {
		f, err := s.SaveFile(ctx, Upload{Name: "slow", Body: r, Size: -1})
		done <- saved{f, err}
	}()
	if _, err := w.Write([]byte("all of it")); err != nil { // returns when it was read
		t.Fatal(err)
	}
	parts, err := filepath.Glob(filepath.Join(folder, ".part-*"))
	if err != nil || len(parts) != 1 {
		t.Fatalf("%q %v", parts, err)
	}
	old := time.Now().Add(-3 * SweepAge)
	if err := os.Chtimes(parts[0], old, old); err != nil {
		t.Fatal(err)
	}
	stop, sweeps := make(chan struct{}), sync.WaitGroup{}
	for range 2 {
		sweeps.Go(func() {
			for {
				if n, err := s.Files.Sweep(ctx, time.Now()); n != 0 || err != nil {
					t.Errorf("%d were swept, %v", n, err)
					return
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	f := <-done
	close(stop)
	sweeps.Wait()
	if f.err != nil {
		t.Fatal(f.err)
	}
	c, err := s.OpenFile(ctx, FileRef{FileID: f.file.FileID})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Body.Close()
	if data, err := io.ReadAll(c.Body); err != nil || string(data) != "all of it" {
		t.Errorf("%q %v", data, err)
	}
}

func TestSweepsKeepAwayFromOthers(t *testing.T) {
	t.Parallel()
	s, _, _ := kept(t)
	put(t, s, "0198a000-0000-7000-8000-00000000f001")
	broken := errors.New("the database is away")
	for _, c := range []struct {
		mine bool
		err  error
	}{{false, nil}, {true, broken}} {
		s.Files.Mine = func(context.Context) (bool, error) { return c.mine, c.err }
		n, err := s.Files.Sweep(t.Context(), time.Now().Add(2*SweepAge))
		if n != 0 || !errors.Is(err, c.err) {
			t.Errorf("%+v: %d, %v", c, n, err)
		}
	}
	if n, left := sweepAll(t, s); n != 1 || len(left) != 0 {
		t.Errorf("its own: %d deleted, %q left", n, left)
	}
}

func sweepAll(t *testing.T, s *Service) (int, []string) {
	t.Helper()
	s.Files.Mine = nil
	return sweep(t, s, 2*SweepAge)
}
