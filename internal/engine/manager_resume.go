package engine

import (
	"context"
	"time"

	"flowgate/internal/engine/node"
	"flowgate/internal/workflow"
)

// answerTTL is how long an answer keeps others out: far longer than it takes
// the execution to notice it.
const answerTTL = time.Minute

// Resume answers what a waiting execution waits for. Of several answers one
// gets through; the others are CodeConflict.
func (m *Manager) Resume(ctx context.Context, owner, id string, response *workflow.Object) error {
	e, err := m.store.Execution(ctx, owner, id)
	if err != nil {
		return err
	}
	w := e.WaitingFor
	if e.Status != workflow.StatusWaiting || w == nil || e.CancelRequested {
		return workflow.Errorf(workflow.CodeConflict, "the execution does not wait for an answer: it is %s", e.Status)
	}
	if w.Kind == "time" || w.Topic == "" {
		return workflow.Errorf(workflow.CodeConflict, "the execution waits for a time, not for an answer; it goes on by itself")
	}
	if w.Until != nil && !m.now().Before(*w.Until) {
		return workflow.Errorf(workflow.CodeConflict, "the time to answer is over")
	}
	answer, err := node.CheckAnswer(w, response)
	if err != nil {
		return err
	}
	payload, err := answer.MarshalJSON()
	if err != nil {
		return err
	}
	return m.deliver(ctx, id, w.Topic, payload)
}

// deliver sends an answer, unless another one was faster.
func (m *Manager) deliver(ctx context.Context, id, topic string, payload []byte) error {
	sup := m.opts.Supervision
	if sup != nil {
		mine, err := sup.ClaimAnswer(ctx, id, topic, answerTTL)
		if err != nil {
			return err
		}
		if !mine {
			return workflow.Errorf(workflow.CodeConflict, "the execution was answered already")
		}
	}
	if err := m.runtime.Send(ctx, id, topic, payload); err != nil {
		if sup != nil {
			if rerr := sup.ReleaseAnswer(context.WithoutCancel(ctx), id, topic); rerr != nil {
				m.log.Warn("an answer that failed keeps others out for a minute", "execution_id", id, "error", rerr)
			}
		}
		return workflow.Wrap(workflow.CodeUnavailable, err, "the answer could not be delivered; try again")
	}
	return nil
}

// signature is what an address carries by which an execution is resumed, or
// its pages are seen.
func (m *Manager) signature(of string) string {
	if m.opts.Sign == nil {
		return ""
	}
	return m.opts.Sign(of)
}
