package app

import (
	"context"
	"errors"
	"sync"
	"time"

	"flowgate/grpcclient"
	"flowgate/internal/engine"
	"flowgate/internal/service"
	"flowgate/internal/workflow"
)

// executor runs executions by the agent, and by an engine of this process
// where the agent holds conversations only, as older ones do.
type executor struct {
	remote *grpcclient.Client
	open   func(context.Context) (*engine.Manager, error) // nil: the agent is ours and runs them

	mu    sync.Mutex
	local *engine.Manager
}

var _ service.Agent = (*executor)(nil)

// engine returns the engine of this process, opening it the first time.
func (x *executor) engine(ctx context.Context) (*engine.Manager, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.local != nil {
		return x.local, nil
	}
	var err error
	x.local, err = x.open(context.WithoutCancel(ctx))
	return x.local, err
}

func (x *executor) opened() *engine.Manager {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.local
}

// do calls whoever runs executions.
func (x *executor) do(ctx context.Context, call func(service.Agent) error) error {
	if m := x.opened(); m != nil {
		return call(m)
	}
	err := call(x.remote)
	if x.open == nil || !grpcclient.Older(err) {
		return err
	}
	m, err := x.engine(ctx)
	if err != nil {
		return workflow.Wrap(workflow.CodeUnavailable, err, "The workflow agent runs no workflows, and the engine of this process could not be opened.")
	}
	return call(m)
}

// settle asks the agent until it answers whether it runs executions, and opens
// the engine of this process when it does not: schedules wait for nobody's
// call.
func (x *executor) settle(ctx context.Context) error {
	if x.open == nil {
		return nil
	}
	for pause := time.Second; ; pause = min(2*pause, time.Minute) {
		_, err := x.remote.NodeTypes(ctx)
		switch {
		case err == nil:
			return nil
		case grpcclient.Older(err):
			_, err = x.engine(ctx)
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

func (x *executor) close(ctx context.Context) error {
	if m := x.opened(); m != nil {
		return m.Close(ctx)
	}
	return nil
}

// Execute implements service.Agent.
func (x *executor) Execute(ctx context.Context, r workflow.ExecuteRequest) (id string, existing bool, err error) {
	err = x.do(ctx, func(a service.Agent) (err error) { id, existing, err = a.Execute(ctx, r); return err })
	return id, existing, err
}

// Watch implements service.Agent.
func (x *executor) Watch(ctx context.Context, owner, id string, after int64, fn func(workflow.Event) error) error {
	return x.do(ctx, func(a service.Agent) error { return a.Watch(ctx, owner, id, after, fn) })
}

// Cancel implements service.Agent.
func (x *executor) Cancel(ctx context.Context, owner, id string) error {
	return x.do(ctx, func(a service.Agent) error { return a.Cancel(ctx, owner, id) })
}

// Resume implements service.Agent.
func (x *executor) Resume(ctx context.Context, owner, id string, response *workflow.Object) error {
	return x.do(ctx, func(a service.Agent) error { return a.Resume(ctx, owner, id, response) })
}

// Retry implements service.Agent.
func (x *executor) Retry(ctx context.Context, owner, id string) (newID string, err error) {
	err = x.do(ctx, func(a service.Agent) (err error) { newID, err = a.Retry(ctx, owner, id); return err })
	return newID, err
}

// startExecutor has executions run by the agent, or here.
func (a *App) startExecutor(background context.Context) {
	a.executor = &executor{remote: a.Agent}
	if a.Config.WorkflowServiceHost == "" {
		return
	}
	a.executor.open = func(ctx context.Context) (*engine.Manager, error) {
		a.Log.WarnContext(ctx, "the workflow agent is of an older version that runs no workflows; the engine of this process does")
		return a.OpenManager(ctx, a.engine)
	}
	a.work.Go(func() {
		if err := a.executor.settle(background); err != nil && !errors.Is(err, context.Canceled) {
			a.Log.Error("the engine of this process could not be opened", "error", err)
		}
	})
}
