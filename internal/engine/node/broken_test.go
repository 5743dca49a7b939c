package node_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"flowgate/internal/engine/expr"
	"flowgate/internal/engine/node"
	"flowgate/internal/workflow"
)

var updateBroken = flag.Bool("update-broken", false, "rewrite testdata/broken/findings.golden")

// TestBrokenDocuments imports deliberately broken documents: each is refused,
// or kept with exactly the findings that the golden file lists.
func TestBrokenDocuments(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/broken/*.json")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d documents, %v", len(files), err)
	}
	slices.Sort(files)
	reg := node.NewRegistry(node.All(), node.RegistryOptions{CheckExpression: expr.Check, CheckCode: expr.CheckCode})
	var b strings.Builder
	for _, file := range files {
		b.WriteString(strings.TrimSuffix(filepath.Base(file), ".json") + "\n")
		describe(t, &b, file, reg)
	}
	const golden = "testdata/broken/findings.golden"
	if *updateBroken {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got := b.String(); got != string(want) {
		t.Errorf("findings differ from %s (-update-broken rewrites it):\n%s", golden, got)
	}
}

func describe(t *testing.T, b *strings.Builder, file string, reg *node.Registry) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var doc workflow.Document
	if err := json.Unmarshal(data, &doc); err != nil {
		b.WriteString("  refused: " + err.Error() + "\n")
		return
	}
	workflow.Normalize(&doc, func(name string) float64 {
		if typ := reg.Lookup(name); typ != nil {
			return typ.Newest()
		}
		return 1
	})
	v := node.ValidateDocument(&doc, reg, node.ValidateOptions{})
	if v.Valid != (len(v.Errors) == 0) {
		t.Errorf("%s: valid is %t with %d errors", file, v.Valid, len(v.Errors))
	}
	line := func(level string, f workflow.Finding) {
		if f.Message == "" || f.Code == "" {
			t.Errorf("%s: a finding without code or message: %+v", file, f)
		}
		b.WriteString("  " + level + " " + f.Code + " | " + f.Node + " | " + f.Path + " | " + f.Message + " | " + f.Hint + "\n")
	}
	for _, f := range v.Errors {
		line("error", f)
	}
	for _, f := range v.Warnings {
		line("warning", f)
	}
	if len(v.Errors)+len(v.Warnings) == 0 {
		b.WriteString("  clean\n")
	}
}
