package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"flowgate/internal/engine/durable"
	"flowgate/internal/workflow"
	"flowgate/store"
)

// ManagerStore is what a Manager keeps its records in.
type ManagerStore interface {
	store.Workflows
	store.Executions
	store.Engine
	store.Leases
}

// ManagerOptions configure a Manager. Engine, Store and Durable (with its
// database, but without Func) are required.
type ManagerOptions struct {
	Engine  *Engine
	Store   ManagerStore
	Durable durable.Options
	// Version of the engine, recorded with each execution.
	Version string
	// MaxConcurrency is how many executions compute in this process at once;
	// further ones queue in the store. Default 32.
	MaxConcurrency int
	// Retention is how long finished executions are kept; 0: for ever.
	Retention time.Duration
	// Keep is how many executions of each owner are kept, beside live ones; 0:
	// any number.
	Keep int
	// BaseURL begins the addresses that executions hand out.
	BaseURL string
	// Credentials returns the fields of an owner's stored credential;
	// CodeNotFound when there is none. Nil: none are kept.
	Credentials func(ctx context.Context, owner, kind string, ref workflow.CredentialRef) (map[string]string, error)
	// Files keeps contents of files. Nil: none are kept, and what executions
	// make stays in their items.
	Files Files
	// Sign returns the signature that the resume address of an execution
	// carries. Nil: none does.
	Sign func(executionID string) string
	// Supervision keeps schedules, bounds, attempts and answers, mostly the
	// Store itself. Nil: there are none of these.
	Supervision store.Supervision
	// MaxPerOwner and MaxPerWorkflow bound the executions that run at once, in
	// all processes together; further ones queue. 0: no bound. Those that wait
	// do not count, and when they go on they are not held up.
	MaxPerOwner, MaxPerWorkflow int
	// MissedRuns says what becomes of scheduled times that passed while no
	// process ran: "skip" (default) or "once", which makes one up. A workflow's
	// setting missedRuns goes before it.
	MissedRuns string
	// MaxDeaths is how many processes one execution may take down at the same
	// place before it is given up. Default 6.
	MaxDeaths int
	// Fanout passes events on to other processes at once; nil: they look into
	// the store.
	Fanout store.Fanout
	// Drain is how long Close lets running executions end. Default 5 s.
	Drain  time.Duration
	Logger *slog.Logger
	Now    func() time.Time

	giveUpAfter time.Duration // of failing without getting further; default 5 min
}

// Manager owns executions: it records them before it answers, runs them
// durably, tells their events, and looks after those that another process
// left. Any number of processes may manage executions of one store. Safe for
// concurrent use; Close ends it.
type Manager struct {
	opts    ManagerOptions
	engine  *Engine
	store   ManagerStore
	runtime *durable.Runtime
	writer  *writer
	hub     *hub
	log     *slog.Logger
	now     func() time.Time
	began   time.Time

	slots chan struct{} // one token per computing execution
	turn  chan struct{} // one token for the suspect that has its turn

	mu         sync.Mutex
	starting   map[string]*workflow.Execution // place held, recorded or about to be, run about to begin
	atWork     map[string]int                 // executions whose run is called here
	recorders  map[string]*recorder
	documents  map[versionKey]*workflow.Workflow
	ended      ended
	callers    sync.Map // of executions begun here, when they are traced
	failures   map[string]failures
	astray     map[string]bool // under our name, nobody at them; the sweep's own
	gone       []string        // deleted, but not what they made
	forgetting bool            // somebody is at these

	opened     chan struct{} // closed when runtime is set; runs may begin before
	ctx        context.Context
	stop       context.CancelFunc
	taking     context.Context // done when Close begins: nothing more is taken up
	stopTaking context.CancelFunc
	unwatched  chan struct{} // closed by StopWatching
	unwatch    sync.Once
	handed     atomic.Int64   // executions that stopped because the process does
	sweeps     sync.WaitGroup // what takes executions up
	work       sync.WaitGroup
	wake       chan struct{}
}

type versionKey struct {
	id      string
	version int
}

