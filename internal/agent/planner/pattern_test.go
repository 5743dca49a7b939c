package planner

import (
	"regexp"
	"sync"
	"testing"
)

// TestPatterns compiles what is else compiled when it is first used.
func TestPatterns(t *testing.T) {
	t.Parallel()
	n := 0
	patterns.Range(func(text, _ any) bool {
		n++
		if _, err := regexp.Compile(text.(string)); err != nil {
			t.Error(err)
		}
		return true
	})
	if n < 100 {
		t.Fatalf("only %d patterns are known", n)
	}
}

// TestPatternIsKept has many ask for one at once.
func TestPatternIsKept(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	got := make([]*pattern, 8)
	for i := range got {
		all.Go(func() {
			if got[i] = lazily(`^a+b$`); !got[i].MatchString("aab") {
				t.Error("it does not match")
			}
		})
	}
	all.Wait()
	for _, p := range got {
		if p != got[0] {
			t.Error("one text gave several patterns")
		}
	}
}
