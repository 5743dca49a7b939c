package mcp

import (
	"context"
	"encoding/json"

	protocol "github.com/mark3labs/mcp-go/mcp"
)

// request is what a call's _meta asks for beside its result.
type request struct {
	progress json.RawMessage // token; nil: none wanted
	logLevel string          // of messages about the call; "": none wanted
}

func (m *envelope) request() request {
	r := request{logLevel: m.text(m.Params.Meta.LogLevel)}
	if p := m.Params.Meta.ProgressToken; len(p) > 0 && string(p) != "null" {
		r.progress = p
	}
	return r
}

// requestOf is the same of a request that comes by way of the library.
func requestOf(req protocol.CallToolRequest) request {
	var r request
	if meta := req.Params.Meta; meta != nil {
		r.logLevel = string(meta.LogLevel())
		if meta.ProgressToken != nil {
			r.progress, _ = json.Marshal(meta.ProgressToken) // a string or a number
		}
	}
	return r
}

type levelKey struct{}

// withLevel tells calls which messages their session wants.
func withLevel(ctx context.Context, level string) context.Context {
	if level == "" {
		return ctx
	}
	return context.WithValue(ctx, levelKey{}, level)
}

// levels orders the levels of messages, least first.
var levels = map[string]int{"debug": 1, "info": 2, "notice": 3, "warning": 4, "error": 5, "critical": 6, "alert": 7, "emergency": 8}

// wanted reports whether a message of the level is to be sent.
func (r request) wanted(ctx context.Context, level string) bool {
	least := r.logLevel
	if least == "" {
		least, _ = ctx.Value(levelKey{}).(string)
	}
	return levels[least] > 0 && levels[level] >= levels[least]
}
