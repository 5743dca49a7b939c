package app_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestSecurityPage holds docs/security.md to its word: every risk of both
// lists is there, each line names tests, and all of them exist.
func TestSecurityPage(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	page, err := os.ReadFile(filepath.Join(root, "docs", "security.md"))
	if err != nil {
		t.Fatal(err)
	}
	exist := testsOf(t, root)
	named := regexp.MustCompile("`([a-z/0-9]+)\\.((?:Test|Fuzz|Benchmark)[A-Za-z0-9]+)`")
	files := regexp.MustCompile("`(\\.ci/[a-z-]+)`")
	risk := regexp.MustCompile(`^\| ((?:API|MCP)[0-9]+) `)
	seen := map[string]bool{}
	for line := range strings.Lines(string(page)) {
		names := named.FindAllStringSubmatch(line, -1)
		for _, n := range names {
			if !exist[n[1]+"."+n[2]] {
				t.Errorf("there is no test %s.%s, which the page names", n[1], n[2])
			}
		}
		for _, f := range files.FindAllStringSubmatch(line, -1) {
			if _, err := os.Stat(filepath.Join(root, f[1])); err != nil {
				t.Errorf("the page names %s: %v", f[1], err)
			}
		}
		m := risk.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		seen[m[1]] = true
		if cells := strings.Split(line, " | "); len(cells) != 3 || !named.MatchString(cells[2]) {
			t.Errorf("a line of %s names no test: %s", m[1], line)
		}
	}
	for i := 1; i <= 10; i++ {
		for _, name := range []string{fmt.Sprintf("API%d", i), fmt.Sprintf("MCP%02d", i)} {
			if !seen[name] {
				t.Errorf("nothing is said of %s", name)
			}
		}
	}
}

// testsOf are the tests of the tree, as folder.Name.
func testsOf(t *testing.T, root string) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)[A-Za-z0-9]+)\(`)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".") && path != root && d.Name() != ".."):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		folder, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		for _, m := range declared.FindAllStringSubmatch(string(text), -1) {
			out[filepath.ToSlash(folder)+"."+m[1]] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
