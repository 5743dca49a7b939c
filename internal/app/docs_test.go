package app_test

import (
	"flag"
	"log/slog"
	"os"
	"testing"

	"flowgate/internal/app"
	"flowgate/internal/config"
	"flowgate/web"
)

var update = flag.Bool("update", false, "rewrite generated documents")

// TestGeneratedDocuments holds the documents that follow from the code equal
// to it.
func TestGeneratedDocuments(t *testing.T) {
	t.Parallel()
	cfg, err := config.Load(config.Source{Flags: map[string]string{"data_dir": t.TempDir(), "code_in_process": "true"}})
	if err != nil {
		t.Fatal(err)
	}
	core, err := app.OpenCore(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = core.Close() })
	docs, err := core.OpenDocuments()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(docs.Close)
	for path, want := range map[string]string{
		"../../docs/workflows.md":  app.NodesDocument(docs.Catalogue.NodeTypes()),
		"../../docs/api/mcp.md":    app.ToolsDocument(docs.Capabilities()),
		"../../docs/api/app.md":    app.AppDocument(docs.Capabilities()),
		"../../docs/api/public.md": app.PublicDocument(web.PublicRoutes()),
	} {
		if *update {
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("%s is not what the code says (%v): go test ./internal/app -update", path, err)
		}
	}
}
