package engine

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"flowgate/internal/engine/durable"
	"flowgate/internal/engine/node"
	"flowgate/internal/workflow"
	"flowgate/store"
)

// run is the body of every durable run: one call computes the execution as
// far as it goes.
func (m *Manager) run(r *durable.Run) (err error) {
	ctx := r.Context()
	m.enter(r.ID())
	defer m.leave(r.ID())
	defer func() {
		if err != nil && errors.Is(context.Cause(ctx), durable.ErrStopped) && m.taking.Err() != nil {
			m.handed.Add(1)
		}
	}()
	select {
	case <-m.opened:
	default: // runs may begin while the runtime opens
		select {
		case <-m.opened:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	e, release, died, err := m.admit(ctx, r)
	if err != nil || e == nil {
		return err
	}
	defer release()
	defer m.released(ctx, e)
	rec := &recorder{m: m, execution: *e, enter: r.Enter}
	return m.noteFailure(e, rec, m.attempt(r, e, rec, died))
}

// attempt computes an execution that this process holds, or ends it because it
// cannot be. A panic is no reason to leave it running: it ends as failed.
func (m *Manager) attempt(r *durable.Run, e *workflow.Execution, rec *recorder, died bool) (err error) {
	ctx := r.Context()
	defer func() {
		if p := recover(); p != nil {
			m.log.Error("an execution panicked", "execution_id", e.ID, "panic", p, "stack", string(debug.Stack()))
			err = m.conclude(ctx, e, rec, faulty(e))
		}
	}()
	if e.CancelRequested || errors.Is(context.Cause(ctx), durable.ErrCancelled) { // before it began
		return m.conclude(ctx, e, rec, cancelled(Outcome{LastNode: e.LastNode}))
	}
	if died {
		defer rec.clear()
		if o, err := m.poisoned(ctx, e, rec); err != nil {
			return interrupted(err)
		} else if o != nil {
			return m.conclude(ctx, e, rec, o)
		}
	}
	if o := m.hopeless(e); o != nil {
		return m.conclude(ctx, e, rec, o)
	}
	w, err := m.document(context.WithoutCancel(ctx), e.OwnerID, e.WorkflowID, e.WorkflowVersion)
	if workflow.CodeOf(err) == workflow.CodeNotFound {
		return m.conclude(ctx, e, rec, &Outcome{Status: workflow.StatusError,
			Error: &workflow.ExecutionError{Message: "The workflow was deleted.", Code: "workflow_deleted"}})
	}
	if err != nil {
		return interrupted(err)
	}
	m.register(rec)
	defer m.unregister(rec)
	outcome := m.compute(ctx, e, m.job(r, e, w, rec))
	switch {
	case outcome.Status.Final():
		return m.conclude(ctx, e, rec, &outcome)
	case errors.Is(context.Cause(ctx), durable.ErrCancelled):
		return m.conclude(ctx, e, rec, cancelled(outcome))
	case errors.Is(outcome.Err, durable.ErrDiverged):
		m.log.Error("an execution diverged from its record", "execution_id", e.ID, "workflow_id", e.WorkflowID, "error", outcome.Err)
		return m.conclude(ctx, e, rec, diverged(e))
	case outcome.Suspended && (ctx.Err() == nil || errors.Is(context.Cause(ctx), durable.ErrSuspended)):
		return m.suspend(ctx, e, rec)
	case ctx.Err() != nil:
		return context.Cause(ctx) // another process goes on, or the next start
	}
	return interrupted(outcome.Err)
}

// suspend lets an execution leave memory. Who cancels it from now on finds it
// waiting; who did so before is heard here.
func (m *Manager) suspend(ctx context.Context, e *workflow.Execution, rec *recorder) error {
	if err := rec.flush(context.WithoutCancel(ctx)); err != nil {
		return interrupted(err)
	}
	marked, err := m.cancelMarked(ctx, e.ID)
	if err != nil {
		return interrupted(err)
	}
	if marked {
		return m.conclude(ctx, e, rec, cancelled(Outcome{LastNode: e.LastNode}))
	}
	return durable.ErrSuspended
}

func cancelled(o Outcome) *Outcome {
	o.Status, o.Suspended, o.Err = workflow.StatusCancelled, false, nil
	o.Error = &workflow.ExecutionError{Node: o.LastNode, Message: "The execution was cancelled.", Code: "cancelled"}
	return &o
}

func interrupted(err error) error {
	for _, cause := range []error{durable.ErrSuspended, durable.ErrCancelled, durable.ErrStopped, durable.ErrInterrupted} {
		if errors.Is(err, cause) {
			return err
		}
	}
	return fmt.Errorf("%w: %w", durable.ErrInterrupted, err)
}

// admit finds the run's execution, claims it for this process, and waits for
// a free place to compute it; one that is cancelled needs none. Nil: there is
// nothing to do. died: the process that computed it before is gone.
func (m *Manager) admit(ctx context.Context, r *durable.Run) (e *workflow.Execution, release func(), died bool, err error) {
	place := func() {
		<-m.slots
		m.nudge()
	}
	if e := m.takeStarting(r.ID()); e != nil {
		if e.Executor == r.Holder() {
			return e, place, false, nil
		}
		place() // our slot was another one when it was recorded
	}
	e, err = m.store.ExecutionByID(ctx, r.ID())
	if workflow.CodeOf(err) == workflow.CodeNotFound {
		return nil, nil, false, nil // never accepted, or deleted since
	}
	if err != nil {
		return nil, nil, false, interrupted(err)
	}
	if e.Status.Final() {
		return nil, nil, false, nil
	}
	release = m.nudge
	if !e.CancelRequested {
		select {
		case m.slots <- struct{}{}:
			release = place
		case <-ctx.Done():
			if !errors.Is(context.Cause(ctx), durable.ErrCancelled) {
				return nil, nil, false, context.Cause(ctx)
			}
		}
	}
	mine, died, err := m.take(ctx, r, e)
	if err != nil || !mine {
		release()
		return nil, nil, false, err
	}
	return e, release, died, nil
}

// take claims e for this call of its run, and makes it run. False: it ended
// meanwhile.
func (m *Manager) take(ctx context.Context, r *durable.Run, e *workflow.Execution) (mine, died bool, err error) {
	ctx = context.WithoutCancel(ctx)
	ok, err := m.store.ClaimExecution(ctx, e.ID, r.Holder(), e.Executor)
	if err != nil {
		return false, false, interrupted(err)
	}
	if !ok {
		return false, false, m.elsewhere(ctx, e.ID)
	}
	died = e.Status == workflow.StatusRunning && e.Executor != r.Holder()
	waited := e.Status == workflow.StatusWaiting
	e.Executor = r.Holder()
	if e.StartedAt.IsZero() {
		e.StartedAt = m.now().UTC()
	}
	e.Status, e.WaitingFor = workflow.StatusRunning, nil
	if e.CancelRequested, err = m.cancelMarked(ctx, e.ID); err != nil {
		return false, false, interrupted(err)
	}
	if !waited || e.CancelRequested {
		return true, died, nil
	}
	// At once, so that it is not answered twice, and a death counts.
	rejected, err := m.writer.saveChecked(ctx, store.Progress{Execution: e})
	if err != nil {
		return false, false, interrupted(err)
	}
	if rejected {
		return false, false, m.elsewhere(ctx, e.ID)
	}
	return true, died, nil
}

// elsewhere says what a run comes to whose execution is not ours to write: it
// is over when that is final, and else goes on with whoever holds it.
func (m *Manager) elsewhere(ctx context.Context, id string) error {
	live, err := m.store.LiveExecutions(ctx, []string{id})
	if err != nil {
		return interrupted(err)
	}
	if len(live) > 0 {
		return durable.ErrStopped
	}
	return nil
}

// conclude writes an execution's end. Only when that is stored is the end told.
func (m *Manager) conclude(ctx context.Context, e *workflow.Execution, rec *recorder, o *Outcome) error {
	ctx = context.WithoutCancel(ctx)
	var result []byte
	if o.Result != nil {
		var err error
		if result, err = json.Marshal(o.Result); err != nil {
			m.log.Error("an execution's result cannot be written as JSON", "execution_id", e.ID, "error", err)
			result, o = nil, faulty(e)
		}
	}
	end := rec.execution
	end.Status, end.Error, end.LastNode, end.WaitingFor = o.Status, o.Error, o.LastNode, nil
	end.FinishedAt, end.Result = m.now().UTC(), result
	m.startErrorWorkflow(ctx, e, o)
	last, err := rec.finish(ctx, end)
	if err != nil {
		return interrupted(err)
	}
	rejected, err := m.writer.saveChecked(ctx, last)
	if err != nil {
		return interrupted(err)
	}
	if rejected {
		m.log.Warn("an execution's end was not accepted: it ended before, or another process holds it", "execution_id", e.ID)
		m.hub.finish(e.ID)
		return m.elsewhere(ctx, e.ID)
	}
	m.finished(&end)
	m.ended.add(e.OwnerID, e.ID, last.Events)
	rec.publishHeld()
	m.hub.finish(e.ID)
	return nil
}

func (m *Manager) job(r *durable.Run, e *workflow.Execution, w *workflow.Workflow, rec *recorder) Job {
	effects := &durableEffects{run: r, rec: rec}
	return Job{
		Execution: e, Workflow: w, Effects: effects, Recorder: rec, BaseURL: m.opts.BaseURL, Signature: m.signature(e.ID), FormSignature: m.signature(workflow.PagesOf(e.ID)),
		Credentials: m.credentials(e.OwnerID), File: m.files(e.OwnerID), Keep: m.keepFile(),
		// The answer itself travels as an event, which any process can follow.
		Respond: func(context.Context, workflow.Response) error { return nil },
		SubWorkflows: func(ctx context.Context, ref node.SubWorkflow) (*workflow.Workflow, error) {
			return m.store.Workflow(ctx, e.OwnerID, ref.ID)
		},
		Detach: func(ctx context.Context, sub *workflow.Workflow, items []workflow.Item) error {
			_, _, err := m.Execute(ctx, workflow.ExecuteRequest{OwnerID: e.OwnerID, WorkflowID: sub.ID, Version: sub.Version,
				Mode: workflow.ModeSubWorkflow, ParentID: e.ID, Start: workflow.Start{Items: items},
				IdempotencyKey: "detach/" + e.ID + "/" + effects.step}) // a crash before the step is recorded does not start it twice
			return err
		},
		StaticData: func(ctx context.Context) (*workflow.Object, error) {
			now, err := m.store.Workflow(ctx, e.OwnerID, e.WorkflowID)
			if err != nil {
				return nil, err
			}
			return now.Document.StaticData, nil
		},
		OnStaticData: func(ctx context.Context, data *workflow.Object) error {
			return m.store.SetStaticData(ctx, e.OwnerID, e.WorkflowID, data)
		},
		OnSubStaticData: func(ctx context.Context, workflowID string, data *workflow.Object) error {
			return m.store.SetStaticData(ctx, e.OwnerID, workflowID, data)
		},
	}
}

// credentials gives nodes the values of their owner's credentials, and of
// nobody else's. They are never recorded.
func (m *Manager) credentials(owner string) func(context.Context, string, workflow.CredentialRef) (map[string]string, error) {
	if m.opts.Credentials == nil {
		return nil
	}
	return func(ctx context.Context, kind string, ref workflow.CredentialRef) (map[string]string, error) {
		fields, err := m.opts.Credentials(ctx, owner, kind, ref)
		if workflow.CodeOf(err) == workflow.CodeNotFound {
			return nil, &node.Failure{Message: workflow.MessageOf(err), Code: workflow.ReasonOf(err)}
		}
		return fields, err
	}
}

// durableEffects are Effects whose record is the durable run's journal.
type durableEffects struct {
	run  *durable.Run
	rec  *recorder
	step string // the step at work
}

var _ Effects = (*durableEffects)(nil)

// Step records by name.
func (d *durableEffects) Step(_ context.Context, name string, fn func(ctx context.Context) ([]byte, error)) ([]byte, error) {
	d.step = name
	b, err := d.run.Step(name, fn)
	return b, suspension(err)
}

// WaitUntil sleeps durably; a long wait leaves memory.
func (d *durableEffects) WaitUntil(_ context.Context, _ string, t time.Time) error {
	return suspension(d.run.Sleep(t))
}

// Receive waits durably for a message.
func (d *durableEffects) Receive(ctx context.Context, name string, w workflow.Waiting, deadline time.Time) ([]byte, error) {
	w.Topic = name
	if err := d.rec.Waiting(ctx, &w); err != nil {
		return nil, err
	}
	b, err := d.run.Receive(name, deadline)
	if errors.Is(err, durable.ErrNoMessage) {
		return nil, nil
	}
	return b, suspension(err)
}

// suspension says ErrSuspended in the engine's own word.
func suspension(err error) error {
	if errors.Is(err, durable.ErrSuspended) {
		return fmt.Errorf("%w: %w", ErrSuspended, err)
	}
	return err
}

func randomSeed() uint64 {
	var b [8]byte
	rand.Read(b[:])
	return binary.LittleEndian.Uint64(b[:])
}

// flushLoop writes what running executions have to show now and then, so that
// other processes can follow them.
func (m *Manager) flushLoop() {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-m.ctx.Done():
			return
		case <-tick.C:
		}
		m.mu.Lock()
		recs := make([]*recorder, 0, len(m.recorders))
		for _, rec := range m.recorders {
			recs = append(recs, rec)
		}
		m.mu.Unlock()
		for _, rec := range recs {
			if err := rec.flush(m.ctx); err != nil && m.ctx.Err() == nil {
				m.log.Warn("an execution's progress was not written; it will be tried again", "execution_id", rec.execution.ID, "error", err)
			}
		}
	}
}

