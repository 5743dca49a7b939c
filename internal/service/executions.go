package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store"
)

// maxItemsDefault is how many items of each output an answer shows unless
// asked for more.
const maxItemsDefault = 50

// ExecuteWorkflowInput starts a workflow.
type ExecuteWorkflowInput struct {
	WorkflowID     string            `json:"workflow_id"`
	Inputs         *workflow.Object  `json:"inputs,omitempty" jsonschema:"the json of the item the trigger emits; for a webhook trigger, its body"`
	Files          map[string]string `json:"files,omitempty" jsonschema:"files of that item: property (such as data) to the file_id of an uploaded file"`
	TriggerNode    string            `json:"trigger_node,omitempty" jsonschema:"name of the trigger to start at, when there are several"`
	StartFromNode  string            `json:"start_from_node,omitempty" jsonschema:"run only this node and what follows it, with the data of the execution named by execution_id"`
	ExecutionID    string            `json:"execution_id,omitempty" jsonschema:"with start_from_node: the earlier execution whose data the nodes before it are not run again for"`
	WaitSeconds    *int              `json:"wait_seconds,omitempty" jsonschema:"wait this long for the end; when it takes longer, the answer says running and get_execution tells the rest" default:"20" min:"0" max:"55"`
	IdempotencyKey string            `json:"idempotency_key,omitempty" jsonschema:"a repeated call with the same key starts nothing and returns the first call's execution"`
}

// ExecuteWorkflow records an execution of the newest version and waits for
// its end as long as asked.
func (s *Service) ExecuteWorkflow(ctx context.Context, in ExecuteWorkflowInput) (*ExecutionView, error) {
	w, err := s.Store.Workflow(ctx, owner(ctx), in.WorkflowID)
	if err != nil {
		return nil, err
	}
	start, err := s.startOf(&w.Document, in)
	if err != nil {
		return nil, err
	}
	if err := s.addFiles(ctx, &start, in); err != nil {
		return nil, err
	}
	id, _, err := s.Agent.Execute(ctx, workflow.ExecuteRequest{OwnerID: w.OwnerID, WorkflowID: w.ID, Version: w.Version,
		Mode: workflow.ModeManual, Start: start, IdempotencyKey: in.IdempotencyKey, RetryOf: in.ExecutionID})
	if err != nil {
		return nil, err
	}
	if err := s.await(ctx, w.OwnerID, id, seconds(in.WaitSeconds, 20)); err != nil {
		return nil, err
	}
	return s.Execution(ctx, GetExecutionInput{ExecutionID: id, Detail: "result"})
}

// await returns when the execution is final, or wait is over, or ctx is.
func (s *Service) await(ctx context.Context, owner, id string, wait time.Duration) error {
	return s.awaitAfter(ctx, owner, id, 0, wait)
}

// awaitAfter is await for what happens after an event.
func (s *Service) awaitAfter(ctx context.Context, owner, id string, after int64, wait time.Duration) error {
	if wait <= 0 {
		return nil
	}
	waiting, cancel := s.waiting(ctx, wait)
	defer cancel()
	progress := progressFrom(ctx)
	err := s.Agent.Watch(waiting, owner, id, after, func(e workflow.Event) error {
		if progress != nil {
			progress(e)
		}
		if e.Type == workflow.EventWaiting {
			return errWaiting
		}
		return nil
	})
	if errors.Is(err, errWaiting) || waiting.Err() != nil && ctx.Err() == nil {
		return nil // the caller reads where it stands
	}
	return err
}

var errWaiting = errors.New("the execution waits")

type progressKey struct{}

// WithProgress returns ctx with fn, which Call then tells what an execution
// it waits for does, event by event.
func WithProgress(ctx context.Context, fn func(workflow.Event)) context.Context {
	return context.WithValue(ctx, progressKey{}, fn)
}

func progressFrom(ctx context.Context) func(workflow.Event) {
	fn, _ := ctx.Value(progressKey{}).(func(workflow.Event))
	return fn
}

