package store

import (
	"context"
	"time"

	"flowgate/internal/workflow"
)

// Schedule is an armed trigger node that starts its workflow by the clock.
type Schedule struct {
	WorkflowID string
	OwnerID    string
	Node       string
	Rules      string    // what NextAt follows from, as text: a change arms the node anew
	NextAt     time.Time // when it fires next; zero: never again
	LastAt     time.Time // when it was last due and fired; zero: never
	Missed     int       // how many times passed unused because no process ran
	MissedAt   time.Time // the newest of these
}

// Schedules keeps which workflows start by the clock, and when next.
type Schedules interface {
	// SetSchedules arms list in place of what the workflow had. A node whose
	// Rules are as stored keeps its times. They fire only while the workflow
	// is active. CodeNotFound when the owner has no such workflow.
	SetSchedules(ctx context.Context, owner, workflowID string, list []Schedule) error
	// Schedules returns what is armed for a workflow of the owner's, by node.
	Schedules(ctx context.Context, owner, workflowID string) ([]Schedule, error)
	// DueSchedules returns at most limit schedules of active workflows with
	// NextAt at or before t, the most overdue first, across owners.
	DueSchedules(ctx context.Context, t time.Time, limit int) ([]Schedule, error)
	// AdvanceSchedule stores s's times if its NextAt is still from. False:
	// another process was faster, or it is no longer armed.
	AdvanceSchedule(ctx context.Context, from time.Time, s Schedule) (bool, error)
}

// Bounds begins executions within bounds per owner and workflow. Together its
// methods never let more run, however many processes call them at once.
type Bounds interface {
	// CreateWithin is CreateExecution that queues e, though it names its
	// executor, where perOwner of its owner's executions or perWorkflow of its
	// workflow's run already (waiting ones do not); 0: no bound.
	CreateWithin(ctx context.Context, e *workflow.Execution, perOwner, perWorkflow int) (stored *workflow.Execution, existing bool, err error)
	// QueuedExecutions counts what waits for a process to run it, of all owners.
	QueuedExecutions(ctx context.Context) (int, error)
	// ClaimWithin is ClaimExecutions that leaves queued what would run beyond
	// perOwner or perWorkflow; 0: no bound.
	ClaimWithin(ctx context.Context, executor string, limit, perOwner, perWorkflow int) ([]*workflow.Execution, error)
}

// Attempts counts how often the process that computed an execution died.
type Attempts interface {
	// NoteDeath counts a death and returns how many there were since the
	// execution last got further. A death after NoteRelease does not count.
	// From spare deaths on (0: never) it leaves the execution released.
	NoteDeath(ctx context.Context, id string, spare int) (deaths int, err error)
	// NoteRelease notes that a process gave the execution up in good order.
	NoteRelease(ctx context.Context, id string) error
	// NoteTurn takes NoteRelease back: a death from now on counts.
	NoteTurn(ctx context.Context, id string) error
}

// Answers lets one answer through to what waits.
type Answers interface {
	// ClaimAnswer is true for one caller per execution and topic until ttl has
	// passed or ReleaseAnswer was called.
	ClaimAnswer(ctx context.Context, id, topic string, ttl time.Duration) (bool, error)
	ReleaseAnswer(ctx context.Context, id, topic string) error
	// CancelledWaits returns ids of at most limit waiting executions that are
	// marked for cancelling.
	CancelledWaits(ctx context.Context, limit int) ([]string, error)
}

// Supervision is what a manager of executions keeps beside Engine.
type Supervision interface {
	Schedules
	Bounds
	Attempts
	Answers
}
