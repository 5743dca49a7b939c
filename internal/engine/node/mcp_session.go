package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"

	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/client/transport"
	"github.com/mark3labs/mcp-go/mcp"

	"flowgate/internal/egress"
)

// mcpMaxBytes bounds what is read of one answer and what is recorded of it.
const mcpMaxBytes = 16 << 20

// mcpSession is a connection to an MCP server for one run of one node.
type mcpSession struct {
	client *client.Client
	wire   *mcpWire    // nil for a program
	proc   *mcpProcess // nil for an address
	tools  map[string]*mcpToolInfo
}

// mcpToolInfo is a tool as the server describes it.
type mcpToolInfo struct {
	name   string
	schema json.RawMessage
}

// mcpHandshake begins the protocol.
func mcpHandshake(ctx context.Context, c *client.Client) error {
	var req mcp.InitializeRequest
	req.Params.ClientInfo = mcp.Implementation{Name: "flowgate", Version: "1"}
	_, err := c.Initialize(ctx, req)
	return err
}

// list asks for the tools, once per session.
func (s *mcpSession) list(ctx context.Context) error {
	if s.tools != nil {
		return nil
	}
	res, err := s.client.ListTools(ctx, mcp.ListToolsRequest{})
	if err != nil {
		return err
	}
	tools := make(map[string]*mcpToolInfo, len(res.Tools))
	for i := range res.Tools {
		t := &res.Tools[i]
		schema := t.RawInputSchema
		if schema == nil {
			schema, _ = json.Marshal(t.InputSchema) // none: not checked
		}
		tools[t.Name] = &mcpToolInfo{name: t.Name, schema: schema}
	}
	s.tools = tools
	return nil
}

// call checks the arguments and calls the tool.
func (s *mcpSession) call(ctx context.Context, k *mcpCall) (*mcpAnswer, error) {
	if err := s.list(ctx); err != nil {
		return nil, err
	}
	t := s.tools[k.tool]
	if t == nil {
		return nil, s.unknownTool(k)
	}
	args, err := t.arguments(k)
	if err != nil {
		return nil, err
	}
	var req mcp.CallToolRequest
	req.Params.Name, req.Params.Arguments = k.tool, args
	res, err := s.client.CallTool(ctx, req)
	if err != nil {
		return nil, err
	}
	a := &mcpAnswer{IsError: res.IsError, Structured: res.RawStructuredContent}
	if a.Structured == nil && res.StructuredContent != nil {
		if a.Structured, err = json.Marshal(res.StructuredContent); err != nil {
			return nil, err
		}
	}
	a.Content, err = json.Marshal(res.Content)
	return a, err
}

// close ends the session; a program goes on for others.
func (s *mcpSession) close() {
	if s.proc == nil {
		_ = s.client.Close()
	}
}

// usable reports whether the session can go on after err.
func (s *mcpSession) usable(err error) bool {
	var own *Failure
	var broken *transport.Error
	return errors.As(err, &own) || !errors.As(err, &broken)
}

// forgotten reports whether the server no longer knows the session and so has
// not begun with the request.
func (s *mcpSession) forgotten(err error) bool { return errors.Is(err, transport.ErrSessionTerminated) }

func (s *mcpSession) unknownTool(k *mcpCall) *Failure {
	names := make([]string, 0, len(s.tools))
	for name := range s.tools {
		names = append(names, name)
	}
	sort.Strings(names)
	f := Fail("The MCP server %s has no tool %q.", k.where(), clip(k.tool, 80))
	f.Code = "MCP_UNKNOWN_TOOL"
	if near := nearTools(k.tool, names); len(near) > 0 {
		f.Message += " Did you mean " + strings.Join(near, " or ") + "?"
	}
	switch {
	case len(names) == 0:
		f.Description = "It offers no tools."
	case len(names) > 30:
		f.Description = fmt.Sprintf("It offers %d tools, among them: %s.", len(names), strings.Join(names[:30], ", "))
	default:
		f.Description = "It offers: " + strings.Join(names, ", ") + "."
	}
	return f
}

// nearTools are names that may have been meant, best first, in quotes.
func nearTools(name string, names []string) []string {
	type candidate struct {
		name string
		d    int
	}
	want := strings.ToLower(name)
	var found []candidate
	for _, known := range names {
		lower := strings.ToLower(known)
		d := distance(want, lower)
		if strings.Contains(lower, want) || strings.Contains(want, lower) {
			d = min(d, 2)
		}
		if d <= max(2, len(want)/3) {
			found = append(found, candidate{known, d})
		}
	}
	sort.SliceStable(found, func(i, j int) bool { return found[i].d < found[j].d })
	var out []string
	for i := 0; i < len(found) && i < 3; i++ {
		out = append(out, strconv.Quote(found[i].name))
	}
	return out
}

func mcpTooLarge(where string) *Failure {
	f := Fail("The answer of the MCP server %s was not read: it is larger than %d bytes. Ask the tool for less at once.", where, mcpMaxBytes)
	f.Code = "ERR_BAD_RESPONSE"
	return f
}

// failure says for people what went wrong with a call or its connection.
func (s *mcpSession) failure(err error, k *mcpCall) error {
	var own *Failure
	if errors.As(err, &own) {
		return own
	}
	var large *egress.TooLargeError
	if s.wire.tooLarge() || s.proc.tooLarge() || errors.As(err, &large) {
		return mcpTooLarge(k.where())
	}
	var broken *transport.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return &Failure{Code: "MCP_TIMEOUT", Message: fmt.Sprintf("The MCP server %s did not answer within %s. The option timeout says how long to wait.", k.where(), k.timeout)}
	case errors.Is(err, context.Canceled):
		return err
	case s.proc != nil && errors.As(err, &broken):
		return &Failure{Code: "MCP_SERVER_ENDED", Message: fmt.Sprintf("The program of the MCP server %q ended before it answered. It is started again for the next call.", k.name)}
	case !errors.As(err, &broken):
		return &Failure{Code: "MCP_ERROR", Message: fmt.Sprintf("The MCP server %s answered with an error: %s", k.where(), clip(err.Error(), 1000))}
	}
	if f := s.wire.failure(k); f != nil {
		return f
	}
	return &Failure{Code: "MCP_ERROR", Message: fmt.Sprintf("What answers %s does not speak MCP as expected: %s.", k.where(), clip(rootCause(err), 300)),
		Description: "The address must be that of an MCP server that speaks streamable HTTP."}
}
