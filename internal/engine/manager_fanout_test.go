package engine

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"flowgate/internal/engine/node"
	"flowgate/internal/workflow"
	"flowgate/store"
)

// bus is a fan-out between the managers of a test, which may lose messages.
type bus struct {
	loses func(n int) bool
	deaf  bool

	mu        sync.Mutex
	n         int
	listeners map[string]map[*busListener]bool
	carried   int // events
}

type busListener struct {
	of *busEnd
	fn func([]byte)
}

// busEnd is one manager's end of it.
type busEnd struct{ *bus }

func (b *busEnd) Connected() bool { return !b.deaf }

func (b *busEnd) Announce(topic string, data []byte) {
	b.mu.Lock()
	b.n++
	lost := b.loses != nil && b.loses(b.n)
	var to []*busListener
	for l := range b.listeners[topic] {
		if l.of != b && !lost {
			to = append(to, l)
		}
	}
	if len(to) > 0 && strings.HasPrefix(topic, "execution:") {
		b.carried++
	}
	b.mu.Unlock()
	go func() { // in any order, as it may be
		for _, l := range to {
			l.fn(data)
		}
	}()
}

func (b *busEnd) Listen(topic string, fn func([]byte)) func() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.listeners[topic] == nil {
		b.listeners[topic] = map[*busListener]bool{}
	}
	l := &busListener{b, fn}
	b.listeners[topic][l] = true
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.listeners[topic], l)
	}
}

var _ store.Fanout = (*busEnd)(nil)

// TestEventsReachOtherProcesses follows an execution in a process that does not
// compute it, by a fan-out that is whole, loses much, mixes things up, or is
// away: every event comes once, in order, and the stream ends with the execution.
func TestEventsReachOtherProcesses(t *testing.T) {
	t.Parallel()
	for name, b := range map[string]*bus{
		"whole": {}, "loses half": {loses: func(n int) bool { return n%2 == 0 }}, "loses the first": {loses: func(n int) bool { return n < 40 }},
		"loses all": {loses: func(int) bool { return true }}, "away": {deaf: true, loses: func(int) bool { return true }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b.listeners = map[string]map[*busListener]bool{}
			path := filepath.Join(t.TempDir(), "t.db")
			slow := fakeType("slow", func(ctx context.Context, c *node.Call) (node.Output, error) {
				time.Sleep(30 * time.Millisecond)
				return pass(ctx, c)
			})
			computes := startManager(t, openStore(t, path), func(o *ManagerOptions) { o.Fanout = &busEnd{b} }, slow)
			follows := startManager(t, openStore(t, path), func(o *ManagerOptions) { o.Fanout = &busEnd{b} }, slow)
			const nodes = 60
			steps := []step{{name: "T", typ: "trigger", to: [][]string{{"N0"}}}}
			for i := range nodes {
				s := step{name: fmt.Sprintf("N%d", i), typ: "slow"}
				if i+1 < nodes {
					s.to = [][]string{{fmt.Sprintf("N%d", i+1)}}
				}
				steps = append(steps, s)
			}
			wf := document("v1", steps...)
			keepWorkflow(t, computes, wf, time.Now())
			id, _, err := computes.Execute(t.Context(), workflow.ExecuteRequest{OwnerID: testOwner, WorkflowID: wf.ID, Mode: workflow.ModeManual, Start: workflow.Start{Trigger: "T"}})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			var all sync.WaitGroup
			for _, after := range []int64{0, 0, 7} { // the last joins later
				all.Go(func() {
					if after > 0 {
						time.Sleep(700 * time.Millisecond)
					}
					seq := after
					err := follows.Watch(ctx, testOwner, id, after, func(e workflow.Event) error {
						if seq++; e.Seq != seq {
							t.Errorf("event %d comes in place of %d", e.Seq, seq)
						}
						return nil
					})
					if err != nil || seq < nodes {
						t.Errorf("it ended behind event %d: %v", seq, err)
					}
				})
			}
			all.Wait()
			b.mu.Lock()
			defer b.mu.Unlock()
			if name == "whole" && b.carried < nodes {
				t.Errorf("%d messages came directly", b.carried)
			}
		})
	}
}
