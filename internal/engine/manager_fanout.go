package engine

import (
	"encoding/json"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store"
)

// Where processes pass events on to each other, one that follows an execution
// says so now and then; the one that computes it then passes on its events, first
// those that are not stored yet. What is lost on the way is in the store soon.
const (
	topicFollowed = "followed"
	// askEvery is how often a process says that it follows an execution,
	// askAgain how soon at most when events are missing, and askedFor how long it
	// is told afterwards.
	askEvery = 2 * time.Second
	askAgain = 100 * time.Millisecond
	askedFor = 10 * time.Second
	// followRelaxed is how often the store is looked at meanwhile.
	followRelaxed = time.Second
	// maxPassed bounds a message; larger events are fetched from the store.
	maxPassed = 64 << 10
)

func topicOf(id string) string { return "execution:" + id }

// connected reports whether other processes' events come by themselves.
func (h *hub) connected() bool { return h.fan != nil && h.fan.Connected() }

// listen has the events of an execution come that another process computes.
func (h *hub) listen(id string, t *topic) (stop func()) {
	if h.fan == nil {
		return func() {}
	}
	return h.fan.Listen(topicOf(id), func(data []byte) { h.passed(id, t, data) })
}

// ask has the process that computes an execution pass its events on.
func (h *hub) ask(id string) {
	if h.fan != nil {
		h.fan.Announce(topicFollowed, []byte(id))
	}
}

// asked notes that another process follows an execution, and passes on what that
// cannot find in the store.
func (h *hub) asked(id string) {
	now := time.Now()
	h.mu.Lock()
	here := h.locals[id]
	if here {
		h.followed[id] = now.Add(askedFor)
	}
	for other, until := range h.followed {
		if now.After(until) {
			delete(h.followed, other)
		}
	}
	h.mu.Unlock()
	if here {
		h.pass(id, h.unsaved(id))
	}
}

// passOn passes an event on where another process follows its execution; no
// event says that there is something in the store. Callers hold h.mu.
func (h *hub) passOn(id string, events ...workflow.Event) {
	if until, ok := h.followed[id]; ok && time.Now().Before(until) {
		h.pass(id, events)
	}
}

func (h *hub) pass(id string, events []workflow.Event) {
	size := 0
	for i := range events {
		if size += len(events[i].Data) + len(events[i].Message) + 512; size > maxPassed {
			events = events[:i]
			break
		}
	}
	if data, err := json.Marshal(events); err == nil {
		h.fan.Announce(topicOf(id), data)
	}
}

// passed takes what another process passed on: events that follow on the last
// are told, all else is a reason to look into the store.
func (h *hub) passed(id string, t *topic, data []byte) {
	var events []workflow.Event
	err := json.Unmarshal(data, &events)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.topics[id] != t || h.locals[id] {
		return
	}
	look := err != nil || len(events) == 0
	for _, e := range events {
		switch {
		case e.ExecutionID != id || e.Seq > t.last+1:
			look = true
		case e.Seq == t.last+1:
			t.tell(e)
		}
	}
	if look {
		select {
		case t.look <- struct{}{}:
		default:
		}
	}
}

// withFanout has the hub pass on, and hear, what happens.
func (h *hub) withFanout(fan store.Fanout, unsaved func(id string) []workflow.Event) {
	if fan == nil {
		return
	}
	h.fan, h.unsaved = fan, unsaved
	h.deaf = fan.Listen(topicFollowed, func(data []byte) { h.asked(string(data)) })
}
