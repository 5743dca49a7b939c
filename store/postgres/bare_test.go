package postgres_test

import (
	"testing"

	"flowgate/internal/workflow"
	"flowgate/store"
)

// TestWithoutPolicies: with policies switched off the queries alone keep owners
// apart; the other roles stay as they are.
func TestWithoutPolicies(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.WithoutPolicies = true
	s := open(t, o)
	fill(t, s)
	if _, total, _, err := s.ListWorkflows(t.Context(), "ada", store.WorkflowFilter{}, store.Page{}); err != nil || total != 1 {
		t.Errorf("ada sees %d workflows, %v", total, err)
	}
	if _, err := s.Workflow(t.Context(), "ada", "wf-bob"); workflow.CodeOf(err) != workflow.CodeNotFound {
		t.Errorf("bob's workflow: %v", err)
	}
	if err := s.DeleteWorkflow(t.Context(), "ada", "wf-bob"); workflow.CodeOf(err) != workflow.CodeNotFound {
		t.Errorf("deleting bob's workflow: %v", err)
	}
}
