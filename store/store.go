// Package store says what the product keeps, in small interfaces; backends in
// its sub-packages fulfil them and pass the one suite in storetest.
//
// Promises common to all methods: they honour ctx; a row that is not there,
// or belongs to another owner, is *workflow.Error with CodeNotFound; a lost
// race or a broken uniqueness is CodeConflict; a backend that cannot be
// reached is CodeUnavailable; drivers' errors never reach a caller as text.
// An ended ctx is CodeCancelled or CodeTimeout, with the ctx's error behind it.
// Times are UTC with at least millisecond resolution. Methods are safe for
// concurrent use by many goroutines and, unless said otherwise, processes.
package store

import (
	"context"
	"strconv"
	"time"

	"flowgate/internal/workflow"
)

// Page asks for a part of a list. Cursor is what the previous page returned
// as next ("" for the first), any other text being CodeInvalid; Limit is capped
// by the caller, and DefaultLimit when it is not positive. Lists run from newest
// to oldest, or with Oldest the other way; rows added meanwhile make none come
// twice or be left out. With ByName a list of workflows runs by their names, from
// the last to the first, or with Oldest the other way. A cursor is good for the
// way it was returned on.
type Page struct {
	Limit  int
	Cursor string
	Oldest bool
	ByName bool
}

// Of names the list as it runs, for cursors.
func (p Page) Of(list List) List {
	if p.ByName {
		list = "n" + list
	}
	if p.Oldest {
		return "-" + list
	}
	return list
}

// Order is the end of a query for the page, by the columns of time, or name,
// and id.
func (p Page) Order(by, id string) string {
	if p.Oldest {
		return " ORDER BY " + by + ", " + id
	}
	return " ORDER BY " + by + " DESC, " + id + " DESC"
}

// Behind compares rows with the last one of the page before.
func (p Page) Behind() string {
	if p.Oldest {
		return " > "
	}
	return " < "
}

// CountsTo is how far the total of a list is counted exactly, so that long lists
// cost no more than short ones. A total beyond it says only that there are more.
const CountsTo = 10_000

// Counted is a query for a total, from where and with what conditions.
func Counted(from string) string {
	return `SELECT count(*) FROM (SELECT 1 FROM ` + from + ` LIMIT ` + strconv.Itoa(CountsTo+1) + `) AS counted`
}

// Users keeps people and workspaces.
type Users interface {
	// CreateUser stores a new user; CodeConflict when the email is taken, upper
	// and lower case being the same. Several users may have none.
	CreateUser(ctx context.Context, u *workflow.User) error
	User(ctx context.Context, id string) (*workflow.User, error)
	UserByEmail(ctx context.Context, email string) (*workflow.User, error)
	ListUsers(ctx context.Context, page Page) (users []*workflow.User, next string, err error)
	// UpdateUser stores email, role and disabled.
	UpdateUser(ctx context.Context, u *workflow.User) error
	// UpdateProfile stores what users change themselves: email, anonymous,
	// metadata and UpdatedAt; CodeConflict when the email is taken.
	UpdateProfile(ctx context.Context, u *workflow.User) error
}

// WorkflowFilter narrows a list of workflows; zero fields do not.
type WorkflowFilter struct {
	Query  string // in name or description, case-insensitive
	Active *bool
	Tags   []string // all of them
}

// Workflows keeps the newest version of each workflow; every save is kept as
// a version beside it.
type Workflows interface {
	// CreateWorkflow stores w, inactive, as version 1 and its first version row.
	CreateWorkflow(ctx context.Context, w *workflow.Workflow) error
	Workflow(ctx context.Context, owner, id string) (*workflow.Workflow, error)
	// UpdateWorkflow saves w as version w.Version+1 and sets w.Version. With
	// ifVersion > 0 and another stored version it is CodeConflict. Active stays
	// as it is stored; so does static data unless the document has some.
	UpdateWorkflow(ctx context.Context, w *workflow.Workflow, ifVersion int) error
	// UpdateArmed is UpdateWorkflow, and arms hooks in place of those the
	// workflow had if it is active: all of it or, when a (method, path) is
	// another workflow's, CodeConflict as of ActivateWorkflow and nothing.
	UpdateArmed(ctx context.Context, w *workflow.Workflow, ifVersion int, hooks []workflow.WebhookTrigger) error
	// DeleteWorkflow removes the workflow with its versions, hooks and
	// executions; CodeConflict while an execution is live.
	DeleteWorkflow(ctx context.Context, owner, id string) error
	// ListWorkflows returns summaries-to-be, newest change first or by name, with
	// LastStatus.
	ListWorkflows(ctx context.Context, owner string, f WorkflowFilter, page Page) (list []*workflow.Workflow, total int, next string, err error)
	// WorkflowVersion returns the document as it was saved under version.
	WorkflowVersion(ctx context.Context, owner, id string, version int) (*workflow.Workflow, error)
	// ListVersions returns at most limit versions below "before" (0: all),
	// newest first, each as WorkflowVersion returns it.
	ListVersions(ctx context.Context, owner, id string, before, limit int) ([]*workflow.Workflow, error)
	// SetStaticData stores what a production run left in static data.
	SetStaticData(ctx context.Context, owner, id string, data *workflow.Object) error
}

