package mcp

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	protocol "github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"flowgate/internal/auth"
	"flowgate/internal/service"
)

// scopeMeta is where a listed tool names the scope that allows it.
const scopeMeta = "flowgate/required_scope"

// toolOf is the tool that a capability's row describes.
func toolOf(c *service.Capability) protocol.Tool {
	return protocol.Tool{
		Name: c.Name, Title: c.Title, Description: c.Description,
		RawInputSchema: c.Input.JSON, RawOutputSchema: c.Output.JSON,
		Annotations: protocol.ToolAnnotation{Title: c.Title, ReadOnlyHint: &c.ReadOnly, DestructiveHint: &c.Destructive,
			IdempotentHint: &c.Idempotent, OpenWorldHint: &c.OpenWorld},
		Meta: &protocol.Meta{AdditionalFields: map[string]any{scopeMeta: c.Scope}},
	}
}

// handler does a tool's work for the library.
func (s *Server) handler(c *service.Capability) server.ToolHandlerFunc {
	if c.Asks() {
		return s.askingHandler(c)
	}
	return func(ctx context.Context, req protocol.CallToolRequest) (*protocol.CallToolResult, error) {
		args, err := arguments(req)
		if err != nil {
			return s.failure(ctx, c, err).result(), nil
		}
		return s.call(ctx, c, args, requestOf(req)).result(), nil
	}
}

// call does a tool's work. Faults of the call are results with isError, which
// a model reads.
func (s *Server) call(ctx context.Context, c *service.Capability, args json.RawMessage, r request) (result *toolResult) {
	defer func() {
		if p := recover(); p != nil {
			result = s.failure(ctx, c, fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
		}
	}()
	said := progressOf(ctx, r)
	if said != nil {
		ctx = service.WithProgress(ctx, said.event)
	}
	out, err := s.Service.Do(ctx, c, args)
	if err != nil {
		return s.failure(ctx, c, err)
	}
	if !c.ReadOnly {
		s.tools.look(auth.FromContext(ctx).Subject)
	}
	if said != nil {
		said.repeatIn(out)
	}
	return s.success(ctx, c, out)
}

// arguments returns the arguments as they were sent, so that large integers
// keep their digits.
func arguments(req protocol.CallToolRequest) (json.RawMessage, error) {
	if len(req.Params.RawArguments) > 0 || req.Params.Arguments == nil {
		return req.Params.RawArguments, nil
	}
	return json.Marshal(req.Params.Arguments)
}

// listCache keeps the tool list of each set of scopes that was asked for.
type listCache struct {
	mu    sync.RWMutex
	lists map[string][]protocol.Tool
}

// maxLists bounds the memory of the cache; there are few sets of scopes.
const maxLists = 256

// showVisible replaces the library's list of tools by those its caller is to
// see. It shapes the list only: calls are authorized on their own, so that a
// known tool out of reach is told apart from an unknown one.
func (s *Server) showVisible(ctx context.Context, _ any, _ *protocol.ListToolsRequest, result *protocol.ListToolsResult) {
	foreign := slices.DeleteFunc(result.Tools, func(t protocol.Tool) bool { return s.Service.Tool(t.Name) != nil })
	result.Tools, result.NextCursor = append(slices.Clone(s.visible(auth.FromContext(ctx))), foreign...), ""
	run, err := s.Service.VisibleRunTools(ctx)
	if err != nil {
		s.Logger.WarnContext(ctx, "mcp: workflows that are tools were not listed", "error", err)
	}
	for _, c := range run {
		result.Tools = append(result.Tools, toolOf(c))
	}
}

// visible are the caller's tools but for those that are workflows.
func (s *Server) visible(id *auth.Identity) []protocol.Tool {
	key := listKey(id)
	s.lists.mu.RLock()
	tools, ok := s.lists.lists[key]
	s.lists.mu.RUnlock()
	if ok {
		return tools
	}
	tools = []protocol.Tool{} // never null on the wire
	for _, c := range s.Service.Visible(id) {
		tools = append(tools, toolOf(c))
	}
	s.lists.mu.Lock()
	defer s.lists.mu.Unlock()
	if s.lists.lists == nil || len(s.lists.lists) >= maxLists {
		s.lists.lists = map[string][]protocol.Tool{}
	}
	s.lists.lists[key] = tools
	return tools
}

// listKey is what a caller's visible set depends on.
func listKey(id *auth.Identity) string {
	if id == nil {
		return ""
	}
	scopes := slices.Clone(id.Scopes)
	slices.Sort(scopes)
	return fmt.Sprint(id.Kind, "\n", id.Tier, "\n", id.Admin, "\n", strings.Join(scopes, " "))
}
