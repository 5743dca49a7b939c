package app_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// importRules says which packages of this module each package may import.
// Entries ending in /... cover the packages below. "*" is everything. What is
// not listed may import nothing of the module.
var importRules = []struct {
	pkg string
	may []string
}{
	{"cmd/flowgate", []string{"*"}},
	{"internal/app", []string{"*"}},
	{"mcp", []string{"internal/service", "internal/auth", "internal/telemetry", "internal/workflow"}},
	{"web", []string{"internal/service", "internal/auth", "internal/telemetry", "internal/workflow"}},
	{"internal/service", []string{"store", "internal/auth", "internal/audit", "internal/ratelimit", "internal/workflow"}},
	{"internal/auth", []string{"store", "internal/workflow"}},
	{"internal/audit", []string{"store", "internal/workflow"}},
	{"internal/engine", []string{"store", "internal/workflow", "internal/engine/..."}},
	{"internal/engine/node", []string{"store", "internal/workflow", "internal/engine/expr"}},
	{"internal/engine/expr", []string{"store", "internal/workflow"}},
	{"internal/engine/durable", []string{"store", "internal/workflow"}},
	{"internal/migrate", []string{"store", "internal/workflow"}},
	{"internal/agent", []string{"proto/...", "store", "internal/workflow", "internal/engine", "internal/agent/planner"}},
	{"internal/agent/planner/llm", []string{"internal/workflow"}},
	{"internal/agent/planner", []string{"internal/workflow", "internal/agent/planner/..."}},
	{"grpcclient", []string{"proto/...", "internal/workflow"}},
	{"proto/agenttest", nil},
	{"proto/agentconv", []string{"proto/...", "internal/workflow"}},
	{"internal/ratelimit", []string{"store", "internal/workflow"}},
	{"store", []string{"internal/workflow"}},
	{"store/...", []string{"store", "store/internal/...", "internal/workflow"}},
	{"bench", []string{"*"}},
	{"bench/...", []string{"*"}},
}

// free may be imported by everybody.
var free = []string{"internal/telemetry", "internal/seal", "internal/egress"}

type listedPackage struct {
	ImportPath string
	Imports    []string
}

func TestImportRules(t *testing.T) {
	t.Parallel()
	for _, p := range listPackages(t) {
		pkg := strings.TrimPrefix(p.ImportPath, "flowgate/")
		for _, imported := range p.Imports {
			target, ours := strings.CutPrefix(imported, "flowgate/")
			if ours && !mayImport(pkg, target) {
				t.Errorf("%s imports %s, which the layout does not allow", pkg, target)
			}
			if ours && (pkg == "mcp" && target == "web" || pkg == "web" && target == "mcp") {
				t.Errorf("%s imports %s: doors do not know each other", pkg, target)
			}
		}
		if slices.Contains(p.Imports, "github.com/spf13/viper") && pkg != "internal/config" {
			t.Errorf("%s imports viper: only internal/config does", pkg)
		}
	}
}

func mayImport(pkg, target string) bool {
	if slices.Contains(free, target) {
		return true
	}
	for _, r := range importRules {
		if !covers(r.pkg, pkg) {
			continue
		}
		return slices.ContainsFunc(r.may, func(pattern string) bool { return pattern == "*" || covers(pattern, target) })
	}
	return false
}

func covers(pattern, pkg string) bool {
	if below, ok := strings.CutSuffix(pattern, "/..."); ok {
		return strings.HasPrefix(pkg, below+"/")
	}
	return pattern == pkg
}

func listPackages(t *testing.T) []listedPackage {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", "./...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var list []listedPackage
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listedPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

// TestServiceKeyIsForTheBucketAlone: the key that row-level security does not
// bind goes from the configuration to what keeps the content of files, which
// asks for ids alone, and nowhere else.
func TestServiceKeyIsForTheBucketAlone(t *testing.T) {
	t.Parallel()
	const bucket = "../../internal/app/files.go"
	seen, uses := 0, 0
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == "config" || strings.HasPrefix(d.Name(), ".") && d.Name() != ".."):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		seen++
		source, err := os.ReadFile(path)
		n := bytes.Count(bytes.ToLower(source), []byte("supabasesecretkey")) + bytes.Count(source, []byte(`"SUPABASE_SECRET_KEY"`)) // by its field, or from the environment
		if path == bucket {
			uses = n
		} else if n > 0 {
			t.Errorf("%s knows the project's secret key", path)
		}
		return err
	})
	if err != nil || seen < 200 || uses != 1 {
		t.Errorf("%d files, %d uses for the bucket, %v", seen, uses, err)
	}
}
