package service

import (
	"context"
	"strings"
	"testing"
	"time"

	"flowgate/internal/workflow"
)

// panicking is an agent whose watch has a fault.
type panicking struct{ Agent }

func (panicking) Watch(context.Context, string, string, int64, func(workflow.Event) error) error {
	panic("a fault")
}

// TestFollowersOutliveAPanic: a panic where executions are followed ends that
// feed with an error, and not the process.
func TestFollowersOutliveAPanic(t *testing.T) {
	t.Parallel()
	var fs feeds
	f := fs.join(t.Context(), panicking{}, "ann", "e1", 0)
	select {
	case <-f.done:
	case <-time.After(time.Minute):
		t.Fatal("the feed does not end")
	}
	if !f.over() || f.err == nil || !strings.Contains(f.err.Error(), "a fault") {
		t.Errorf("it ended with %v", f.err)
	}
	fs.leave(f)
}
