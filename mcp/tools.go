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

// handler does a tool's work. Faults of the call are results with isError,
// which a model reads; it never returns an error.
func (s *Server) handler(c *service.Capability) server.ToolHandlerFunc {
	return func(ctx context.Context, req protocol.CallToolRequest) (result *protocol.CallToolResult, _ error) {
		defer func() {
			if p := recover(); p != nil {
				result = s.failure(ctx, c, fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
			}
		}()
		args, err := arguments(req)
		if err != nil {
			return s.failure(ctx, c, err), nil
		}
		said := progressOf(ctx, req)
		if said != nil {
			ctx = service.WithProgress(ctx, said.event)
		}
		out, err := s.Service.Call(ctx, c.Name, args)
		if err != nil {
			return s.failure(ctx, c, err), nil
		}
		if said != nil {
			said.repeatIn(out)
		}
		return s.success(ctx, c, out), nil
	}
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
	result.Tools = s.visible(auth.FromContext(ctx))
}

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
	return string(id.Kind) + "\n" + string(id.Tier) + "\n" + strings.Join(scopes, " ")
}
