package agent

import (
	"context"

	"flowgate/internal/workflow"
	agentv1 "flowgate/proto/agent/v1"
	"flowgate/proto/agentconv"
)

// Engine runs workflows. The engine of this project satisfies it; so does the
// client of another agent. Errors are *workflow.Error. All methods must be
// safe for concurrent use, and an owner never learns of another's executions:
// they are CodeNotFound.
type Engine interface {
	// Validate looks at a document. A faulty one is no error.
	Validate(ctx context.Context, owner string, doc *workflow.Document) (workflow.Validation, error)
	// NodeTypes returns the catalogue.
	NodeTypes(ctx context.Context) ([]workflow.NodeType, error)
	// Execute records an execution durably and returns its id. existing: the
	// idempotency key had been used, and the id is the earlier execution's.
	Execute(ctx context.Context, r workflow.ExecuteRequest) (executionID string, existing bool, err error)
	// Watch calls fn with the events after the cursor, in order and without
	// gaps, until the execution is final and all was delivered (nil), fn fails
	// (its error) or ctx ends (an error).
	Watch(ctx context.Context, owner, executionID string, after int64, fn func(workflow.Event) error) error
	// Cancel records the wish to stop a live execution.
	Cancel(ctx context.Context, owner, executionID string) error
	// Resume gives a waiting execution what it waits for; response may be nil.
	Resume(ctx context.Context, owner, executionID string, response *workflow.Object) error
	// Retry starts a failed execution anew.
	Retry(ctx context.Context, owner, executionID string) (newID string, err error)
}

// engineService is the WorkflowEngine service: conversions around Engine. The
// interceptors have checked user_id, and turn its errors into statuses.
type engineService struct {
	agentv1.UnimplementedWorkflowEngineServer
	engine Engine
}

func (s engineService) ValidateWorkflow(ctx context.Context, req *agentv1.ValidateWorkflowRequest) (*agentv1.ValidateWorkflowResponse, error) {
	doc, err := agentconv.DocumentFromProto(req.GetDocument())
	if err != nil {
		return nil, err
	}
	v, err := s.engine.Validate(ctx, req.GetUserId(), doc)
	if err != nil {
		return nil, err
	}
	return &agentv1.ValidateWorkflowResponse{Validation: agentconv.ValidationToProto(v)}, nil
}

func (s engineService) ListNodeTypes(ctx context.Context, _ *agentv1.ListNodeTypesRequest) (*agentv1.ListNodeTypesResponse, error) {
	types, err := s.engine.NodeTypes(ctx)
	if err != nil {
		return nil, err
	}
	return &agentv1.ListNodeTypesResponse{NodeTypes: agentconv.NodeTypesToProto(types)}, nil
}

func (s engineService) ExecuteWorkflow(ctx context.Context, req *agentv1.ExecuteWorkflowRequest) (*agentv1.ExecuteWorkflowResponse, error) {
	r, err := agentconv.ExecuteFromProto(req)
	if err != nil {
		return nil, err
	}
	id, existing, err := s.engine.Execute(ctx, r)
	if err != nil {
		return nil, err
	}
	return &agentv1.ExecuteWorkflowResponse{ExecutionId: id, Existing: existing}, nil
}

func (s engineService) WatchExecution(req *agentv1.WatchExecutionRequest, stream agentv1.WorkflowEngine_WatchExecutionServer) error {
	if req.GetAfter() < 0 {
		return workflow.Errorf(workflow.CodeInvalid, "after: The cursor is %d; it counts from 0.", req.GetAfter())
	}
	return s.engine.Watch(stream.Context(), req.GetUserId(), req.GetExecutionId(), req.GetAfter(), func(e workflow.Event) error {
		return stream.Send(&agentv1.WatchExecutionResponse{Event: agentconv.EventToProto(e)})
	})
}

func (s engineService) CancelExecution(ctx context.Context, req *agentv1.CancelExecutionRequest) (*agentv1.CancelExecutionResponse, error) {
	if err := s.engine.Cancel(ctx, req.GetUserId(), req.GetExecutionId()); err != nil {
		return nil, err
	}
	return &agentv1.CancelExecutionResponse{}, nil
}

func (s engineService) ResumeExecution(ctx context.Context, req *agentv1.ResumeExecutionRequest) (*agentv1.ResumeExecutionResponse, error) {
	response, err := agentconv.ObjectFromProto(req.GetResponse(), "response")
	if err != nil {
		return nil, err
	}
	if err := s.engine.Resume(ctx, req.GetUserId(), req.GetExecutionId(), response); err != nil {
		return nil, err
	}
	return &agentv1.ResumeExecutionResponse{}, nil
}

func (s engineService) RetryExecution(ctx context.Context, req *agentv1.RetryExecutionRequest) (*agentv1.RetryExecutionResponse, error) {
	id, err := s.engine.Retry(ctx, req.GetUserId(), req.GetExecutionId())
	if err != nil {
		return nil, err
	}
	return &agentv1.RetryExecutionResponse{ExecutionId: id}, nil
}