// Triggers keeps which webhook paths are armed.
type Triggers interface {
	// ActivateWorkflow marks the workflow active and arms hooks in place of
	// those it had; CodeConflict, naming the path, when another workflow of
	// anybody's holds a (method, path).
	ActivateWorkflow(ctx context.Context, owner, id string, hooks []workflow.WebhookTrigger) error
	DeactivateWorkflow(ctx context.Context, owner, id string) error
	// Webhook finds the armed hook for a request's method and path, exact
	// paths before those with parameters, and of these the one with the fewest.
	// Slashes around path do not matter. CodeNotFound carries Details
	// "methods" ([]string) when the path is armed for other methods.
	Webhook(ctx context.Context, method, path string) (*workflow.WebhookTrigger, error)
}

// TestWebhook is a webhook of a workflow that takes one call, to try it out,
// until ExpiresAt.
type TestWebhook struct {
	workflow.WebhookTrigger
	ExpiresAt time.Time
}

// TestWebhooks keeps which webhook paths are armed for one test call each,
// apart from those of active workflows. Expired ones are as good as gone.
type TestWebhooks interface {
	// ArmTest arms hooks until expires in place of those armed for the
	// workflow; CodeConflict, naming the path, when another workflow of
	// anybody's holds a (method, path).
	ArmTest(ctx context.Context, owner, workflowID string, hooks []workflow.WebhookTrigger, expires time.Time) error
	// TestWebhook finds the hook armed for a request by the rules of
	// Triggers.Webhook, and leaves it armed.
	TestWebhook(ctx context.Context, method, path string) (*TestWebhook, error)
	// TakeTest disarms all hooks armed with t, so that one call of many gets
	// to be the test; CodeNotFound when they are armed no more.
	TakeTest(ctx context.Context, t *TestWebhook) error
}

