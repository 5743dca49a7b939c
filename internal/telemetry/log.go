// Package telemetry is how the process tells what it does: the logger, metrics
// for Prometheus, and traces. Each is a value that is passed in; a nil one
// records nothing and costs next to nothing.
package telemetry

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"sync"
)

// LogOptions say what is logged, where and how.
type LogOptions struct {
	Format string // "standard", "json" or "simple"
	Level  string // "debug", "info", "warning" or "error"
	// LevelVar, when not nil, is set to Level and decides from then on, so that
	// the level can change while the program runs.
	LevelVar *slog.LevelVar
	Output   io.Writer
}

// NewLogger returns a logger. Standard lines read "time - level -
// file:line:function - message", simple ones "level - message", both with a
// marker before the message and the fields behind it as key=value; json lines
// have timestamp, level, message and the fields. Lines logged with the context
// of a request carry its request_id, and its trace_id when it is traced.
func NewLogger(o LogOptions) *slog.Logger {
	var level slog.Leveler = ParseLevel(o.Level)
	if o.LevelVar != nil {
		o.LevelVar.Set(level.Level())
		level = o.LevelVar
	}
	if o.Format == "json" {
		return slog.New(contextHandler{slog.NewJSONHandler(o.Output, &slog.HandlerOptions{Level: level, ReplaceAttr: jsonNames})})
	}
	return slog.New(contextHandler{&lineHandler{out: o.Output, mu: &sync.Mutex{}, level: level, simple: o.Format == "simple"}})
}

// ParseLevel reads the name of a level; what is none means info.
func ParseLevel(text string) slog.Level {
	switch strings.ToLower(text) {
	case "debug":
		return slog.LevelDebug
	case "warning", "warn":
		return slog.LevelWarn
	case "error":
		return slog.LevelError
	}
	return slog.LevelInfo
}

// jsonNames gives the built-in fields the names that are documented, and drops
// markers, which are for people.
func jsonNames(groups []string, a slog.Attr) slog.Attr {
	if a.Key == markKey {
		return slog.Attr{}
	}
	if len(groups) > 0 {
		return a
	}
	switch a.Key {
	case slog.TimeKey:
		a.Key = "timestamp"
	case slog.MessageKey:
		a.Key = "message"
	case slog.LevelKey:
		if l, ok := a.Value.Any().(slog.Level); ok {
			a.Value = slog.StringValue(levelName(l))
		}
	}
	return a
}

func levelName(l slog.Level) string {
	if l == slog.LevelWarn {
		return "WARNING"
	}
	return l.String()
}

// contextHandler adds to each line what its context says of the request.
type contextHandler struct{ slog.Handler }

// Handle implements slog.Handler.
func (h contextHandler) Handle(ctx context.Context, r slog.Record) error {
	if id := RequestID(ctx); id != "" && !has(r, requestIDKey) {
		r.AddAttrs(slog.String(requestIDKey, id))
	}
	if id := traceID(ctx); id != "" {
		r.AddAttrs(slog.String("trace_id", id))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h contextHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return contextHandler{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h contextHandler) WithGroup(name string) slog.Handler {
	return contextHandler{h.Handler.WithGroup(name)}
}

func has(r slog.Record, key string) bool {
	found := false
	r.Attrs(func(a slog.Attr) bool {
		found = a.Key == key
		return !found
	})
	return found
}