func (s *Service) startOf(d *workflow.Document, in ExecuteWorkflowInput) (workflow.Start, error) {
	start := workflow.Start{Trigger: in.TriggerNode, PinData: true}
	if in.StartFromNode != "" || in.ExecutionID != "" {
		return partialStart(d, in)
	}
	trigger := s.triggerNode(d, in.TriggerNode)
	if in.TriggerNode != "" && trigger == nil {
		return start, workflow.Errorf(workflow.CodeInvalid, "trigger_node: %q is not a trigger of this workflow; it has %s", in.TriggerNode, nodeNames(d))
	}
	if in.Inputs == nil {
		return start, nil
	}
	json := in.Inputs
	if trigger != nil {
		start.Trigger = trigger.Name
		if len(s.hooksAt(d, trigger.Name)) > 0 {
			json = workflow.NewObject("headers", &workflow.Object{}, "params", &workflow.Object{}, "query", &workflow.Object{}, "body", in.Inputs)
		}
	}
	start.Items = []workflow.Item{{JSON: json}}
	return start, nil
}

// partialStart begins at a node with an earlier execution's data.
func partialStart(d *workflow.Document, in ExecuteWorkflowInput) (workflow.Start, error) {
	start := workflow.Start{Trigger: in.StartFromNode, PinData: true}
	switch {
	case in.StartFromNode == "" || in.ExecutionID == "":
		return start, workflow.Errorf(workflow.CodeInvalid, "start_from_node and execution_id go together: the node to start from, and the earlier execution whose data it gets")
	case in.Inputs != nil || in.TriggerNode != "":
		return start, workflow.Errorf(workflow.CodeInvalid, "start_from_node: the data is that of the earlier execution, so inputs and trigger_node have no place here")
	case d.NodeByName(in.StartFromNode) == nil:
		return start, workflow.Errorf(workflow.CodeInvalid, "start_from_node: the workflow has no node named %q; it has %s", in.StartFromNode, nodeNames(d))
	}
	return start, nil
}

// triggerNode is the trigger an execution starts at: the named one, else the
// manual trigger, else the first.
func (s *Service) triggerNode(d *workflow.Document, name string) *workflow.Node {
	types := s.triggerSet()
	var first *workflow.Node
	for i := range d.Nodes {
		n := &d.Nodes[i]
		if n.Disabled || !types[n.Type] {
			continue
		}
		if n.Name == name || name == "" && n.Type == "n8n-nodes-base.manualTrigger" {
			return n
		}
		if first == nil {
			first = n
		}
	}
	if name != "" {
		return nil
	}
	return first
}

func (s *Service) hooksAt(d *workflow.Document, node string) []workflow.WebhookTrigger {
	var out []workflow.WebhookTrigger
	for _, h := range s.Catalogue.Webhooks(d) {
		if h.Node == node {
			out = append(out, h)
		}
	}
	return out
}

// GetExecutionInput names an execution and how much of it is wanted.
type GetExecutionInput struct {
	ExecutionID string   `json:"execution_id"`
	Detail      string   `json:"detail,omitempty" jsonschema:"status: no data; result: items of the last node; nodes: every node run with its items" enum:"status,result,nodes" default:"result"`
	NodeNames   []string `json:"node_names,omitempty" jsonschema:"only these nodes' runs"`
	MaxItems    int      `json:"max_items,omitempty" jsonschema:"items shown per output" default:"50" min:"1" max:"1000"`
}

// Execution returns one execution of the caller's.
func (s *Service) Execution(ctx context.Context, in GetExecutionInput) (*ExecutionView, error) {
	e, err := s.Store.Execution(ctx, owner(ctx), in.ExecutionID)
	if err != nil {
		return nil, err
	}
	limit := in.MaxItems
	if limit <= 0 {
		limit = maxItemsDefault
	}
	v := viewOf(e)
	v.ResumeURL = s.resumeURL(e)
	if in.Detail != "status" {
		v.Result, v.Truncated = cutItems(e.Result, limit)
	}
	if in.Detail == "nodes" || len(in.NodeNames) > 0 {
		if err := s.addNodeRuns(ctx, v, in.NodeNames, limit); err != nil {
			return nil, err
		}
	}
	return v, nil
}

