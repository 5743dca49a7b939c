package grpcclient

import (
	"context"

	"flowgate/internal/workflow"
	agentv1 "flowgate/proto/agent/v1"
	"flowgate/proto/agentconv"

	"google.golang.org/grpc"
)

// Validate returns what the engine's validator says of doc. A faulty document
// is no error.
func (c *Client) Validate(ctx context.Context, owner string, doc *workflow.Document) (workflow.Validation, error) {
	data, err := agentconv.DocumentToProto(doc)
	if err != nil {
		return workflow.Validation{}, err
	}
	req := &agentv1.ValidateWorkflowRequest{UserId: owner, Document: data}
	resp, err := unary(ctx, c, owner, c.engine.ValidateWorkflow, req)
	if err != nil {
		return workflow.Validation{}, err
	}
	return agentconv.ValidationFromProto(resp.GetValidation()), nil
}

// NodeTypes returns the catalogue.
func (c *Client) NodeTypes(ctx context.Context) ([]workflow.NodeType, error) {
	resp, err := unary(ctx, c, "", c.engine.ListNodeTypes, &agentv1.ListNodeTypesRequest{})
	if err != nil {
		return nil, err
	}
	return agentconv.NodeTypesFromProto(resp.GetNodeTypes())
}

// Execute has an execution recorded and returns its id; existing says that the
// idempotency key had been used and the id is the earlier execution's. Only
// requests with a key are sent again when the agent goes away meanwhile;
// without one, CodeUnavailable leaves open whether the execution was recorded.
func (c *Client) Execute(ctx context.Context, r workflow.ExecuteRequest) (executionID string, existing bool, err error) {
	req, err := agentconv.ExecuteToProto(r)
	if err != nil {
		return "", false, err
	}
	var opts []grpc.CallOption
	if r.IdempotencyKey == "" {
		opts = append(opts, once())
	}
	resp, err := unary(ctx, c, r.OwnerID, c.engine.ExecuteWorkflow, req, opts...)
	if err != nil {
		return "", false, err
	}
	return resp.GetExecutionId(), resp.GetExisting(), nil
}

// Cancel asks a live execution to stop and returns when that is recorded.
func (c *Client) Cancel(ctx context.Context, owner, executionID string) error {
	req := &agentv1.CancelExecutionRequest{UserId: owner, ExecutionId: executionID}
	_, err := unary(ctx, c, owner, c.engine.CancelExecution, req)
	return err
}

// Resume gives a waiting execution what it waits for; response may be nil.
// It is sent once only.
func (c *Client) Resume(ctx context.Context, owner, executionID string, response *workflow.Object) error {
	data, err := agentconv.ObjectToProto(response)
	if err != nil {
		return err
	}
	req := &agentv1.ResumeExecutionRequest{UserId: owner, ExecutionId: executionID, Response: data}
	_, err = unary(ctx, c, owner, c.engine.ResumeExecution, req)
	return err
}

// Retry starts a failed execution anew and returns the new execution's id. It
// is sent once only.
func (c *Client) Retry(ctx context.Context, owner, executionID string) (newID string, err error) {
	req := &agentv1.RetryExecutionRequest{UserId: owner, ExecutionId: executionID}
	resp, err := unary(ctx, c, owner, c.engine.RetryExecution, req)
	return resp.GetExecutionId(), err
}
