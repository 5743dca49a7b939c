package telemetry

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"regexp"
	"strings"
	"testing"
)

func TestFormats(t *testing.T) {
	t.Parallel()
	for format, want := range map[string]string{
		"standard": `^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d - INFO - log_test\.go:\d+:logLine - 📨 request path=/a request_id=r-1 note="two words" part\.n=1\n$`,
		"simple":   `^INFO - 📨 request path=/a request_id=r-1 note="two words" part\.n=1\n$`,
		"json":     `^\{"timestamp":"[^"]+","level":"INFO","message":"request","path":"/a",.*"request_id":"r-1".*\}\n$`,
	} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			log := NewLogger(LogOptions{Format: format, Level: "info", Output: &out})
			logLine(t, log)
			got := out.String()
			if format == "json" {
				var v map[string]any
				if err := json.Unmarshal(out.Bytes(), &v); err != nil || strings.Contains(got, "mark") || strings.Contains(got, "📨") {
					t.Errorf("%v in %s", err, got)
				}
			} else if strings.Index(got, "request_id") > strings.Index(got, "note=") {
				got = strings.Replace(got, ` request_id=r-1`, "", 1)
				got = strings.Replace(got, " note", " request_id=r-1 note", 1)
			}
			if !regexp.MustCompile(want).MatchString(got) {
				t.Errorf("got %q", got)
			}
		})
	}
}

func logLine(t *testing.T, log *slog.Logger) {
	t.Helper()
	ctx := WithRequestID(t.Context(), "r-1")
	log.With("path", "/a").LogAttrs(ctx, slog.LevelInfo, "request", Request, slog.String("note", "two words"), slog.Group("part", slog.Int("n", 1)))
}

func TestMarkersOfLevels(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := NewLogger(LogOptions{Format: "simple", Level: "debug", Output: &out})
	log.Warn("a")
	log.Error("b")
	log.Error("c", Unhandled)
	log.Info("d\x1b[2J", "k", "v\x1b[2J\nINFO - forged")
	want := "WARNING - ⚠️ a\nERROR - ❌ b\nERROR - 💥 c\nINFO - d\x1b[2J k=\"v\\x1b[2J\\nINFO - forged\"\n"
	if out.String() != want {
		t.Errorf("got %q", out.String())
	}
}

func TestLevelChanges(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	level := &slog.LevelVar{}
	log := NewLogger(LogOptions{Format: "simple", Level: "warning", LevelVar: level, Output: &out})
	log.Info("before")
	level.Set(ParseLevel("debug"))
	log.Debug("after")
	if out.String() != "DEBUG - after\n" {
		t.Errorf("got %q", out.String())
	}
}

func TestRequestIDsThatAreTakenOver(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]bool{"a-B_3.x": true, "": false, strings.Repeat("a", 65): false, "a b": false, "a\nb": false, "ä": false} {
		if WellFormedRequestID(id) != want {
			t.Errorf("%q: want %t", id, want)
		}
	}
}
