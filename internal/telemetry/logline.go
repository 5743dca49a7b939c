package telemetry

import (
	"context"
	"io"
	"log/slog"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
)

// lineHandler writes lines for people.
type lineHandler struct {
	out    io.Writer
	mu     *sync.Mutex
	level  slog.Leveler
	simple bool
	attrs  string
	group  string
}

var lines = sync.Pool{New: func() any { b := make([]byte, 0, 512); return &b }}

// maxPooled keeps a rare long line from staying in memory.
const maxPooled = 16 << 10

// Enabled reports whether the level is logged.
func (h *lineHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level.Level() }

// Handle writes one line.
func (h *lineHandler) Handle(_ context.Context, r slog.Record) error {
	pooled := lines.Get().(*[]byte)
	b := h.head((*pooled)[:0], r)
	mark := markOf(r)
	if mark != "" {
		b = append(append(b, mark...), ' ')
	}
	b = append(append(b, r.Message...), h.attrs...)
	r.Attrs(func(a slog.Attr) bool {
		b = appendAttr(b, h.group, a)
		return true
	})
	b = append(b, '\n')
	h.mu.Lock()
	_, err := h.out.Write(b)
	h.mu.Unlock()
	if cap(b) <= maxPooled {
		*pooled = b
		lines.Put(pooled)
	}
	return err
}

// head writes what stands before the message.
func (h *lineHandler) head(b []byte, r slog.Record) []byte {
	if !h.simple {
		b = append(r.Time.AppendFormat(b, time.DateTime), " - "...)
	}
	b = append(append(b, levelName(r.Level)...), " - "...)
	if h.simple || r.PC == 0 {
		return b
	}
	f, _ := runtime.CallersFrames([]uintptr{r.PC}).Next()
	b = append(append(b, filepath.Base(f.File)...), ':')
	b = append(strconv.AppendInt(b, int64(f.Line), 10), ':')
	return append(append(b, f.Function[strings.LastIndexByte(f.Function, '.')+1:]...), " - "...)
}

// WithAttrs returns a handler that adds attrs to each line.
func (h *lineHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	b := []byte(c.attrs)
	for _, a := range attrs {
		b = appendAttr(b, h.group, a)
	}
	c.attrs = string(b)
	return &c
}

// WithGroup returns a handler that puts name before the keys that follow.
func (h *lineHandler) WithGroup(name string) slog.Handler {
	c := *h
	c.group += name + "."
	return &c
}

func appendAttr(b []byte, group string, a slog.Attr) []byte {
	if a.Key == markKey || a.Equal(slog.Attr{}) {
		return b
	}
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup {
		for _, sub := range v.Group() {
			b = appendAttr(b, group+a.Key+".", sub)
		}
		return b
	}
	b = append(append(append(append(b, ' '), group...), a.Key...), '=')
	text := v.String()
	if text == "" || strings.ContainsAny(text, " \t\r\n\"=") || !printable(text) {
		return strconv.AppendQuote(b, text)
	}
	return append(b, text...)
}

// printable is false for text that could act on a terminal.
func printable(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f })
}
