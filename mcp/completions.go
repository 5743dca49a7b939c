package mcp

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	protocol "github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"flowgate/internal/service"
	"flowgate/internal/workflow"
)

// completer completes the arguments of prompts and resource templates.
type completer struct{ *Server }

var (
	_ server.PromptCompletionProvider   = completer{}
	_ server.ResourceCompletionProvider = completer{}
)

// CompletePromptArgument completes workflow ids by name, and execution ids.
func (c completer) CompletePromptArgument(ctx context.Context, _ string, a protocol.CompleteArgument, _ protocol.CompleteContext) (*protocol.Completion, error) {
	return c.complete(ctx, a.Name, a.Value), nil
}

// CompleteResourceArgument completes what stands in the braces of a template.
func (c completer) CompleteResourceArgument(ctx context.Context, _ string, a protocol.CompleteArgument, _ protocol.CompleteContext) (*protocol.Completion, error) {
	return c.complete(ctx, a.Name, a.Value), nil
}

// maxCompletions is how many values the protocol lets an answer have.
const maxCompletions = 100

// complete never fails: who may not read what is completed gets no values.
func (c completer) complete(ctx context.Context, argument, typed string) *protocol.Completion {
	var values []string
	var err error
	switch argument {
	case "workflow_id":
		values, err = c.workflowIDs(ctx, typed)
	case "execution_id":
		values, err = c.executionIDs(ctx, typed)
	case "type":
		values, err = c.nodeTypes(ctx, typed)
	case "trigger":
		values = withPrefix([]string{"by hand", "a webhook", "a schedule", "a form"}, typed)
	}
	if err != nil && workflow.CodeOf(err) != workflow.CodeScope {
		c.Logger.WarnContext(ctx, "mcp: completion failed", "argument", argument, "error", err)
	}
	if values == nil {
		values = []string{}
	}
	more := len(values) > maxCompletions
	return &protocol.Completion{Values: values[:min(len(values), maxCompletions)], Total: len(values), HasMore: more}
}

func withPrefix(all []string, typed string) []string {
	var out []string
	for _, v := range all {
		if strings.HasPrefix(strings.ToLower(v), strings.ToLower(typed)) {
			out = append(out, v)
		}
	}
	return out
}

func (c completer) workflowIDs(ctx context.Context, typed string) ([]string, error) {
	args, err := json.Marshal(map[string]any{"query": typed, "limit": 100})
	if err != nil {
		return nil, err
	}
	out, err := c.Service.Call(ctx, "search_workflows", args)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, w := range out.(*service.SearchWorkflowsOutput).Workflows {
		ids = append(ids, w.WorkflowID)
	}
	if len(ids) > 0 || typed == "" {
		return ids, nil
	}
	if out, err = c.Service.Call(ctx, "search_workflows", json.RawMessage(`{"limit":200}`)); err != nil {
		return nil, err
	}
	for _, w := range out.(*service.SearchWorkflowsOutput).Workflows {
		ids = append(ids, w.WorkflowID)
	}
	return withPrefix(ids, typed), nil
}

func (c completer) executionIDs(ctx context.Context, typed string) ([]string, error) {
	out, err := c.Service.Call(ctx, "list_executions", json.RawMessage(`{"limit":200}`))
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, e := range out.(*service.ListExecutionsOutput).Executions {
		ids = append(ids, e.ExecutionID)
	}
	return withPrefix(ids, typed), nil
}

func (c completer) nodeTypes(ctx context.Context, typed string) ([]string, error) {
	out, err := c.Service.Call(ctx, "get_node_types", json.RawMessage(`{}`))
	if err != nil {
		return nil, err
	}
	var first, others []string
	for _, list := range out.(*service.GetNodeTypesOutput).Categories {
		for _, t := range list {
			switch short := t.Type[strings.LastIndex(t.Type, ".")+1:]; {
			case strings.HasPrefix(strings.ToLower(t.Type), strings.ToLower(typed)), strings.HasPrefix(strings.ToLower(short), strings.ToLower(typed)):
				first = append(first, t.Type)
			case strings.Contains(strings.ToLower(t.Type+" "+t.DisplayName), strings.ToLower(typed)):
				others = append(others, t.Type)
			}
		}
	}
	slices.Sort(first)
	slices.Sort(others)
	return append(first, others...), nil
}
