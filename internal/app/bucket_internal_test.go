package app

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"flowgate/internal/config"
	"flowgate/internal/service"
	"flowgate/internal/workflow"
	"flowgate/store"
	"flowgate/store/disk"
	"flowgate/store/storetest/objects"
	"flowgate/store/supabase"
)

// storageCore is a core whose files are kept in a project's Storage.
func storageCore(t *testing.T, s *objects.Server, guard error) (*Core, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	c := &Core{Config: &config.Config{DataDir: t.TempDir()}, Log: slog.New(slog.NewTextHandler(&log, nil)), guardFiles: func(context.Context) error { return guard }}
	if err := c.openStore(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.guardFiles = func(context.Context) error { return guard }
	c.Config.SupabaseURL, c.Config.SupabaseSecretKey, c.Config.DatabaseURL = s.URL, s.Key, "postgres://the.project"
	t.Cleanup(func() { _ = errors.Join(c.closeFiles(), c.Store.Close()) })
	return c, &log
}

// TestFilesAreFoundAfterTheMove has files that were kept in the folder before
// found there, deleted there, and new ones kept in the bucket.
func TestFilesAreFoundAfterTheMove(t *testing.T) {
	t.Parallel()
	s := objects.Start(t)
	c, log := storageCore(t, s, nil)
	folder, err := disk.Open(filepath.Join(c.Config.DataDir, filesFolder))
	if err != nil {
		t.Fatal(err)
	}
	made := store.ExecutionContent("execution-1", strings.Repeat("0", 64))
	for _, id := range []string{"earlier", "copied", made} {
		if _, err := folder.Write(t.Context(), id, strings.NewReader("in the folder"), 99); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.openFiles(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), supabase.Bucket) || strings.Contains(log.String(), s.Key) {
		t.Errorf("the operator is not told: %s", log)
	}
	contents := c.Files.Contents
	for _, id := range []string{"new-one", "copied"} {
		if _, err := contents.Write(t.Context(), id, strings.NewReader("in the bucket"), 99); err != nil {
			t.Fatal(err)
		}
	}
	for id, want := range map[string]string{"earlier": "in the folder", made: "in the folder", "copied": "in the bucket", "new-one": "in the bucket"} {
		r, err := contents.Open(t.Context(), id)
		if err != nil {
			t.Fatal(id, err)
		}
		if data, err := io.ReadAll(r); err != nil || string(data) != want {
			t.Errorf("%s: %q %v", id, data, err)
		}
		_ = r.Close()
	}
	if n, err := c.Files.Sweep(t.Context(), time.Now().Add(2*service.SweepAge)); err != nil || n != 0 {
		t.Errorf("%d swept of what is not known, before anything is: %v", n, err)
	}
	if err := errors.Join(contents.Delete(t.Context(), "earlier"), contents.Delete(t.Context(), "copied"), contents.DeleteOf(t.Context(), "execution-1")); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"earlier", "copied", made, "never"} {
		if _, err := contents.Open(t.Context(), id); workflow.CodeOf(err) != workflow.CodeNotFound {
			t.Errorf("%s is left: %v", id, err)
		}
	}
	// Storage that is away is not taken for a file that is not there.
	s.Drop(supabase.Bucket)
	if _, err := contents.Open(t.Context(), "earlier"); workflow.CodeOf(err) != workflow.CodeUnavailable {
		t.Errorf("away: %v", err)
	}
}

// TestStartWithoutStorage begins while the project's Storage is away, and says
// what is open.
func TestStartWithoutStorage(t *testing.T) {
	t.Parallel()
	s := objects.Start(t)
	key := s.Key
	c, log := storageCore(t, s, workflow.Errorf(workflow.CodeForbidden, "not allowed"))
	c.Config.SupabaseSecretKey = "sb_secret_another"
	if err := c.openFiles(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"does not accept this server's key", "not allowed", "in all buckets"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("%q is not said: %s", want, log)
		}
	}
	if f := examineStorage(t.Context(), c.Config, c.Log); f.State != Failed || !strings.Contains(f.Remedy, "SUPABASE_SECRET_KEY") || strings.Contains(f.Says, key) {
		t.Errorf("%+v", f)
	}
	c.Config.SupabaseSecretKey = key
	if f := examineStorage(t.Context(), c.Config, c.Log); f.State != Fine || !strings.Contains(f.Says, supabase.Bucket) {
		t.Errorf("before the first start: %+v", f)
	}
	if _, _, ok := s.Names(supabase.Bucket); ok {
		t.Error("the doctor made the bucket")
	}
	if err := c.openFiles(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Publish(supabase.Bucket)
	if f := examineStorage(t.Context(), c.Config, c.Log); f.State != Warning || !strings.Contains(f.Remedy, "private") {
		t.Errorf("public: %+v", f)
	}
	c.Config.SupabaseSecretKey = ""
	if f := examineStorage(t.Context(), c.Config, c.Log); f.State != Warning || !strings.Contains(f.Remedy, "SUPABASE_SECRET_KEY") {
		t.Errorf("without a key: %+v", f)
	}
	c.Config.FilesBackend = "disk"
	if f := examineStorage(t.Context(), c.Config, c.Log); f.State != Fine || !strings.Contains(f.Says, filesFolder) {
		t.Errorf("in the folder: %+v", f)
	}
}
