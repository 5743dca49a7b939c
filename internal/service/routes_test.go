package service

import (
	"strings"
	"testing"
)

func TestNoRouteIsDeclaredTwice(t *testing.T) {
	s, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.table) == 0 {
		t.Fatal("the table is empty")
	}
	twice := []*Capability{
		{Name: "one", Routes: []Route{{Method: "GET", Path: "/things/{id}"}, {Method: "PUT", Path: "/things/{id}"}}},
		{Name: "two", Routes: []Route{{Method: "GET", Path: "/things"}, {Method: "GET", Path: "/things/{thing_id}"}}},
	}
	if err := distinctRoutes(twice); err == nil || !strings.Contains(err.Error(), "by one and two") {
		t.Errorf("%v", err)
	}
}
