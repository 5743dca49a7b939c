package hookpath

import (
	"slices"
	"strings"
	"testing"

	"flowgate/internal/workflow"
)

// TestMatching finds every pattern of a path among its shapes.
func TestMatching(t *testing.T) {
	t.Parallel()
	for pattern, path := range map[string]string{":id": "7", "orders/:id": "orders/7", ":a/:b/c": "x/y/c", "a/:b/:c": "a/b/c"} {
		shape, parameters := Shape(pattern)
		if !slices.Contains(Matching(path), shape) || parameters == 0 {
			t.Errorf("%s has the shape %s, which is not among %v of %s", pattern, shape, Matching(path), path)
		}
	}
	if shape, parameters := Shape("a/b"); shape != "a/b" || parameters != 0 || slices.Contains(Matching("a/b"), "a/b") {
		t.Errorf("a path without parameters is its own shape: %s, %d", shape, parameters)
	}
	if slices.Contains(Matching("a/"), "a/:") {
		t.Error("an empty segment is no parameter's value")
	}
}

// TestCompare puts the more particular pattern first.
func TestCompare(t *testing.T) {
	t.Parallel()
	patterns := []string{":a/:b/c", "a/:b/:c", "a/:b/c", ":a/:b/:c"}
	slices.SortFunc(patterns, Compare)
	if want := []string{"a/:b/c", "a/:b/:c", ":a/:b/c", ":a/:b/:c"}; !slices.Equal(patterns, want) {
		t.Errorf("%v, want %v", patterns, want)
	}
}

// TestCheck refuses parameters that no look-up would find.
func TestCheck(t *testing.T) {
	t.Parallel()
	if err := Check("1/2/3/4/5/6/7/:h/9"); err != nil {
		t.Error(err)
	}
	if Check("1/2/3/4/5/6/7/8/:i") == nil {
		t.Error("a parameter behind the eighth segment is accepted")
	}
}

func TestLongPaths(t *testing.T) {
	long := strings.Repeat("a/", workflow.MaxHookPath)
	if got := Matching(long); len(got) > 0 {
		t.Errorf("%d shapes of a path that none has", len(got))
	}
	if Check(long) == nil {
		t.Error("a path that nobody could call is armed")
	}
}
