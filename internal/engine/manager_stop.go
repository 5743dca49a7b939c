package engine

import (
	"context"

	"flowgate/internal/workflow"
)

// ReasonStopping is the reason of the CodeUnavailable errors of a Manager that
// is being closed: executions go on, here or elsewhere.
const ReasonStopping = "stopping"

func errStopping() error {
	return workflow.Errorf(workflow.CodeUnavailable, "this server is stopping; ask another one, or again in a moment").WithReason(ReasonStopping)
}

// StopWatching ends all Watch calls, those to come too once they have given
// what there is, with CodeUnavailable and ReasonStopping. It may be called
// again.
func (m *Manager) StopWatching() { m.unwatch.Do(func() { close(m.unwatched) }) }

// Close stops taking executions up, lets running ones end for
// ManagerOptions.Drain, though not longer than ctx, and leaves the rest to
// other processes or the next start. Nil says that this went well, even if
// time was up. Executions that are asked for meanwhile are queued. It may be
// called again.
func (m *Manager) Close(ctx context.Context) error {
	m.stopTaking()
	m.log.Info("stopping", "executions_under_way", m.underWay())
	drain, cancel := context.WithTimeout(ctx, m.opts.Drain)
	defer cancel()
	swept := make(chan struct{})
	go func() {
		m.sweeps.Wait()
		close(swept)
	}()
	select {
	case <-swept: // what it claimed is started, or is found by others
	case <-drain.Done():
	}
	err := m.runtime.Close(drain)
	m.StopWatching()
	left := m.underWay() // their steps did not stop in time; what they record is refused
	m.stop()
	<-swept
	m.work.Wait()
	m.hub.close()
	m.writer.close()
	if n := m.handed.Load() + int64(left); n > 0 {
		m.log.Info("executions are left to other processes or the next start", "executions", n)
	}
	return err
}

// underWay counts the executions that this process is at.
func (m *Manager) underWay() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.atWork) + len(m.starting)
}

// enter notes that an execution's run is called here, until leave.
func (m *Manager) enter(id string) {
	m.mu.Lock()
	m.atWork[id]++
	m.mu.Unlock()
}

func (m *Manager) leave(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.atWork[id]--; m.atWork[id] == 0 {
		delete(m.atWork, id)
	}
}

// at reports whether this process is at an execution, or about to be.
func (m *Manager) at(id string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.atWork[id] > 0 || m.starting[id] != nil
}
