package app

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"flowgate/internal/config"
	"flowgate/internal/service"
	"flowgate/store"
	"flowgate/store/disk"
)

// TestSharedFilesAreAskedFor opens the folder of files as a server does that
// has its database to itself, and as one that shares it.
func TestSharedFilesAreAskedFor(t *testing.T) {
	for url, want := range map[string]bool{"": false, "postgres://db.test/flowgate": true} {
		var log bytes.Buffer
		c := &Core{Config: &config.Config{DataDir: t.TempDir(), DatabaseURL: url}, Log: slog.New(slog.NewTextHandler(&log, nil))}
		if err := c.openFiles(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(log.String(), "must share DATA_DIR/files"); got != want {
			t.Errorf("%q: %s", url, log.String())
		}
	}
}

// TestAFolderOfFilesIsOneDatabases has two databases use one folder, after each
// other: the second one, new, does not take the first one's files for left behind.
func TestAFolderOfFilesIsOneDatabases(t *testing.T) {
	folder := filepath.Join(t.TempDir(), filesFolder)
	core := func(data string) (*Core, *bytes.Buffer) {
		var log bytes.Buffer
		c := &Core{Config: &config.Config{DataDir: data}, Log: slog.New(slog.NewTextHandler(&log, nil))}
		if err := c.openStore(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Store.Close() })
		if err := c.openFiles(t.Context()); err != nil {
			t.Fatal(err)
		}
		return c, &log
	}
	first, _ := core(filepath.Dir(folder))
	left := func() {
		t.Helper()
		if _, err := first.Files.Contents.Write(t.Context(), "left-behind", strings.NewReader("x"), 9); err != nil {
			t.Fatal(err)
		}
	}
	sweep := func(c *Core, want int) {
		t.Helper()
		if n, err := c.Files.Sweep(t.Context(), time.Now().Add(2*service.SweepAge)); err != nil || n != want {
			t.Errorf("%d deleted, %v; want %d", n, err, want)
		}
	}
	sweep(first, 0) // it is empty, and now the first one's
	left()
	sweep(first, 1)
	left()

	second, log := core(t.TempDir())
	contents, err := disk.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	second.Files.Contents = contents
	second.Files.Mine = func(ctx context.Context) (bool, error) { return second.claimFiles(ctx, contents) }
	sweep(second, 0)
	if !strings.Contains(log.String(), ".database") {
		t.Errorf("nobody is told: %s", log.String())
	}
	if err := os.Remove(filepath.Join(folder, ".database")); err != nil {
		t.Fatal(err)
	}
	sweep(second, 0) // it knows nothing in it
	f := &store.File{ID: "known-file", OwnerID: "ada", Name: "n"}
	if err := second.Store.CreateFile(t.Context(), f, store.FileQuota{}); err != nil {
		t.Fatal(err)
	}
	if _, err := contents.Write(t.Context(), f.ID, strings.NewReader("x"), 9); err != nil {
		t.Fatal(err)
	}
	sweep(second, 1)
}