// OpenManager begins to manage executions; those that a dead process left are
// taken over. ctx bounds the opening only.
func OpenManager(ctx context.Context, o ManagerOptions) (*Manager, error) {
	if o.MaxConcurrency <= 0 {
		o.MaxConcurrency = 32
	}
	if o.MaxDeaths <= 0 {
		o.MaxDeaths = 6
	}
	if o.Drain <= 0 {
		o.Drain = 5 * time.Second
	}
	if o.giveUpAfter <= 0 {
		o.giveUpAfter = 5 * time.Minute
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	m := &Manager{opts: o, engine: o.Engine, store: o.Store, log: o.Logger, now: o.Now, began: time.Now(),
		slots: make(chan struct{}, o.MaxConcurrency), turn: make(chan struct{}, 1), starting: map[string]*workflow.Execution{}, atWork: map[string]int{},
		failures: map[string]failures{}, astray: map[string]bool{}, unwatched: make(chan struct{}),
		recorders: map[string]*recorder{}, documents: map[versionKey]*workflow.Workflow{}, wake: make(chan struct{}, 1), opened: make(chan struct{})}
	m.ctx, m.stop = context.WithCancel(context.WithoutCancel(ctx))
	m.taking, m.stopTaking = context.WithCancel(m.ctx)
	m.hub = newHub(m.ctx, o.Store, o.Logger)
	m.hub.withFanout(o.Fanout, m.unsaved)
	m.writer = newWriter(o.Store)
	d := o.Durable
	d.Leases, d.Func, d.Keep, d.EngineVersion, d.Logger = o.Store, m.run, o.Store.LiveExecutions, o.Version, o.Logger
	var err error
	m.runtime, err = durable.Open(ctx, d)
	close(m.opened)
	if err != nil {
		m.stop()
		m.writer.close()
		return nil, err
	}
	m.work.Go(m.flushLoop)
	m.sweeps.Go(m.sweepLoop)
	if o.Supervision != nil {
		m.sweeps.Go(m.scheduleLoop)
	}
	return m, nil
}

// Execute records an execution of a stored workflow and starts it, or queues
// it when this process is busy. When Execute returned, the execution is not
// lost whatever dies. With an idempotency key that was used before it starts
// nothing and returns that execution's id.
func (m *Manager) Execute(ctx context.Context, req workflow.ExecuteRequest) (id string, existing bool, err error) {
	if req.RetryOf != "" {
		if err := m.basedOn(ctx, &req); err != nil {
			return "", false, err
		}
	}
	return m.begin(ctx, req)
}

// begin records an execution as asked and starts or queues it.
func (m *Manager) begin(ctx context.Context, req workflow.ExecuteRequest) (id string, existing bool, err error) {
	w, err := m.document(ctx, req.OwnerID, req.WorkflowID, req.Version)
	if err != nil {
		return "", false, err
	}
	if err := m.engine.Check(w, req); err != nil {
		return "", false, err
	}
	now := m.now().UTC()
	e := &workflow.Execution{ID: uuid.Must(uuid.NewV7()).String(), OwnerID: w.OwnerID, WorkflowID: w.ID, WorkflowVersion: w.Version,
		Status: workflow.StatusQueued, Mode: req.Mode, Start: req.Start, ParentID: req.ParentID, RetryOf: req.RetryOf,
		IdempotencyKey: req.IdempotencyKey, Clock: now, Seed: randomSeed(), EngineVersion: m.opts.Version, CreatedAt: now}
	kept, err := m.offloadStart(ctx, e)
	if err == nil {
		id, existing, err = m.recordOrQueue(ctx, e)
	}
	if kept && id != e.ID { // it came to nothing
		m.opts.Files.Forget(context.WithoutCancel(ctx), []string{e.ID})
	}
	return id, existing, err
}

// recordOrQueue starts e when there is a place for it here, and queues it
// otherwise. What it returns is another execution's id when the idempotency
// key was used for that one.
func (m *Manager) recordOrQueue(ctx context.Context, e *workflow.Execution) (id string, existing bool, err error) {
	if m.taking.Err() == nil {
		select {
		case m.slots <- struct{}{}:
			return m.startNow(ctx, e)
		default:
		}
	}
	stored, existing, err := m.store.CreateExecution(ctx, e)
	if err != nil {
		return "", false, err
	}
	if existing {
		return stored.ID, true, sameCall(stored, e)
	}
	m.nudge()
	return stored.ID, false, nil
}

// startNow runs e in this process, or queues it when a bound is reached. It is
// recorded first, as running here; what dies before its durable run is started
// is found by the next sweep.
func (m *Manager) startNow(ctx context.Context, e *workflow.Execution) (string, bool, error) {
	e.Status, e.Executor, e.StartedAt = workflow.StatusRunning, m.runtime.Holder(), e.CreatedAt
	if e.Executor == "" {
		<-m.slots
		return "", false, workflow.Errorf(workflow.CodeUnavailable, "this server cannot run executions at the moment; try again")
	}
	m.remember(ctx, e.ID)
	m.mu.Lock()
	m.starting[e.ID] = e
	m.mu.Unlock()
	stored, existing, err := m.record(ctx, e)
	if err != nil || existing || stored.Status == workflow.StatusQueued {
		m.dropStarting(e.ID)
		switch {
		case err != nil:
			return "", false, err
		case existing:
			return stored.ID, true, sameCall(stored, e)
		}
		m.nudge() // what ran may have ended meanwhile
		return stored.ID, false, nil
	}
	if err := m.runtime.Begin(e.ID); err != nil && m.dropStarting(e.ID) {
		return "", false, m.refuse(ctx, e, err)
	}
	m.noteBegin(e)
	return e.ID, false, nil
}

// sameCall refuses an idempotency key that was used for another call.
func sameCall(stored, asked *workflow.Execution) error {
	was, err := json.Marshal(stored.Start)
	if err != nil {
		return err
	}
	is, err := json.Marshal(asked.Start)
	if err != nil {
		return err
	}
	// What large files are kept under tells whose they are, and what they hold.
	was, is = bytes.ReplaceAll(was, []byte(stored.ID+"-"), nil), bytes.ReplaceAll(is, []byte(asked.ID+"-"), nil)
	if stored.WorkflowID != asked.WorkflowID || !bytes.Equal(was, is) {
		return workflow.Errorf(workflow.CodeConflict, "idempotency_key: it was used for another call, which made execution %s; use a new key for a new call", stored.ID)
	}
	return nil
}

// refuse ends an execution that could not be started, so that it does not run
// later although its caller was told that it would not.
func (m *Manager) refuse(ctx context.Context, e *workflow.Execution, cause error) error {
	e.Status, e.FinishedAt = workflow.StatusError, m.now().UTC()
	e.Error = &workflow.ExecutionError{Message: "The execution could not be started.", Code: "not_started"}
	err := m.writer.save(context.WithoutCancel(ctx), store.Progress{Execution: e})
	return workflow.Wrap(workflow.CodeUnavailable, errors.Join(cause, err), "the execution could not be started; try again")
}

// takeStarting returns an execution that was recorded here just now and holds
// a place, nil when there is none.
func (m *Manager) takeStarting(id string) *workflow.Execution {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.starting[id]
	delete(m.starting, id)
	return e
}

// dropStarting gives up the place of an execution that was about to begin
// here. False: it began, or was dropped before.
func (m *Manager) dropStarting(id string) bool {
	if m.takeStarting(id) == nil {
		return false
	}
	m.callers.Delete(id)
	<-m.slots
	return true
}

// finishCancelled writes the end of an execution that no process computes;
// CodeConflict when it went on meanwhile.
func (m *Manager) finishCancelled(ctx context.Context, e *workflow.Execution) error {
	message := "The execution was cancelled."
	if e.Status == workflow.StatusWaiting {
		message = "The execution was cancelled while it waited."
	}
	e.Status, e.WaitingFor, e.FinishedAt = workflow.StatusCancelled, nil, m.now().UTC()
	last, err := m.lastSeq(ctx, e)
	if err != nil {
		return err
	}
	ev := workflow.Event{ExecutionID: e.ID, Seq: last + 1, Type: workflow.EventFinished, Level: "warn", At: e.FinishedAt,
		Status: e.Status, Message: message}
	rejected, err := m.writer.saveChecked(ctx, store.Progress{Execution: e, Events: []workflow.Event{ev}})
	if err != nil {
		return err
	}
	if rejected {
		return workflow.Errorf(workflow.CodeConflict, "the execution went on or ended meanwhile")
	}
	m.finished(e)
	m.hub.publish(ev)
	m.hub.finish(e.ID)
	return nil
}

func (m *Manager) lastSeq(ctx context.Context, e *workflow.Execution) (int64, error) {
	const batch = 1000
	var last int64
	for {
		events, err := m.store.Events(ctx, e.OwnerID, e.ID, last, batch)
		if err != nil {
			return 0, err
		}
		if len(events) > 0 {
			last = events[len(events)-1].Seq
		}
		if len(events) < batch {
			return last, nil
		}
	}
}

// document returns a version of a workflow; 0 is the newest. Versions never
// change, so they are kept in memory.
func (m *Manager) document(ctx context.Context, owner, id string, version int) (*workflow.Workflow, error) {
	if version == 0 {
		return m.store.Workflow(ctx, owner, id)
	}
	key := versionKey{id, version}
	m.mu.Lock()
	w := m.documents[key]
	m.mu.Unlock()
	if w != nil && w.OwnerID == owner {
		return w, nil
	}
	w, err := m.store.WorkflowVersion(ctx, owner, id, version)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.documents) >= maxDocuments {
		clear(m.documents)
	}
	m.documents[key] = w
	return w, nil
}

// maxDocuments bounds the workflow versions kept in memory.
const maxDocuments = 256