func (s *Service) addNodeRuns(ctx context.Context, v *ExecutionView, names []string, limit int) error {
	runs, err := s.Store.NodeRuns(ctx, owner(ctx), v.ExecutionID, names...)
	if err != nil {
		return err
	}
	v.Nodes = make([]NodeRunView, 0, len(runs))
	for _, r := range runs {
		nv := NodeRunView{Node: r.Node, Run: r.Run, Status: r.Status, Error: r.Error, DurationMS: r.DurationMS, Console: r.Console}
		shown := make([][]workflow.Item, len(r.Main))
		for i, items := range r.Main {
			nv.ItemCounts = append(nv.ItemCounts, len(items))
			shown[i] = items
			if len(items) > limit {
				shown[i] = items[:limit]
				v.Truncated = cutNotice(limit)
			}
			if shown[i] == nil {
				shown[i] = []workflow.Item{}
			}
		}
		if nv.Outputs, err = json.Marshal(shown); err != nil {
			return fmt.Errorf("encode the items of %s: %w", r.Node, err)
		}
		v.Nodes = append(v.Nodes, nv)
	}
	return nil
}

func cutNotice(limit int) string {
	return fmt.Sprintf("only the first %d items of an output are shown; ask with a larger max_items, or for one node with node_names", limit)
}

func cutItems(result json.RawMessage, limit int) (json.RawMessage, string) {
	var items []json.RawMessage
	if json.Unmarshal(result, &items) != nil || len(items) <= limit {
		return result, ""
	}
	cut, err := json.Marshal(items[:limit])
	if err != nil {
		return result, ""
	}
	return cut, cutNotice(limit)
}

func viewOf(e *workflow.Execution) *ExecutionView {
	v := &ExecutionView{ExecutionID: e.ID, WorkflowID: e.WorkflowID, WorkflowVersion: e.WorkflowVersion, Status: string(e.Status),
		Mode: string(e.Mode), Error: e.Error, WaitingFor: e.WaitingFor, LastNode: e.LastNode, RetryOf: e.RetryOf, CreatedAt: e.CreatedAt,
		StartedAt: timePtr(e.StartedAt), FinishedAt: timePtr(e.FinishedAt)}
	if !e.FinishedAt.IsZero() && !e.StartedAt.IsZero() {
		v.DurationMS = float64(e.FinishedAt.Sub(e.StartedAt).Microseconds()) / 1000
	}
	return v
}

