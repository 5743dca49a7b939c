package agent

import (
	"flowgate/internal/workflow"
	agentv1 "flowgate/proto/agent/v1"
)

// conversationService is the WorkflowAgent service.
type conversationService struct {
	agentv1.UnimplementedWorkflowAgentServer
}

// ProcessConversation is not there yet, and says so.
func (conversationService) ProcessConversation(*agentv1.ConversationRequest, agentv1.WorkflowAgent_ProcessConversationServer) error {
	return workflow.Errorf(workflow.CodeUnsupported, "This workflow agent runs workflows but does not hold conversations yet.")
}
