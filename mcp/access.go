package mcp

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"flowgate/internal/auth"
	"flowgate/internal/service"
	"flowgate/internal/workflow"
)

// presented is what the request carries to prove who sends it.
func (s *Server) presented(r *http.Request) auth.Presented {
	return auth.Present(r, auth.TierMCP, s.AllowQueryKey, s.MaxBody)
}

// rules are the limits that a message counts against.
func (s *Server) rules(m *envelope) []string {
	switch m.Method {
	case protocolToolsCall:
		return s.Service.ToolRules(m.name())
	case protocolToolsList:
		return []string{"mcp.tools_list", "mcp.general"}
	}
	return []string{"mcp.general"}
}

// admit decides on a call of a tool, or on reading a resource or a prompt,
// before anything is done. It returns the tool that is called, also when it refuses. Unknown ones
// are let through: to tell of them is the protocol's.
func (s *Server) admit(ctx context.Context, m *envelope) (*service.Capability, error) {
	tool, err := s.toolOfCall(ctx, m)
	if err != nil {
		return nil, err
	}
	c := tool
	switch m.Method {
	case protocolResourcesRead:
		if r := resourceOf(m.text(m.Params.URI)); r != nil {
			c = s.Service.Tool(r.capability)
		}
	case protocolPromptsGet:
		if p := promptNamed(m.name()); p != nil {
			c = s.Service.Tool(p.capability)
		}
	}
	if c == nil {
		return nil, nil
	}
	if err := s.Service.Admit(ctx, c); err != nil {
		return tool, err
	}
	if s.Admit != nil {
		return tool, s.Admit(ctx, c)
	}
	return tool, nil
}

// challenge is the WWW-Authenticate header of a refusal (RFC 6750, RFC 9728),
// "" when err needs none.
func (s *Server) challenge(err error) string {
	metadata := fmt.Sprintf(`resource_metadata="%s/.well-known/oauth-protected-resource/mcp"`, s.PublicURL)
	switch workflow.CodeOf(err) {
	case workflow.CodeUnauthorized:
		if workflow.ReasonOf(err) == "missing_api_key" {
			return "Bearer " + metadata
		}
		return `Bearer error="invalid_token", ` + metadata
	case workflow.CodeScope:
		scope, _ := detailsOf(err)["required_scope"].(string)
		return fmt.Sprintf(`Bearer error="insufficient_scope", scope="%s", %s`, scope, metadata)
	}
	return ""
}

// watch returns ctx for a request of whoever presented p: it ends when that
// is no longer accepted and, for a stream, when the server closes. The caller
// must call stop, which returns when nothing of the watch is left.
func (s *Server) watch(ctx context.Context, p auth.Presented, stream bool) (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	var closed <-chan struct{}
	if stream {
		closed = s.closed
	}
	var done sync.WaitGroup
	done.Add(1)
	loop := func() {
		defer done.Done()
		tick := time.NewTicker(s.Recheck)
		defer tick.Stop()
		for {
			id, err := s.Authenticator.Reauthenticate(ctx, p)
			if err == nil && stream {
				err = id.Expired(time.Now())
			}
			if denied(err) {
				cancel(err)
				return
			}
			select {
			case <-tick.C:
			case <-closed:
				cancel(errClosed)
				return
			case <-ctx.Done():
				return
			}
		}
	}
	if stream {
		go loop()
		return ctx, func() { cancel(nil); done.Wait() }
	}
	// Nearly all calls end before their first check, so it costs a timer only.
	first := time.AfterFunc(s.Recheck, loop)
	return ctx, func() {
		cancel(nil)
		if first.Stop() {
			done.Done()
		}
		done.Wait()
	}
}

var errClosed = workflow.Errorf(workflow.CodeUnavailable, "the server is closing; connect again")

// denied tells a refusal from a failure to ask.
func denied(err error) bool {
	code := workflow.CodeOf(err)
	return code == workflow.CodeUnauthorized || code == workflow.CodeForbidden
}
