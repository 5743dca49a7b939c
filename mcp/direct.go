package mcp

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"

	protocol "github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"flowgate/internal/service"
	"flowgate/internal/workflow"
)

// Calls of tools, and reads of resources and prompts, are answered here once
// the door knows that the message is well formed: the library would decode and
// encode each several times, tells errors by one code only, and knows nothing
// of tools that differ by caller. Whatever is odd about a message, and what
// asks by its result, as the newer generation does, goes to the library.

// direct is a request that is answered here: it returns the members of the
// result object as JSON, and those of its _meta, or the refusal.
type direct func(ctx context.Context) (members, meta []byte, refusal *rpcError)

// directly returns how to answer m here, nil when that is the library's.
func (s *Server) directly(m *envelope, c *service.Capability, modern bool) direct {
	if m.Version != "2.0" || !m.plainID() || len(m.Params.Task) > 0 || len(m.Params.InputResponses) > 0 {
		return nil
	}
	switch m.Method {
	case protocolToolsCall:
		if c != nil && (!modern || !c.Asks()) {
			return func(ctx context.Context) ([]byte, []byte, *rpcError) {
				members, meta := s.callAsking(ctx, c, m.Params.Arguments, m.request()).parts()
				return members, meta, nil
			}
		}
	case protocolResourcesList:
		if err := checkCursor(m.text(m.Params.Cursor)); err != nil { // the library's hook for the list cannot refuse
			return func(ctx context.Context) ([]byte, []byte, *rpcError) {
				refusal := s.refusalFor(ctx, err)
				refusal.Code = protocol.INVALID_PARAMS
				return nil, nil, refusal
			}
		}
	case protocolResourcesRead:
		uri := m.text(m.Params.URI)
		if r := resourceOf(uri); r != nil {
			return func(ctx context.Context) ([]byte, []byte, *rpcError) {
				members, refusal := s.readResource(ctx, r, uri, m)
				return members, nil, refusal
			}
		}
	case protocolPromptsGet:
		if p := promptNamed(m.name()); p != nil {
			return func(ctx context.Context) ([]byte, []byte, *rpcError) {
				members, refusal := s.prompt(ctx, p, m)
				return members, nil, refusal
			}
		}
	}
	return nil
}

// plainID reports whether the id is a string or a number.
func (m *envelope) plainID() bool {
	return len(m.ID) > 0 && (m.ID[0] == '"' || m.ID[0] == '-' || m.ID[0] >= '0' && m.ID[0] <= '9')
}

// wellFormed reports whether an HTTP request around m is as its generation
// wants it; whatever is not is the library's to refuse.
func (m *envelope) wellFormed(h http.Header, modern bool) bool {
	version := h.Get(protocol.HeaderProtocolVersion)
	if !modern {
		return version == "" || protocol.IsValidProtocolVersion(version)
	}
	name := m.name()
	if m.Method == protocolResourcesRead {
		name = m.text(m.Params.URI)
	}
	return m.modernMeta() && version == m.Params.Meta.ProtocolVersion && h.Get(protocol.HeaderMethod) == m.Method &&
		h.Get(protocol.HeaderName) == name && h.Get(protocol.HeaderLastEventID) == ""
}

// modernMeta reports whether m carries what each request of the generation
// without sessions has to.
func (m *envelope) modernMeta() bool {
	version, _ := m.Params.Meta.ProtocolVersion.(string)
	if !protocol.IsModernProtocol(version) || !protocol.IsValidProtocolVersion(version) {
		return false
	}
	var capabilities protocol.ClientCapabilities
	raw := m.Params.Meta.ClientCapabilities
	return string(raw) == "{}" || len(raw) > 0 && raw[0] == '{' && json.Unmarshal(raw, &capabilities) == nil
}

// answer does a direct request and returns the whole message. Meanwhile a
// cancellation under key reaches it.
func (s *Server) answer(ctx context.Context, do direct, m *envelope, modern bool, key string) []byte {
	ctx, done := s.calls.begin(ctx, key)
	defer done()
	members, meta, refusal := do(ctx)
	if refusal != nil {
		return refusal.encode(m.ID)
	}
	b := make([]byte, 0, len(members)+len(meta)+len(s.whoWeAre)+len(m.ID)+128)
	b = append(b, `{"jsonrpc":"2.0","id":`...)
	b = append(append(b, m.ID...), `,"result":{`...)
	if modern {
		b = append(b, `"resultType":"complete",`...)
		if m.Method == protocolResourcesRead {
			b = append(b, `"ttlMs":0,"cacheScope":"private",`...)
		}
		if len(meta) > 0 {
			meta = append(meta, ',')
		}
		meta = append(meta, s.whoWeAre...)
	}
	if len(meta) > 0 {
		b = append(append(append(b, `"_meta":{`...), meta...), "},"...)
	}
	return append(append(b, members...), "}}"...)
}

// serverInfo is what every result of the generation without sessions says of
// its server, as a member of _meta.
func serverInfo(o *Options) ([]byte, error) {
	who, err := json.Marshal(protocol.Implementation{Name: o.Name, Title: o.Title, Version: o.Version})
	return append([]byte(`"`+protocol.MetaKeyServerInfo+`":`), who...), err
}

// respond writes a direct answer over HTTP: as JSON, or as the last event of
// the stream that notifications began.
func (r *responder) respond(message []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = failureIn(message)
	if r.status != 0 {
		_ = r.send(sseEvent(message)) // the client may have left
		r.flusher.Flush()
		return
	}
	message = append(message, '\n')
	h := r.w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(message)))
	r.sendHeader(http.StatusOK)
	_ = r.send(message)
}

// callKey names a request under way: those of one session, by id.
func callKey(session string, id json.RawMessage) string {
	if session == "" || len(id) == 0 {
		return ""
	}
	return session + "\x00" + string(id)
}

// sessionOf is the session a request of the older generation belongs to.
func sessionOf(h http.Header) string { return h.Get(server.HeaderKeySessionID) }

// toolOfCall resolves the tool that m calls for the caller in ctx: nil for
// other messages and for tools the service does not have.
func (s *Server) toolOfCall(ctx context.Context, m *envelope) (*service.Capability, error) {
	if m.Method != protocolToolsCall {
		return nil, nil
	}
	c, err := s.Service.ToolFor(ctx, m.name())
	if workflow.CodeOf(err) == workflow.CodeNotFound {
		return nil, nil // the library tells of it
	}
	return c, err
}
