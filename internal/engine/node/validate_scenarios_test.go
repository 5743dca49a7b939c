package node_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"flowgate/internal/engine/node"
	"flowgate/internal/workflow"
)

// Documents that were recorded running must pass validation, but for those
// that are about an unknown reference.
func TestRecordedDocumentsAreValid(t *testing.T) {
	files, err := filepath.Glob("../testdata/scenarios/*.json")
	if err != nil || len(files) == 0 {
		t.Skip("no recorded scenarios")
	}
	reg := node.NewRegistry(node.All(), node.RegistryOptions{})
	for _, file := range files {
		if strings.HasPrefix(filepath.Base(file), "_") {
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var s struct{ Workflow workflow.Document }
		if err := json.Unmarshal(data, &s); err != nil {
			t.Fatal(err)
		}
		v := node.ValidateDocument(&s.Workflow, reg, node.ValidateOptions{})
		for _, f := range append(v.Errors, v.Warnings...) {
			switch f.Code {
			case node.FindingUnknownReference, node.FindingUnreachable, node.FindingUnusedErrorOutput, node.FindingPlainBraces:
			default:
				t.Errorf("%s: %+v", filepath.Base(file), f)
			}
		}
	}
}
