package supabase

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"flowgate/internal/workflow"
	"flowgate/store"
)

// executionRow is an execution as the functions give it.
type executionRow struct {
	ID              string     `json:"id"`
	OwnerID         string     `json:"owner_id"`
	WorkflowID      string     `json:"workflow_id"`
	WorkflowVersion int        `json:"workflow_version"`
	Status          string     `json:"status"`
	Mode            string     `json:"mode"`
	Executor        string     `json:"executor"`
	CancelRequested bool       `json:"cancel_requested"`
	CreatedAt       time.Time  `json:"created_at"`
	StartedAt       *time.Time `json:"started_at"`
	FinishedAt      *time.Time `json:"finished_at"`
	Clock           *time.Time `json:"clock"`
	Seed            string     `json:"seed"` // digits: JSON's numbers are too short for some servers
	ParentID        string     `json:"parent_id"`
	RetryOf         string     `json:"retry_of"`
	IdempotencyKey  string     `json:"idempotency_key"`
	EngineVersion   string     `json:"engine_version"`
	LastNode        string     `json:"last_node"`
	Error           []byte     `json:"error"`
	WaitingFor      []byte     `json:"waiting_for"`
	Start           []byte     `json:"start"`
	Result          []byte     `json:"result"`
}

func (r *executionRow) execution() (*workflow.Execution, error) {
	seed, err := strconv.ParseInt(r.Seed, 10, 64)
	if err != nil {
		return nil, err
	}
	e := &workflow.Execution{ID: r.ID, OwnerID: r.OwnerID, WorkflowID: r.WorkflowID, WorkflowVersion: r.WorkflowVersion,
		Status: workflow.Status(r.Status), Mode: workflow.Mode(r.Mode), Executor: r.Executor, CancelRequested: r.CancelRequested,
		CreatedAt: r.CreatedAt.UTC(), StartedAt: utc(r.StartedAt), FinishedAt: utc(r.FinishedAt), Clock: utc(r.Clock), Seed: uint64(seed),
		ParentID: r.ParentID, RetryOf: r.RetryOf, IdempotencyKey: r.IdempotencyKey, EngineVersion: r.EngineVersion, LastNode: r.LastNode}
	if len(r.Result) > 0 {
		e.Result = r.Result
	}
	for _, part := range []struct {
		data []byte
		into any
	}{{r.Error, &e.Error}, {r.WaitingFor, &e.WaitingFor}, {r.Start, &e.Start}} {
		if len(part.data) == 0 {
			continue
		}
		if err := json.Unmarshal(part.data, part.into); err != nil {
			return nil, err
		}
	}
	return e, nil
}

func utc(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

// Execution returns the owner's execution.
func (s *Store) Execution(ctx context.Context, owner, id string) (*workflow.Execution, error) {
	as := s.as(ctx, owner)
	if as == nil {
		return s.Direct.Execution(ctx, owner, id)
	}
	var out struct{ Row *executionRow }
	if err := s.read(ctx, as, "read the execution", "execution", map[string]any{"id": id}, &out); err != nil {
		return nil, err
	}
	if out.Row == nil {
		return nil, notFound("execution", id)
	}
	return out.Row.execution()
}

// ListExecutions returns the owner's executions that pass the filter, newest
// first, without Start and Result, and how many pass it in all.
func (s *Store) ListExecutions(ctx context.Context, owner string, f store.ExecutionFilter, page store.Page) ([]*workflow.Execution, int, string, error) {
	as := s.asForList(ctx, owner, page, f.Status != "" || f.WaitsFor != "")
	if as == nil {
		return s.Direct.ListExecutions(ctx, owner, f, page)
	}
	args, err := pageArgs(store.ListOfExecutions, page)
	if err != nil {
		return nil, 0, "", err
	}
	if f.WorkflowID != "" {
		args["workflow_id"] = f.WorkflowID
	}
	if !f.Since.IsZero() {
		args["since"] = micro(f.Since)
	}
	var out struct {
		Total int
		Rows  []*executionRow
	}
	if err := s.read(ctx, as, "list executions", "list_executions", args, &out); err != nil {
		return nil, 0, "", err
	}
	list, err := each(out.Rows, (*executionRow).execution)
	if err != nil {
		return nil, 0, "", err
	}
	list, next := store.Trim(store.ListOfExecutions, list, page.Size(), func(e *workflow.Execution) store.Cursor {
		return store.Cursor{At: e.CreatedAt, ID: e.ID}
	})
	return list, out.Total, next, nil
}
