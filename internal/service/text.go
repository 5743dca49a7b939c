package service

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store"
)

// The compact text twins of results: what a model needs to go on, a line or
// a few.

func textWorkflows(o *SearchWorkflowsOutput) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d of %s workflows", len(o.Workflows), counted(o.Total))
	for _, w := range o.Workflows {
		fmt.Fprintf(&b, "\n%s  %s (%d nodes, version %d%s%s)", w.WorkflowID, w.Name, w.NodeCount, w.Version,
			ifText(w.Active, ", active"), ifText(w.LastStatus != "", ", last run "+w.LastStatus))
	}
	if o.NextCursor != "" {
		fmt.Fprintf(&b, "\nmore: cursor %s", o.NextCursor)
	}
	return b.String()
}

// counted is a total in words: beyond store.CountsTo nobody counted.
func counted(total int) string {
	if total > store.CountsTo {
		return "more than " + strconv.Itoa(store.CountsTo)
	}
	return strconv.Itoa(total)
}

func textWorkflow(w *WorkflowView) string {
	doc, err := w.document()
	if err != nil {
		return w.Name
	}
	return fmt.Sprintf("%s %q, version %d%s\n%s{%s}", w.WorkflowID, w.Name, w.Version, ifText(w.Active, ", active"), textTriggers(w.Triggers), doc)
}

func textTriggers(list []TriggerView) string {
	var b strings.Builder
	for _, t := range list {
		fmt.Fprintf(&b, "trigger %q (%s)", t.Node, t.Type)
		if t.URL != "" {
			fmt.Fprintf(&b, ": %s %s", strings.Join(t.Methods, "|"), t.URL)
		}
		if t.NextAt != nil {
			fmt.Fprintf(&b, ": next at %s", t.NextAt.Format(time.RFC3339))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func textSaved(o *Saved) string {
	return fmt.Sprintf("saved %q as %s, version %d; %s", o.Name, o.WorkflowID, o.Version, textValidation(&o.Validation))
}

func textValidation(v *workflow.Validation) string {
	var b strings.Builder
	if v.Valid {
		b.WriteString("it can run")
	} else {
		fmt.Fprintf(&b, "it is not valid yet, %d to mend:", len(v.Errors))
	}
	for _, f := range v.Errors {
		b.WriteString("\n- " + textFinding(f))
	}
	for _, f := range v.Warnings {
		b.WriteString("\n- warning: " + textFinding(f))
	}
	return b.String()
}

func textFinding(f workflow.Finding) string {
	return ifText(f.Node != "", f.Node+": ") + f.Message + ifText(f.Path != "", " ["+f.Path+"]") + ifText(f.Hint != "", "; "+f.Hint)
}

func textActivation(a *Activation) string {
	if !a.Active {
		return a.WorkflowID + " is inactive"
	}
	return a.WorkflowID + " is active\n" + textTriggers(a.Triggers)
}

func textDeleted(d *Deleted) string { return d.WorkflowID + " is deleted" }

func textExecution(e *ExecutionView) string {
	var b strings.Builder
	fmt.Fprintf(&b, "execution %s: %s", e.ExecutionID, e.Status)
	if e.DurationMS > 0 {
		fmt.Fprintf(&b, " after %.0f ms", e.DurationMS)
	}
	if e.Error != nil {
		fmt.Fprintf(&b, "\nfailed at %q: %s%s", e.Error.Node, e.Error.Message, ifText(e.Error.Description != "" && !strings.HasSuffix(e.Error.Message, e.Error.Description), " ("+e.Error.Description+")"))
	}
	if e.WaitingFor != nil {
		fmt.Fprintf(&b, "\nwaits at %q for %s%s", e.WaitingFor.Node, e.WaitingFor.Kind, textAsked(e))
	}
	if len(e.Result) > 0 {
		fmt.Fprintf(&b, "\nresult of %q: %s", e.LastNode, e.Result)
	}
	for _, n := range e.Nodes {
		fmt.Fprintf(&b, "\n%s #%d %s %v: %s", n.Node, n.Run, n.Status, n.ItemCounts, n.Outputs)
	}
	if e.Truncated != "" {
		b.WriteString("\n" + e.Truncated)
	}
	if !workflow.Status(e.Status).Final() {
		b.WriteString("\nask get_execution for the rest")
	}
	return b.String()
}

// textAsked says until when an execution waits, what is asked, and how to
// answer.
func textAsked(e *ExecutionView) string {
	var b strings.Builder
	w := e.WaitingFor
	if w.Until != nil {
		fmt.Fprintf(&b, ", until %s at the latest", w.Until.Format(time.RFC3339))
	}
	if w.Kind != "time" {
		if len(w.Data) > 0 {
			fmt.Fprintf(&b, "\nasked: %s", w.Data)
		}
		b.WriteString("\nanswer with resume_execution" + ifText(e.ResumeURL != "", ", or let the person use "+e.ResumeURL))
	}
	return b.String()
}

func textExecutions(o *ListExecutionsOutput) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d of %s executions", len(o.Executions), counted(o.TotalCount))
	for _, e := range o.Executions {
		fmt.Fprintf(&b, "\n%s  %s %s, workflow %s%s", e.ExecutionID, e.Status, e.CreatedAt.Format(time.RFC3339), e.WorkflowID, ifText(e.Error != "", ": "+e.Error))
		if e.WaitingFor != nil {
			fmt.Fprintf(&b, ", waits at %q for %s", e.WaitingFor.Node, e.WaitingFor.Kind)
		}
	}
	if o.NextCursor != "" {
		fmt.Fprintf(&b, "\nmore: cursor %s", o.NextCursor)
	}
	return b.String()
}

func textLogs(o *GetExecutionLogsOutput) string {
	var b strings.Builder
	for _, e := range o.Events {
		fmt.Fprintf(&b, "%d %s %s %s%s\n", e.Seq, e.At.Format("15:04:05.000"), e.Type, e.Message, ifText(e.DurationMS > 0, fmt.Sprintf(" (%.1f ms)", e.DurationMS)))
	}
	fmt.Fprintf(&b, "next: after %d", o.NextAfter)
	return b.String()
}

func textNodeTypes(o *GetNodeTypesOutput) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d node types%s", o.Total, ifText(o.Note != "", ": "+o.Note))
	categories := make([]string, 0, len(o.Categories))
	for c := range o.Categories {
		categories = append(categories, c)
	}
	slices.Sort(categories)
	for _, c := range categories {
		fmt.Fprintf(&b, "\n%s", c)
		for _, t := range o.Categories[c] {
			fmt.Fprintf(&b, "\n- %s (v%v): %s", t.Type, t.Version, t.Description)
		}
	}
	return b.String()
}

func textNodeDetails(o *GetNodeDetailsOutput) string {
	data, err := json.Marshal(o.Nodes)
	if err != nil {
		return ""
	}
	return string(data)
}

func ifText(cond bool, text string) string {
	if cond {
		return text
	}
	return ""
}
