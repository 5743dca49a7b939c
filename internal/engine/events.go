package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"flowgate/internal/workflow"
)

// emit numbers an event and hands it to the recorder. Sub-workflows are one
// node run of the execution that calls them: what happens inside is told by
// log lines only, so that names of nodes stay those of one document.
func (x *execution) emit(ctx context.Context, e workflow.Event) {
	if x.path != "" || x.broken != nil {
		return
	}
	x.seq++
	e.ExecutionID, e.Seq, e.At = x.job.Execution.ID, x.seq, time.Now().UTC()
	if e.Level == "" {
		e.Level = "info"
	}
	if x.recorder == nil {
		return
	}
	if err := x.recorder.Event(context.WithoutCancel(ctx), e); err != nil {
		_ = x.interrupt(err)
	}
}

func (x *execution) started(ctx context.Context) {
	message := "Execution started"
	if x.begin != nil {
		message = fmt.Sprintf("Execution started at %q", x.begin.name())
	}
	x.emit(ctx, workflow.Event{Type: workflow.EventStarted, Status: workflow.StatusRunning, Message: message})
}

func (x *execution) nodeStarted(ctx context.Context, v *vertex, run int) {
	message := fmt.Sprintf("%q started", v.name())
	if run > 0 {
		message = fmt.Sprintf("%q started (run %d)", v.name(), run+1)
	}
	x.emit(ctx, workflow.Event{Type: workflow.EventNodeStarted, Node: v.name(), Run: run, Message: message})
}

// keep adds a finished run to the execution and records it.
func (x *execution) keep(ctx context.Context, r workflow.NodeRun) {
	x.runs[r.Node] = append(x.runs[r.Node], r)
	x.all = append(x.all, r)
	if x.path != "" {
		return
	}
	if x.recorder != nil {
		if err := x.recorder.NodeRun(context.WithoutCancel(ctx), r); err != nil {
			_ = x.interrupt(err)
			return
		}
	}
	e := workflow.Event{Type: workflow.EventNodeFinished, Node: r.Node, Run: r.Run, DurationMS: r.DurationMS}
	total := 0
	for _, items := range x.shown(r) {
		e.ItemCounts = append(e.ItemCounts, len(items))
		total += len(items)
	}
	e.Message = fmt.Sprintf("%q finished with %s", r.Node, count(total, "item"))
	if r.Error != nil {
		e.Type, e.Level = workflow.EventNodeFailed, "error"
		e.Message = fmt.Sprintf("%q failed: %s", r.Node, r.Error.Message)
		if r.Main != nil {
			e.Level = "warn"
			e.Message += " The workflow goes on, as the node's error setting says."
		}
	}
	x.emit(ctx, e)
}

func (x *execution) retrying(ctx context.Context, v *vertex, run, try, tries int, pause time.Duration, err error) {
	reason := "the first item is an error"
	if err != nil {
		reason = err.Error()
	}
	x.emit(ctx, workflow.Event{Type: workflow.EventLog, Level: "warn", Node: v.name(), Run: run,
		Message: fmt.Sprintf("%q failed in attempt %d of %d (%s); trying again in %s", v.name(), try+1, tries, reason, pause)})
}

// waits tells that a node waits; nodes of sub-workflows speak for the node
// that called them.
func (x *execution) waits(ctx context.Context, v *vertex, run int, w *workflow.Waiting) {
	message := fmt.Sprintf("%q waits", v.name())
	if w.Kind != "time" {
		message = fmt.Sprintf("%q waits for an answer (%s)", v.name(), w.Kind)
	}
	if w.Until != nil {
		message += " until " + w.Until.Format(time.RFC3339)
	}
	x.emitWait(ctx, workflow.Event{Type: workflow.EventWaiting, Status: workflow.StatusWaiting, Node: v.name(), Run: run, Message: message}, w)
}

func (x *execution) resumed(ctx context.Context, v *vertex, run int) {
	x.emitWait(ctx, workflow.Event{Type: workflow.EventResumed, Status: workflow.StatusRunning, Node: v.name(), Run: run,
		Message: fmt.Sprintf("%q goes on", v.name())}, nil)
}

func (x *execution) emitWait(ctx context.Context, e workflow.Event, w *workflow.Waiting) {
	x.outermost().emit(ctx, e)
	if x.recorder == nil || x.broken != nil {
		return
	}
	if err := x.recorder.Waiting(context.WithoutCancel(ctx), w); err != nil {
		_ = x.interrupt(err)
	}
}

// outermost is the execution itself, seen from a sub-workflow.
func (x *execution) outermost() *execution {
	if x.path == "" {
		return x
	}
	return &execution{world: x.world}
}

// respond answers the waiting HTTP caller once.
func (x *execution) respond(ctx context.Context, v *vertex, run int, r workflow.Response) (bool, error) {
	if !x.job.Execution.Start.Webhook && !x.answering || x.job.Respond == nil {
		return false, nil
	}
	if x.responded {
		return true, nil
	}
	x.responded = true
	data, err := json.Marshal(r)
	if err != nil {
		return false, err
	}
	x.outermost().emit(ctx, workflow.Event{Type: workflow.EventResponse, Node: v.name(), Run: run, Data: data,
		Message: fmt.Sprintf("%q answered the caller with status %d", v.name(), r.Status)})
	return true, x.job.Respond(ctx, r)
}

func (x *execution) finished(ctx context.Context, o *Outcome, took time.Duration) {
	e := workflow.Event{Type: workflow.EventFinished, Status: o.Status, DurationMS: float64(took.Microseconds()) / 1000}
	switch o.Status {
	case workflow.StatusSuccess:
		e.Message = "Execution succeeded after " + count(len(o.Order), "node run")
	case workflow.StatusCancelled:
		e.Level, e.Message = "warn", "Execution was cancelled"
	default:
		e.Level, e.Message = "error", "Execution failed: "+o.Error.Message
	}
	x.emit(ctx, e)
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
