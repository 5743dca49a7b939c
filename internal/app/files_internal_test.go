package app

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"flowgate/internal/config"
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
