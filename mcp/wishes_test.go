package mcp

import (
	"fmt"
	"strings"
	"testing"
)

// TestWishesAreBounded: what one caller's sessions ask to be told takes
// little memory, and nothing of another caller's.
func TestWishesAreBounded(t *testing.T) {
	t.Parallel()
	s := newSessions([]byte("key"), 3, func(string) {})
	s.subscribe("hers", "ann", "workflow://a", true)
	s.setLevel("hers", "ann", "error")
	for i := range 10 {
		id := fmt.Sprint("session", i)
		s.setLevel(id, "bob", "debug")
		for n := range 2 * maxSubscriptions {
			s.subscribe(id, "bob", fmt.Sprint("workflow://", n), true)
		}
		s.subscribe(id, "bob", "workflow://"+strings.Repeat("x", maxURI), true)
		s.subscribe(id, "bob", "file:///etc/passwd", true)
	}
	if n := len(s.wishing["bob"]); n != 3 || len(s.wishes) != 4 {
		t.Errorf("%d sessions of one caller, %d in all", n, len(s.wishes))
	}
	if n := len(s.subscribed("session9")); n != maxSubscriptions || len(s.subscribed("session6")) != 0 || s.level("session9") != "debug" {
		t.Errorf("%d resources", n)
	}
	if got := s.subscribed("hers"); len(got) != 1 || s.level("hers") != "error" {
		t.Errorf("another caller's are %v", got)
	}
	s.subscribe("session9", "bob", "workflow://1", false)
	if n := len(s.subscribed("session9")); n != maxSubscriptions-1 {
		t.Errorf("%d are left", n)
	}
	s.end("hers", "ann")
	if s.level("hers") != "" || len(s.wishing["ann"]) != 0 {
		t.Error("an ended session still wishes")
	}
}
