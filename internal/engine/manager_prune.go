package engine

import "time"

const (
	pruneEvery = time.Minute
	// One sweep deletes at most pruneBatches batches of pruneBatch executions
	// that are too old, and as many that are too much, so that what else it
	// looks after does not wait. The next sweep goes on.
	pruneBatch, pruneBatches = 500, 4
)

// prune deletes what is too old, and what is too much, in small batches. It
// reports whether nothing is left to delete now.
func (m *Manager) prune() (done bool) {
	done = true
	if m.opts.Retention > 0 {
		done = m.deleteSome("old executions were not deleted", func(limit int) ([]string, error) {
			return m.store.PruneExecutions(m.ctx, m.now().Add(-m.opts.Retention), limit)
		})
	}
	if m.opts.Keep > 0 {
		trimmed := m.deleteSome("executions beyond the number kept were not deleted", func(limit int) ([]string, error) {
			return m.store.TrimExecutions(m.ctx, m.opts.Keep, limit)
		})
		done = done && trimmed
	}
	return done
}

// deleteSome deletes what one sweep may. It reports whether that was all, or
// all that can be done for now.
func (m *Manager) deleteSome(failure string, batch func(limit int) ([]string, error)) (done bool) {
	for range pruneBatches {
		ids, err := batch(pruneBatch)
		m.forget(ids)
		if err != nil && m.ctx.Err() == nil {
			m.log.Warn(failure+"; they will be tried again", "error", err)
		}
		if err != nil || len(ids) < pruneBatch {
			return true
		}
	}
	return false
}

// forget has contents deleted that executions made which are gone. It does
// not wait, since contents may be kept far away; one goroutine does all.
func (m *Manager) forget(ids []string) {
	if m.opts.Files == nil || len(ids) == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.gone = append(m.gone, ids...)
	if !m.forgetting {
		m.forgetting = true
		m.work.Go(m.forgetAll)
	}
}

func (m *Manager) forgetAll() {
	for {
		m.mu.Lock()
		ids := m.gone
		m.gone = nil
		if len(ids) == 0 || m.ctx.Err() != nil { // the rest is swept later
			m.forgetting = false
			m.mu.Unlock()
			return
		}
		m.mu.Unlock()
		m.opts.Files.Forget(m.ctx, ids)
	}
}
