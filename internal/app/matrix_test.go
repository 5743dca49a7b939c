package app_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"flowgate/internal/auth"
	"flowgate/internal/service"
)

// TestMatrix has every kind of caller try every capability by every door, over
// the wire, and compares what came of it with a golden table: the App routes,
// the façade, MCP over HTTP in both generations, and MCP over stdio. The calls
// have an argument that every capability refuses: what gets as far as that
// refusal was let in, and nothing is done.
func TestMatrix(t *testing.T) {
	t.Parallel()
	w := newMatrixWorld(t)
	rows := map[string]map[string]verdict{} // by caller and capability
	var mu sync.Mutex
	var all sync.WaitGroup
	slots := make(chan struct{}, 4)
	for _, c := range w.callers {
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			row := w.try(t, c)
			mu.Lock()
			defer mu.Unlock()
			rows[c.name] = row
		})
	}
	all.Wait()
	if t.Failed() {
		return
	}
	for _, c := range w.callers {
		for _, capability := range w.capabilities() {
			rows[c.name][capability.Name].check(t, c.name, capability)
		}
	}
	var out bytes.Buffer
	out.WriteString(matrixHead)
	for _, capability := range w.capabilities() {
		w.write(&out, capability, rows)
	}
	goldenFile(t, "matrix.golden", out.Bytes())
}

const matrixHead = `Who may do what, by which door. "yes" is let in; else it is what the door
answered. Of the doors that list, what the caller was shown comes first where
that is not the same: "shown, 403 …". "-" is a caller that this door cannot have.

`

// verdict is what the doors said to one caller about one capability.
type verdict struct {
	app                                []string // by route
	facadeList, facadeShow, facadeCall string
	mcpList, mcpCall, newList, newCall string
	stdioList, stdioCall               string
}

const (
	letIn   = "yes"
	shown   = "shown"
	hidden  = "hidden"
	none    = "-"
	noStdio = "does not start" // for this credential
)

// check holds the doors of the MCP tier to one decision, and lists to what
// calls do.
func (v verdict) check(t *testing.T, who string, c *service.Capability) {
	t.Helper()
	what := who + ", " + c.Name
	if v.mcpList != v.facadeList || v.newList != v.mcpList || v.stdioList != none && !refused(v.stdioList) && v.stdioList != v.mcpList {
		t.Errorf("%s: the doors list differently: façade %s, MCP %s and %s, stdio %s", what, v.facadeList, v.mcpList, v.newList, v.stdioList)
	}
	noKey := v.stdioCall == noStdio && strings.Contains(who, "OAuth client") // stdio takes API keys only
	if v.mcpCall != v.newCall || (v.mcpCall == letIn) != (v.facadeCall == letIn) || v.stdioCall != none && !noKey && (v.stdioCall == letIn) != (v.mcpCall == letIn) {
		t.Errorf("%s: the doors let in differently: façade %s, MCP %s and %s, stdio %s", what, v.facadeCall, v.mcpCall, v.newCall, v.stdioCall)
	}
	if (v.facadeShow == letIn) != (v.facadeList == shown) {
		t.Errorf("%s: the façade lists it as %s and shows it with %s", what, v.facadeList, v.facadeShow)
	}
	reader := v.facadeList == shown && strings.Contains(v.facadeCall, "insufficient_scope") // sees the catalogue, calls nothing
	if (v.facadeList == shown) != (v.facadeCall == letIn) && !(reader && strings.Contains(who, auth.ScopeToolsRead)) {
		t.Errorf("%s: listed as %s, and a call gives %s", what, v.facadeList, v.facadeCall)
	}
}

func refused(list string) bool { return list != shown && list != hidden }

// cells are the verdict's four columns.
func (v verdict) cells() [4]string {
	return [4]string{strings.Join(slices.Compact(slices.Clone(v.app)), " / "), cell(v.facadeList, v.facadeShow, v.facadeCall),
		cell(v.mcpList, v.mcpCall, v.newCall), cell(v.stdioList, v.stdioCall)}
}

// cell says in short what a door lists and does.
func cell(list string, answers ...string) string {
	answers = slices.Compact(answers)
	text := strings.Join(answers, " / ")
	switch {
	case list == shown && text == letIn, refused(list) && strings.HasPrefix(text, list):
		return text
	case list == hidden && text != letIn:
		return text
	}
	return list + ", " + text
}

// write puts out a capability's table: callers who are answered alike share a
// line.
func (w *matrixWorld) write(out *bytes.Buffer, c *service.Capability, rows map[string]map[string]verdict) {
	fmt.Fprintf(out, "%s  %s", c.Name, c.Scope)
	for _, r := range c.Routes {
		fmt.Fprintf(out, "  %s %s", r.Method, r.Path)
	}
	if c.RESTOnly {
		out.WriteString("  (no tool)")
	}
	out.WriteString("\n")
	const line = "  %-24s  %-36s  %-31s  %-27s  %s\n" // wide enough: a change of one line is a change of one line
	fmt.Fprintf(out, line, "app", "façade", "mcp", "stdio", "who")
	who := map[[4]string][]string{}
	var order [][4]string
	for _, caller := range w.callers {
		cells := rows[caller.name][c.Name].cells()
		if who[cells] == nil {
			order = append(order, cells)
		}
		who[cells] = append(who[cells], caller.name)
	}
	for _, cells := range order {
		fmt.Fprintf(out, line, cells[0], cells[1], cells[2], cells[3], strings.Join(who[cells], ", "))
	}
	out.WriteString("\n")
}

// goldenFile compares got with a file under testdata.
func goldenFile(t *testing.T, name string, got []byte) {
	t.Helper()
	path := "testdata/" + name
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; write it with: go test ./internal/app -update", err)
	}
	if bytes.Equal(got, want) {
		return
	}
	was := map[string]bool{}
	for line := range strings.Lines(string(want)) {
		was[line] = true
	}
	for line := range strings.Lines(string(got)) {
		if !was[line] {
			t.Logf("new: %s", line)
		}
	}
	t.Errorf("%s differs; when that is meant: go test ./internal/app -update", path)
}

// TestMatrixOfStrangers has others ask for what is the first user's, by its
// real id: it is not there for them, whatever their scopes.
func TestMatrixOfStrangers(t *testing.T) {
	t.Parallel()
	w := newMatrixWorld(t)
	mine := w.belongings(t)
	tried := map[string]int{}
	for _, caller := range w.callers {
		if !caller.stranger {
			continue
		}
		for _, c := range w.capabilities() {
			args := argumentsFor(c, mine)
			if args == nil {
				continue
			}
			for _, got := range w.ask(t, caller, c, args) {
				if got != "404 not_found" {
					t.Errorf("%s, %s: %s", caller.name, c.Name, got)
				}
				tried[c.Name]++
			}
		}
	}
	names := slices.Sorted(maps.Keys(tried))
	if len(names) < 16 {
		t.Errorf("only these were tried: %s", names)
	}
	owner := w.addKey(t, "the owner's key", auth.NewKey{OwnerID: w.owner.ID, Scopes: []string{auth.ScopeToolsExecute}})
	for _, c := range w.capabilities() {
		if args := argumentsFor(c, mine); args != nil && c.ReadOnly {
			for _, got := range w.ask(t, owner, c, args) {
				if got != letIn {
					t.Errorf("the owner afterwards, %s: %s", c.Name, got)
				}
			}
		}
	}
}
