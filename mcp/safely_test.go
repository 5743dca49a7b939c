package mcp

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"flowgate/internal/auth"
	"flowgate/internal/service"
)

// TestLooksOutliveAPanic: a panic where lists are looked at for listeners, or
// subscribed resources, ends neither the process nor the watch.
func TestLooksOutliveAPanic(t *testing.T) {
	t.Parallel()
	looks := make(chan struct{}, 100)
	w := &toolWatch{every: time.Millisecond, list: func(context.Context) ([]*service.Capability, error) {
		select {
		case looks <- struct{}{}:
		default:
		}
		panic("a fault")
	}}
	stop := w.listen(auth.WithIdentity(t.Context(), &auth.Identity{Subject: "ann"}), func() {})
	defer stop()
	for range 3 {
		select {
		case <-looks:
		case <-time.After(time.Minute):
			t.Fatal("the watch has ended")
		}
	}
	var log strings.Builder
	s := &Server{Options: Options{Logger: slog.New(slog.NewTextHandler(io.Writer(&log), nil))}}
	s.safely("look", func() { panic("another fault") })
	if !strings.Contains(log.String(), "another fault") || !strings.Contains(log.String(), "doing=look") {
		t.Errorf("logged %q", log.String())
	}
}
