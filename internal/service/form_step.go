package service

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"time"

	"flowgate/internal/workflow"
)

// formPatience is how long a person's browser is kept waiting for what comes
// after a form.
const formPatience = 25 * time.Second

// settleEvery and settleTries bound how long a wait that was told is looked
// for in the store.
const (
	settleEvery = 20 * time.Millisecond
	settleTries = 250
)

// FormStep is what a person sees after a form: one of its fields is set.
type FormStep struct {
	Next     string             // address of the next page
	Response *workflow.Response // what the workflow answered
	Later    string             // the workflow is still at work; the address to look at again
	Ended    bool               // the workflow has ended, or nobody waits for it
	Failed   bool               // it has ended badly
}

// formStep waits for what comes after an event of an execution: another form,
// under another topic than the one that was answered, an answer, or the end.
func (s *Service) formStep(ctx context.Context, owner, id, answered string, after int64) (*FormStep, error) {
	waiting, cancel := s.waiting(ctx, formPatience)
	defer cancel()
	for {
		step, seq, err := s.nextEvent(waiting, owner, id, after)
		if step != nil {
			return step, nil
		}
		after = seq
		if err != nil && waiting.Err() != nil && ctx.Err() == nil {
			return &FormStep{Later: s.formPage(id)}, nil
		}
		if err != nil {
			return nil, err
		}
		if step, err = s.settled(waiting, owner, id, answered); step != nil || err != nil {
			return step, err
		}
	}
}

// nextEvent watches until the execution answers, waits or ends. A step is the
// answer; otherwise the store says where it stands.
func (s *Service) nextEvent(ctx context.Context, owner, id string, after int64) (step *FormStep, seq int64, err error) {
	seq = after
	err = s.Agent.Watch(ctx, owner, id, after, func(e workflow.Event) error {
		seq = e.Seq
		switch e.Type {
		case workflow.EventResponse:
			step = &FormStep{Response: &workflow.Response{}}
			if err := json.Unmarshal(e.Data, step.Response); err != nil {
				return err
			}
			return errAnswered
		case workflow.EventWaiting:
			return errWaiting
		}
		return nil
	})
	if errors.Is(err, errAnswered) || errors.Is(err, errWaiting) {
		err = nil
	}
	return step, seq, err
}

// settled says what an execution that waits or has ended asks of a person,
// nil where it asks nothing. What it waits for may be stored a little after
// it was told.
func (s *Service) settled(ctx context.Context, owner, id, answered string) (*FormStep, error) {
	for range settleTries {
		e, err := s.Store.Execution(ctx, owner, id)
		if err != nil {
			return nil, err
		}
		switch w := e.WaitingFor; {
		case e.Status.Final():
			return &FormStep{Ended: true, Failed: e.Status != workflow.StatusSuccess}, nil
		case e.Status == workflow.StatusWaiting && w != nil && w.Topic != answered && w.Kind == waitsForForm:
			return &FormStep{Next: s.formPage(id)}, nil
		case e.Status == workflow.StatusWaiting && w != nil && w.Topic != answered:
			return nil, nil // for something else, which is not the person's concern
		}
		select {
		case <-ctx.Done():
			return &FormStep{Later: s.formPage(id)}, nil
		case <-time.After(settleEvery):
		}
	}
	return nil, nil
}

// formPage is the path of an execution's pages, on this server.
func (s *Service) formPage(id string) string {
	if s.Sign == nil {
		return ""
	}
	prefix := ""
	if u, err := url.Parse(s.PublicURL); err == nil {
		prefix = strings.TrimSuffix(u.Path, "/")
	}
	return prefix + "/form-waiting/" + id + "?signature=" + s.Sign(workflow.PagesOf(id))
}

// FormStep says what comes next behind the link of an execution's pages, where
// no page waits right now: CodeForbidden for another signature.
func (s *Service) FormStep(ctx context.Context, executionID, signature string) (*FormStep, error) {
	if err := s.signed(workflow.PagesOf(executionID), signature); err != nil {
		return nil, err
	}
	e, err := s.Store.ExecutionByID(ctx, executionID)
	if err != nil {
		return nil, err
	}
	if !e.Status.Final() {
		seq, err := s.lastSeq(ctx, e.OwnerID, e.ID)
		if err != nil {
			return nil, err
		}
		return s.formStep(ctx, e.OwnerID, e.ID, "", seq)
	}
	r, err := s.lastResponse(ctx, e.OwnerID, e.ID)
	if r != nil || err != nil {
		return &FormStep{Response: r}, err
	}
	return &FormStep{Ended: true, Failed: e.Status != workflow.StatusSuccess}, nil
}

// lastResponse is the last page that an ended execution showed after its last
// form, nil where it showed none.
func (s *Service) lastResponse(ctx context.Context, owner, id string) (*workflow.Response, error) {
	const batch = 1000
	var last *workflow.Response
	for after := int64(0); ; {
		events, err := s.Store.Events(ctx, owner, id, after, batch)
		if err != nil {
			return nil, err
		}
		for i := range events {
			after = events[i].Seq
			switch events[i].Type {
			case workflow.EventResumed:
				last = nil
			case workflow.EventResponse:
				last = &workflow.Response{}
				if err := json.Unmarshal(events[i].Data, last); err != nil {
					return nil, err
				}
			}
		}
		if len(events) < batch {
			return last, nil
		}
	}
}
