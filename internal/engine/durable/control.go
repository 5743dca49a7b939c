package durable

import (
	"context"
	"fmt"

	"github.com/dbos-inc/dbos-transact-golang/dbos"
)

// Start records the run and begins it in this process. When Start returns nil
// the run survives any crash. A known id, finished or not, is a no-op, until it
// is forgotten. When ctx ends first the run may be recorded nevertheless: ask
// again with the same id.
func (rt *Runtime) Start(ctx context.Context, id string) error {
	s, err := rt.current()
	if err != nil {
		return err
	}
	return within(ctx, func() error {
		_, err := dbos.RunWorkflow(s.direct, s.execute, rt.opts.EngineVersion, dbos.WithWorkflowID(id))
		if err != nil {
			return fmt.Errorf("durable: start run: %w", err)
		}
		return nil
	})
}

// Cancel ends the run for good, wherever it runs or waits: its Context is done
// with ErrCancelled at once in this process and within about Options.WatchEvery
// in another. A finished run is left as it is. ErrUnknownRun for an unknown id.
func (rt *Runtime) Cancel(ctx context.Context, id string) error {
	s, err := rt.current()
	if err != nil {
		return err
	}
	states, err := s.states(ctx, []string{id})
	if err == nil && states[id] == "" && s.begun(id) == nil {
		// Another process may have begun it, and enter it any moment.
		sleep(ctx, 2*rt.opts.JournalAfter)
		states, err = s.states(ctx, []string{id})
	}
	if err != nil {
		return err
	}
	begun := s.begun(id)
	switch states[id] {
	case "":
		if begun == nil {
			return ErrUnknownRun
		}
	case dbos.WorkflowStatusSuccess, dbos.WorkflowStatusError:
		return nil
	}
	// The mark comes first: a run that is about to suspend, or to be resumed, must see it.
	if err := rt.book.mark(ctx, id); err != nil {
		return fmt.Errorf("durable: mark run as cancelled: %w", err)
	}
	s.cancel(id)
	if begun != nil && states[id] == "" {
		return nil // should it enter the journal yet, the mark is seen there
	}
	return within(ctx, func() error { return dbos.CancelWorkflow(s.lib, id) })
}

// Send stores payload for the run, whose Receive under topic takes it, now or
// later, once. A suspended run is woken within about Options.WatchEvery.
// ErrUnknownRun for an unknown id.
func (rt *Runtime) Send(ctx context.Context, id, topic string, payload []byte) error {
	s, err := rt.current()
	if err != nil {
		return err
	}
	states, err := s.states(ctx, []string{id})
	if err != nil {
		return err
	}
	if states[id] == "" {
		return ErrUnknownRun
	}
	if err := rt.book.post(ctx, id, topic, payload); err != nil {
		return fmt.Errorf("durable: send: %w", err)
	}
	return nil
}

// Forget removes all that is recorded of those runs that have ended, and that
// Options.Keep does not want kept: steps, results, messages. Others are left
// alone. Call it with many ids at a time;
// what nobody forgets goes after Options.ForgetAfter.
func (rt *Runtime) Forget(ctx context.Context, ids ...string) error {
	s, err := rt.current()
	if err != nil {
		return err
	}
	_, err = s.forget(ctx, ids)
	return err
}

// within calls fn, which knows no context, and stops waiting when ctx ends.
func within(ctx context.Context, fn func() error) error {
	if ctx.Done() == nil {
		return fn()
	}
	res := make(chan error, 1)
	go func() { res <- fn() }()
	select {
	case err := <-res:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
