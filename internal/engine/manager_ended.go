package engine

import (
	"sync"

	"flowgate/internal/workflow"
)

// ended keeps the events of executions that ended here just now: who started
// one often begins to watch it when it is over already, and need not ask the
// store for what is still at hand. Their ends are stored.
type ended struct {
	mu    sync.Mutex
	byID  map[string]endedExecution
	order [maxEnded]string // a ring
	next  int
}

type endedExecution struct {
	owner  string
	events []workflow.Event
}

// maxEnded bounds how many are kept, maxEndedData the data of each.
const (
	maxEnded     = 256
	maxEndedData = 32 << 10
)

// add keeps an execution whose end is stored, unless it is large.
func (m *ended) add(owner, id string, events []workflow.Event) {
	size := 0
	for i := range events {
		size += len(events[i].Data) + 256
	}
	if size > maxEndedData {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.byID == nil {
		m.byID = map[string]endedExecution{}
	}
	delete(m.byID, m.order[m.next])
	m.byID[id] = endedExecution{owner, events}
	m.order[m.next] = id
	m.next = (m.next + 1) % maxEnded
}

// after returns all events of the owner's execution after seq, the end
// included; false when they are not all at hand.
func (m *ended) after(owner, id string, seq int64) ([]workflow.Event, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.byID[id]
	if !ok || e.owner != owner || len(e.events) == 0 || e.events[0].Seq > seq+1 {
		return nil, false
	}
	return e.events, e.events[len(e.events)-1].Type == workflow.EventFinished
}
