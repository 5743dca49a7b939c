package engine

import (
	"errors"
	"slices"
	"time"

	"flowgate/internal/engine/durable"
	"flowgate/internal/workflow"
)

// maxOrphans bounds what one sweep takes up.
const maxOrphans = 100

// recover looks after running executions that nobody is at: their process is
// gone, or they are under our own name and were not started.
func (m *Manager) recover() {
	holder := m.runtime.Holder()
	m.dropStale(holder)
	alive, err := m.runtime.Holders(m.ctx)
	if err != nil || holder == "" || len(alive) == 0 {
		return // the durable runtime complains already
	}
	others := slices.DeleteFunc(alive, func(name string) bool { return name == holder })
	ids, err := m.store.OrphanedExecutions(m.ctx, others, maxOrphans+m.underWay())
	if err != nil {
		if m.ctx.Err() == nil {
			m.log.Warn("orphaned executions were not looked up; it will be tried again", "error", err)
		}
		return
	}
	ids = slices.DeleteFunc(ids, m.at)
	states, err := m.runtime.States(m.ctx, ids...) // before the executions are read: a run ends after its execution
	if err != nil {
		return
	}
	astray := make(map[string]bool, len(ids))
	for _, id := range ids {
		e, err := m.store.ExecutionByID(m.ctx, id)
		if err != nil || e.Status != workflow.StatusRunning {
			continue
		}
		astray[id] = true
		if e.Executor == holder && !m.astray[id] {
			continue // it may just be starting, or ending
		}
		if err := m.reclaim(e, states[id]); err != nil && m.ctx.Err() == nil {
			m.log.Warn("an orphaned execution was not taken up; it will be tried again", "execution_id", id, "error", err)
		}
	}
	m.astray = astray
}

// reclaim takes up an execution that nobody is at: it is ended when it was
// cancelled, started when the journal never heard of it, and left alone while
// the journal is to go on with it. What the journal knew and has ended or
// forgotten is lost: computing it anew would repeat its effects.
func (m *Manager) reclaim(e *workflow.Execution, s durable.State) error {
	if e.CancelRequested {
		if s != durable.Unknown {
			if err := m.stopRun(m.ctx, e.ID); err != nil {
				return err
			}
		}
		err := m.finishCancelled(m.ctx, e)
		if workflow.CodeOf(err) == workflow.CodeConflict {
			return nil // another process was faster
		}
		return err
	}
	switch s {
	case durable.Live:
		return nil
	case durable.Unknown:
		if fresh, err := m.unheard(e); err != nil {
			return err
		} else if fresh {
			return m.runtime.Start(m.ctx, e.ID)
		}
	}
	m.log.Error("an execution is lost: its journal is gone", "execution_id", e.ID, "workflow_id", e.WorkflowID)
	o := &Outcome{Status: workflow.StatusError, LastNode: e.LastNode, Error: &workflow.ExecutionError{Code: "lost",
		Message: "The execution was lost: the record of what it did outside is gone, so it cannot go on without doing things twice. Retry it if that is safe."}}
	err := m.conclude(m.ctx, e, &recorder{m: m, execution: *e}, o)
	if errors.Is(err, durable.ErrStopped) {
		return nil // another process was faster
	}
	return err
}

// unheard reports whether an execution the journal does not know never got
// that far: it is too young to be forgotten, or did nothing at all.
func (m *Manager) unheard(e *workflow.Execution) (bool, error) {
	began, keeps := e.StartedAt, m.runtime.ForgetAfter()
	if began.IsZero() {
		began = e.CreatedAt
	}
	if keeps < 0 || m.now().Sub(began) < keeps {
		return true, nil
	}
	events, err := m.store.Events(m.ctx, e.OwnerID, e.ID, 0, 1)
	return len(events) == 0, err
}

// dropStale gives up the places of executions that were about to begin under
// a slot this process has lost: they are orphans.
func (m *Manager) dropStale(holder string) {
	m.mu.Lock()
	var stale []string
	for id, e := range m.starting {
		if e.Executor != holder {
			stale = append(stale, id)
		}
	}
	m.mu.Unlock()
	for _, id := range stale {
		m.dropStarting(id)
	}
}

// failures are the calls of one execution's run that failed in a row without
// getting further.
type failures struct {
	count   int
	since   time.Time
	reached int64 // number of the last event
}

// maxFailures is how many calls may fail in a row, if it takes longer than
// ManagerOptions.giveUpAfter.
const maxFailures = 10

// noteFailure counts err when it is a failure of the machinery.
func (m *Manager) noteFailure(e *workflow.Execution, rec *recorder, err error) error {
	failed := errors.Is(err, durable.ErrInterrupted) && !errors.Is(err, durable.ErrStopped) && !errors.Is(err, durable.ErrCancelled)
	if failed {
		m.log.Warn("an execution was interrupted; it goes on in a moment", "execution_id", e.ID, "error", err)
	}
	m.storeFailed(err)
	reached := rec.reached()
	m.mu.Lock()
	defer m.mu.Unlock()
	if !failed {
		delete(m.failures, e.ID)
		return err
	}
	f := m.failures[e.ID]
	if f.count == 0 || reached > f.reached {
		f = failures{since: m.now(), reached: reached}
	}
	f.count++
	m.failures[e.ID] = f
	return err
}

// hopeless says why an execution is given up whose calls failed again and
// again; nil when it is not.
func (m *Manager) hopeless(e *workflow.Execution) *Outcome {
	m.mu.Lock()
	f := m.failures[e.ID]
	m.mu.Unlock()
	if f.count < maxFailures || m.now().Sub(f.since) < m.opts.giveUpAfter {
		return nil
	}
	m.log.Error("an execution was given up because computing it failed again and again", "execution_id", e.ID, "workflow_id", e.WorkflowID, "times", f.count)
	o := faulty(e)
	o.Error.Code = "interrupted"
	o.Error.Message = "The execution was given up: computing it failed again and again at the same place. The server's log says why."
	return o
}

// faulty is the end of an execution because of a fault in this program.
func faulty(e *workflow.Execution) *Outcome {
	return &Outcome{Status: workflow.StatusError, LastNode: e.LastNode, Error: &workflow.ExecutionError{
		Code: "internal", Message: "The execution failed because of a fault in this program. It was logged."}}
}

// diverged is the end of an execution that does not follow its own record.
func diverged(e *workflow.Execution) *Outcome {
	return &Outcome{Status: workflow.StatusError, LastNode: e.LastNode, Error: &workflow.ExecutionError{Code: "diverged",
		Message: "The execution could not go on: computed again, it asked for other things from outside than it had recorded. Retry it to run it anew."}}
}
