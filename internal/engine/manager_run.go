package engine

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"flowgate/internal/engine/durable"
	"flowgate/internal/engine/node"
	"flowgate/internal/workflow"
	"flowgate/store"
)

// run is the body of every durable run: one call computes the execution as
// far as it goes.
func (m *Manager) run(r *durable.Run) error {
	ctx := r.Context()
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
	if died {
		if o, err := m.poisoned(ctx, e); err != nil {
			return interrupted(err)
		} else if o != nil {
			return m.conclude(ctx, e, nil, o)
		}
	}
	w, err := m.document(ctx, e.OwnerID, e.WorkflowID, e.WorkflowVersion)
	if e.CancelRequested || errors.Is(context.Cause(ctx), durable.ErrCancelled) { // before it began
		return m.conclude(context.WithoutCancel(ctx), e, nil, cancelled(Outcome{LastNode: e.LastNode}))
	}
	if workflow.CodeOf(err) == workflow.CodeNotFound {
		return m.conclude(ctx, e, nil, &Outcome{Status: workflow.StatusError,
			Error: &workflow.ExecutionError{Message: "The workflow was deleted.", Code: "workflow_deleted"}})
	}
	if err != nil {
		return interrupted(err)
	}
	rec := &recorder{m: m, execution: *e}
	m.register(rec)
	defer m.unregister(rec)
	outcome := m.engine.Run(ctx, m.job(r, e, w, rec))
	switch {
	case outcome.Status.Final():
		return m.conclude(context.WithoutCancel(ctx), e, rec, &outcome)
	case errors.Is(context.Cause(ctx), durable.ErrCancelled):
		return m.conclude(context.WithoutCancel(ctx), e, rec, cancelled(outcome))
	case outcome.Suspended && (ctx.Err() == nil || errors.Is(context.Cause(ctx), durable.ErrSuspended)):
		if err := rec.flush(context.WithoutCancel(ctx)); err != nil {
			return interrupted(err)
		}
		return durable.ErrSuspended
	case ctx.Err() != nil:
		return context.Cause(ctx) // another process goes on, or the next start
	}
	return interrupted(outcome.Err)
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
// a free place to compute it. Nil: there is nothing to do. died: the process
// that computed it before is gone.
func (m *Manager) admit(ctx context.Context, r *durable.Run) (e *workflow.Execution, release func(), died bool, err error) {
	release = func() {
		<-m.slots
		m.nudge()
	}
	if e := m.takeStarting(r.ID()); e != nil {
		return e, release, false, nil
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
	select {
	case m.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, false, context.Cause(ctx)
	}
	if ok, err := m.store.ClaimExecution(ctx, e.ID, r.Holder(), e.Executor); err != nil || !ok {
		release()
		if err != nil {
			return nil, nil, false, interrupted(err)
		}
		return nil, nil, false, nil // it ended, or was cancelled, meanwhile
	}
	died = e.Status == workflow.StatusRunning && e.Executor != r.Holder()
	waited := e.Status == workflow.StatusWaiting
	e.Executor = r.Holder()
	if e.StartedAt.IsZero() {
		e.StartedAt = m.now().UTC()
	}
	e.Status, e.WaitingFor = workflow.StatusRunning, nil
	if waited { // at once, so that it is not answered twice, and a death counts
		if err := m.writer.save(ctx, store.Progress{Execution: e}); err != nil {
			release()
			return nil, nil, false, interrupted(err)
		}
	}
	return e, release, died, nil
}

// conclude writes an execution's end. Only when that is stored is the end told.
func (m *Manager) conclude(ctx context.Context, e *workflow.Execution, rec *recorder, o *Outcome) error {
	if rec == nil {
		rec = &recorder{m: m, execution: *e}
	}
	end := rec.execution
	end.Status, end.Error, end.LastNode, end.WaitingFor = o.Status, o.Error, o.LastNode, nil
	end.FinishedAt = m.now().UTC()
	if o.Result != nil {
		data, err := json.Marshal(o.Result)
		if err != nil {
			return fmt.Errorf("encode the result: %w", err)
		}
		end.Result = data
	}
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
	} else {
		m.ended.add(e.OwnerID, e.ID, last.Events)
	}
	rec.publishHeld()
	m.hub.finish(e.ID)
	return nil
}

func (m *Manager) job(r *durable.Run, e *workflow.Execution, w *workflow.Workflow, rec *recorder) Job {
	return Job{
		Execution: e, Workflow: w, Effects: &durableEffects{run: r, rec: rec}, Recorder: rec, BaseURL: m.opts.BaseURL, Signature: m.signature(e.ID),
		Credentials: m.credentials(e.OwnerID),
		// The answer itself travels as an event, which any process can follow.
		Respond: func(context.Context, workflow.Response) error { return nil },
		SubWorkflows: func(ctx context.Context, ref node.SubWorkflow) (*workflow.Workflow, error) {
			return m.store.Workflow(ctx, e.OwnerID, ref.ID)
		},
		Detach: func(ctx context.Context, sub *workflow.Workflow, items []workflow.Item) error {
			_, _, err := m.Execute(ctx, workflow.ExecuteRequest{OwnerID: e.OwnerID, WorkflowID: sub.ID, Version: sub.Version,
				Mode: workflow.ModeSubWorkflow, ParentID: e.ID, Start: workflow.Start{Items: items}})
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
	run *durable.Run
	rec *recorder
}

var _ Effects = (*durableEffects)(nil)

// Step records by name.
func (d *durableEffects) Step(_ context.Context, name string, fn func(ctx context.Context) ([]byte, error)) ([]byte, error) {
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
		case <-m.ctx.Done():
			return
		case <-m.wake:
			m.startQueued()
		case <-tick.C:
			m.startQueued()
			m.recover()
			m.endCancelledWaits()
			if m.opts.Retention > 0 && m.now().Sub(pruned) > time.Minute {
				pruned = m.now()
				m.prune()
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
	for _, e := range claimed {
		if err := m.runtime.Start(m.ctx, e.ID); err != nil && m.ctx.Err() == nil {
			m.log.Warn("a queued execution was not started; it will be tried again", "execution_id", e.ID, "error", err)
		}
	}
}

// recover starts running executions whose process is gone but of which the
// journal may never have heard. Those it knows are left alone.
func (m *Manager) recover() {
	alive, err := m.runtime.Holders(m.ctx)
	if err != nil || len(alive) == 0 {
		return // the durable runtime complains already
	}
	ids, err := m.store.OrphanedExecutions(m.ctx, alive, maxOrphans)
	if err != nil && m.ctx.Err() == nil {
		m.log.Warn("orphaned executions were not looked up; it will be tried again", "error", err)
	}
	m.endCancelled(ids)
	for _, id := range ids {
		if err := m.runtime.Start(m.ctx, id); err != nil && m.ctx.Err() == nil {
			m.log.Warn("an orphaned execution was not started; it will be tried again", "execution_id", id, "error", err)
		}
	}
}

// maxOrphans bounds what one sweep takes up.
const maxOrphans = 100

func (m *Manager) prune() {
	const batch = 500
	for m.ctx.Err() == nil {
		ids, err := m.store.PruneExecutions(m.ctx, m.now().Add(-m.opts.Retention), batch)
		if err != nil || len(ids) < batch {
			return
		}
	}
}
