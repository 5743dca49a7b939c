package service

import (
	"context"
	"strings"
	"testing"

	"flowgate/internal/auth"
)

// TestUndeclaredRulesStopTheStart holds every row to say all that the doors
// decide by: a table with a row that does not is refused, and with it the
// start.
func TestUndeclaredRulesStopTheStart(t *testing.T) {
	t.Parallel()
	type nothing struct{}
	whole := func() *Capability {
		return row(Capability{Name: "one", Title: "One", Description: "Does one thing.", Scope: auth.ScopeToolsRead, Group: "Things",
			Routes: []Route{{Method: "GET", Path: "/one", Status: 200}}},
			func(context.Context, nothing) (*nothing, error) { return &nothing{}, nil }, func(*nothing) string { return "" })
	}
	declare := func(rows ...*Capability) error {
		s := &Service{index: map[string]*Capability{}}
		return s.declare(rows)
	}
	if err := declare(whole()); err != nil {
		t.Fatalf("a whole row: %v", err)
	}
	for missing, change := range map[string]func(*Capability){
		"Name":        func(c *Capability) { c.Name = "" },
		"Title":       func(c *Capability) { c.Title = "" },
		"Description": func(c *Capability) { c.Description = "" },
		"Group":       func(c *Capability) { c.Group = "" },
		"Scope":       func(c *Capability) { c.Scope = "" },
		"Input":       func(c *Capability) { c.Input = nil },
		"Output":      func(c *Capability) { c.Output = nil },
		"Text":        func(c *Capability) { c.Text = nil },
		"call":        func(c *Capability) { c.call = nil },
		"Routes":      func(c *Capability) { c.RESTOnly, c.Routes = true, nil },
	} {
		c := whole()
		change(c)
		if err := declare(c); err == nil || !strings.Contains(err.Error(), "not declared fully: "+missing) {
			t.Errorf("without %s: %v", missing, err)
		}
	}
	unknown := whole()
	unknown.Scope = "things:all"
	if err := declare(unknown); err == nil || !strings.Contains(err.Error(), "Scope") {
		t.Errorf("a scope that there is not: %v", err)
	}
	if err := declare(whole(), whole()); err == nil || !strings.Contains(err.Error(), "declared twice") {
		t.Errorf("a row twice: %v", err)
	}
}
