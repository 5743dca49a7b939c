package planner

import (
	"regexp"
	"testing"
)

// TestPatterns compiles what is else compiled when it is first used.
func TestPatterns(t *testing.T) {
	t.Parallel()
	if len(patterns) < 100 {
		t.Fatalf("only %d patterns are known", len(patterns))
	}
	for _, p := range patterns {
		if _, err := regexp.Compile(p.text); err != nil {
			t.Error(err)
		}
	}
}
