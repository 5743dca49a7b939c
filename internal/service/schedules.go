package service

import (
	"context"

	"flowgate/internal/workflow"
	"flowgate/store"
)

// schedulesOf is what starts w by the clock once it is active.
func (s *Service) schedulesOf(w *workflow.Workflow) ([]store.Schedule, error) {
	if s.Schedules == nil {
		return nil, nil
	}
	return s.Catalogue.Schedules(&w.Document, s.Now())
}

// armSchedules arms what starts w by the clock. It comes before w is active:
// schedules of inactive workflows do not fire, and none is left out when this
// process dies in between.
func (s *Service) armSchedules(ctx context.Context, w *workflow.Workflow) error {
	if s.Schedules == nil {
		return nil
	}
	list, err := s.schedulesOf(w)
	if err != nil {
		return err
	}
	return s.Schedules.SetSchedules(ctx, w.OwnerID, w.ID, list)
}

// disarmSchedules forgets them, after the workflow is inactive.
func (s *Service) disarmSchedules(ctx context.Context, owner, workflowID string) error {
	if s.Schedules == nil {
		return nil
	}
	return s.Schedules.SetSchedules(ctx, owner, workflowID, nil)
}

// addSchedules tells when an active workflow's triggers fire next.
func (s *Service) addSchedules(ctx context.Context, w *workflow.Workflow, views []TriggerView) error {
	if s.Schedules == nil || !w.Active {
		return nil
	}
	list, err := s.Schedules.Schedules(ctx, w.OwnerID, w.ID)
	if err != nil {
		return err
	}
	for _, armed := range list {
		for i := range views {
			if v := &views[i]; v.Node == armed.Node {
				v.NextAt, v.LastAt, v.Missed = timePtr(armed.NextAt), timePtr(armed.LastAt), armed.Missed
			}
		}
	}
	return nil
}
