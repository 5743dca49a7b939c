package telemetry

import "log/slog"

const markKey = "\x00mark"

func mark(sign string) slog.Attr { return slog.String(markKey, sign) }

// Markers tell at a glance what a line is about. One of them among a line's
// fields stands before its message in the formats for people; json has none.
// Warnings and errors are marked without.
var (
	Request   = mark("📨") // a request came in
	Public    = mark("🌐") // a public endpoint was called
	Guest     = mark("👤") // a guest's session
	Token     = mark("🔐") // a token or key was checked
	Success   = mark("✅")
	Refused   = mark("🚫")
	Failure   = mark("❌")
	Unhandled = mark("💥") // a fault nothing expected
	Response  = mark("📤") // an answer went out
	Stop      = mark("👋")
	Warning   = mark("⚠️")
)

// markOf is the marker of a line, "" for none.
func markOf(r slog.Record) string {
	sign := ""
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == markKey {
			sign = a.Value.String()
		}
		return sign == ""
	})
	switch {
	case sign != "":
		return sign
	case r.Level >= slog.LevelError:
		return "❌"
	case r.Level >= slog.LevelWarn:
		return "⚠️"
	}
	return ""
}
