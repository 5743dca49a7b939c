package mcp

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"

	protocol "github.com/mark3labs/mcp-go/mcp"

	"flowgate/internal/workflow"
)

// envelope is what the door needs to know of a message before the library
// reads it. Its fields decode as the library's do.
type envelope struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Method  string          `json:"method"`
	Params  struct {
		Name           any             `json:"name"`
		URI            json.RawMessage `json:"uri"`
		Arguments      json.RawMessage `json:"arguments"`
		Task           json.RawMessage `json:"task"`
		InputResponses json.RawMessage `json:"inputResponses"`
		RequestID      json.RawMessage `json:"requestId"`     // of notifications/cancelled
		Cursor         json.RawMessage `json:"cursor"`        // of lists
		Level          json.RawMessage `json:"level"`         // of logging/setLevel
		Capabilities   json.RawMessage `json:"capabilities"`  // of initialize
		Notifications  json.RawMessage `json:"notifications"` // of subscriptions/listen
		Meta           struct {
			ProtocolVersion    any             `json:"io.modelcontextprotocol/protocolVersion"`
			ClientCapabilities json.RawMessage `json:"io.modelcontextprotocol/clientCapabilities"`
			LogLevel           json.RawMessage `json:"io.modelcontextprotocol/logLevel"`
			ProgressToken      json.RawMessage `json:"progressToken"`
			TraceParent        json.RawMessage `json:"traceparent"`
			TraceState         json.RawMessage `json:"tracestate"`
		} `json:"_meta"`
	} `json:"params"`
}

// rpcError is a message that says why another one was refused.
type rpcError struct {
	Code    int
	Message string
	Data    map[string]any
}

// parseEnvelope reads a message's outside.
func parseEnvelope(body []byte) (*envelope, *rpcError) {
	trimmed := bytes.TrimLeft(body, " \t\r\n")
	if len(trimmed) > 0 && trimmed[0] == '[' && json.Valid(body) {
		return &envelope{}, &rpcError{Code: protocol.INVALID_REQUEST,
			Message: "batches are not supported: send each message in a request of its own"}
	}
	var m envelope
	if err := json.Unmarshal(body, &m); err != nil {
		if !json.Valid(body) {
			return &envelope{}, &rpcError{Code: protocol.PARSE_ERROR, Message: "the message is not valid JSON"}
		}
		// ID was set if it came before the field at fault; an id that cannot
		// be told is null, as JSON-RPC has it.
		return &m, &rpcError{Code: protocol.INVALID_REQUEST, Message: "the message is not a JSON-RPC request: expected an object with jsonrpc, id, method and params"}
	}
	if m.Method == protocolToolsCall {
		if _, ok := m.Params.Name.(string); !ok {
			return &m, &rpcError{Code: protocol.INVALID_PARAMS, Message: "params.name must be the name of a tool, as a string; tools/list shows them"}
		}
	}
	return &m, nil
}

const (
	protocolToolsCall  = string(protocol.MethodToolsCall)
	protocolToolsList  = string(protocol.MethodToolsList)
	protocolInitialize = string(protocol.MethodInitialize)
	protocolListen     = string(protocol.MethodSubscriptionsListen)
	protocolCancelled  = string(protocol.MethodNotificationCancelled)

	protocolResourcesList = string(protocol.MethodResourcesList)
	protocolResourcesRead = string(protocol.MethodResourcesRead)
	protocolPromptsGet    = string(protocol.MethodPromptsGet)
	protocolSetLevel      = string(protocol.MethodSetLogLevel)
	protocolSubscribe     = string(protocol.MethodResourcesSubscribe)
	protocolUnsubscribe   = string(protocol.MethodResourcesUnsubscribe)
)

// name is what the message calls: a tool or a prompt.
func (m *envelope) name() string {
	name, _ := m.Params.Name.(string)
	return name
}

// text reads a member that should be a string, "" for anything else.
func (m *envelope) text(raw json.RawMessage) string {
	var s string
	if len(raw) == 0 || json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// elicits reports whether the client that initializes fills in forms.
func (m *envelope) elicits() bool {
	var c protocol.ClientCapabilities
	return json.Unmarshal(m.Params.Capabilities, &c) == nil && fills(c.Elicitation)
}

// listensToTools reports whether changes of the tool list are wanted.
func (m *envelope) listensToTools() bool {
	var f protocol.SubscriptionFilter
	return json.Unmarshal(m.Params.Notifications, &f) == nil && f.ToolsListChanged
}

// modern reports whether the message belongs to the generation without
// sessions, as the library decides it.
func (m *envelope) modern(header http.Header) bool {
	version, _ := m.Params.Meta.ProtocolVersion.(string)
	return protocol.IsModernProtocol(version) || protocol.IsModernProtocol(header.Get(protocol.HeaderProtocolVersion))
}

// encode returns the error as a JSON-RPC message.
func (e *rpcError) encode(id json.RawMessage) []byte {
	if len(id) == 0 || !json.Valid(id) {
		id = json.RawMessage("null")
	}
	type details struct {
		Code    int            `json:"code"`
		Message string         `json:"message"`
		Data    map[string]any `json:"data,omitempty"`
	}
	data, err := json.Marshal(struct {
		Version string          `json:"jsonrpc"`
		ID      json.RawMessage `json:"id"`
		Error   details         `json:"error"`
	}{"2.0", id, details{e.Code, e.Message, e.Data}})
	if err != nil { // Data holds plain values only
		return []byte(`{"jsonrpc":"2.0","id":null,"error":{"code":-32603,"message":"internal error"}}`)
	}
	return data
}

// rpcErrorOf is the refusal of a message for err.
func rpcErrorOf(err error) *rpcError {
	_, code := refusalOf(err)
	data := map[string]any{"reason": workflow.ReasonOf(err)}
	for k, v := range detailsOf(err) {
		data[k] = v
	}
	if after := workflow.RetryAfter(err); after > 0 {
		data["retry_after"] = after
	}
	return &rpcError{Code: code, Message: workflow.ReasonOf(err) + ": " + workflow.MessageOf(err), Data: data}
}

// writeRPCError answers a request with a JSON-RPC error.
func writeRPCError(w http.ResponseWriter, status int, id json.RawMessage, e *rpcError) {
	body := append(e.encode(id), '\n')
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may have left
}