// Credential is a stored credential of a user's. Its values are sealed: the
// store cannot read them.
type Credential struct {
	ID        string
	OwnerID   string
	Name      string // unique among the owner's of its type
	Type      string
	Sealed    []byte
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Credentials keeps credentials.
type Credentials interface {
	// CreateCredential stores c; CodeConflict when its owner has one of that
	// type and name, or its id is taken.
	CreateCredential(ctx context.Context, c *Credential) error
	Credential(ctx context.Context, owner, id string) (*Credential, error)
	CredentialByName(ctx context.Context, owner, kind, name string) (*Credential, error)
	// ListCredentials returns the owner's credentials without their values,
	// all types when kind is "".
	ListCredentials(ctx context.Context, owner, kind string, page Page) (list []*Credential, next string, err error)
	// UpdateCredential stores c's name, values and UpdatedAt; CodeConflict when
	// the name is taken, or the stored values are not sealedBefore any more.
	UpdateCredential(ctx context.Context, c *Credential, sealedBefore []byte) error
	DeleteCredential(ctx context.Context, owner, id string) error
	// AllCredentials returns at most limit credentials of everybody's in the
	// order of ids, beginning behind the id after, for changing the key they
	// are sealed under.
	AllCredentials(ctx context.Context, after string, limit int) ([]*Credential, error)
}

// ExecutionFilter narrows a list of executions; zero fields do not.
type ExecutionFilter struct {
	WorkflowID string
	Status     workflow.Status
	WaitsFor   string // kind of what a waiting one waits for
	Since      time.Time
}

// Executions keeps executions, their node runs and their events.
type Executions interface {
	// CreateExecution records e. When its IdempotencyKey is taken by the same
	// owner the stored execution is returned with existing true and nothing
	// is written. With an Executor set it is claimed at once, and running. It is
	// CodeNotFound when its owner has no such workflow.
	CreateExecution(ctx context.Context, e *workflow.Execution) (stored *workflow.Execution, existing bool, err error)
	Execution(ctx context.Context, owner, id string) (*workflow.Execution, error)
	// ListExecutions returns executions without Start and Result.
	ListExecutions(ctx context.Context, owner string, f ExecutionFilter, page Page) (list []*workflow.Execution, total int, next string, err error)
	// RequestCancel marks a live execution for cancelling and returns it as
	// it is afterwards: a queued one is cancelled at once. CodeConflict when final.
	RequestCancel(ctx context.Context, owner, id string) (*workflow.Execution, error)
	// NodeRuns returns node runs in order of running; with nodes given only theirs.
	NodeRuns(ctx context.Context, owner, id string, nodes ...string) ([]workflow.NodeRun, error)
	// Events returns at most limit events with Seq > after, in order; all of
	// them when limit is not positive.
	Events(ctx context.Context, owner, id string, after int64, limit int) ([]workflow.Event, error)
}

// Progress is what an executor writes of an execution in one go. Events and
// node runs that are stored already (same Seq; same node and run) are left as
// they are; Clock, Seed and EngineVersion are stored if none are yet, and
// CancelRequested is not the executor's to change.
type Progress struct {
	Execution *workflow.Execution // status, error, result, times, waiting_for as they are now
	Events    []workflow.Event
	NodeRuns  []workflow.NodeRun
}

// Engine is what the engine itself needs of executions, across owners.
type Engine interface {
	// ClaimExecutions hands up to limit queued executions, oldest first, to
	// executor: they become running, in one atomic step.
	ClaimExecutions(ctx context.Context, executor string, limit int) ([]*workflow.Execution, error)
	// ClaimExecution claims one by id: true when it was queued, or live and
	// held by executor or by the dead executor "from".
	ClaimExecution(ctx context.Context, id, executor, from string) (bool, error)
	// OrphanedExecutions returns ids of at most limit running executions whose
	// executor is none of alive, oldest first.
	OrphanedExecutions(ctx context.Context, alive []string, limit int) ([]string, error)
	// ExecutionByID returns an execution whoever owns it.
	ExecutionByID(ctx context.Context, id string) (*workflow.Execution, error)
	// SaveProgress writes several executions' progress in one transaction. An
	// execution that is final already, or held by another executor than
	// p.Execution.Executor, or gone, is left alone and its id returned in
	// rejected.
	SaveProgress(ctx context.Context, batch []Progress) (rejected []string, err error)
	// CancelRequested returns which of ids are marked for cancelling.
	CancelRequested(ctx context.Context, ids []string) ([]string, error)
	// LiveExecutions returns which of ids are queued, running or waiting, in no order.
	LiveExecutions(ctx context.Context, ids []string) ([]string, error)
	// PruneExecutions deletes final executions finished before t, at most limit.
	PruneExecutions(ctx context.Context, t time.Time, limit int) (deleted []string, err error)
	// TrimExecutions deletes final executions that are older than the newest
	// keep of their owner, oldest first, at most limit.
	TrimExecutions(ctx context.Context, keep, limit int) (deleted []string, err error)
}

// Keys keeps API keys.
type Keys interface {
	CreateKey(ctx context.Context, k *workflow.Key) error
	// Key finds a key by id, whoever owns it, for the authenticator.
	Key(ctx context.Context, id string) (*workflow.Key, error)
	ListKeys(ctx context.Context, owner string, page Page) (list []*workflow.Key, next string, err error)
	// RotateKey puts hash in the place of the key's, which stays good until
	// the time; CodeConflict when the key is revoked. owner "" is the operator.
	RotateKey(ctx context.Context, owner, id string, hash []byte, until time.Time) error
	// RevokeKey makes the key unusable for good; idempotent. owner "" is the operator.
	RevokeKey(ctx context.Context, owner, id string, at time.Time) error
	TouchKeys(ctx context.Context, lastUsed map[string]time.Time) error
}

// Secrets keeps small secrets of the installation (signing keys) by name.
type Secrets interface {
	// Secret returns the value under name; when there is none it stores
	// make()'s and returns that, such that all callers in all processes get
	// the same value.
	Secret(ctx context.Context, name string, make func() ([]byte, error)) ([]byte, error)
}

// Lease is the right to act under a name until ExpiresAt. Fence grows with
// each change of holder and never repeats for a name.
type Lease struct {
	Name      string
	Holder    string // unique to the holding process
	Host      string // host name and boot id, to notice a dead process sooner
	PID       int
	Fence     int64
	ExpiresAt time.Time
}

// Leases lets processes agree on who acts under a name. Times are the
// store's own clock where it has one.
type Leases interface {
	// AcquireLease takes l.Name for l.Holder for ttl if it is free, expired,
	// or equal to the lease steal (same holder and fence, judged dead by the
	// caller). A holder that still has it keeps its fence. CodeConflict when
	// another holds it.
	AcquireLease(ctx context.Context, l Lease, ttl time.Duration, steal *Lease) (Lease, error)
	// RenewLease extends it, also when it expired and nobody took it;
	// CodeConflict when it was lost meanwhile.
	RenewLease(ctx context.Context, l Lease, ttl time.Duration) (Lease, error)
	// ReleaseLease gives it up; giving up a lost lease is no error.
	ReleaseLease(ctx context.Context, l Lease) error
	// ListLeases returns the leases whose name has the prefix, expired ones included.
	ListLeases(ctx context.Context, prefix string) ([]Lease, error)
}

// Store is a whole backend.
type Store interface {
	Users
	Workflows
	Triggers
	Executions
	Engine
	Keys
	Secrets
	Leases
	Credentials
	TestWebhooks
	SignIns
	Passwords
	Nonces
	Grants
	Files
	Audit
	Conversations
	// Ping reports whether the backend answers.
	Ping(ctx context.Context) error
	Close() error
}