const (
	flushEvery = 500 * time.Millisecond
	sweepEvery = 2 * time.Second
)

// nudge makes the sweep look for queued executions soon.
func (m *Manager) nudge() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// sweepLoop starts queued executions when there is room, picks up what fell
// through a crash, and prunes.
func (m *Manager) sweepLoop() {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	var pruned time.Time
	for {
		select {
		case <-m.taking.Done():
			return
		case <-m.wake:
			m.startQueued()
		case <-tick.C:
			m.startQueued()
			m.stopCancelled()
			m.recover()
			m.endCancelledWaits()
			if m.now().Sub(pruned) > pruneEvery && m.prune() {
				pruned = m.now()
			}
		}
	}
}

// startQueued claims as many queued executions as there are free places.
func (m *Manager) startQueued() {
	executor := m.runtime.Holder()
	free := cap(m.slots) - len(m.slots)
	if free <= 0 || executor == "" {
		return
	}
	claimed, err := m.claim(m.ctx, executor, free)
	if err != nil && m.ctx.Err() == nil {
		m.log.Warn("queued executions were not claimed; they will be tried again", "error", err)
	}
	m.storeFailed(err)
	for _, e := range claimed {
		m.noteBegin(e)
		if err := m.runtime.Start(m.ctx, e.ID); err != nil && m.ctx.Err() == nil {
			m.astray[e.ID] = true // recover starts it
			m.log.Warn("a queued execution was not started; it will be tried again", "execution_id", e.ID, "error", err)
		}
	}
}