func timePtr(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// ListExecutionsInput narrows and pages the list of executions.
type ListExecutionsInput struct {
	WorkflowID string `json:"workflow_id,omitempty" jsonschema:"only of this workflow"`
	Status     string `json:"status,omitempty" enum:"queued,running,waiting,success,error,cancelled,timeout"`
	Waiting    string `json:"waiting,omitempty" jsonschema:"only those that wait for this" enum:"time,webhook,form,approval,choice"`
	Since      string `json:"since,omitempty" jsonschema:"only those recorded at or after this time, such as 2026-01-31T08:00:00Z"`
	Limit      int    `json:"limit,omitempty" default:"20" min:"1" max:"200"`
	Cursor     string `json:"cursor,omitempty" jsonschema:"next_cursor of the previous page"`
	Sort       string `json:"sort,omitempty" enum:"newest,oldest"`
}

// ListExecutionsOutput is a page of executions, newest first.
type ListExecutionsOutput struct {
	Executions []ExecutionSummary `json:"executions"`
	TotalCount int                `json:"total_count"`
	NextCursor string             `json:"next_cursor,omitempty"`
}

// ListExecutions lists the caller's executions.
func (s *Service) ListExecutions(ctx context.Context, in ListExecutionsInput) (*ListExecutionsOutput, error) {
	f := store.ExecutionFilter{WorkflowID: in.WorkflowID, Status: workflow.Status(in.Status), WaitsFor: in.Waiting}
	if in.Since != "" {
		t, err := time.Parse(time.RFC3339, in.Since)
		if err != nil {
			return nil, workflow.Errorf(workflow.CodeInvalid, "since: %q is not a time such as 2026-01-31T08:00:00Z", in.Since)
		}
		f.Since = t
	}
	if in.Waiting != "" && f.Status != "" && f.Status != workflow.StatusWaiting {
		return nil, workflow.Errorf(workflow.CodeInvalid, "waiting: only executions of the status waiting wait for something")
	}
	list, total, next, err := s.Store.ListExecutions(ctx, owner(ctx), f, page(in.Limit, in.Cursor, in.Sort))
	if err != nil {
		return nil, err
	}
	out := &ListExecutionsOutput{Executions: make([]ExecutionSummary, 0, len(list)), TotalCount: total, NextCursor: next}
	for _, e := range list {
		v := viewOf(e)
		sum := ExecutionSummary{ExecutionID: e.ID, WorkflowID: e.WorkflowID, Status: v.Status, Mode: v.Mode,
			WaitingFor: e.WaitingFor, ResumeURL: s.resumeURL(e), CreatedAt: e.CreatedAt, FinishedAt: v.FinishedAt, DurationMS: v.DurationMS}
		if e.Error != nil {
			sum.Error = e.Error.Node + ": " + e.Error.Message
		}
		out.Executions = append(out.Executions, sum)
	}
	return out, nil
}

// GetExecutionLogsInput asks for a part of an execution's log.
type GetExecutionLogsInput struct {
	ExecutionID string `json:"execution_id"`
	After       int64  `json:"after,omitempty" jsonschema:"only events after this seq" min:"0"`
	Level       string `json:"level,omitempty" jsonschema:"only events of this level" enum:"info,warn,error"`
	Node        string `json:"node,omitempty" jsonschema:"only this node's events"`
	Limit       int    `json:"limit,omitempty" default:"200" min:"1" max:"1000"`
}

// GetExecutionLogsOutput is a part of an execution's log, in order.
type GetExecutionLogsOutput struct {
	ExecutionID string           `json:"execution_id"`
	Events      []workflow.Event `json:"events"`
	NextAfter   int64            `json:"next_after" jsonschema:"give this as after to read on"`
}

// ExecutionLogs returns step events of one of the caller's executions.
func (s *Service) ExecutionLogs(ctx context.Context, in GetExecutionLogsInput) (*GetExecutionLogsOutput, error) {
	limit := in.Limit
	if limit <= 0 {
		limit = 200
	}
	events, err := s.Store.Events(ctx, owner(ctx), in.ExecutionID, in.After, limit)
	if err != nil {
		return nil, err
	}
	out := &GetExecutionLogsOutput{ExecutionID: in.ExecutionID, Events: make([]workflow.Event, 0, len(events)), NextAfter: in.After}
	for _, e := range events {
		out.NextAfter = e.Seq
		if (in.Level == "" || e.Level == in.Level) && (in.Node == "" || e.Node == in.Node) && e.Type != workflow.EventResponse {
			out.Events = append(out.Events, e)
		}
	}
	return out, nil
}

// ExecutionRef names an execution.
type ExecutionRef struct {
	ExecutionID string `json:"execution_id"`
}

// CancelExecution asks a live execution to stop and returns where it stands.
func (s *Service) CancelExecution(ctx context.Context, in ExecutionRef) (*ExecutionView, error) {
	if err := s.Agent.Cancel(ctx, owner(ctx), in.ExecutionID); err != nil {
		return nil, err
	}
	if err := s.await(ctx, owner(ctx), in.ExecutionID, 2*time.Second); err != nil {
		return nil, err
	}
	return s.Execution(ctx, GetExecutionInput{ExecutionID: in.ExecutionID, Detail: "status"})
}
