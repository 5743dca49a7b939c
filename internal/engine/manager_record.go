package engine

import (
	"context"
	"slices"
	"sync"

	"flowgate/internal/workflow"
	"flowgate/store"
)

// recorder gathers what one execution does: events go to the hub at once, all
// of it to the store in batches and, at the end, together with the end.
type recorder struct {
	m     *Manager
	enter func() error // puts the run into the journal; nil: it is there

	mu        sync.Mutex
	execution workflow.Execution // as it was last told
	events    []workflow.Event   // not stored yet
	runs      []workflow.NodeRun // not stored yet
	writing   []workflow.Event   // on their way to the store
	held      []workflow.Event   // told only when the end is stored
	seq       int64              // of the last event
	dirty     bool
	done      bool
	suspect   *suspect // nil when it is none
	told      bool     // the end

	flushing sync.Mutex
}

var _ Recorder = (*recorder)(nil)

// Event keeps e and tells it. The end is told when it is stored.
func (r *recorder) Event(ctx context.Context, e workflow.Event) error {
	e.ExecutionID = r.execution.ID
	r.mu.Lock()
	r.events = append(r.events, e)
	r.seq, r.dirty = e.Seq, true
	hold := e.Type == workflow.EventFinished
	if hold {
		r.held = append(r.held, e)
	}
	r.mu.Unlock()
	if !hold {
		r.m.hub.publish(e)
		r.heed(ctx, e.Seq)
	}
	return nil
}

// NodeRun keeps run.
func (r *recorder) NodeRun(_ context.Context, run workflow.NodeRun) error {
	r.mu.Lock()
	r.runs = append(r.runs, run)
	r.dirty = true
	r.mu.Unlock()
	return nil
}

// Waiting notes what the execution waits for, nil when it goes on. The journal
// comes first: it alone finds waiting executions whose process died.
func (r *recorder) Waiting(_ context.Context, w *workflow.Waiting) error {
	if w != nil && r.enter != nil {
		if err := r.enter(); err != nil {
			return err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if w == nil {
		if r.execution.WaitingFor != nil {
			r.dirty = true
		}
		r.execution.Status, r.execution.WaitingFor = workflow.StatusRunning, nil
		return nil
	}
	keep := *w
	if keep.Topic == "" && r.execution.WaitingFor != nil {
		keep.Topic = r.execution.WaitingFor.Topic
	}
	r.execution.Status, r.execution.WaitingFor, r.dirty = workflow.StatusWaiting, &keep, true
	return nil
}

// take returns what is not stored yet. What comes with the end is stored with it.
func (r *recorder) take() (store.Progress, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.dirty || r.done || len(r.held) > 0 {
		return store.Progress{}, false
	}
	e := r.execution
	p := store.Progress{Execution: &e, Events: r.events, NodeRuns: r.runs}
	r.writing = r.events
	r.events, r.runs, r.dirty = nil, nil, false
	return p, true
}

// unsaved returns events that may not be in the store yet, but for the end.
func (r *recorder) unsaved() []workflow.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := slices.Concat(r.writing, r.events)
	if n := len(all); n > 0 && all[n-1].Type == workflow.EventFinished {
		all = all[:n-1]
	}
	return all
}

// recent returns the events after seq, but for the end, and whether memory
// holds them all.
func (r *recorder) recent(seq int64) ([]workflow.Event, bool) {
	all := r.unsaved()
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.told: // perhaps before the watcher joined
		return nil, false
	case len(all) == 0:
		return nil, !r.done && r.seq <= seq
	}
	return all, all[0].Seq <= seq+1
}

// flush stores what is not stored yet.
func (r *recorder) flush(ctx context.Context) error {
	r.flushing.Lock()
	defer r.flushing.Unlock()
	p, ok := r.take()
	if !ok {
		return nil
	}
	if err := r.m.writer.save(ctx, p); err != nil {
		r.mu.Lock()
		r.events, r.runs, r.dirty = append(p.Events, r.events...), append(p.NodeRuns, r.runs...), true
		r.mu.Unlock()
		return err
	}
	return nil
}

// finish returns the last progress: the rest and the end, with an event for
// the end where the engine was not there to give one.
func (r *recorder) finish(ctx context.Context, end workflow.Execution) (store.Progress, error) {
	r.flushing.Lock()
	defer r.flushing.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.held) == 0 { // it may have got further when it was computed before
		last, err := r.m.lastSeq(ctx, &end)
		if err != nil {
			return store.Progress{}, err
		}
		r.seq = max(r.seq, last)
		ev := workflow.Event{ExecutionID: end.ID, Seq: r.seq + 1, Type: workflow.EventFinished, Level: "warn", At: end.FinishedAt, Status: end.Status}
		if end.Error != nil {
			ev.Message = end.Error.Message
		}
		r.events, r.held = append(r.events, ev), append(r.held, ev)
	}
	r.amendHeld(&end)
	r.done = true
	return store.Progress{Execution: &end, Events: r.events, NodeRuns: r.runs}, nil
}

// amendHeld makes the event of the end say how it ended where the engine said
// otherwise, because its result could not be kept.
func (r *recorder) amendHeld(end *workflow.Execution) {
	for i, h := range r.held {
		if h.Status == end.Status || end.Error == nil {
			continue
		}
		h.Status, h.Level, h.Message = end.Status, "error", "Execution failed: "+end.Error.Message
		r.held[i] = h
		for j := range r.events {
			if r.events[j].Seq == h.Seq {
				r.events[j] = h
			}
		}
	}
}

// reached is the number of the last event so far.
func (r *recorder) reached() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.seq
}

// publishHeld tells the end.
func (r *recorder) publishHeld() {
	r.mu.Lock()
	r.told = true
	r.mu.Unlock()
	for _, e := range r.held {
		r.m.hub.publish(e)
	}
}

func (m *Manager) register(r *recorder) {
	m.mu.Lock()
	m.recorders[r.execution.ID] = r
	m.mu.Unlock()
	m.hub.local(r.execution.ID, true)
}

func (m *Manager) unregister(r *recorder) {
	m.mu.Lock()
	delete(m.recorders, r.execution.ID)
	m.mu.Unlock()
	m.hub.local(r.execution.ID, false)
}
