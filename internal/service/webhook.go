package service

import (
	"context"

	"flowgate/internal/workflow"
)

// Webhook starts the workflow whose armed webhook matches the call and
// returns what it answers. The execution is recorded before anything is
// answered. It authorizes by the webhook's own rules, not by an identity.
func (s *Service) Webhook(ctx context.Context, call workflow.WebhookCall) (*workflow.Response, error) {
	hook, err := s.Store.Webhook(ctx, call.Method, call.Path)
	if err != nil {
		return nil, err
	}
	_ = hook
	return nil, workflow.Errorf(workflow.CodeUnsupported, "not yet")
}
