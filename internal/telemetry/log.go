// Package telemetry makes the logger that everything else is given.
package telemetry

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"
)

// LogOptions say what is logged, where and how.
type LogOptions struct {
	Format string // "standard", "json" or "simple"
	Level  string // "debug", "info", "warning" or "error"
	Output io.Writer
}

// NewLogger returns a logger. Standard lines read "time - level -
// file:line:function - message", simple ones "level - message", both with the
// fields behind as key=value; json lines have timestamp, level, message and
// the fields.
func NewLogger(o LogOptions) *slog.Logger {
	level := parseLevel(o.Level)
	if o.Format == "json" {
		return slog.New(slog.NewJSONHandler(o.Output, &slog.HandlerOptions{Level: level, ReplaceAttr: jsonNames}))
	}
	return slog.New(&lineHandler{out: o.Output, mu: &sync.Mutex{}, level: level, simple: o.Format == "simple"})
}

func parseLevel(text string) slog.Level {
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

func jsonNames(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return a
	}
	switch a.Key {
	case slog.TimeKey:
		a.Key = "timestamp"
	case slog.MessageKey:
		a.Key = "message"
	}
	return a
}

// lineHandler writes lines for people.
type lineHandler struct {
	out    io.Writer
	mu     *sync.Mutex
	level  slog.Level
	simple bool
	attrs  string
	group  string
}

// Enabled reports whether the level is logged.
func (h *lineHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level }

// Handle writes one line.
func (h *lineHandler) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	if !h.simple {
		fmt.Fprintf(&b, "%s - ", r.Time.Format(time.DateTime))
	}
	fmt.Fprintf(&b, "%s - ", levelName(r.Level))
	if !h.simple && r.PC != 0 {
		f, _ := runtime.CallersFrames([]uintptr{r.PC}).Next()
		fmt.Fprintf(&b, "%s:%d:%s - ", filepath.Base(f.File), f.Line, f.Function[strings.LastIndexByte(f.Function, '.')+1:])
	}
	b.WriteString(r.Message)
	b.WriteString(h.attrs)
	r.Attrs(func(a slog.Attr) bool {
		writeAttr(&b, h.group, a)
		return true
	})
	b.WriteByte('\n')
	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := io.WriteString(h.out, b.String())
	return err
}

// WithAttrs returns a handler that adds attrs to each line.
func (h *lineHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	var b strings.Builder
	for _, a := range attrs {
		writeAttr(&b, h.group, a)
	}
	c.attrs += b.String()
	return &c
}

// WithGroup returns a handler that puts name before the keys that follow.
func (h *lineHandler) WithGroup(name string) slog.Handler {
	c := *h
	c.group += name + "."
	return &c
}

func writeAttr(b *strings.Builder, group string, a slog.Attr) {
	if a.Equal(slog.Attr{}) {
		return
	}
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup {
		for _, sub := range v.Group() {
			writeAttr(b, group+a.Key+".", sub)
		}
		return
	}
	text := v.String()
	if text == "" || strings.ContainsAny(text, " \t\n\"=") {
		text = fmt.Sprintf("%q", text)
	}
	fmt.Fprintf(b, " %s%s=%s", group, a.Key, text)
}

func levelName(l slog.Level) string {
	if l == slog.LevelWarn {
		return "WARNING"
	}
	return l.String()
}
