package engine

import (
	"fmt"
	"io"
	"strings"
	"time"

	"flowgate/internal/workflow"
)

// Report is what `flowgate run --json` prints: every run of every node with
// its items by output.
type Report struct {
	Status workflow.Status          `json:"status"`
	Error  *workflow.ExecutionError `json:"error,omitempty"`
	Order  []string                 `json:"order"`
	Nodes  map[string][]ReportRun   `json:"nodes"`

	runs   []workflow.NodeRun
	result []workflow.Item
}

// ReportRun is one run of a node. Main is null when the node gave nothing
// because it failed.
type ReportRun struct {
	Status string                   `json:"status"`
	Error  *workflow.ExecutionError `json:"error,omitempty"`
	Main   [][]workflow.Item        `json:"main"`
}

// NewReport returns the report of an execution.
func NewReport(o Outcome) *Report {
	r := &Report{Status: o.Status, Error: o.Error, Order: o.Order, Nodes: map[string][]ReportRun{}, runs: o.Runs, result: o.Result}
	if r.Order == nil {
		r.Order = []string{}
	}
	for _, run := range o.Runs {
		r.Nodes[run.Node] = append(r.Nodes[run.Node], ReportRun{Status: run.Status, Error: run.Error, Main: withoutNil(run.Main)})
	}
	return r
}

// withoutNil writes an output without items as [], not null.
func withoutNil(main [][]workflow.Item) [][]workflow.Item {
	if main == nil {
		return nil
	}
	out := make([][]workflow.Item, len(main))
	for i, items := range main {
		if out[i] = items; items == nil {
			out[i] = []workflow.Item{}
		}
	}
	return out
}

// WriteText writes the steps for people: what ran when, how long it took, and
// what it gave.
func (r *Report) WriteText(w io.Writer) error {
	var b strings.Builder
	var first time.Time
	for i, run := range r.runs {
		if i == 0 {
			first = run.StartedAt
		}
		r.writeStep(&b, i, run, run.StartedAt.Sub(first))
	}
	fmt.Fprintf(&b, "%s after %s\n", r.Status, count(len(r.runs), "node run"))
	if r.Error != nil {
		place := ""
		if r.Error.Node != "" {
			place = fmt.Sprintf(" in %q", r.Error.Node)
		}
		fmt.Fprintf(&b, "error%s: %s\n", place, r.Error.Message)
		if r.Error.Description != "" {
			fmt.Fprintf(&b, "  %s\n", r.Error.Description)
		}
	}
	r.writeResult(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

// maxShown is how many items of the result are written for people.
const maxShown = 10

// writeResult shows what the last node gave.
func (r *Report) writeResult(b *strings.Builder) {
	if r.Error != nil || len(r.runs) == 0 {
		return
	}
	fmt.Fprintf(b, "result of %q:\n", r.runs[len(r.runs)-1].Node)
	for i, item := range r.result {
		if i == maxShown {
			fmt.Fprintf(b, "  … and %d more; --json shows all\n", len(r.result)-maxShown)
			return
		}
		text, err := workflow.AppendJSON(nil, item.JSON)
		if err != nil {
			text = []byte("(" + err.Error() + ")")
		}
		if len(text) > maxShownBytes {
			text = append(text[:maxShownBytes:maxShownBytes], "…"...)
		}
		fmt.Fprintf(b, "  %s\n", text)
	}
	if len(r.result) == 0 {
		b.WriteString("  no items\n")
	}
}

// maxShownBytes is how much of one item is written for people.
const maxShownBytes = 2000

func (r *Report) writeStep(b *strings.Builder, i int, run workflow.NodeRun, at time.Duration) {
	mark := "ok"
	if run.Error != nil {
		mark = "FAILED"
	}
	name := run.Node
	if run.Run > 0 {
		name += fmt.Sprintf(" (run %d)", run.Run+1)
	}
	fmt.Fprintf(b, "%3d  +%-9s %-30s %-6s %8.1f ms  %s\n", i+1, at.Round(time.Millisecond), name, mark, run.DurationMS, outputText(run.Main))
	if run.Error != nil {
		fmt.Fprintf(b, "     %s\n", run.Error.Message)
	}
	for _, line := range run.Console {
		fmt.Fprintf(b, "     | %s\n", line)
	}
	for _, hint := range run.Hints {
		fmt.Fprintf(b, "     hint: %s\n", hint)
	}
}

func outputText(main [][]workflow.Item) string {
	var parts []string
	for i, items := range main {
		text := count(len(items), "item")
		if len(main) > 1 {
			text = fmt.Sprintf("output %d: %s", i, text)
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ", ")
}
